// Time: windows that end and freezes that begin while a node waits for its drain, a cutoff, an expedite that is over, a deadline that nobody gave
// a word to, one that forces, and a node that joins late.
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import { listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, isAt, isPast, ring, RING, rings, tighten, until } from "./parts.ts";

const CALENDARS = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: short }
spec:
  windows: [{ schedule: "0,20,40 * * * *", duration: 10m, cutoff: 4m }]
---
apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: evening }
spec:
  windows: [{ schedule: "0 20 * * *", duration: 1h }]
---
apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: everywhere }
spec:
  scope: Cluster
  freezes:
    - { startTime: 2024-12-16T07:20, endTime: 2024-12-16T07:35, reason: a sale }
    - { startTime: 2024-12-16T07:41, endTime: 2024-12-16T08:02, override: Expedite, reason: another one }
`;

const WEB = { name: "web", replicas: 2, budget: { maxUnavailable: 1 } } as const;

/** Where the ring's deadline forces, no node is claimed before its grace is over. */
function keepsGrace(history: readonly StoredVersion[]): readonly string[] {
  const born = new Map<string, number>();
  const lines: string[] = [];
  for (const { resource, object, time } of history) {
    if (resource === "nodes" && !born.has(object.metadata.uid ?? "")) born.set(object.metadata.uid ?? "", time);
    if (resource !== "disruptionledgers.ringward.dev") continue;
    for (const claim of listAt(object, "status", "claims")) {
      if (textAt(claim, "ring") !== "forced") continue;
      const since = Date.parse(textAt(claim, "since") ?? "");
      if (since - (born.get(textAt(claim, "uid") ?? "") ?? 0) < 20 * 60_000)
        lines.push(`grace nodes/${textAt(claim, "name") ?? ""}: it was forced before its grace was over`);
    }
  }
  return lines;
}

/** A level is not claimed in a ring before it is as old as the ring wants. */
function keepsDeferral(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object }) =>
    resource !== "disruptionledgers.ringward.dev"
      ? []
      : listAt(object, "status", "claims").flatMap((claim) =>
          textAt(claim, "ring") === "early" && (textAt(claim, "since") ?? "") < "2024-12-16T08:30"
            ? [`deferral nodes/${textAt(claim, "name") ?? ""}: its level was younger than its ring takes it`]
            : [],
        ),
  );
}

export const WINDOWS: Scene = {
  promises: [keepsGrace, keepsDeferral],
  scenario: until(110, {
    fleet: () =>
      fleet(
        [
          { name: "n-1", ring: "canary" },
          { name: "n-2", ring: "early", zone: "zone-b" },
          { name: "n-3", ring: "forced", zone: "zone-c" },
          { name: "n-4", ring: "patient", zone: "zone-c" },
        ],
        [WEB],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      "calendars/all.yaml": CALENDARS,
      ...rings({
        canary: ring("canary", "  calendarRefs: [{ name: short }]\n  drain: { timeout: 1h }\n"),
        early: ring("early", "  after: [canary]\n  calendarRefs: [{ name: short }]\n  deferral: 1530m\n"),
        forced: ring(
          "forced",
          "  calendarRefs: [{ name: evening }]\n  deadline: 2m\n  onDeadline: IgnoreWindows\n  gracePeriod: 20m\n",
        ),
        patient: ring("patient", "  calendarRefs: [{ name: evening }]\n  deadline: 2m\n"),
      }),
    }),
    deeds: [
      deed(
        "the budget is spent just after the cordon",
        (stage) => isAt(stage, "n-1", "Cordoned"),
        (stage) => tighten(stage, "web", { maxUnavailable: 0 }),
      ),
      deed(
        "it is given back when the window has ended",
        (stage) => isPast(stage, "07:12:00"),
        (stage) => tighten(stage, "web", { maxUnavailable: 1 }),
      ),
      deed(
        "a node joins late",
        (stage) => isPast(stage, "07:05:00"),
        (stage) => {
          stage.cluster.machines.join({
            name: "n-5",
            labels: { [RING]: "forced", "topology.kubernetes.io/zone": "zone-d" },
            image: oldImage("flatcar"),
          });
        },
      ),
      deed(
        "the budget is spent again in the next window",
        (stage) => isPast(stage, "07:38:00") && isAt(stage, "n-1", "Cordoned"),
        (stage) => tighten(stage, "web", { maxUnavailable: 0 }),
      ),
      deed(
        "and given back in the freeze",
        (stage) => isPast(stage, "07:50:00"),
        (stage) => tighten(stage, "web", { maxUnavailable: 1 }),
      ),
    ],
  }),
};
