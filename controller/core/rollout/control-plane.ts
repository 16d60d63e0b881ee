// Why a control-plane node may not be taken down now: etcd would lose its quorum, or no other API server would answer. One at a time is
// the ledger's limit (limits.ts). What runs nowhere that we can see (external etcd, a managed control plane) is not judged here: then
// every other control-plane node has to be Ready and schedulable, which the same limit says.
import type { Block, ControlPlanePod, Inventory, NodeAsset } from "../model.ts";
import { compareText } from "../text-order.ts";

/** k3s and RKE2 name the members of etcd by this role. */
const ETCD_ROLE = "node-role.kubernetes.io/etcd";

export interface EtcdMember {
  readonly node: string;
  readonly well: boolean;
}

export interface ControlPlaneView {
  /** By node; empty: nobody can see where etcd runs. */
  readonly etcd: readonly EtcdMember[];
  readonly apiServers: readonly { readonly node: string; readonly ready: boolean }[];
  /** What the API server says of itself; undefined: nobody asked. */
  readonly apiServerReady: boolean | undefined;
}

/** The control plane as the inventory shows it. */
export function viewControlPlane({ nodes, controlPlane }: Inventory): ControlPlaneView {
  const pods = controlPlane?.pods ?? [];
  return {
    etcd: membersOf(nodes, pods),
    apiServers: pods.flatMap(({ component, node, ready }) => (component === "kube-apiserver" ? [{ node, ready }] : [])),
    apiServerReady: controlPlane?.ready,
  };
}

/**
 * Every node that should have a member: by role where roles say it, else the nodes of the pods and, because a member whose pod is gone is
 * still a member, all control-plane nodes. Well is one whose node is Ready and whose pod, where etcd runs as pods, is Ready too.
 */
function membersOf(nodes: readonly NodeAsset[], pods: readonly ControlPlanePod[]): readonly EtcdMember[] {
  const ofEtcd = new Map(pods.flatMap((pod) => (pod.component === "etcd" ? [[pod.node, pod.ready] as const] : [])));
  const byRole = nodes.filter(({ labels }) => Object.hasOwn(labels, ETCD_ROLE));
  if (byRole.length === 0 && ofEtcd.size === 0) return [];
  const expected = byRole.length > 0 ? byRole : nodes.filter(({ controlPlane }) => controlPlane);
  const ready = new Map(nodes.map((node) => [node.name, node.ready]));
  return [...new Set([...expected.map(({ name }) => name), ...ofEtcd.keys()])].sort(compareText).map((node) => ({
    node,
    well: ready.get(node) === true && (ofEtcd.size === 0 || ofEtcd.get(node) === true),
  }));
}

/** Why this node may not go down while everything else is as it is. */
export function findControlPlaneRisk(node: NodeAsset, view: ControlPlaneView): Block | undefined {
  if (!node.controlPlane) return undefined;
  return findApiServerRisk(node, view) ?? findQuorumRisk(node, view);
}

function findApiServerRisk({ name }: NodeAsset, { apiServers, apiServerReady }: ControlPlaneView): Block | undefined {
  if (apiServerReady !== true)
    return {
      reason: "ApiServerNotReady",
      message:
        apiServerReady === undefined
          ? "nobody knows whether the API server is ready"
          : "the API server says that it is not ready (/readyz)",
    };
  const others = apiServers.filter(({ node }) => node !== name);
  if (others.length === 0 || others.some(({ ready }) => ready)) return undefined;
  return {
    reason: "ApiServerNotReady",
    message: `no API server but that of ${name} is Ready: not on ${others.map(({ node }) => node).join(", ")}`,
  };
}

/** Members that are left must be more than half of all. A single member has no quorum to lose: it is away while its node is. */
function findQuorumRisk({ name }: NodeAsset, { etcd }: ControlPlaneView): Block | undefined {
  if (etcd.length <= 1 || !etcd.some(({ node }) => node === name)) return undefined;
  const quorum = Math.floor(etcd.length / 2) + 1;
  const left = etcd.filter(({ node, well }) => well && node !== name).length;
  if (left >= quorum) return undefined;
  const ill = etcd.filter(({ node, well }) => !well && node !== name).map(({ node }) => node);
  return {
    reason: "EtcdQuorumAtRisk",
    message:
      `etcd has ${etcd.length} members and needs ${quorum}; without ${name} ${left} would be left` +
      (ill.length === 0 ? ": none of so few may be down" : `: not well is ${ill.join(", ")}`),
  };
}
