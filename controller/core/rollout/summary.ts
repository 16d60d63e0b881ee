// What is said of each ring: phase, counts, what stands in its way, and the records of its levels that are to be stored.
import type { RingLevelStatus, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { Block, Phase, RingInForce } from "../model.ts";
import type { RingEntries } from "./entries.ts";
import type { GateOutcome } from "./gates.ts";
import type { Context } from "./prepare.ts";
import type { LevelProgress } from "./progress.ts";
import { findBrakes } from "./ring-checks.ts";
import type { RingView } from "./ring-view.ts";

const MOST_BLOCKS = 16;
const NO_ENTRIES: RingEntries = { approvals: new Map(), problems: new Map(), listed: new Set() };

/** What a plan says of one ring. */
export interface RingOutcome {
  readonly ring: RingInForce;
  readonly phase: Phase;
  readonly blockedBy: readonly Block[];
  readonly members: { readonly nodes: number; readonly workloads: number };
  readonly assets: number;
  readonly compliant: number;
  /** All records, withdrawals marked: what is to be stored. */
  readonly levels: readonly RingLevelStatus[];
  /** Current entries by baseline. */
  readonly progress: ReadonlyMap<string, LevelProgress>;
  readonly entries: RingEntries;
  readonly halted: Block | undefined;
  readonly gates: readonly GateOutcome[];
}

/** Sums up one ring. */
export function summariseRing(view: RingView, context: Context): RingOutcome {
  const { ring, progress, halted } = view;
  const levels = (context.records.get(ring.name) ?? []).map((record) => {
    const current = progress.get(record.baseline)?.status;
    return current !== undefined && current.digest === record.digest ? current : record;
  });
  const entries = context.entries.get(ring.name) ?? NO_ENTRIES;
  const groups = [...context.survey.groups.values()].filter((group) => group.ring === ring.name);
  return {
    ring,
    phase: ringPhase([...progress.values()], halted, entries),
    blockedBy: [...entries.problems.values(), ...haltOf(view), ...brakesOf(view, context), ...blocksOf(view)]
      .slice(0, MOST_BLOCKS)
      .map((block) => {
        const before = ring.status?.blockedBy?.find((other) => other.reason === block.reason)?.since;
        return { ...block, since: before === undefined ? context.input.now : Date.parse(before) };
      }),
    members: {
      nodes: context.members.nodes.get(ring.name)?.length ?? 0,
      workloads: context.members.workloads.get(ring.name)?.length ?? 0,
    },
    assets: groups.reduce((sum, group) => sum + group.size, 0),
    compliant: groups.reduce((sum, group) => sum + group.compliant, 0),
    levels: prune(levels, progress),
    progress,
    entries,
    halted,
    gates: view.gates,
  };
}

/** Also where no target waits: the one that failed may be gone, and what follows the ring waits for somebody to look (V2). */
function haltOf({ halted }: RingView): readonly Block[] {
  return halted === undefined ? [] : [halted];
}

/** Of a ring that is approved for nothing; where it is, they stand among what keeps its levels from being offered. */
function brakesOf({ ring, scopes }: RingView, { input }: Context): readonly Block[] {
  return scopes.size > 0 ? [] : findBrakes(input.policy, ring);
}

/** Each reason once. Where nothing is left to do, nothing stands still, and no window that shuts is worth a word (K7). */
function blocksOf({ ring, offerBlocks, startBlocks, pending, progress, gates, halted }: RingView): readonly Block[] {
  const all = [offerBlocks, startBlocks]
    .flatMap((blocks) => [...blocks].flatMap(([baseline, list]) => (pending.has(baseline) ? list : [])))
    .filter(({ reason }) => reason !== halted?.reason);
  const empty = [...progress].flatMap(([baseline, { status }]): readonly Block[] =>
    status.phase === "Blocked"
      ? [{ reason: "RingEmpty", message: `ring ${ring.name} has no target of ${baseline}` }]
      : [],
  );
  // A soak stands still while a gate is shut, although nothing is left to start.
  const soaks = [...progress.values()].some(({ status }) => status.phase === "Soaking");
  const shut = soaks ? gates.flatMap(({ block }) => block ?? []).slice(0, 1) : [];
  return [...new Map([...empty, ...all, ...shut].map((block) => [block.reason, block])).values()];
}

/** Twenty records for each baseline are enough to know what was withdrawn; the current one is always kept. */
function prune(
  levels: readonly RingLevelStatus[],
  progress: ReadonlyMap<string, LevelProgress>,
): readonly RingLevelStatus[] {
  const kept = new Map<string, number>();
  return [...levels]
    .reverse()
    .filter((level) => {
      const count = (kept.get(level.baseline) ?? 0) + 1;
      kept.set(level.baseline, count);
      return count <= 20 || progress.get(level.baseline)?.status.digest === level.digest;
    })
    .reverse();
}

function ringPhase(levels: readonly LevelProgress[], halted: Block | undefined, entries: RingEntries): Phase {
  if (halted !== undefined || entries.problems.size > 0) return "Blocked";
  if (levels.length === 0) return "NotOffered";
  const phases = new Set(levels.map(({ status }) => status.phase ?? "NotOffered"));
  for (const phase of ["InProgress", "Offered", "Blocked", "Soaking", "NotOffered"] as const)
    if (phases.has(phase)) return phase;
  return "Done";
}

function gateStatusesOf({ gates }: RingOutcome): Pick<RolloutRingStatus, "gates"> {
  const statuses = gates.flatMap(({ status }) => status ?? []);
  return statuses.length === 0 ? {} : { gates: statuses };
}

/** The ring's status as it is to be stored, without conditions. */
export function ringStatusOf(outcome: RingOutcome): Omit<RolloutRingStatus, "conditions"> {
  return {
    phase: outcome.phase,
    blockedBy: outcome.blockedBy.map(({ reason, message, since }) => ({
      reason,
      message: message.slice(0, 512),
      ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    })),
    members: outcome.members,
    ...gateStatusesOf(outcome),
    assets: outcome.assets,
    compliant: outcome.compliant,
    compliantPercent: outcome.assets === 0 ? 100 : Math.floor((outcome.compliant * 100) / outcome.assets),
    levels: [...outcome.levels],
  };
}
