// What merging a policy change would do: two policies on one pinned cluster, each run by the real planner, and what differs. Pure.
// Nothing here approves or starts anything, and what a person decides later is not known: proposals are taken to be merged at once.
import type { State } from "../../api/patch-state.ts";
import type { Instant } from "../../clock.ts";
import type { AssetRow, Block, LevelInForce, PolicyInForce } from "../model.ts";
import { planPromotions } from "../promotion/promotions.ts";
import { resolveCandidates } from "../rollout/candidates.ts";
import { finish, type Steps } from "../incremental/steps.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { compareText } from "../text-order.ts";
import { diffFiles, type ObjectChange, type PolicyFiles } from "./changes.ts";
import { type DrainRisks, findRisks } from "./risks.ts";
import { nameAsset } from "../asset-name.ts";
import { runPolicy } from "./run.ts";
import type { Hold, Run, Stage, Stop } from "./world.ts";
import type { PinnedCluster } from "./scene.ts";

/** A policy as its files say it, and as it would be in force in the cluster. */
export interface RehearsedPolicy {
  readonly files: PolicyFiles;
  readonly inForce: PolicyInForce;
}

export interface RehearsalInput {
  readonly base: RehearsedPolicy;
  readonly head: RehearsedPolicy;
  readonly cluster: PinnedCluster;
  /** How far it looks, ms of policy time. */
  readonly horizon: number;
}

/** An entry that the change itself approves or takes back. */
export interface ApprovalChange {
  readonly baseline: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** `Withdrawn`: to an older level, or to none. */
  readonly kind: "Approved" | "Withdrawn" | "Edited";
  readonly expedite: { readonly reason: string; readonly until: string; readonly skip: readonly string[] } | undefined;
  /** Whether a revert takes it back: images and exact levels are, floors are not. */
  readonly revert: "RollsBack" | "Stays" | "Nothing";
}

/** What would be asked for or written right after the merge, and not without it. */
export interface Offered {
  readonly baseline: string;
  readonly level: string;
  readonly targets: number;
  readonly automatic: boolean;
}

export interface RingEffect {
  readonly ring: string;
  readonly change: "Added" | "Removed" | "Kept";
  readonly members: { readonly nodes: number; readonly workloads: number };
  readonly joined: readonly string[];
  readonly left: readonly string[];
  /** In more than one ring, or under more than one baseline, and was not. */
  readonly conflicts: readonly string[];
  /** Targets that need work at once or after an approval, by baseline, and what they lack. */
  readonly needs: readonly {
    readonly baseline: string;
    readonly targets: number;
    readonly before: number;
    readonly states: readonly { readonly state: State; readonly targets: number }[];
  }[];
  readonly approvals: readonly ApprovalChange[];
  readonly offered: readonly Offered[];
  /** What closes the ring, and did not. */
  readonly closed: readonly Block[];
}

export interface Rehearsal {
  readonly at: Instant;
  readonly cluster: string;
  readonly horizon: number;
  readonly fleet: { readonly nodes: number; readonly workloads: number };
  /** Whether head says anything else than base. */
  readonly same: boolean;
  readonly objects: readonly ObjectChange[];
  /** Rings that the change does something to, in ring order; removed ones last. */
  readonly rings: readonly RingEffect[];
  readonly head: Outcome;
  readonly base: Outcome;
  readonly risks: DrainRisks;
  /** Standing still with the change, and not without it. */
  readonly newStops: readonly Stop[];
  /** Standing still with and without it. */
  readonly oldStops: readonly Stop[];
}

/** One of the two runs, summed up. */
export interface Outcome {
  readonly stages: readonly Stage[];
  readonly holds: readonly Hold[];
  readonly nodes: number;
  readonly workloads: number;
  readonly drained: number;
  readonly rebooted: number;
  readonly end: Run["end"];
  readonly endsAt: Instant;
  readonly assumedGates: readonly string[];
  readonly unclear: readonly string[];
}

/** Rehearses the change. Same input, same output, whatever the order of any list. */
export function rehearse(input: RehearsalInput): Rehearsal {
  return finish(rehearseInSteps(input));
}

/** The same in steps, for who has something else to do meanwhile. */
export function* rehearseInSteps({ cluster, horizon, ...given }: RehearsalInput): Steps<Rehearsal> {
  const objects = diffFiles(given.base.files, given.head.files);
  const [base, head] = [given.base.inForce, given.head.inForce];
  const same = objects.length === 0 && sameBrakes(base, head);
  const options = { horizon };
  const after = yield* runPolicy(head, cluster, options);
  const before = same ? after : yield* runPolicy(base, cluster, options);
  const known = new Set(before.stops.map(keyOf));
  const targetRings = after.first.rings;
  const removed = before.first.rings.filter(({ ring }) => !targetRings.some((other) => other.ring.name === ring.name));
  const scene: Scene = { base, head, cluster, before: before.first, after: after.first };
  const rings = [...targetRings, ...removed].map(({ ring }) => effectOn(ring.name, scene));
  const { inventory } = cluster;
  return {
    at: cluster.now,
    cluster: head.clusterName,
    horizon,
    fleet: { nodes: inventory.nodes.length, workloads: inventory.workloads.length },
    same,
    objects,
    rings: rings.filter(isWorthTelling),
    head: outcomeOf(after),
    base: outcomeOf(before),
    risks: findRisks(drainsOf(after), head, inventory),
    newStops: after.stops.filter((stop) => !known.has(keyOf(stop))),
    oldStops: after.stops.filter((stop) => known.has(keyOf(stop))),
  };
}

function sameBrakes(base: PolicyInForce, head: PolicyInForce): boolean {
  const brakes = ({ rings }: PolicyInForce): string =>
    JSON.stringify(rings.map((ring) => [ring.name, ring.brakes.map(({ reason }) => reason)]));
  return brakes(base) === brakes(head);
}

function keyOf({ ring, baseline, reason, names }: Stop): string {
  return JSON.stringify([ring, baseline, reason, names]);
}

function outcomeOf({ stages, holds, end, endsAt, assumedGates, unclear }: Run): Outcome {
  const sum = (of: (stage: Stage) => number): number => stages.reduce((total, stage) => total + of(stage), 0);
  return {
    stages,
    holds,
    nodes: sum((stage) => (stage.target === "Node" ? stage.updated : 0)),
    workloads: sum((stage) => (stage.target === "Image" ? stage.updated : 0)),
    drained: sum(({ drained }) => drained),
    rebooted: sum(({ rebooted }) => rebooted),
    end,
    endsAt,
    assumedGates,
    unclear,
  };
}

/** Nodes that were drained, and those that would be and are refused. */
function drainsOf({ drained, stops }: Run) {
  const refused = stops.flatMap(({ ring, reason, names }) =>
    DRAIN_REASONS.has(reason)
      ? names.flatMap((name) => (name.startsWith("Node ") ? [{ ring, node: name.slice("Node ".length) }] : []))
      : [],
  );
  return [...drained, ...refused];
}

const DRAIN_REASONS: ReadonlySet<string> = new Set(["PDBBlocked", "PDBNeverAllows", "PDBConflict", "PodBlocksDrain"]);

// --------------------------------------------------------------------------------------------------------- rings

interface Scene {
  readonly base: PolicyInForce;
  readonly head: PolicyInForce;
  readonly cluster: PinnedCluster;
  readonly before: Plan;
  readonly after: Plan;
}

function isWorthTelling(effect: RingEffect): boolean {
  const { change, joined, left, conflicts, needs, approvals, offered, closed } = effect;
  return (
    change !== "Kept" ||
    [joined, left, conflicts, approvals, offered, closed].some((list) => list.length > 0) ||
    needs.some(({ targets, before }) => targets !== before)
  );
}

function effectOn(name: string, scene: Scene): RingEffect {
  const { before, after } = scene;
  const was = before.rings.find(({ ring }) => ring.name === name);
  const is = after.rings.find(({ ring }) => ring.name === name);
  const old = namesIn(before, name);
  const now = namesIn(after, name);
  return {
    ring: name,
    change: was === undefined ? "Added" : is === undefined ? "Removed" : "Kept",
    members: is?.members ?? { nodes: 0, workloads: 0 },
    joined: [...now].filter((one) => !old.has(one)).sort(compareText),
    left: [...old].filter((one) => !now.has(one)).sort(compareText),
    conflicts: conflictsIn(name, scene),
    needs: needsOf(name, scene),
    approvals: approvalsOf(was, is),
    offered: offeredTo(name, scene),
    closed: closedBy(was, is),
  };
}

function namesIn({ members }: Plan, ring: string): ReadonlySet<string> {
  return new Set([
    ...(members.nodes.get(ring) ?? []).map((node) =>
      nameAsset({ kind: "Node", namespace: undefined, name: node.name }),
    ),
    ...(members.workloads.get(ring) ?? []).map(nameAsset),
  ]);
}

const CONFLICTS: ReadonlySet<string> = new Set(["RingConflict", "BaselineConflict"]);

/** Of members that left for no ring at all, because now two claim them, the ring that they left tells. */
function conflictsIn(ring: string, { before, after }: Scene): readonly string[] {
  const inConflict = (plan: Plan): ReadonlySet<string> =>
    new Set(
      plan.rows.flatMap((row) =>
        row.blockedBy.some(({ reason }) => CONFLICTS.has(reason)) ? [nameAsset(row.asset)] : [],
      ),
    );
  const known = inConflict(before);
  const members = new Set([...namesIn(before, ring), ...namesIn(after, ring)]);
  return [...inConflict(after)].filter((name) => !known.has(name) && members.has(name)).sort(compareText);
}

const WORK: ReadonlySet<State> = new Set(["Missing", "Available", "InstalledPendingReboot", "Failed", "Unknown"]);

function needsOf(ring: string, { before, after }: Scene): RingEffect["needs"] {
  const rowsOf = (plan: Plan): ReadonlyMap<string, readonly AssetRow[]> =>
    Map.groupBy(
      plan.rows.filter((row) => row.ring === ring && (WORK.has(row.state) || row.offTarget)),
      (row) => row.baseline,
    );
  const [was, is] = [rowsOf(before), rowsOf(after)];
  return [...new Set([...was.keys(), ...is.keys()])].sort(compareText).map((baseline) => {
    const rows = is.get(baseline) ?? [];
    const states = [...Map.groupBy(rows, (row) => row.state)]
      .map(([state, list]) => ({ state, targets: list.length }))
      .sort((a, b) => compareText(a.state, b.state));
    return { baseline, targets: rows.length, before: was.get(baseline)?.length ?? 0, states };
  });
}

function approvalsOf(was: RingOutcome | undefined, is: RingOutcome | undefined): readonly ApprovalChange[] {
  const old = was?.entries.approvals;
  const now = is?.entries.approvals;
  const names = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort(compareText);
  return names.flatMap((baseline): readonly ApprovalChange[] => {
    const [from, to] = [old?.get(baseline), now?.get(baseline)];
    if (JSON.stringify(from?.entry) === JSON.stringify(to?.entry) && from?.level.digest === to?.level.digest) return [];
    const expedite = to?.entry.expedite;
    const exact = to?.entry.enforce === "Exact";
    const older = from !== undefined && to !== undefined && to.level.inputTime < from.level.inputTime;
    return [
      {
        baseline,
        from: from?.level.name,
        to: to?.level.name,
        kind: from?.level.digest === to?.level.digest ? "Edited" : to === undefined || older ? "Withdrawn" : "Approved",
        expedite: expedite === undefined ? undefined : { ...expedite },
        revert: to === undefined ? "Nothing" : revertOf(to.level, exact),
      },
    ];
  });
}

function revertOf({ spec }: LevelInForce, exact: boolean): ApprovalChange["revert"] {
  return spec.target === "Image" || exact ? "RollsBack" : "Stays";
}

function offeredTo(ring: string, { base, head, cluster, before, after }: Scene): readonly Offered[] {
  const known = new Set(promotionsOf(base, cluster, before).map((one) => JSON.stringify(one)));
  return promotionsOf(head, cluster, after)
    .filter((one) => one.ring === ring && !known.has(JSON.stringify(one)))
    .map(({ baseline, level, targets, automatic }) => ({ baseline, level, targets, automatic }));
}

function promotionsOf(policy: PolicyInForce, { stored, now }: PinnedCluster, plan: Plan) {
  const candidates = resolveCandidates(policy, stored, now).levels;
  const { automatic, proposals } = planPromotions(plan, { policy, candidates, proposals: [], now });
  const row = (ring: string, one: { baseline: string; level: LevelInForce; targets: number }, written: boolean) => ({
    ring,
    baseline: one.baseline,
    level: one.level.name,
    targets: one.targets,
    automatic: written,
  });
  return [
    ...automatic.flatMap(({ ring, entries }) => entries.map((entry) => row(ring.name, entry, true))),
    ...proposals.map((proposal) => row(proposal.ring.name, proposal, false)),
  ];
}

function closedBy(was: RingOutcome | undefined, is: RingOutcome | undefined): readonly Block[] {
  if (is === undefined) return [];
  const known = new Set(blocksOf(was).map(({ reason }) => reason));
  return blocksOf(is).filter(({ reason }) => !known.has(reason));
}

function blocksOf(outcome: RingOutcome | undefined): readonly Block[] {
  return outcome === undefined ? [] : [...outcome.ring.brakes, ...outcome.entries.problems.values()];
}
