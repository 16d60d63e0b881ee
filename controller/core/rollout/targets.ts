// Pairs every asset with the baselines that are about it and assesses each pair against what its ring is approved to run,
// or, where nothing is approved, against the candidate. A node under two node baselines is a conflict.
import type { Instant } from "../../clock.ts";
import { assessNode, assessWorkload } from "../compliance/assess.ts";
import { isNodeTarget, isWorkloadTarget } from "../compliance/targets.ts";
import type {
  Assessment,
  BaselineInForce,
  Block,
  Digest,
  Inventory,
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  StoredStates,
  WorkloadAsset,
} from "../model.ts";
import type { RingEntries } from "./entries.ts";
import type { Members, Membership } from "./membership.ts";
import { compareText } from "./text-order.ts";

/** One asset under one baseline, before anything is decided. */
export interface Target {
  readonly asset: NodeAsset | WorkloadAsset;
  readonly node: NodeAsset | undefined;
  readonly workload: WorkloadAsset | undefined;
  readonly baseline: BaselineInForce;
  readonly membership: Membership;
  readonly ring: string | undefined;
  readonly level: LevelInForce | undefined;
  readonly assessment: Assessment;
  /** BaselineConflict, for every baseline of the node. */
  readonly conflict: Block | undefined;
}

export interface TargetInput {
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly members: Members;
  readonly entries: ReadonlyMap<string, RingEntries>;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
}

/** Every pair, sorted by kind, namespace, name and baseline. */
export function findTargets(input: TargetInput): readonly Target[] {
  const { policy, inventory } = input;
  const nodeBaselines = sortByName(policy.baselines.filter((baseline) => baseline.spec.target === "Node"));
  const imageBaselines = sortByName(policy.baselines.filter((baseline) => baseline.spec.target === "Image"));
  const targets: Target[] = [];
  for (const node of sortAssets(inventory.nodes)) {
    const mine = nodeBaselines.filter((baseline) => isNodeTarget(baseline, node, input.stored.nodes.get(node.uid)));
    const conflict: Block | undefined =
      mine.length > 1
        ? { reason: "BaselineConflict", message: `node is under ${mine.map((baseline) => baseline.name).join(", ")}` }
        : undefined;
    for (const baseline of mine) targets.push(nodeTarget(input, node, baseline, conflict));
  }
  for (const workload of sortAssets(inventory.workloads))
    for (const baseline of imageBaselines)
      if (isWorkloadTarget(baseline, workload)) targets.push(workloadTarget(input, workload, baseline));
  return targets;
}

function nodeTarget(
  input: TargetInput,
  node: NodeAsset,
  baseline: BaselineInForce,
  conflict: Block | undefined,
): Target {
  const choice = chooseLevel(input, node.uid, baseline.name);
  const assessment = assessNode({
    node,
    stored: input.stored.nodes.get(node.uid),
    baseline,
    level: choice.level,
    approved: choice.approved,
    withdrawn: choice.withdrawn,
    enforce: choice.enforce,
    exceptions: input.policy.exceptions,
    now: input.now,
  });
  return { ...choice, asset: node, node, workload: undefined, baseline, assessment, conflict };
}

function workloadTarget(input: TargetInput, workload: WorkloadAsset, baseline: BaselineInForce): Target {
  const choice = chooseLevel(input, workload.uid, baseline.name);
  const assessment = assessWorkload({
    workload,
    stored: input.stored.workloads.get(workload.uid),
    baseline,
    level: choice.level,
    approved: choice.approved,
    withdrawn: choice.withdrawn,
    exceptions: input.policy.exceptions,
    now: input.now,
  });
  return { ...choice, asset: workload, node: undefined, workload, baseline, assessment, conflict: undefined };
}

interface Choice {
  readonly membership: Membership;
  readonly ring: string | undefined;
  readonly level: LevelInForce | undefined;
  readonly approved: boolean;
  readonly withdrawn: boolean;
  readonly enforce: "Floor" | "Exact";
}

function chooseLevel(input: TargetInput, uid: string, baseline: string): Choice {
  const membership = input.members.of.get(uid) ?? { kind: "Unassigned" };
  const ring = membership.kind === "Ring" ? membership.ring : undefined;
  const approval = ring === undefined ? undefined : input.entries.get(ring)?.approvals.get(baseline);
  const level = approval?.level ?? input.candidates.get(baseline);
  const withdrawn =
    approval === undefined &&
    level !== undefined &&
    ring !== undefined &&
    input.withdrawn.get(ring)?.has(level.digest) === true;
  return {
    membership,
    ring,
    level,
    approved: approval !== undefined,
    withdrawn,
    enforce: approval?.entry.enforce ?? "Floor",
  };
}

function sortByName<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => compareText(a.name, b.name));
}

function sortAssets<
  T extends { readonly name: string; readonly uid: string; readonly namespace?: string; readonly kind?: string },
>(list: readonly T[]): readonly T[] {
  return [...list].sort(
    (a, b) =>
      compareText(a.kind ?? "", b.kind ?? "") ||
      compareText(a.namespace ?? "", b.namespace ?? "") ||
      compareText(a.name, b.name) ||
      compareText(a.uid, b.uid),
  );
}
