// The control plane as its static pods show it: members of etcd and API servers, by the labels that kubeadm and RKE2 give them. Where
// neither is run as a pod of kube-system (external etcd, k3s, a managed control plane) there is nothing here, and nothing is made up.
// Only the kubelet makes a pod with the annotation of a mirror pod count: a label alone is anybody's (NodeRestriction admission).
import type { ControlPlanePod } from "../core/model.ts";
import type { PodRecord } from "./project-pod.ts";

const COMPONENTS = ["etcd", "kube-apiserver"] as const;

/** The control-plane pod that a pod is, if it is one. */
export function controlPlanePod({ asset, containers }: PodRecord): ControlPlanePod | undefined {
  if (asset.namespace !== "kube-system" || !asset.mirror || asset.nodeName === undefined) return undefined;
  const component = COMPONENTS.find((name) => asset.labels["component"] === name);
  if (component === undefined) return undefined;
  const image = containers.find(({ init, name }) => !init && name === component)?.image ?? "";
  return {
    component,
    node: asset.nodeName,
    ready: asset.ready && asset.phase === "Running" && !asset.deleting,
    version: /:(v?1\.\d+\.\d+[^@:/]*)(?:@|$)/.exec(image)?.[1],
  };
}

/** All of them, by node: the same list however the pods came. */
export function controlPlanePods(records: readonly PodRecord[]): readonly ControlPlanePod[] {
  return records
    .flatMap((record) => controlPlanePod(record) ?? [])
    .sort((a, b) => (`${a.component}/${a.node}` < `${b.component}/${b.node}` ? -1 : 1));
}
