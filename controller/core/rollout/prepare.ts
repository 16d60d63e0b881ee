// What a plan starts from: rings in order, members, entries with withdrawals marked, and every asset under every baseline.
// Every list is put in an order of its own here, so that nothing after this depends on how lists arrived (R6).
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { indexImages } from "../compliance/image-index.ts";
import type { BaselineInForce, Block, Claim, Digest, NodeAsset, RingInForce, WorkloadAsset } from "../model.ts";
import { type CompiledCalendars, compileCalendars } from "./calendars.ts";
import { type ChoiceInput, findBases } from "./choices.ts";
import { failureOf } from "./claim-failure.ts";
import { markWithdrawals, readEntries, type RingEntries, withdrawnIn } from "./entries.ts";
import { type ControlPlaneView, viewControlPlane } from "./control-plane.ts";
import { type Census, takeCensus } from "./census.ts";
import { makeRules, type Members, type MembershipRules, rulesParts } from "./membership.ts";
import { turnPage, type AnswerMemory, recall, revise, reviseInSteps, settle } from "../incremental/memory.ts";
import { groupPods, type PodsByNode } from "../incremental/pods-by-node.ts";
import { type Budgets, indexBudgets, lastingBudgets } from "../operations/budgets.ts";
import type { PlanInput } from "./plan-input.ts";
import type { TargetRecord } from "./target-record.ts";
import { type Register, registerAssets } from "./records.ts";
import { sortRings } from "./ring-order.ts";
import type { LevelProgress } from "./progress.ts";
import { nodeHoldsUntil, workloadHoldsUntil } from "./shelf-life.ts";
import { join, makeOfPieces, type MadeOfPieces } from "../incremental/pieces.ts";
import { sortAgain, type SortedList } from "../incremental/sorted-list.ts";
import { type Survey, surveyAssets } from "./survey.ts";
import { compareAssets, type Target, targetsOfNode, targetsOfWorkload } from "./targets.ts";
import type { Steps } from "../incremental/steps.ts";
import { compareText } from "../text-order.ts";

/** What the rings after it ask of a ring that was looked at. */
export interface RingSoFar {
  readonly progress: ReadonlyMap<string, LevelProgress>;
  /** More of its targets failed than may. */
  readonly halted: Block | undefined;
}

export interface Context {
  /** Nodes and workloads sorted; what policy and ledger say as before is the object of before. */
  readonly input: PlanInput;
  readonly memory: AnswerMemory;
  readonly rings: readonly RingInForce[];
  readonly ringOf: ReadonlyMap<string, RingInForce>;
  readonly calendars: CompiledCalendars;
  readonly members: Members;
  readonly entries: ReadonlyMap<string, RingEntries>;
  readonly records: ReadonlyMap<string, readonly RingLevelStatus[]>;
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
  readonly survey: Survey;
  readonly census: Census;
  /** The very same while it says the same. */
  readonly controlPlane: ControlPlaneView;
  readonly pods: PodsByNode;
  /** As they are now, and what of them lasts. */
  readonly budgets: Budgets;
  readonly lasting: Budgets;
  readonly targets: readonly Target[];
  readonly claims: readonly Claim[];
  /** By target UID. */
  readonly claimOf: ReadonlyMap<string, Claim>;
  /** By `ring/baseline`: claims on targets of that group, of whatever baseline the claim is. */
  readonly claimsIn: ReadonlyMap<string, readonly Claim[]>;
  /** Names of lanes (limits.ts). */
  readonly lanes: Map<string, string>;
  /** UIDs whose claim is under way and has not failed. */
  readonly busy: ReadonlySet<string>;
  /** Claimed targets that more than one baseline is about now. */
  readonly conflicts: ReadonlyMap<string, Block>;
  /** Rings looked at so far: predecessors stand before their successors. */
  readonly done: Map<string, RingSoFar>;
}

/** Puts the input in order. The memory only saves work. */
export function* prepare(given: PlanInput, memory: AnswerMemory): Steps<Context> {
  turnPage(memory);
  const input = sorted(given, memory);
  yield;
  const { policy, now, ledger } = input;
  const rings = sortRings(policy.rings);
  const entries = new Map(rings.map((ring) => [ring.name, readEntries(ring, policy, now)]));
  const records = new Map(rings.map((ring) => [ring.name, recordsOf(ring, entries.get(ring.name), now)]));
  const withdrawn = new Map(rings.map((ring) => [ring.name, withdrawnIn(records.get(ring.name) ?? [])]));
  const { candidates } = input;
  const registers = yield* lookAtAssets(input, rings, { entries, candidates, withdrawn }, memory);
  const names = rings.map((ring) => ring.name);
  const survey = yield* reviseInSteps(memory, "survey", (before: Survey | undefined) =>
    surveyAssets(before, registers, names),
  );
  yield;
  const census = revise(memory, "census", (before: Census | undefined) => takeCensus(before, registers));
  yield;
  const pods = yield* reviseInSteps(memory, "pods", (before: PodsByNode | undefined) =>
    groupPods(before, input.inventory.pods),
  );
  const claims = recall(memory, "claims", [ledger.claims], () => [...ledger.claims].sort(compareClaims));
  return {
    input,
    memory,
    rings,
    ringOf: new Map(rings.map((ring) => [ring.name, ring])),
    calendars: recall(memory, "calendars", [policy.calendars], () => compileCalendars(policy)),
    members: survey.members,
    entries,
    records,
    withdrawn,
    survey,
    census,
    controlPlane: revise(memory, "controlPlane", (before: ControlPlaneView | undefined) =>
      settle(before, viewControlPlane(input.inventory)),
    ),
    pods,
    budgets: recall(memory, "budgets", [input.inventory.pdbs], (before: Budgets | undefined) =>
      indexBudgets(input.inventory.pdbs, before),
    ),
    lasting: recall(memory, "lasting", [input.inventory.pdbs], (before: Budgets | undefined) =>
      settle(before, lastingBudgets(input.inventory.pdbs)),
    ),
    targets: yield* listTargets(survey, memory),
    claims,
    claimOf: new Map(claims.map((claim) => [claim.uid, claim])),
    busy: new Set(claims.filter((claim) => failureOf(claim, input.stored) === undefined).map((claim) => claim.uid)),
    claimsIn: groupClaims(claims, survey),
    lanes: revise(memory, "lanes", (before: Map<string, string> | undefined) => before ?? new Map()),
    conflicts: new Map(
      claims.flatMap(({ uid }) => {
        const conflict = survey.byUid.get(uid)?.targets[0]?.target.conflict;
        return conflict === undefined ? [] : [[uid, conflict]];
      }),
    ),
    done: new Map(),
  };
}

function sorted(given: PlanInput, memory: AnswerMemory): PlanInput {
  const same = <T>(name: string, now: T): T =>
    revise(memory, `input/${name}`, (before: T | undefined) => settle(before, now));
  const sort = <T extends NodeAsset | WorkloadAsset>(name: string, list: readonly T[]): readonly T[] =>
    revise(memory, `sorted/${name}`, (before: SortedList<T> | undefined) => sortAgain(before, list, compareAssets))
      .sorted;
  const { inventory } = given;
  return {
    ...given,
    policy: same("policy", given.policy),
    ledger: same("ledger", given.ledger),
    candidates: same("candidates", given.candidates),
    inventory: {
      ...inventory,
      nodes: sort("nodes", inventory.nodes),
      workloads: sort("workloads", inventory.workloads),
    },
  };
}

function* listTargets({ nodes, workloads }: Survey, memory: AnswerMemory): Steps<readonly Target[]> {
  const made = yield* reviseInSteps(
    memory,
    "targets/pieces",
    (before: MadeOfPieces<TargetRecord, readonly Target[]> | undefined) =>
      makeOfPieces(before, [...nodes, ...workloads], (piece) => piece.map(({ target }) => target)),
  );
  const lists = [...made.values()];
  return recall(memory, "targets", lists, () => join(lists));
}

function groupClaims(claims: readonly Claim[], { byUid }: Survey): ReadonlyMap<string, readonly Claim[]> {
  const groups = new Map<string, Claim[]>();
  for (const claim of claims)
    for (const { key } of byUid.get(claim.uid)?.targets ?? []) {
      const list = groups.get(key);
      if (list === undefined) groups.set(key, [claim]);
      else list.push(claim);
    }
  return groups;
}

/** Every asset with its targets. */
function* lookAtAssets(
  { policy, inventory, stored, now }: PlanInput,
  rings: readonly RingInForce[],
  input: ChoiceInput,
  memory: AnswerMemory,
): Steps<{ readonly nodes: Register; readonly workloads: Register }> {
  const { exceptions } = policy;
  const names = rings.map((ring) => ring.name);
  const nodeBaselines = baselinesFor("Node", policy, memory);
  const imageBaselines = baselinesFor("Image", policy, memory);
  const images = recall(
    memory,
    "images",
    [imageBaselines],
    () => new Map(imageBaselines.map(({ name, spec }) => [name, indexImages(spec.image?.images ?? [])])),
  );
  let reassigned = false;
  const rules = recall<MembershipRules>(memory, "rules", rulesParts(rings), () => {
    reassigned = true;
    return makeRules(rings);
  });
  const nodes = yield* reviseInSteps(memory, "nodes", (before: Register<NodeAsset> | undefined) =>
    registerAssets(before, inventory.nodes, {
      now,
      reassigned,
      states: stored.nodes,
      memberOf: rules.ofNode,
      bases: findBases("Node", { baselines: nodeBaselines, exceptions }, names, input, memory),
      targetsOf: (node, membership, basis) => targetsOfNode(node, stored.nodes.get(node.uid), membership, basis, now),
      holdsUntil: (node) => nodeHoldsUntil(node, stored.nodes.get(node.uid), nodeBaselines, exceptions, now),
    }),
  );
  const workloads = yield* reviseInSteps(memory, "workloads", (before: Register<WorkloadAsset> | undefined) =>
    registerAssets(before, inventory.workloads, {
      now,
      reassigned,
      states: stored.workloads,
      memberOf: rules.ofWorkload,
      bases: findBases("Image", { baselines: imageBaselines, exceptions }, names, input, memory),
      targetsOf: (workload, membership, basis) =>
        targetsOfWorkload(workload, stored.workloads.get(workload.uid), membership, basis, images, now),
      holdsUntil: () => workloadHoldsUntil(exceptions, now),
    }),
  );
  return { nodes, workloads };
}

/** What is stored about a baseline changes with every target that is done, and says nothing about any of them. */
function baselinesFor(
  kind: "Node" | "Image",
  { baselines }: PlanInput["policy"],
  memory: AnswerMemory,
): readonly BaselineInForce[] {
  const mine = baselines
    .filter(({ spec }) => spec.target === kind)
    .map((baseline) => ({ ...baseline, status: undefined }))
    .sort((a, b) => compareText(a.name, b.name));
  return revise(memory, `baselines/${kind}`, (before: readonly BaselineInForce[] | undefined) => settle(before, mine));
}

function compareClaims(a: Claim, b: Claim): number {
  return (
    compareText(a.kind, b.kind) ||
    compareText(a.namespace ?? "", b.namespace ?? "") ||
    compareText(a.name, b.name) ||
    compareText(a.uid, b.uid)
  );
}

/** Stored records with withdrawals marked and today's approvals present. */
function recordsOf(ring: RingInForce, entries: RingEntries | undefined, now: Instant): readonly RingLevelStatus[] {
  let records: readonly RingLevelStatus[] = ring.status?.levels ?? [];
  const baselines = new Set([...records.map((record) => record.baseline), ...(entries?.approvals.keys() ?? [])]);
  for (const baseline of [...baselines].sort(compareText)) {
    // An entry that cannot be read (its level is missing) takes nothing back: partial data never withdraws.
    if (entries?.problems.has(baseline) === true) continue;
    const level = entries?.approvals.get(baseline)?.level;
    if (
      level !== undefined &&
      !records.some((record) => record.baseline === baseline && record.digest === level.digest)
    )
      records = [...records, { baseline, level: level.name, digest: level.digest }];
    records = markWithdrawals(records, baseline, level, now);
  }
  return records;
}
