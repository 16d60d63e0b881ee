// Why one target may not be claimed, whatever its ring may do: conflicts, ownership, health and its own history.
// An ordered list of small checks, like the ring's.
import type { UpdateRecipe } from "../../api/update-recipe.ts";
import type { Instant } from "../../clock.ts";
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import { findHold } from "../interop/markers.ts";
import { parseDuration } from "../duration.ts";
import type { Budgets } from "../operations/budgets.ts";
import { drainsNode, forecastDrain } from "../operations/forecast.ts";
import { compareVersions } from "../versions/index.ts";
import { kubernetesMinor, OLDEST_KUBELET_MINORS } from "../versions/kubelet.ts";
import type {
  Block,
  Inventory,
  NodeAsset,
  PodAsset,
  PolicyInForce,
  RingInForce,
  StoredStates,
  WorkloadAsset,
} from "../model.ts";
import { findAttempt } from "./attempts.ts";
import { iso } from "./ring-checks.ts";
import { type ControlPlaneView, findControlPlaneRisk } from "./control-plane.ts";
import { desiredImages } from "./desired-images.ts";
import type { Approval } from "./entries.ts";
import { isLevelOf } from "./history.ts";
import type { Target } from "./targets.ts";

export interface TargetScope {
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly controlPlane: ControlPlaneView;
  /** Nodes, by name, that a pod holds back. */
  readonly blockingPods?: ReadonlyMap<string, Block> | undefined;
  readonly target: Target;
  readonly ring: RingInForce;
  readonly approval: Approval;
  /** Windows are shut and ignored because the deadline passed at this time. Undefined: nothing is forced. */
  readonly forcedAt: Instant | undefined;
  /** Pods of the node, and what of their budgets lasts. */
  readonly pods?: readonly PodAsset[];
  readonly lasting?: Budgets;
}

type Check = (scope: TargetScope) => Block | undefined;
type NodeCheck = (scope: TargetScope, node: NodeAsset) => Block | undefined;
type WorkloadCheck = (scope: TargetScope, workload: WorkloadAsset) => Block | undefined;

const nodeChecks: readonly NodeCheck[] = [
  checkProvider,
  checkRollback,
  checkSkew,
  ({ blockingPods }, node) => blockingPods?.get(node.name),
  ({ controlPlane }, node) => findControlPlaneRisk(node, controlPlane),
  ({ now }, node) => findHold(node, now),
  (scope, node) =>
    node.unschedulable && node.mark === undefined && scope.ring.spec.cordonedNodes !== "Update"
      ? { reason: "CordonedByOther", message: `node ${node.name} was cordoned by somebody else` }
      : undefined,
  checkDrain,
  checkGrace,
];

const workloadChecks: readonly WorkloadCheck[] = [
  (_, workload) =>
    workload.managedBy === undefined
      ? undefined
      : {
          reason: "ManagedElsewhere",
          message: `the template is applied by ${workload.managedBy}; change its manifests there`,
        },
  (_, workload) =>
    workload.rollingUpdate
      ? undefined
      : { reason: "UpdateStrategyNotSupported", message: `a ${workload.kind} without RollingUpdate is observed only` },
  ({ ring }) =>
    ring.spec.members.workloads?.mode === "Patch"
      ? undefined
      : { reason: "RingObserves", message: `ring ${ring.name} observes workloads only (members.workloads.mode)` },
  checkContested,
];

const commonChecks: readonly Check[] = [({ target }) => target.conflict, checkReady, checkUnknown, checkAttempted];

/** Why this target may not be claimed. */
export function findTargetBlocks(scope: TargetScope): readonly Block[] {
  const { node, workload } = scope.target;
  const own =
    node !== undefined
      ? nodeChecks.map((check) => check(scope, node))
      : workload !== undefined
        ? workloadChecks.map((check) => check(scope, workload))
        : [];
  return [...commonChecks.map((check) => check(scope)), ...own].flatMap((block) => block ?? []);
}

/** Before what follows from it: of a node that is down nothing else is known either. */
function checkReady({ target: { node } }: TargetScope): Block | undefined {
  return node === undefined || node.ready
    ? undefined
    : { reason: "NodeNotReady", message: `node ${node.name} is not Ready` };
}

function checkUnknown({ target }: TargetScope): Block | undefined {
  return describeUnknown(target)?.[0];
}

/** Why nobody can tell what a target runs, if so. */
export function describeUnknown({ assessment }: Target): readonly [Block] | undefined {
  const { state, reason, components } = assessment;
  if (state !== "Unknown") return undefined;
  const cause = components.find((component) => component.state === "Unknown");
  const message =
    components.length === 0
      ? "there is no level to compare it with"
      : cause === undefined
        ? "what runs here is not known"
        : `${cause.name} is not known`;
  return [{ reason: reason ?? "InventoryMissing", message }];
}

function checkAttempted({ stored, target, approval, now }: TargetScope): Block | undefined {
  const state = stored.nodes.get(target.asset.uid) ?? stored.workloads.get(target.asset.uid);
  return findAttempt(state, { baseline: approval.baseline, digest: approval.level.digest }, now);
}

/** Labels by which a recipe shows that it means such nodes. */
const PROVIDER_LABELS: Readonly<Record<NonNullable<NodeAsset["provider"]>, readonly string[]>> = {
  Karpenter: ["karpenter.sh/nodepool"],
  ClusterAPI: ["cluster.x-k8s.io/cluster-name", "cluster.x-k8s.io/owner-name"],
  ManagedPool: ["eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool"],
};

function checkProvider({ policy, approval }: TargetScope, node: NodeAsset): Block | undefined {
  const recipe = approval.level.spec.node?.recipe;
  if (recipe?.strategy === "External")
    return {
      reason: "ReplacedByProvider",
      message: `recipe ${recipe.name} says that something else updates such nodes`,
    };
  if (node.provider === undefined) return undefined;
  const spec = policy.recipes.find((other) => other.name === recipe?.name)?.spec;
  if (spec !== undefined && namesLabel(spec, PROVIDER_LABELS[node.provider])) return undefined;
  return {
    reason: "ReplacedByProvider",
    message: `node ${node.name} belongs to ${node.provider}, which replaces nodes`,
  };
}

function namesLabel(spec: UpdateRecipe["spec"], labels: readonly string[]): boolean {
  const selector = spec.match.nodeSelector;
  return labels.some(
    (label) =>
      selector?.matchLabels?.[label] !== undefined || selector?.matchExpressions?.some((term) => term.key === label),
  );
}

function checkRollback({ approval, target }: TargetScope): Block | undefined {
  if (!target.assessment.offTarget || approval.level.spec.node?.recipe.steps?.rollback !== undefined) return undefined;
  return {
    reason: "RollbackNotPossible",
    message: `the node is above ${approval.level.name}, the entry says Exact, and recipe ${approval.level.spec.node?.recipe.name} has no rollback step`,
  };
}

/**
 * Kubernetes' version skew policy: a kubelet is never newer than any API server, nor more than three minors older. One that is too old
 * already is not made worse by an update; what goes back may not become it.
 */
function checkSkew({ approval, target, inventory }: TargetScope, node: NodeAsset): Block | undefined {
  const wanted = approval.level.spec.node?.components.find((component) => component.name === "kubelet")?.version;
  if (wanted === undefined) return undefined;
  const order = compareVersions("semver", node.kubeletVersion, wanted);
  const goesBack = target.assessment.offTarget && order === ">";
  if (order !== "<" && !goesBack) return undefined;
  const wantedMinor = kubernetesMinor(wanted);
  // Skew is about minors: a patch of the one that runs changes nothing, whatever the server is.
  if (wantedMinor !== undefined && wantedMinor === kubernetesMinor(node.kubeletVersion)) return undefined;
  const servers = [inventory.apiServerVersion, ...apiServerVersions(inventory)];
  const minors = servers.map((server) => (server === undefined ? undefined : kubernetesMinor(server)));
  const unknown = minors.indexOf(undefined);
  if (wantedMinor === undefined || unknown >= 0)
    return {
      reason: "VersionSkew",
      message: `kubelet ${wanted}: the API server's version (${servers[unknown] ?? "unknown"}) does not say whether it may be so`,
    };
  for (const [at, minor = 0] of minors.entries()) {
    if (!goesBack && wantedMinor > minor)
      return { reason: "VersionSkew", message: `kubelet ${wanted} would be newer than the API server ${servers[at]}` };
    if (goesBack && wantedMinor < minor - OLDEST_KUBELET_MINORS)
      return {
        reason: "VersionSkew",
        message: `kubelet ${wanted} would be more than ${OLDEST_KUBELET_MINORS} minors older than the API server ${servers[at]}`,
      };
  }
  return undefined;
}

/** While a control plane is upgraded its servers differ, and whoever asks one of them hears only of that one. */
function apiServerVersions({ controlPlane }: Inventory): readonly string[] {
  return (controlPlane?.pods ?? []).flatMap(({ component, version }) =>
    component === "kube-apiserver" && version !== undefined ? [version] : [],
  );
}

/** A node whose drain cannot succeed is not claimed, so it is not cordoned either. What may pass by itself is looked at when its turn comes. */
function checkDrain(scope: TargetScope, node: NodeAsset): Block | undefined {
  const { approval, ring, inventory, pods = [], lasting } = scope;
  if (lasting === undefined || pods.length === 0 || !drainsNode(approval.level.spec, node)) return undefined;
  const { drain: policy = {} } = ring.spec;
  return forecastDrain({ pods, budgets: lasting, policy, volumes: inventory.volumes ?? [] });
}

/** A node that joined late, or came to need a reboot, has its grace before the deadline forces it; inside a window it needs none. */
function checkGrace({ ring, now, forcedAt, stored, target }: TargetScope, node: NodeAsset): Block | undefined {
  if (forcedAt === undefined) return undefined;
  const grace = parseDuration(ring.spec.gracePeriod ?? "0s") ?? 0;
  const pendingSince =
    target.assessment.state === "InstalledPendingReboot"
      ? (pendingTime(stored.nodes.get(node.uid)) ?? now)
      : Number.NEGATIVE_INFINITY;
  const until = Math.max(node.createdAt, pendingSince) + grace;
  if (grace === 0 || now >= until) return undefined;
  const why = pendingSince > node.createdAt ? "came to need a reboot" : "joined late";
  return {
    reason: "GracePeriod",
    message: `node ${node.name} ${why} and is not forced before ${iso(until)}`,
  };
}

/** Since when a node is said to need a reboot. */
function pendingTime(state: NodePatchStateStatus | undefined): Instant | undefined {
  const since = state?.blockedBy?.find((block) => block.reason === "RebootPending")?.since;
  return since === undefined ? undefined : Date.parse(since);
}

function checkContested({ stored, approval }: TargetScope, workload: WorkloadAsset): Block | undefined {
  const state = stored.workloads.get(workload.uid);
  const contested =
    state?.contested?.some(
      (entry) => entry.baseline === approval.baseline && entry.digest === approval.level.digest,
    ) === true ||
    (lastWritten(state, approval.baseline) === approval.level.name && !hasImages(workload, approval));
  return contested
    ? { reason: "FieldContested", message: "somebody else put the image back; it is not written twice" }
    : undefined;
}

/** The level of the baseline that an operation of ours brought last: where it is no longer there, another hand took it away. */
function lastWritten(state: WorkloadPatchStateStatus | undefined, baseline: string): string | undefined {
  return state?.history?.findLast((entry) => entry.result === "Succeeded" && isLevelOf(entry.level, baseline))?.level;
}

function hasImages(workload: WorkloadAsset, { level }: Approval): boolean {
  return desiredImages(workload, level.spec).every(({ from, to }) => from === to);
}
