// A control plane of three with etcd, in a ring that names its role: one at a time, and none while a member is not well.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { claims, deed, FLATCAR, fleet, isAt, look, ring, rings, until } from "./parts.ts";

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

export const CONTROL_PLANE: Scene = {
  isRough: true,
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
        "a member of etcd goes while a node is cordoned",
        (stage) => MEMBERS.some((name) => isAt(stage, name, "Cordoned")),
        (stage) => remove(stage, `etcd-${MEMBERS.find((name) => !isAt(stage, name, "Cordoned")) ?? ""}`),
      ),
      deed(
        "it comes back",
        (stage) => claims(stage).length === 0,
        async (stage) => {
          const gone = MEMBERS.find((node) => look(stage, "pods", `kube-system/etcd-${node}`) === undefined);
          if (gone === undefined) return;
          await stage.admin.create(PODS, component("etcd", gone));
        },
      ),
    ],
  }),
};
