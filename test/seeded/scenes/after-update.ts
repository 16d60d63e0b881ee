// Between the update and the end of an operation: a reboot that turns out to be needed, with and without a freeze by then; a node that falls ill when
// it is back; one that comes back late and is ill for a while; a reboot whose job somebody deletes.
import { JOBS } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, listAt, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { commit, deed, FLATCAR, fleet, isAt, operationOf, pod, recipes, ring, rings, say, until } from "./parts.ts";

/** Packages alone: whether a reboot is needed shows only when they are there. */
const LIBRARIES = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: libraries }
spec:
  target: Node
  node:
    product: { id: rocky, versionId: "9" }
    source: { snapshot: 20241118T000000Z }
    minimum: { packages: [{ name: glibc, version: 2.34-100.el9_4.4 }] }
    recipeRef: { name: dnf }
`;

const calendar = (freeze: string): string => `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: late }
spec:
  windows: [{ schedule: "0 0 * * *", duration: 23h }]
${freeze}`;

const EVICT = "  drain: { timeout: 10m, barePods: Evict }\n";
const RINGS: Readonly<Record<string, readonly [spec: string, baseline: string]>> = {
  libs: [EVICT, "libraries"],
  "libs-late": [`${EVICT}  calendarRefs: [{ name: late }]\n`, "libraries"],
  ill: ["", "flatcar"],
  "back-ill": ["", "flatcar"],
  deleted: ["", "flatcar"],
};

const DAY = 86_400_000;
const failureOf = (stage: Stage, node: string): string | undefined =>
  textAt(operationOf(stage, node), "failure", "reason");

function power(stage: Stage, name: string, state: "up" | "booting"): void {
  const machine = stage.cluster.machines.get(name);
  if (machine !== undefined)
    stage.cluster.machines.put({
      ...machine,
      power: state === "up" ? { state } : { state, until: stage.clock.now() + DAY },
    });
}

/** The job of a node's reboot, once it was let run. */
function rebootJob(stage: Stage, node: string): KubeObject | undefined {
  const jobs = [...(stage.cluster.server.store.snapshot().tables.get("jobs.batch")?.objects.values() ?? [])];
  return jobs.find(
    (job) =>
      textAt(job, "metadata", "labels", STEP_LABEL) === "reboot" &&
      textAt(job, "spec", "template", "spec", "nodeName") === node &&
      at(job, "spec", "suspend") !== true,
  ) as KubeObject | undefined;
}

/** Nobody gets a node back, by our uncordon, that is not Ready. */
function keepsIll(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object, previous, user }) => {
    if (resource !== "nodes" || !user.startsWith("ringward/")) return [];
    const given = at(previous?.spec, "unschedulable") === true && at(object.spec, "unschedulable") !== true;
    const isReady = listAt(object, "status", "conditions").some(
      (one) => textAt(one, "type") === "Ready" && textAt(one, "status") === "True",
    );
    return given && !isReady ? [`ill nodes/${object.metadata.name}: it was given back while it was not Ready`] : [];
  });
}

/** To be ill for two minutes is no failure. */
function keepsPatience(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object }) =>
    resource === "nodepatchstates.ringward.dev" &&
    object.metadata.name === "n-ill" &&
    at(object.status, "operation", "failure") !== undefined
      ? ["patience nodes/n-ill: it was called a failure after a moment"]
      : [],
  );
}

/** A reboot that turned out to be needed waits while the freeze lasts, and the node keeps its pods. */
function keepsFrozen(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object, user }) =>
    resource === "nodes" &&
    object.metadata.name === "n-libs-late" &&
    user.startsWith("ringward/") &&
    at(object.spec, "unschedulable") === true
      ? ["frozen nodes/n-libs-late: it was cordoned in a freeze"]
      : [],
  );
}

/** A node with pods reboots only when it is cordoned. */
function keepsCordon(history: readonly StoredVersion[]): readonly string[] {
  const cordoned = new Set<string>();
  return history.flatMap(({ resource, object, previous, user }) => {
    const { name, labels } = object.metadata;
    if (resource === "nodes" && at(object.spec, "unschedulable") === true) cordoned.add(name);
    else if (resource === "nodes") cordoned.delete(name);
    if (resource !== "jobs.batch" || labels?.[STEP_LABEL] !== "reboot" || !user.startsWith("ringward/")) return [];
    if (at(previous?.spec, "suspend") !== true || at(object.spec, "suspend") === true) return [];
    const node = textAt(object.spec, "template", "spec", "nodeName") ?? "";
    return cordoned.has(node) ? [] : [`cordon nodes/${node}: it reboots and is not cordoned`];
  });
}

export const AFTER_UPDATE: Scene = {
  isRough: true,
  promises: [keepsIll, keepsPatience, keepsFrozen, keepsCordon],
  scenario: until(25, {
    fleet: () =>
      fleet(
        Object.entries(RINGS).map(([name, [, baseline]]) => ({
          name: `n-${name}`,
          ring: name,
          zone: `zone-${name}`,
          os: baseline === "libraries" ? ("rocky" as const) : ("flatcar" as const),
        })),
        [],
        [pod("p-libs", "n-libs"), pod("p-libs-late", "n-libs-late")],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      ...(await recipes("dnf")),
      "baselines/libraries.yaml": LIBRARIES,
      "calendars/late.yaml": calendar(""),
      ...rings(
        Object.fromEntries(
          Object.entries(RINGS).map(([name, [spec, baseline]]) => [name, ring(name, spec, [baseline])]),
        ),
      ),
    }),
    prepare(stage) {
      stage.cluster.machines.neverReadyAfterReboot("n-back-ill");
      return Promise.resolve();
    },
    deeds: [
      deed(
        "a freeze begins while packages are updated",
        (stage) => isAt(stage, "n-libs-late", "Updating"),
        (stage) =>
          commit(stage, {
            "calendars/late.yaml": calendar(
              "  freezes: [{ startTime: 2024-12-16T07:00, endTime: 2024-12-17T00:00, reason: a sale }]\n",
            ),
          }),
      ),
      deed(
        "a node falls ill when it is back",
        (stage) => isAt(stage, "n-ill", "Rebooted"),
        (stage) => power(stage, "n-ill", "booting"),
      ),
      deed(
        "and is well again",
        (stage) =>
          isAt(stage, "n-ill", "Rebooted") &&
          stage.clock.now() - Date.parse(textAt(operationOf(stage, "n-ill"), "stepTime") ?? "") >= 120_000,
        (stage) => power(stage, "n-ill", "up"),
      ),
      deed(
        "a node that did not become Ready is repaired much later",
        (stage) =>
          failureOf(stage, "n-back-ill") !== undefined &&
          stage.clock.now() - Date.parse(textAt(operationOf(stage, "n-back-ill"), "failure", "time") ?? "") >= 60_000,
        (stage) => {
          stage.cluster.machines.repair("n-back-ill");
          power(stage, "n-back-ill", "up");
        },
      ),
      deed(
        "somebody deletes the job of a reboot",
        (stage) => rebootJob(stage, "n-deleted") !== undefined,
        async (stage) => {
          power(stage, "n-deleted", "up");
          const { name = "", namespace, uid = "" } = rebootJob(stage, "n-deleted")?.metadata ?? {};
          await stage.admin.delete(JOBS, { name, namespace }, { uid, propagationPolicy: "Background" });
        },
      ),
      deed(
        "people ask again for a reboot whose job was deleted",
        (stage) => failureOf(stage, "n-deleted") !== undefined,
        (stage) => say(stage, "n-deleted", "retryTime"),
      ),
    ],
  }),
};
