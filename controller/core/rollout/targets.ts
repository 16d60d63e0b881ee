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
import { type Epoch, epochOf, nodeHoldsUntil, type PlanMemory, workloadHoldsUntil } from "./memory.ts";
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

/** Every pair, sorted by kind, namespace, name and baseline; `nodes` and `workloads` are sorted already. */
export function findTargets(input: TargetInput, memory?: PlanMemory): readonly Target[] {
  const { policy, inventory, stored, now } = input;
  const scene: Scene = {
    input,
    nodeBaselines: sortByName(policy.baselines.filter((baseline) => baseline.spec.target === "Node")),
    imageBaselines: sortByName(policy.baselines.filter((baseline) => baseline.spec.target === "Image")),
    imageNames: new Map(policy.baselines.map((baseline) => [baseline.name, lastNames(baseline)])),
    choices: new Map(),
  };
  const targets: Target[] = [];
  if (memory === undefined) {
    for (const node of inventory.nodes) targets.push(...targetsOfNode(scene, node));
    for (const workload of inventory.workloads) targets.push(...targetsOfWorkload(scene, workload));
    return targets;
  }
  const epoch = epochOf(memory, "targets", [
    ...scene.nodeBaselines,
    0,
    ...scene.imageBaselines,
    0,
    ...policy.exceptions,
  ]);
  const ofRing = new Map<string | undefined, Epoch>();
  const recall = (
    asset: NodeAsset | WorkloadAsset,
    state: unknown,
    make: () => readonly Target[],
    until: () => Instant,
  ): void => {
    const membership = membershipOf(input, asset.uid);
    const ring = membership.kind === "Ring" ? membership.ring : undefined;
    let choices = ofRing.get(ring);
    if (choices === undefined)
      ofRing.set(ring, (choices = epochOf(memory, `choices/${ring ?? ""}`, choiceParts(scene, ring))));
    const known = memory.targets.get(asset);
    const holds =
      known !== undefined &&
      known.epoch === epoch &&
      known.choices === choices &&
      known.membership === membership &&
      known.stored === state &&
      known.since <= now &&
      now < known.until;
    const mine = holds ? known.targets : make();
    for (const target of mine) targets.push(target);
    if (!holds)
      memory.targets.set(asset, {
        epoch,
        choices,
        membership,
        stored: state,
        since: now,
        until: until(),
        targets: mine,
      });
  };
  for (const node of inventory.nodes) {
    const state = stored.nodes.get(node.uid);
    const until = (): Instant => nodeHoldsUntil(node, state, scene.nodeBaselines, policy.exceptions, now);
    recall(node, state, () => targetsOfNode(scene, node), until);
  }
  for (const workload of inventory.workloads) {
    const until = (): Instant => workloadHoldsUntil(policy.exceptions, now);
    recall(workload, stored.workloads.get(workload.uid), () => targetsOfWorkload(scene, workload), until);
  }
  return targets;
}

interface Scene {
  readonly input: TargetInput;
  readonly nodeBaselines: readonly BaselineInForce[];
  readonly imageBaselines: readonly BaselineInForce[];
  /** Last path components of the repositories and mirrors that each baseline names: tells most pairs apart at once. */
  readonly imageNames: ReadonlyMap<string, ReadonlySet<string>>;
  /** By ring and baseline: made once for a plan, shared by all targets. */
  readonly choices: Map<string, Choice>;
}

function targetsOfNode(scene: Scene, node: NodeAsset): readonly Target[] {
  const { input, nodeBaselines } = scene;
  const stored = input.stored.nodes.get(node.uid);
  const mine = nodeBaselines.filter((baseline) => isNodeTarget(baseline, node, stored));
  const conflict: Block | undefined =
    mine.length > 1
      ? { reason: "BaselineConflict", message: `node is under ${mine.map((baseline) => baseline.name).join(", ")}` }
      : undefined;
  const membership = membershipOf(input, node.uid);
  return mine.map((baseline) => {
    const choice = choiceFor(scene, membership, baseline.name);
    const { level, approved, withdrawn, enforce, ring } = choice;
    const assessment = assessNode({
      node,
      stored,
      baseline,
      level,
      approved,
      withdrawn,
      enforce,
      exceptions: input.policy.exceptions,
      now: input.now,
    });
    return { asset: node, node, workload: undefined, baseline, membership, ring, level, assessment, conflict };
  });
}

function lastNames({ spec }: BaselineInForce): ReadonlySet<string> {
  const images = spec.image?.images ?? [];
  return new Set(images.flatMap(({ repository, mirrors = [] }) => [repository, ...mirrors]).map(lastName));
}

function lastName(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}

function mayName(names: ReadonlySet<string> | undefined, { containers }: WorkloadAsset): boolean {
  return containers.some(({ image }) => names?.has(lastName(image).replace(/[:@].*$/, "")) === true);
}

function targetsOfWorkload(scene: Scene, workload: WorkloadAsset): readonly Target[] {
  const { input, imageBaselines } = scene;
  const membership = membershipOf(input, workload.uid);
  return imageBaselines
    .filter(
      (baseline) => mayName(scene.imageNames.get(baseline.name), workload) && isWorkloadTarget(baseline, workload),
    )
    .map((baseline) => {
      const { level, approved, withdrawn, ring } = choiceFor(scene, membership, baseline.name);
      const stored = input.stored.workloads.get(workload.uid);
      const assessment = assessWorkload({
        workload,
        stored,
        baseline,
        level,
        approved,
        withdrawn,
        exceptions: input.policy.exceptions,
        now: input.now,
      });
      return {
        asset: workload,
        node: undefined,
        workload,
        baseline,
        membership,
        ring,
        level,
        assessment,
        conflict: undefined,
      };
    });
}

const UNASSIGNED: Membership = { kind: "Unassigned" };

function membershipOf(input: TargetInput, uid: string): Membership {
  return input.members.of.get(uid) ?? UNASSIGNED;
}

interface Choice {
  readonly ring: string | undefined;
  readonly level: LevelInForce | undefined;
  readonly approved: boolean;
  readonly withdrawn: boolean;
  readonly enforce: "Floor" | "Exact";
}

function choiceFor(scene: Scene, membership: Membership, baseline: string): Choice {
  const ring = membership.kind === "Ring" ? membership.ring : undefined;
  const key = `${ring ?? ""}/${baseline}`;
  const known = scene.choices.get(key);
  if (known !== undefined) return known;
  const choice = chooseLevel(scene.input, ring, baseline);
  scene.choices.set(key, choice);
  return choice;
}

/** What a ring's approval says, else the candidate. */
function chooseLevel(
  { entries, candidates, withdrawn }: TargetInput,
  ring: string | undefined,
  baseline: string,
): Choice {
  const approval = ring === undefined ? undefined : entries.get(ring)?.approvals.get(baseline);
  const level = approval?.level ?? candidates.get(baseline);
  const takenBack =
    approval === undefined &&
    level !== undefined &&
    ring !== undefined &&
    withdrawn.get(ring)?.has(level.digest) === true;
  return {
    ring,
    level,
    approved: approval !== undefined,
    withdrawn: takenBack,
    enforce: approval?.entry.enforce ?? "Floor",
  };
}

function choiceParts({ input, nodeBaselines, imageBaselines }: Scene, ring: string | undefined): readonly unknown[] {
  return [...nodeBaselines, ...imageBaselines].flatMap(({ name }) => {
    const { level, approved, withdrawn, enforce } = chooseLevel(input, ring, name);
    return [level?.name, level?.digest, level?.inputTime, level?.mismatch, approved, withdrawn, enforce];
  });
}

function sortByName<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => compareText(a.name, b.name));
}

/** By kind, namespace and name. */
export function sortAssets<
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
