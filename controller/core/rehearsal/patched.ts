// What a node or workload looks like once an operation on it has succeeded: what its level names, and nothing else, as inventories
// would say it. A rehearsal goes on from there; real operations are judged by what the cluster says. Pure.
import type { NodePatchStateStatus } from "../../api/patch-state.ts";
import { parseComponent } from "../levels/components.ts";
import type { Assessment, ComponentState, LevelInForce, NodeAsset, WorkloadAsset } from "../model.ts";
import { desiredImages } from "../rollout/desired-images.ts";
import { packageSchemeOf } from "../levels/index.ts";
import { parseOsImage } from "../versions/index.ts";

export interface PatchedNode {
  readonly node: NodeAsset;
  readonly state: NodePatchStateStatus;
}

/** The node after its update; what stands at or above a floor stays as it is. */
export function patchNode(
  node: NodeAsset,
  state: NodePatchStateStatus,
  { components, offTarget }: Pick<Assessment, "components" | "offTarget">,
  { level, time }: { readonly level: LevelInForce; readonly time: string },
): PatchedNode {
  const changed = components.filter(
    (component) => offTarget || (component.state !== "Installed" && component.state !== "InstalledOther"),
  );
  const { operation: _, inventoryProblem: __, ...kept } = state;
  const packages = changed.filter(({ name }) => parseComponent(name)?.kind === "Package");
  const inventory = patchInventory(kept.inventory, packages, level, time);
  const { mark, ...rest } = changed.reduce(patchComponent, node);
  return {
    node: { ...rest, mark: undefined, ready: true, unschedulable: mark?.priorUnschedulable ?? node.unschedulable },
    state: { ...kept, ...(inventory === undefined ? {} : { inventory }) },
  };
}

function patchComponent(node: NodeAsset, { name, desired }: ComponentState): NodeAsset {
  switch (name) {
    case "kernel":
      return { ...node, kernelVersion: desired };
    case "kubelet":
      return { ...node, kubeletVersion: desired };
    case "containerRuntime":
      return { ...node, containerRuntimeVersion: withPrefix(node.containerRuntimeVersion, desired) };
    case "osImage":
      return { ...node, osImage: withVersion(node.osImage, desired) };
    default:
      return node;
  }
}

function withPrefix(running: string, desired: string): string {
  const at = running.indexOf("://");
  return desired.includes("://") || at < 0 ? desired : `${running.slice(0, at)}://${desired}`;
}

/** A bare version is one of whatever image the node has. */
function withVersion(running: string, desired: string): string {
  const version = parseOsImage(running)?.version;
  return parseOsImage(desired)?.product === "" && version !== undefined
    ? running.replace(version, () => desired)
    : desired;
}

function patchInventory(
  before: NodePatchStateStatus["inventory"],
  packages: readonly ComponentState[],
  { spec }: LevelInForce,
  time: string,
): NodePatchStateStatus["inventory"] {
  const product = spec.node?.product;
  const scheme = product === undefined ? undefined : packageSchemeOf(product);
  if (before === undefined && (packages.length === 0 || product === undefined || scheme === undefined))
    return undefined;
  const base = before ?? {
    time,
    digest: "",
    osId: product?.id ?? "",
    osVersionId: product?.versionId ?? "",
    scheme: scheme ?? "dpkg",
    installedKernels: [],
    rebootRequired: false,
    packages: [],
  };
  const versions = new Map(base.packages.map((one) => [one.name, one]));
  for (const { name: component, desired } of packages) {
    const parsed = parseComponent(component);
    if (parsed?.kind === "Package") versions.set(parsed.name, { name: parsed.name, version: desired });
  }
  return { ...base, time, rebootRequired: false, packages: [...versions.values()] };
}

/** The workload after its rollout: every container that the level covers runs its image. */
export function patchWorkload(workload: WorkloadAsset, level: LevelInForce): WorkloadAsset {
  const images = new Map(desiredImages(workload, level.spec).map((image) => [image.container, image.to]));
  return {
    ...workload,
    containers: workload.containers.map((container) => ({
      ...container,
      image: images.get(container.name) ?? container.image,
    })),
    pods: workload.pods.map((pod) => ({
      ...pod,
      running: pod.running.map((one) => {
        const image = images.get(one.container);
        return image === undefined ? one : { ...one, image, imageId: idOf(image) };
      }),
    })),
    rollout: { ...workload.rollout, complete: true, deadlineExceeded: false },
    mark: undefined,
  };
}

/** As a runtime would report it; where only a tag is known, the tag is what is compared. */
function idOf(image: string): string {
  return image.includes("@") ? image : `${image}@sha256:${"0".repeat(64)}`;
}
