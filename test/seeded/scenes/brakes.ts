// What stops everything, or a ring, while a node and a workload are in change: Stop, Observe, a rewritten history, a calendar that goes away, a
// ledger that is lost or comes back old, states that are lost.
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  NODE_PATCH_STATES,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
} from "../../../controller/kube/resources.ts";
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Deed } from "../../sweep/scenario.ts";
import type { Stage } from "../../sweep/stage.ts";
import { keepsModes } from "../promises.ts";
import type { Scene } from "../scene.ts";
import {
  claims,
  commit,
  deed,
  FLATCAR,
  fleet,
  IMAGES,
  isAt,
  isCordoned,
  isPast,
  LIMITS,
  look,
  mode,
  pod,
  ring,
  rings,
  until,
} from "./parts.ts";

const NODES = ["n-1", "n-2", "n-3"];

const EVERY_DAY = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: all-day }
spec:
  windows: [{ schedule: "0 0 * * *", duration: 23h }]
`;

function scene(deeds: readonly Deed[], minutes = 20, spec = ""): Scene {
  return {
    isRough: true,
    promises: [keepsModes],
    scenario: until(minutes, {
      fleet: () =>
        fleet(
          NODES.map((name, place) => ({ name, ring: place < 2 ? "one" : "two", zone: `zone-${name}` })),
          [
            { name: "web", ring: "one" },
            { name: "api", ring: "two" },
          ],
          [pod("p-1", "n-1"), pod("p-2", "n-2")],
        ),
      policy: async () => ({
        ...(await FLATCAR()),
        "baselines/images.yaml": IMAGES,
        "calendars/all-day.yaml": EVERY_DAY,
        ...rings({
          one: ring(
            "one",
            `  drain: { timeout: 10m, barePods: Evict }\n  calendarRefs: [{ name: all-day }]\n  budget: { nodes: 1, workloads: 1 }\n${spec}`,
            ["flatcar", "images"],
          ),
          two: ring("two", "  after: [one]\n  drain: { timeout: 10m, barePods: Evict }\n", ["flatcar", "images"]),
        }),
      }),
      deeds,
    }),
  };
}

const someCordoned = (stage: Stage): boolean => NODES.some((name) => isAt(stage, name, "Cordoned"));
const patching = (stage: Stage): boolean =>
  textAt(look(stage, "workloadpatchstates.ringward.dev", "shop/deployment-web"), "status", "operation", "step") ===
  "Patching";

const isIn = (stage: Stage, wanted: string): boolean =>
  textAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "spec", "mode") === wanted;
const isQuietIn =
  (wanted: string) =>
  (stage: Stage): boolean =>
    isIn(stage, wanted) && claims(stage).length === 0;

/** Stop at the cordon, go on; Observe at the second cordon, go on. */
export const STOPPED = scene(
  [
    deed("people say stop while a workload is about to be patched", patching, (stage) => mode(stage, "Stop")),
    deed("and go on", isQuietIn("Stop"), (stage) => mode(stage, "Enforce")),
    deed(
      "people say stop while a node is cordoned",
      (stage) => isIn(stage, "Enforce") && someCordoned(stage),
      (stage) => mode(stage, "Stop"),
    ),
    deed("and go on again", isQuietIn("Stop"), (stage) => mode(stage, "Enforce")),
    deed(
      "people go back to Observe while another node is cordoned",
      (stage) => isIn(stage, "Enforce") && isAt(stage, "n-2", "Cordoned"),
      (stage) => mode(stage, "Observe"),
    ),
    deed("and go on once more", isQuietIn("Observe"), (stage) => mode(stage, "Enforce")),
  ],
  40,
);

/** The branch is rewritten while a node is cordoned; accepted later. */
export const REWRITTEN = scene([
  deed("the branch is rewritten", someCordoned, (stage) => {
    const people = stage.house?.remote.people;
    const head = people?.head("main");
    if (people === undefined || head === undefined) return;
    const [parent] = people.commit(head).parents;
    if (parent === undefined) return;
    people.forcePush("main", parent);
    commit(stage, { "README.md": "another history" });
  }),
  deed(
    "a person accepts it",
    (stage) => isPast(stage, "07:04:00"),
    async (stage) => {
      const acknowledgedCommit = stage.house?.remote.people.head("main");
      await stage.admin.patch(
        POLICY_REPOSITORIES,
        { name: "policy" },
        { type: "merge", body: { spec: { acknowledgedCommit } } },
      );
    },
  ),
]);

/** The ring's calendar goes away while a node is cordoned, and comes back. */
export const CALENDAR_GONE = scene([
  deed("the calendar is deleted", someCordoned, (stage) => commit(stage, { "calendars/all-day.yaml": null })),
  deed(
    "it comes back",
    (stage) => isPast(stage, "07:04:00"),
    (stage) => commit(stage, { "calendars/all-day.yaml": EVERY_DAY }),
  ),
]);

async function deleteLedger(stage: Stage): Promise<void> {
  const uid = textAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "metadata", "uid") ?? "";
  await stage.admin.delete(DISRUPTION_LEDGERS, { name: "cluster" }, { uid });
  await stage.admin.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce", limits: LIMITS },
  } as KubeObject);
}

/** The ledger is deleted while a node is claimed, and again while one is cordoned. */
export const LEDGER_LOST = scene(
  [
    deed(
      "the ledger is deleted, and made anew, while an operation has begun",
      (stage) => isAt(stage, "n-1", "Claimed") || isAt(stage, "n-2", "Claimed"),
      deleteLedger,
    ),
    deed(
      "and again while a node is cordoned",
      (stage) => isPast(stage, "07:01:00") && NODES.some((name) => isCordoned(stage, name)),
      deleteLedger,
    ),
    deed(
      "and while a workload is marked",
      (stage) => {
        const marks = at(look(stage, "deployments.apps", "shop/api"), "metadata", "annotations");
        return textAt(marks, "ringward.dev/claim") !== undefined;
      },
      deleteLedger,
    ),
  ],
  8,
);

async function restoreLedger(stage: Stage): Promise<void> {
  const versions = stage.cluster.server.store
    .history()
    .filter(({ resource }) => resource === "disruptionledgers.ringward.dev");
  const old = versions.find(({ object }) => at(object.status, "rebuiltTime") !== undefined)?.object;
  const now = (await stage.admin.get(DISRUPTION_LEDGERS, { name: "cluster" })) as KubeObject;
  await stage.admin.updateStatus(DISRUPTION_LEDGERS, { ...now, status: old?.status });
}

/** An old copy of the ledger is put back while a node is cordoned. */
export const LEDGER_OLD = scene([
  deed(
    "an old copy of the ledger is put back",
    (stage) => NODES.some((name) => isCordoned(stage, name)),
    restoreLedger,
  ),
]);

/** The state of a cordoned node is deleted. */
export const STATE_LOST = scene([
  deed("the state of a cordoned node is deleted", someCordoned, async (stage) => {
    const name = NODES.find((one) => isAt(stage, one, "Cordoned")) ?? "";
    const uid = textAt(look(stage, "nodepatchstates.ringward.dev", name), "metadata", "uid") ?? "";
    await stage.admin.delete(NODE_PATCH_STATES, { name }, { uid });
  }),
]);

/** The ring of a cordoned node is deleted, in Git and in the cluster. */
export const RING_GONE = scene([
  deed(
    "the ring is deleted",
    (stage) => isAt(stage, "n-1", "Cordoned") || isAt(stage, "n-2", "Cordoned"),
    async (stage) => {
      commit(stage, { "rings/one.yaml": null });
      const uid = textAt(look(stage, "rolloutrings.ringward.dev", "one"), "metadata", "uid") ?? "";
      await stage.admin.delete(ROLLOUT_RINGS, { name: "one" }, { uid });
    },
  ),
]);
