// Small parts for tests of the planner: nodes, workloads, levels, rings and policy, each complete, so that a test says only what
// it is about. Node levels are kernels (`5.15.0-<build>-generic`, a reboot) or kubelets (`v1.34.<patch>`, no drain).
import type { RolloutRingSpec } from "../../controller/api/rollout-ring.ts";
import type { PatchLevelSpec } from "../../controller/api/patch-level.ts";
import { levelDigest, levelName } from "../../controller/core/levels/index.ts";
import type {
  BaselineInForce,
  Claim,
  Inventory,
  LedgerView,
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  RingInForce,
  StoredStates,
  WorkloadAsset,
} from "../../controller/core/model.ts";
import type { PlanInput } from "../../controller/core/rollout/plan-input.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A Monday. */
export const START = Date.parse("2026-03-02T08:00:00Z");
export const IMAGE = `registry.example.com/recipes/ubuntu@sha256:${"ab".repeat(32)}`;
export const WEB = "registry.example.com/shop/web";

export const iso = (at: number): string => new Date(at).toISOString();
export const kernel = (build: number): string => `5.15.0-${build}-generic`;

export function levelFrom(spec: PatchLevelSpec, inputTime: number): LevelInForce {
  const digest = levelDigest(spec);
  return { name: levelName(spec.baseline, inputTime, digest), digest, spec, inputTime };
}

export type NodeLevelChange = Partial<NonNullable<PatchLevelSpec["node"]>> & {
  readonly at?: number;
  readonly baseline?: string;
  readonly disruption?: PatchLevelSpec["disruption"];
  readonly rollback?: boolean;
};

function nodeLevel(
  components: NonNullable<PatchLevelSpec["node"]>["components"],
  change: NodeLevelChange,
  disruption: PatchLevelSpec["disruption"],
): LevelInForce {
  const { at, baseline, rollback, disruption: wanted, ...rest } = change;
  const step = (name: string) => ({ image: IMAGE, command: [name], host: "ReadWrite" as const, timeout: "30m" });
  return levelFrom(
    {
      baseline: baseline ?? "ubuntu",
      target: "Node",
      disruption: wanted ?? disruption,
      node: {
        product: { id: "ubuntu", versionId: "22.04" },
        components,
        recipe: {
          name: "ubuntu",
          strategy: "InPlace",
          steps: {
            update: step("update"),
            reboot: step("reboot"),
            ...(rollback === true ? { rollback: step("rollback") } : {}),
          },
        },
        rebootPolicy: "IfRequired",
        drain: "IfDisruptive",
        ...rest,
      },
    },
    at ?? START - 10 * DAY,
  );
}

/** A kernel: drain, update, reboot. */
export function kernelLevel(build: number, change: NodeLevelChange = {}): LevelInForce {
  return nodeLevel([{ name: "kernel/5.15/generic", scheme: "kernel", version: kernel(build) }], change, "Reboot");
}

/** A kubelet: a restart, no drain. */
export function kubeletLevel(version: string, change: NodeLevelChange = {}): LevelInForce {
  return nodeLevel([{ name: "kubelet", scheme: "semver", version }], change, "Restart");
}

export function imageLevel(
  tag: string,
  change: { readonly at?: number; readonly baseline?: string } = {},
): LevelInForce {
  return levelFrom(
    {
      baseline: change.baseline ?? "web",
      target: "Image",
      disruption: "Restart",
      image: { images: [{ repository: WEB, tag }] },
    },
    change.at ?? START - 10 * DAY,
  );
}

export function nodeBaseline(
  name = "ubuntu",
  change: Partial<NonNullable<BaselineInForce["spec"]["node"]>> = {},
): BaselineInForce {
  return {
    name,
    inputTime: START - 20 * DAY,
    status: undefined,
    spec: {
      target: "Node",
      node: { product: { id: "ubuntu", versionId: "22.04" }, recipeRef: { name: "ubuntu" }, ...change },
    },
  };
}

export function imageBaseline(name = "web", repository = WEB, tag = "1.0"): BaselineInForce {
  return {
    name,
    inputTime: START - 20 * DAY,
    status: undefined,
    spec: { target: "Image", image: { images: [{ repository, tag }] } },
  };
}

export function nodeAsset(name: string, rest: Partial<NodeAsset> = {}): NodeAsset {
  return {
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    labels: {},
    zone: "a",
    createdAt: START - 100 * DAY,
    ready: true,
    unschedulable: false,
    controlPlane: false,
    provider: undefined,
    bootId: "boot-1",
    kernelVersion: kernel(100),
    kubeletVersion: "v1.34.0",
    containerRuntimeVersion: "containerd://1.7.24",
    osImage: "Ubuntu 22.04.5 LTS",
    architecture: "amd64",
    heardAt: undefined,
    mark: undefined,
    ...rest,
  };
}

export function workloadAsset(name: string, tag = "1.0", rest: Partial<WorkloadAsset> = {}): WorkloadAsset {
  const image = `${WEB}:${tag}`;
  return {
    kind: "Deployment",
    namespace: "shop",
    name,
    uid: `uid-shop-${name}`,
    resourceVersion: "1",
    labels: {},
    createdAt: START - 100 * DAY,
    containers: [{ name: "web", init: false, image }],
    pods: [
      {
        name: `${name}-0`,
        ready: true,
        running: [{ container: "web", image, imageId: `${WEB}@sha256:${"0".repeat(64)}` }],
      },
    ],
    rollingUpdate: true,
    managedBy: undefined,
    rollout: { complete: true, deadlineExceeded: false, desired: 1, available: 1 },
    mark: undefined,
    ...rest,
  };
}

/** A ring of the nodes (or workloads) that carry its name as the label `ring`. */
export function ring(name: string, spec: Partial<RolloutRingSpec> = {}, rest: Partial<RingInForce> = {}): RingInForce {
  const selector = { matchLabels: { ring: name } };
  return {
    name,
    spec: { members: { nodes: { selector }, workloads: { selector, mode: "Patch" } }, soak: "1h", ...spec },
    status: undefined,
    authority: { kind: "Git", commit: "c0ffee" },
    suspendedLive: false,
    brakes: [],
    ...rest,
  };
}

export function entry(
  level: LevelInForce,
  rest: Partial<NonNullable<RolloutRingSpec["levels"]>[number]> = {},
): NonNullable<RolloutRingSpec["levels"]>[number] {
  return { baseline: level.spec.baseline, level: level.name, ...rest };
}

export function policy(rest: Partial<PolicyInForce> = {}): PolicyInForce {
  return {
    clusterName: "test",
    baselines: [nodeBaseline()],
    rings: [],
    calendars: [],
    exceptions: [],
    recipes: [],
    levels: [],
    brakes: [],
    proposer: true,
    ...rest,
  };
}

export function inventory(nodes: readonly NodeAsset[], workloads: readonly WorkloadAsset[] = []): Inventory {
  return { nodes, workloads, pods: [], pdbs: [], apiServerVersion: "v1.35.1" };
}

export const NO_STATES: StoredStates = { nodes: new Map(), workloads: new Map() };

export function ledger(claims: readonly Claim[] = [], rest: Partial<LedgerView> = {}): LedgerView {
  return {
    spec: { mode: "Enforce", limits: { nodes: "100%", nodesPerZone: "100%", workloads: "100%" } },
    claims,
    rebuilding: false,
    ...rest,
  };
}

export function claimOn(
  target: NodeAsset | WorkloadAsset,
  ringName: string,
  level: LevelInForce,
  rest: Partial<Claim> = {},
): Claim {
  const workload = "kind" in target ? target : undefined;
  return {
    uid: target.uid,
    id: `claim-${target.name}`,
    kind: workload?.kind ?? "Node",
    ...(workload === undefined ? {} : { namespace: workload.namespace }),
    name: target.name,
    cluster: "test",
    ...("zone" in target && target.zone !== undefined ? { zone: target.zone } : {}),
    ring: ringName,
    baseline: level.spec.baseline,
    level: level.name,
    digest: level.digest,
    since: iso(START),
    ...rest,
  };
}

export function planInput(rest: Partial<PlanInput> & Pick<PlanInput, "policy" | "inventory">): PlanInput {
  return { now: START, stored: NO_STATES, ledger: ledger(), candidates: new Map(), observedMs: 0, ...rest };
}
