// Serves the claims under way, always before anything new is claimed (V3): one act for each target a pass. Joins nodes/ and
// workloads/ with the plan's steering. A conflict or an outage on one target harms no other.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { RolloutRingSpec } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import { assessNode, assessWorkload } from "../core/compliance/index.ts";
import type {
  Assessment,
  Claim,
  Inventory,
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  WorkloadAsset,
} from "../core/model.ts";
import type { Plan } from "../core/rollout/plan.ts";
import { endsAtOnce } from "../core/operations/node-steps.ts";
import type { ClaimRequest } from "../core/rollout/claim-request.ts";
import type { Steering } from "../core/rollout/decision.ts";
import { withHolds } from "../inventory/foreign.ts";
import { projectWorkloads } from "../inventory/join-workloads.ts";
import { projectAttachment } from "../inventory/project-volume.ts";
import type { Client } from "../kube/client.ts";
import { readState, type StatusOf } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import { DEPLOYMENTS, NODES, PODS, REPLICA_SETS, type Resource } from "../kube/resources.ts";
import type { EvictionPauses } from "../nodes/evict.ts";
import type { RefusalClass } from "../nodes/metrics.ts";
import { type InventoryKeep, operateNode } from "../nodes/operate.ts";
import { operateWorkload, PATCHED_KINDS } from "../workloads/operate.ts";
import { projectLiveNode, projectLivePod } from "./snapshot.ts";

export interface ServeInput {
  readonly client: Client;
  readonly now: () => Instant;
  readonly policy: PolicyInForce;
  readonly plan: Plan;
  readonly inventory: Inventory;
  readonly pauses: EvictionPauses;
  /** Hears of each eviction that the API server refused. */
  readonly onRefusal?: ((reason: RefusalClass) => void) | undefined;
  readonly concurrency: number;
  readonly tell: (
    claim: Claim,
    event: { readonly type: "Normal" | "Warning"; readonly reason: string; readonly note: string },
  ) => void;
  readonly onError: (error: unknown, claim: Claim) => void;
}

export interface Served {
  /** UIDs whose claim may be freed. */
  readonly free: ReadonlySet<string>;
  /** Of those, targets whose failure outlives the claim. */
  readonly lost: readonly Claim[];
  /** Something was written; the next pass should come soon. */
  readonly moved: boolean;
  /** When a target is to be looked at again at the latest; undefined: none asks for it. */
  readonly again: Instant | undefined;
}

/** One act for each claim. */
export async function serveClaims(input: ServeInput): Promise<Served> {
  const free = new Set<string>();
  const lost: Claim[] = [];
  let moved = false;
  let again: Instant | undefined;
  const queue = [...input.plan.steering];
  async function work(): Promise<void> {
    for (let steering = queue.shift(); steering !== undefined; steering = queue.shift()) {
      const { claim } = steering;
      try {
        const result = await serve(input, steering);
        if (result.kind === "Moved") moved = true;
        if (result.kind === "Waiting" && "until" in result && result.until !== undefined)
          again = Math.min(again ?? result.until, result.until);
        if (result.kind !== "Free") continue;
        free.add(claim.uid);
        if (result.lost) lost.push(claim);
      } catch (error) {
        input.onError(error, claim);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(input.concurrency, queue.length) }, work));
  return { free, lost, moved, again };
}

type Aims = Pick<ServeInput, "client" | "now" | "policy" | "plan" | "inventory">;

/** What policy says of a claim's target, now. */
function findTerms({ policy, plan }: Pick<Aims, "policy" | "plan">, claim: ClaimRequest) {
  const ring: RolloutRingSpec | undefined = policy.rings.find((other) => other.name === claim.ring)?.spec;
  const level = policy.levels.find((other) => other.digest === claim.digest && other.mismatch === undefined);
  const baseline = policy.baselines.find((other) => other.name === claim.baseline);
  const entry = plan.rings.find((outcome) => outcome.ring.name === claim.ring)?.entries.approvals.get(claim.baseline);
  const enforce: "Floor" | "Exact" =
    entry !== undefined && entry.level.digest === claim.digest ? (entry.entry.enforce ?? "Floor") : "Floor";
  const common = { approved: true, withdrawn: false, exceptions: policy.exceptions } as const;
  // A baseline that is gone from policy cannot say how stale its inventory may be; the level still says what is wanted.
  const standIn = baseline ?? {
    name: claim.baseline,
    spec: { target: "Node" as const },
    status: undefined,
    inputTime: 0,
  };
  return { ring, level, enforce, common, standIn };
}

/**
 * Whether a node that is about to be claimed is there and, as just read, not one whose operation would end before it begins. Workloads are few
 * beside nodes, and looked at when their claim is there.
 */
export async function hasWork(input: Aims, request: ClaimRequest, state: StatusOf | undefined): Promise<boolean> {
  if (request.kind !== "Node") return true;
  const stored = state as NodePatchStateStatus | undefined;
  const object = await input.client.get(NODES, { name: request.name });
  if (object === undefined || object.metadata.uid !== request.uid) return false;
  const node = projectClaimedNode(object, input.inventory);
  const { ring, level, enforce, common, standIn } = findTerms(input, request);
  if (node === undefined || level === undefined) return false;
  const now = input.now();
  const assess = (): Assessment => assessNode({ ...common, node, stored, baseline: standIn, level, enforce, now });
  const cordonedNodes = ring?.cordonedNodes ?? "Skip";
  return endsAtOnce({ now, claim: request, retreat: undefined, cordonedNodes, assess }, node) === undefined;
}

function serve(input: ServeInput, { claim, retreat }: Steering): ReturnType<typeof operateNode> {
  const { client, policy, inventory } = input;
  const { ring, level, enforce, common, standIn } = findTerms(input, claim);
  const tell = (event: Parameters<ServeInput["tell"]>[1]): void => input.tell(claim, event);
  if (claim.kind === "Node")
    return operateNode({
      client,
      now: input.now(),
      claim,
      level,
      drain: ring?.drain ?? {},
      cordonedNodes: ring?.cordonedNodes ?? "Skip",
      blocking: (ring?.gates ?? []).filter(({ type, pods }) => type === "BlockingPods" && pods?.within !== "Cluster"),
      retreat,
      pdbs: inventory.pdbs,
      project: {
        node: (object) => projectClaimedNode(object, inventory),
        pod: projectLivePod,
        attachment: projectAttachment,
      },
      assess: (node, stored, live) =>
        assessNode({ ...common, node, stored, baseline: standIn, level: live, enforce, now: input.now() }),
      keep: keepFor(policy, level),
      volumes: inventory.volumes ?? [],
      pauses: input.pauses,
      onRefusal: input.onRefusal,
      tell,
    });
  const served = operateWorkload({
    client,
    now: input.now(),
    claim,
    level,
    onFailure: ring?.onFailure ?? "Halt",
    retreat,
    project: (object, resource) => projectLiveWorkload(client, object, resource),
    assess: (workload, stored, live) =>
      assessWorkload({ ...common, workload, stored, baseline: standIn, level: live, now: input.now() }),
    tell,
  });
  return served.then((result) => countVanished(client, claim, result));
}

/**
 * A workload takes its state with it. Where neither is there any more, nobody can say how far its operation had come: what cannot be ruled
 * out counts as failed, or a rollout that breaks workloads would be forgiven by whoever sweeps them up. A workload that goes in the moment
 * between claim and patch, or between success and release, counts too.
 */
async function countVanished(
  client: Client,
  claim: Claim,
  result: Awaited<ReturnType<typeof operateWorkload>>,
): Promise<Awaited<ReturnType<typeof operateWorkload>>> {
  const resource = PATCHED_KINDS[claim.kind];
  if (result.kind !== "Free" || result.lost || resource === undefined || claim.digest === "") return result;
  const object = await client.get(resource, { namespace: claim.namespace, name: claim.name });
  if (object?.metadata.uid === claim.uid) return result;
  const state = await readState<WorkloadPatchStateStatus>(client, claim);
  const speaks =
    state?.status !== undefined ||
    state?.object.metadata.ownerReferences?.some(({ uid }) => uid === claim.uid) === true;
  return speaks ? result : { kind: "Free", lost: true };
}

/** A claimed node as just read, with what other tools' locks and Leases say of it as far as this process has heard. */
function projectClaimedNode(object: KubeObject, { nodes }: Inventory): NodeAsset | undefined {
  const node = projectLiveNode(object);
  const known = node === undefined ? undefined : nodes.find(({ uid }) => uid === node.uid);
  const elsewhere = known?.foreign?.filter(({ at }) => at !== undefined) ?? [];
  return node === undefined || elsewhere.length === 0 ? node : withHolds(node, elsewhere);
}

/** Packages that any baseline or level names: one report serves all of them. */
export function keepFor(policy: PolicyInForce, level: LevelInForce | undefined): InventoryKeep {
  const packages = new Set<string>();
  for (const baseline of policy.baselines)
    for (const item of baseline.spec.node?.minimum?.packages ?? []) packages.add(item.name);
  const levels = level === undefined ? policy.levels : [...policy.levels, level];
  for (const { spec } of levels)
    for (const component of spec.node?.components ?? [])
      if (component.name.startsWith("package:")) packages.add(component.name.slice("package:".length));
  return { packages, followsOffered: policy.baselines.some((baseline) => baseline.spec.node?.follow === "Offered") };
}

/** A workload with its pods, all as just read. */
async function projectLiveWorkload(
  client: Client,
  object: KubeObject,
  resource: Resource,
): Promise<WorkloadAsset | undefined> {
  const namespace = object.metadata.namespace;
  const pods = (await client.list(PODS, { namespace })).items;
  const replicasets = resource === DEPLOYMENTS ? (await client.list(REPLICA_SETS, { namespace })).items : [];
  const { workloads } = projectWorkloads({
    deployments: resource.kind === "Deployment" ? [object] : [],
    statefulsets: resource.kind === "StatefulSet" ? [object] : [],
    daemonsets: resource.kind === "DaemonSet" ? [object] : [],
    replicasets,
    pods,
  });
  return workloads.find((workload) => workload.uid === object.metadata.uid);
}
