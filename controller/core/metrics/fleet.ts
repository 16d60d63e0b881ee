// Gauges of compliance: assets by state, phase and reason, patch coverage, and how long targets have been open. One walk over the rows.
import { PHASES, type Phase, type State, STATES } from "../../api/patch-state.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import type { Steps } from "../incremental/steps.ts";
import type { AssetRow, PolicyInForce } from "../model.ts";
import {
  ASSETS,
  DRAINS_BLOCKED,
  INVENTORY_AGE,
  OPEN_AGE,
  TARGETS,
  TARGETS_BLOCKED,
  TARGETS_IN_PHASE,
  TARGETS_UNKNOWN,
} from "./definitions.ts";
import { type Labels, NO_RING, type PairLabels } from "./labels.ts";
import type { FleetLook } from "./look.ts";
import { createTally, type Sample, sample, type Tally } from "./sample.ts";

export type AssetKind = "Node" | "Workload";
const KINDS: readonly AssetKind[] = ["Node", "Workload"];
const COVERAGES = ["Covered", "Unknown", "Unassigned", "Conflict", "NoBaseline"] as const;
type Coverage = (typeof COVERAGES)[number];

/** The target was seen not to run its level, or a newer one that waits for an approval. Of Unknown nobody knows. */
export const OPEN: ReadonlySet<State> = new Set([
  "Failed",
  "InstalledRejected",
  "Missing",
  "InstalledPendingReboot",
  "Available",
]);
/** Always listed, so that a rule finds them where all is well. */
const INVENTORY_REASONS: readonly Reason[] = [
  "InventoryMissing",
  "InventoryStale",
  "InventoryTruncated",
  "InventoryMalformed",
];
/** Why a drain waits, or why a node is not cordoned for it. */
export const DRAIN_REASONS: readonly Reason[] = [
  "PDBBlocked",
  "PDBNeverAllows",
  "PDBConflict",
  "PodBlocksDrain",
  "PodStuckTerminating",
  "WaitingForCompletion",
  "VolumesAttached",
  "ServerBusy",
  "DrainTimedOut",
];

/** The kind of target that a baseline is about. */
export function kindOf({ baselines }: PolicyInForce): (baseline: string) => AssetKind {
  const images = new Set(baselines.flatMap(({ name, spec }) => (spec.target === "Image" ? [name] : [])));
  return (baseline) => (images.has(baseline) ? "Workload" : "Node");
}

/** Rows between two pauses: a few milliseconds' work. */
const ROWS_A_STEP = 1_000;

interface RowCounts {
  readonly states: Map<PairLabels, Map<AssetKind, Map<State, number>>>;
  readonly phases: Map<string, Map<Phase, number>>;
  readonly blocked: Tally<"ring" | "reason">;
  readonly unknown: Tally<"reason">;
  readonly drains: Tally<"reason">;
  readonly ages: Ages;
  /** By UID. */
  readonly coverage: Map<string, Coverage>;
}

/** Everything that the rows say, in steps: there may be tens of thousands. */
export function* sampleRows(look: FleetLook, labels: Labels): Steps<readonly Sample[]> {
  const counts = beginCounts(look, labels);
  for (const [at, row] of look.plan.rows.entries()) {
    countRow(counts, row, labels);
    if (at % ROWS_A_STEP === ROWS_A_STEP - 1) yield;
  }
  yield;
  const { states, phases, blocked, unknown, drains, ages, coverage } = counts;
  return [
    ...sampleStates(states),
    ...[...phases].flatMap(([ring, of]) =>
      PHASES.map((phase) => sample(TARGETS_IN_PHASE, { ring, phase }, of.get(phase) ?? 0)),
    ),
    ...blocked.entries().map(([of, count]) => sample(TARGETS_BLOCKED, of, count)),
    ...unknown.entries().map(([of, count]) => sample(TARGETS_UNKNOWN, of, count)),
    ...drains.entries().map(([of, count]) => sample(DRAINS_BLOCKED, of, count)),
    ...ages.samples(),
    ...sampleCoverage(coverage, look),
    ...sampleInventoryAge(look, labels),
  ];
}

/** What a rule must find also where it is nought. */
function beginCounts({ input }: FleetLook, labels: Labels): RowCounts {
  const [unknown, drains] = [createTally<"reason">(), createTally<"reason">()];
  const phases = new Map<string, Map<Phase, number>>();
  for (const reason of INVENTORY_REASONS) unknown.add({ reason }, 0);
  for (const reason of DRAIN_REASONS) drains.add({ reason }, 0);
  for (const { name } of input.policy.rings) phasesOf(phases, labels.ring(name));
  return {
    states: new Map(),
    phases,
    blocked: createTally(),
    unknown,
    drains,
    ages: createAges(input),
    coverage: new Map(),
  };
}

function countRow(counts: RowCounts, row: AssetRow, labels: Labels): void {
  const pair = labels.pair(row.ring, row.baseline);
  countState(counts.states, pair, row);
  const mine = phasesOf(counts.phases, pair.ring);
  mine.set(row.phase, (mine.get(row.phase) ?? 0) + 1);
  const [block] = row.blockedBy;
  if (block !== undefined) counts.blocked.add({ ring: pair.ring, reason: block.reason });
  if (block !== undefined && DRAIN_REASONS.includes(block.reason)) counts.drains.add({ reason: block.reason });
  if (row.state === "Unknown") counts.unknown.add({ reason: row.reason ?? block?.reason ?? "None" });
  counts.ages.add(pair, row);
  countCoverage(counts.coverage, row);
}

function phasesOf(phases: Map<string, Map<Phase, number>>, ring: string): Map<Phase, number> {
  const known = phases.get(ring);
  if (known !== undefined) return known;
  const made = new Map<Phase, number>();
  phases.set(ring, made);
  return made;
}

type PairStates = ReadonlyMap<PairLabels, ReadonlyMap<AssetKind, Map<State, number>>>;

/** Under a folded pair there may be nodes and workloads. */
function countState(
  states: Map<PairLabels, Map<AssetKind, Map<State, number>>>,
  pair: PairLabels,
  row: AssetRow,
): void {
  const kinds = states.get(pair) ?? new Map<AssetKind, Map<State, number>>();
  states.set(pair, kinds);
  const kind = row.asset.kind === "Node" ? "Node" : "Workload";
  const counts = kinds.get(kind) ?? new Map<State, number>();
  kinds.set(kind, counts);
  counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
}

function sampleStates(states: PairStates): readonly Sample[] {
  return [...states].flatMap(([pair, kinds]) =>
    [...kinds].flatMap(([kind, counts]) =>
      STATES.map((state) => sample(TARGETS, { kind, ...pair, state }, counts.get(state) ?? 0)),
    ),
  );
}

interface Ages {
  add(pair: PairLabels, row: AssetRow): void;
  samples(): readonly Sample[];
}

/** The oldest level that some target of a pair waits for, or, where the target came later, since it came. */
function createAges({ policy, candidates, inventory }: FleetLook["input"]): Ages {
  const levels = [...policy.levels, ...candidates.values()];
  const inputs = new Map<string, Instant>(levels.map((level) => [level.digest, level.inputTime]));
  const joined = new Map<string, Instant>();
  for (const { uid, createdAt } of inventory.nodes) joined.set(uid, createdAt);
  for (const { uid, createdAt } of inventory.workloads) joined.set(uid, createdAt);
  const oldest = new Map<PairLabels, Instant>();
  return {
    add(pair, { state, digest, asset }) {
      const input = OPEN.has(state) && digest !== undefined ? inputs.get(digest) : undefined;
      if (input === undefined) return;
      const since = Math.max(input, joined.get(asset.uid) ?? input);
      oldest.set(pair, Math.min(oldest.get(pair) ?? since, since));
    },
    samples: () => [...oldest].map(([pair, since]) => sample(OPEN_AGE, pair, { since })),
  };
}

/** Of an asset under several baselines the one of which least is known counts. */
function countCoverage(seen: Map<string, Coverage>, row: AssetRow): void {
  const coverage = coverageOf(row);
  const before = seen.get(row.asset.uid);
  if (before === undefined || COVERAGES.indexOf(coverage) > COVERAGES.indexOf(before))
    seen.set(row.asset.uid, coverage);
}

function coverageOf({ state, ring, blockedBy }: AssetRow): Coverage {
  if (blockedBy.some(({ reason }) => reason === "RingConflict" || reason === "BaselineConflict")) return "Conflict";
  if (ring === undefined) return "Unassigned";
  return state === "Unknown" ? "Unknown" : "Covered";
}

function sampleCoverage(seen: ReadonlyMap<string, Coverage>, { input }: FleetLook): readonly Sample[] {
  const { nodes, workloads } = input.inventory;
  const lists = { Node: nodes, Workload: workloads } as const;
  return KINDS.flatMap((kind) => {
    const counts = new Map<Coverage, number>();
    for (const { uid } of lists[kind]) {
      const coverage = seen.get(uid) ?? "NoBaseline";
      counts.set(coverage, (counts.get(coverage) ?? 0) + 1);
    }
    return COVERAGES.map((coverage) => sample(ASSETS, { kind, coverage }, counts.get(coverage) ?? 0));
  });
}

function sampleInventoryAge({ plan, input }: FleetLook, labels: Labels): readonly Sample[] {
  const oldest = new Map<string, Instant>();
  for (const { uid } of input.inventory.nodes) {
    const time = input.stored.nodes.get(uid)?.inventory?.time;
    if (time === undefined) continue;
    const membership = plan.members.of.get(uid);
    const name = membership?.kind === "Ring" ? labels.ring(membership.ring) : NO_RING;
    const at = Date.parse(time);
    oldest.set(name, Math.min(oldest.get(name) ?? at, at));
  }
  return [...oldest].map(([name, since]) => sample(INVENTORY_AGE, { ring: name }, { since }));
}
