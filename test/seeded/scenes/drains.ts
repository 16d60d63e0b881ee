// Drains: pods that take their time to end, volumes that stay attached, DaemonSets, budgets that are spent and pods that come between a claim and
// its cordon, and a person who gives a node back between the look at it and its evictions.
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { NODES, PODS, POD_DISRUPTION_BUDGETS, VOLUME_ATTACHMENTS } from "../../../controller/kube/resources.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { at, evictableFrom, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import { TIMING } from "../../sweep/pace.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import {
  budget,
  deed,
  edit,
  FLATCAR,
  fleet,
  isAt,
  isCordoned,
  isPast,
  look,
  pod,
  ring,
  rings,
  tighten,
  until,
} from "./parts.ts";

const EVICT = "  drain: { timeout: 10m, barePods: Evict }\n";
const NAMES = ["slow", "volume", "daemon", "asked", "stands", "conflict", "given"];

const DAEMON: KubeObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: {
      metadata: { labels: { app: "agent" } },
      spec: {
        tolerations: [{ operator: "Exists" }],
        containers: [{ name: "main", image: "registry.example.com/tools/agent:1" }],
      },
    },
  },
};

async function attach(stage: Stage, on: boolean): Promise<void> {
  const volumesAttached = on ? [{ name: "kubernetes.io/csi/x^1", devicePath: "" }] : [];
  await stage.admin.patch(
    NODES,
    { name: "n-volume" },
    { type: "merge", body: { status: { volumesAttached } } },
    { subresource: "status" },
  );
  if (on)
    await stage.admin.create(VOLUME_ATTACHMENTS, {
      metadata: { name: "va-1" },
      spec: { attacher: "csi.example.com", nodeName: "n-volume", source: { persistentVolumeName: "pv-1" } },
    });
  else {
    const uid = textAt(look(stage, "volumeattachments.storage.k8s.io", "va-1"), "metadata", "uid") ?? "";
    await stage.admin.delete(VOLUME_ATTACHMENTS, { name: "va-1" }, { uid });
  }
}

/** No update of its node begins while a volume of a pod that left is attached. */
function keepsVolumes(history: readonly StoredVersion[]): readonly string[] {
  let attached = false;
  return history.flatMap(({ resource, object, previous, type }) => {
    if (resource === "volumeattachments.storage.k8s.io") attached = type !== "DELETED";
    if (resource !== "jobs.batch" || object.metadata.labels?.[STEP_LABEL] !== "update") return [];
    if (at(previous?.spec, "suspend") !== true || at(object.spec, "suspend") === true) return [];
    const node = textAt(object.spec, "template", "spec", "nodeName");
    return attached && node === "n-volume" ? ["volume nodes/n-volume: its update began with a volume attached"] : [];
  });
}

/** Nodes whose drain would be refused are not cordoned, and DaemonSets keep their pods. */
function keepsSchedulable(history: readonly StoredVersion[]): readonly string[] {
  const wanted = new Set(["n-asked", "n-stands", "n-conflict"]);
  return history.flatMap(({ resource, object, previous, user, time }) => {
    const { name } = object.metadata;
    if (!user.startsWith("ringward/")) return [];
    if (resource === "nodes" && wanted.has(name) && at(object.spec, "unschedulable") === true)
      return time < Date.parse("2024-12-16T07:05:00Z")
        ? [`asked nodes/${name}: cordoned for a drain that was refused`]
        : [];
    if (resource !== "pods" || evictableFrom(previous ?? object) === undefined) return [];
    return name.startsWith("agent-") ? [`daemon pods/${name}: a DaemonSet's pod was evicted`] : [];
  });
}

/** Pods are evicted only from nodes that are cordoned. */
function keepsGiven(history: readonly StoredVersion[]): readonly string[] {
  const cordoned = new Set<string>();
  return history.flatMap(({ key, resource, object, previous, user }) => {
    if (resource === "nodes" && at(object.spec, "unschedulable") === true) cordoned.add(object.metadata.name);
    else if (resource === "nodes") cordoned.delete(object.metadata.name);
    if (resource !== "pods" || !user.startsWith("ringward/")) return [];
    const node = evictableFrom(previous ?? object);
    return node === undefined || cordoned.has(node)
      ? []
      : [`given ${key}: evicted from ${node}, which is not cordoned`];
  });
}

export const DRAINS: Scene = {
  isRough: true,
  promises: [keepsVolumes, keepsSchedulable, keepsGiven],
  interrupts: [
    {
      name: "a person gives a node back between the look at it and its evictions",
      before: (stage, { method, path, query }) =>
        method === "GET" &&
        path.endsWith("/pods") &&
        query?.["fieldSelector"] === "spec.nodeName=n-given" &&
        isAt(stage, "n-given", "Cordoned"),
      act: (stage) => edit(stage, "n-given", { unschedulable: false }),
    },
  ],
  scenario: until(8, {
    timing: { ...TIMING, terminate: 20_000 },
    fleet: () =>
      fleet(
        NAMES.map((name) => ({ name: `n-${name}`, ring: name, zone: `zone-${name}` })),
        [],
        [
          DAEMON,
          pod("p-slow", "n-slow", {}, { terminationGracePeriodSeconds: 20 }),
          pod("p-volume", "n-volume"),
          pod("p-asked", "n-asked"),
          budget("asked", "p-asked", { minAvailable: 0 }),
          pod("p-conflict", "n-conflict"),
          budget("conflict", "p-conflict", { minAvailable: 0 }),
          pod("p-given", "n-given"),
          pod("p-given-2", "n-given"),
        ],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      ...rings(Object.fromEntries(NAMES.map((name) => [name, ring(name, EVICT)]))),
    }),
    deeds: [
      deed(
        "a volume is attached",
        (stage) => isCordoned(stage, "n-volume"),
        (stage) => attach(stage, true),
      ),
      deed(
        "and detached",
        (stage) => isPast(stage, "07:04:00"),
        (stage) => attach(stage, false),
      ),
      deed(
        "a budget is spent between a claim and its cordon",
        (stage) => isAt(stage, "n-asked", "Claimed"),
        (stage) => tighten(stage, "asked", { minAvailable: 1 }),
      ),
      deed(
        "and is free again",
        (stage) => isPast(stage, "07:05:00"),
        (stage) => tighten(stage, "asked", { minAvailable: 0 }),
      ),
      deed(
        "a pod that nobody may evict comes between a claim and its cordon",
        (stage) => isAt(stage, "n-stands", "Claimed"),
        async (stage) =>
          void (await stage.admin.create(
            PODS,
            pod("p-stands", "n-stands", { annotations: { "karpenter.sh/do-not-disrupt": "true" } }),
          )),
      ),
      deed(
        "a second budget comes between a claim and its cordon",
        (stage) => isAt(stage, "n-conflict", "Claimed"),
        async (stage) =>
          void (await stage.admin.create(
            POD_DISRUPTION_BUDGETS,
            budget("conflict-2", "p-conflict", { minAvailable: 0 }),
          )),
      ),
    ],
  }),
};
