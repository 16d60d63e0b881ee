// A control plane of three with etcd, in a ring that names its role: one at a time, and none while a member is not well.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { claims, deed, FLATCAR, fleet, isAt, isPast, look, operationOf, ring, rings, until } from "./parts.ts";

const ROLE = "node-role.kubernetes.io/control-plane";
const MEMBERS = ["cp-1", "cp-2", "cp-3"];

function component(name: string, node: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${node}`,
      namespace: "kube-system",
      labels: { component: name, tier: "control-plane" },
      annotations: { "kubernetes.io/config.mirror": "x", "kubernetes.io/config.source": "file" },
    },
    spec: {
      nodeName: node,
      containers: [{ name, image: `registry.k8s.io/${name}:v1.31.4` }],
      tolerations: [{ operator: "Exists" }],
    },
  };
}

async function remove(stage: Stage, pod: string): Promise<void> {
  const uid = (look(stage, "pods", `kube-system/${pod}`) as KubeObject | undefined)?.metadata.uid ?? "";
  await stage.admin.delete(PODS, { namespace: "kube-system", name: pod }, { uid });
}

async function bringBack(stage: Stage): Promise<void> {
  const gone = MEMBERS.find((node) => look(stage, "pods", `kube-system/etcd-${node}`) === undefined);
  if (gone === undefined) return;
  await stage.admin.create(PODS, component("etcd", gone));
}

/** A node whose reboot was written down and not let run. */
function aboutToReboot(stage: Stage): string | undefined {
  const jobs = [...(stage.cluster.server.store.snapshot().tables.get("jobs.batch")?.objects.values() ?? [])];
  return MEMBERS.find(
    (name) =>
      isAt(stage, name, "Rebooting") &&
      jobs.some(
        (job) =>
          textAt(job, "metadata", "labels", STEP_LABEL) === "reboot" &&
          textAt(job, "spec", "template", "spec", "nodeName") === name &&
          at(job, "spec", "suspend") === true,
      ),
  );
}

function secondsAtStep(stage: Stage, name: string): number {
  return (stage.clock.now() - Date.parse(textAt(operationOf(stage, name), "stepTime") ?? "")) / 1000;
}

/** No member of the control plane reboots while one of etcd is away. */
function keepsQuorum(history: readonly StoredVersion[]): readonly string[] {
  const there = new Set<string>();
  const lines: string[] = [];
  for (const { resource, object, previous, type, user } of history) {
    const { name, labels } = object.metadata;
    if (resource === "pods" && name.startsWith("etcd-")) {
      if (type === "DELETED") there.delete(name);
      else there.add(name);
    }
    if (resource !== "jobs.batch" || labels?.[STEP_LABEL] !== "reboot" || !user.startsWith("ringward/")) continue;
    if (at(previous?.spec, "suspend") !== true || at(object.spec, "suspend") === true) continue;
    if (there.size < MEMBERS.length)
      lines.push(`quorum jobs/${name}: a reboot began with ${there.size} of ${MEMBERS.length} members of etcd there`);
  }
  return lines;
}

export const CONTROL_PLANE: Scene = {
  isRough: true,
  promises: [keepsQuorum],
  scenario: until(30, {
    limits: { nodes: 3, workloads: 3, nodesPerZone: 3 },
    fleet: () =>
      fleet(
        MEMBERS.map((name) => ({ name, ring: "control", zone: `zone-${name}`, labels: { [ROLE]: "" } })),
        [],
        [
          { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system" } },
          ...MEMBERS.flatMap((node) => [component("etcd", node), component("kube-apiserver", node)]),
        ],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      ...rings({
        control: ring(
          "control",
          `  members: { nodes: { selector: { matchExpressions: [{ key: ${ROLE}, operator: Exists }] } } }\n  budget: { nodes: 3 }\n`,
        ),
      }),
    }),
    deeds: [
      deed(
        "a member of etcd goes just before a reboot",
        (stage) => aboutToReboot(stage) !== undefined,
        (stage) => remove(stage, `etcd-${MEMBERS.find((name) => name !== aboutToReboot(stage)) ?? ""}`),
      ),
      deed(
        "and comes back after a while",
        (stage) => MEMBERS.some((name) => isAt(stage, name, "Rebooting") && secondsAtStep(stage, name) >= 60),
        bringBack,
      ),
      deed(
        "a member of etcd goes while a node is cordoned",
        (stage) => MEMBERS.some((name) => isAt(stage, name, "Cordoned")),
        (stage) => remove(stage, `etcd-${MEMBERS.find((name) => !isAt(stage, name, "Cordoned")) ?? ""}`),
      ),
      deed("it comes back", (stage) => claims(stage).length === 0 && isPast(stage, "07:01:10"), bringBack),
    ],
  }),
};
