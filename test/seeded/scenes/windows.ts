// Time: windows that end and freezes that begin while a node waits for its drain, a cutoff, an expedite that is over, a deadline that nobody gave
// a word to, one that forces, and a node that joins late.
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import { listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import type { Scene } from "../scene.ts";
import { keepsStill } from "../promises.ts";
import {
  approve,
  budget,
  deed,
  FLATCAR,
  fleet,
  isAt,
  isPast,
  levelIn,
  pod,
  ring,
  RING,
  rings,
  tighten,
  until,
} from "./parts.ts";

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
  promises: [
    keepsGrace,
    keepsDeferral,
    // Its grace is not over, the window is.
    keepsStill("n-graced", "07:10:00", "07:20:00"),
    // A freeze that nothing overrides, and one that ends.
    keepsStill("n-urgent", "07:20:00", "07:35:00"),
    keepsStill("n-1", "07:41:30", "08:00:00"),
  ],
  stopsAt: ["07:20:00", "07:21:00", "07:35:00", "07:38:00", "07:40:00", "07:45:00", "08:00:00"],
  scenario: until(110, {
    // Nobody merges anything.
    answer: () => Promise.resolve(),
    fleet: () =>
      fleet(
        [
          { name: "n-1", ring: "canary" },
          { name: "n-2", ring: "early", zone: "zone-b" },
          { name: "n-3", ring: "forced", zone: "zone-c" },
          { name: "n-4", ring: "patient", zone: "zone-c" },
          { name: "n-graced", ring: "graced", zone: "zone-f" },
          { name: "n-urgent", ring: "urgent", zone: "zone-g" },
        ],
        [WEB],
        [pod("p-graced", "n-graced"), budget("graced", "p-graced", { minAvailable: 0 })],
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
        graced: ring(
          "graced",
          "  calendarRefs: [{ name: short }]\n  deadline: 2m\n  onDeadline: IgnoreWindows\n  gracePeriod: 45m\n  drain: { timeout: 1h, barePods: Evict }\n",
        ),
        urgent: ring("urgent", "  promotion: PullRequest\n"),
      }),
    }),
    deeds: [
      deed(
        "the budget is spent just after the cordon",
        (stage) => isAt(stage, "n-1", "Cordoned"),
        (stage) => tighten(stage, "web", { maxUnavailable: 0 }),
      ),
      deed(
        "a pod that is needed comes to stand on a node that joined lately",
        (stage) => isAt(stage, "n-graced", "Cordoned"),
        (stage) => tighten(stage, "graced", { minAvailable: 1 }),
      ),
      deed(
        "it is not needed any more when the window has ended",
        (stage) => isPast(stage, "07:12:00"),
        (stage) => tighten(stage, "graced", { minAvailable: 0 }),
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
        "another one joins when it is too late to begin in this window",
        (stage) => isPast(stage, "07:06:30"),
        (stage) => {
          stage.cluster.machines.join({
            name: "n-6",
            labels: { [RING]: "canary", "topology.kubernetes.io/zone": "zone-e" },
            image: oldImage("flatcar"),
          });
        },
      ),
      deed(
        "people approve by hand, in a freeze, what is to be done at once",
        (stage) => isPast(stage, "07:21:00") && levelIn(stage, "canary") !== undefined,
        (stage) =>
          approve(
            stage,
            "urgent",
            `      level: ${levelIn(stage, "canary") ?? ""}\n      expedite: { reason: a hole, until: 2024-12-16T09:00:00Z, skip: [Windows, Freezes] }\n`,
          ),
      ),
      deed(
        "the budget is spent again in the next window",
        (stage) => isPast(stage, "07:38:00") && isAt(stage, "n-1", "Cordoned"),
        (stage) => tighten(stage, "web", { maxUnavailable: 0 }),
      ),
      deed(
        "and given back in the freeze",
        (stage) => isPast(stage, "07:45:00"),
        (stage) => tighten(stage, "web", { maxUnavailable: 1 }),
      ),
    ],
  }),
};
