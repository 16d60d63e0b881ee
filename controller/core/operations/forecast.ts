// The drain of a node, forecast from what is known of its pods and their budgets: a node whose drain cannot succeed is not claimed, and
// one that was claimed on an old look is not cordoned. Pure; the last look before the cordon is a dry run of the evictions themselves.
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Block, NodeAsset, PodAsset, VolumeAsset } from "../model.ts";
import { crossesMinor } from "../versions/kubelet.ts";
import { type Budgets, describeRefusals, foreseeEviction, foreseeNever } from "./budgets.ts";
import { describeStanding, dividePods, type DrainView, viewDrain } from "./drain.ts";

export interface DrainOutlook {
  readonly pods: readonly PodAsset[];
  readonly budgets: Budgets;
  readonly policy: DrainPolicy;
  readonly volumes: readonly VolumeAsset[];
}

/** Whether a level's operation begins with a drain of the node. */
export function drainsNode(level: PatchLevelSpec, node: Pick<NodeAsset, "kubeletVersion">): boolean {
  return level.disruption === "Reboot" || level.node?.drain === "Always" || changesKubeletMinor(level, node);
}

/** A kubelet's minor is never changed under running pods (kubernetes.io, "Version Skew Policy", upgrading the kubelet). */
function changesKubeletMinor(
  { node: level }: PatchLevelSpec,
  { kubeletVersion }: Pick<NodeAsset, "kubeletVersion">,
): boolean {
  const wanted = level?.components.find((component) => component.name === "kubelet")?.version;
  return wanted !== undefined && crossesMinor(kubeletVersion, wanted);
}

/** What will stand in the drain's way until somebody changes something. */
export function forecastDrain(outlook: DrainOutlook): Block | undefined {
  return forecast(outlook, foreseeNever);
}

/** What would refuse an eviction of it now. */
export function forecastNow(outlook: DrainOutlook): Block | undefined {
  return forecast(outlook, foreseeEviction);
}

function forecast(
  { pods, budgets, policy, volumes }: DrainOutlook,
  foresee: typeof foreseeNever | typeof foreseeEviction,
): Block | undefined {
  const { standing, evict, later } = dividePods(pods, policy, volumes);
  const isRefused = (pod: PodAsset): boolean => foresee(pod, budgets) !== undefined;
  // Nearly every node of a cluster can be drained, and their pods need no order.
  if (standing.length === 0 && !evict.some(isRefused) && !later.some(isRefused)) return undefined;
  const view = viewDrain(pods, policy, volumes);
  return describeStanding(view) ?? describeRefusals(mustGo(view).flatMap((pod) => foresee(pod, budgets) ?? []));
}

/** Pods that a drain evicts, in order. */
export function mustGo({ evict, later }: DrainView): readonly PodAsset[] {
  return [...evict, ...later];
}
