// Nodes, workloads and inventories for the tests of compliance.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../../controller/api/patch-state.ts";
import { assessNode, assessWorkload } from "../../../controller/core/compliance/index.ts";
import type { AssessNodeInput, AssessWorkloadInput } from "../../../controller/core/compliance/index.ts";
import type {
  Assessment,
  ExceptionInForce,
  NodeAsset,
  NodeInventoryStatus,
  PodImages,
  WorkloadAsset,
} from "../../../controller/core/model.ts";
import { imageBaseline, levelOf, nodeBaseline, NOW } from "../levels/fixtures.ts";

export { NOW } from "../levels/fixtures.ts";

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const iso = (time: number): string => new Date(time).toISOString();

export function node(rest: Partial<NodeAsset> = {}): NodeAsset {
  return {
    name: "worker-1",
    uid: "uid-worker-1",
    resourceVersion: "1",
    labels: { pool: "blue" },
    zone: "a",
    createdAt: NOW - 100 * HOUR,
    ready: true,
    unschedulable: false,
    controlPlane: false,
    provider: undefined,
    bootId: "boot-1",
    kernelVersion: "5.15.0-125-generic",
    kubeletVersion: "v1.33.6",
    containerRuntimeVersion: "containerd://1.7.24",
    osImage: "Ubuntu 22.04.5 LTS",
    architecture: "amd64",
    heardAt: NOW - 10_000,
    mark: undefined,
    ...rest,
  };
}

export function inventoried(
  packages: Readonly<Record<string, string>>,
  rest: Partial<NodeInventoryStatus> = {},
): { readonly inventory: NodeInventoryStatus } {
  return {
    inventory: {
      time: iso(NOW - HOUR),
      digest: "0".repeat(64),
      osId: "ubuntu",
      osVersionId: "22.04",
      scheme: "dpkg",
      installedKernels: [],
      rebootRequired: false,
      packages: Object.entries(packages).map(([name, version]) => ({ name, version })),
      ...rest,
    },
  };
}

type NodePart = Parameters<typeof nodeBaseline>[0];

/** Assesses one node against an approved level of the given baseline. */
export function assess(
  baselineNode: NodePart,
  asset: NodeAsset,
  stored?: NodePatchStateStatus,
  rest: Partial<AssessNodeInput> = {},
): Assessment {
  const baseline = nodeBaseline(baselineNode);
  return assessNode({
    node: asset,
    stored,
    baseline,
    level: levelOf({ baseline }),
    approved: true,
    withdrawn: false,
    enforce: "Floor",
    exceptions: [],
    now: NOW,
    ...rest,
  });
}

export const DIGEST = `sha256:${"ab".repeat(32)}`;
export const OTHER_DIGEST = `sha256:${"cd".repeat(32)}`;
export const WEB = "registry.example.com/shop/web";

export function pod(name: string, image: string, digest = OTHER_DIGEST, container = "web"): PodImages {
  return { name, ready: true, running: [{ container, image, imageId: `${image.replace(/[:@].*$/, "")}@${digest}` }] };
}

export function workload(image: string, pods: readonly PodImages[], rest: Partial<WorkloadAsset> = {}): WorkloadAsset {
  return {
    kind: "Deployment",
    namespace: "shop",
    name: "web",
    uid: "uid-web",
    resourceVersion: "1",
    labels: { app: "web" },
    createdAt: NOW - 100 * HOUR,
    containers: [{ name: "web", init: false, image }],
    pods,
    rollingUpdate: true,
    managedBy: undefined,
    rollout: { complete: true, deadlineExceeded: false, desired: pods.length, available: pods.length },
    mark: undefined,
    ...rest,
  };
}

type Images = Parameters<typeof imageBaseline>[0];

/** Assesses one workload against an approved level of the given images. */
export function assessImages(
  images: Images,
  asset: WorkloadAsset,
  stored?: WorkloadPatchStateStatus,
  rest: Partial<AssessWorkloadInput> = {},
): Assessment {
  const baseline = imageBaseline(images);
  return assessWorkload({
    workload: asset,
    stored,
    baseline,
    level: levelOf({ baseline }),
    approved: true,
    withdrawn: false,
    exceptions: [],
    now: NOW,
    ...rest,
  });
}

export function exception(spec: Partial<ExceptionInForce["spec"]>): ExceptionInForce {
  return {
    name: "exception",
    spec: {
      targets: { kind: "Node", names: ["worker-1"] },
      owner: "team",
      justification: "because",
      expirationTime: iso(NOW + HOUR),
      ...spec,
    },
  };
}
