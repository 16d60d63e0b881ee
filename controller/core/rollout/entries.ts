// What each ring is approved to run, read from its entries, and what became of earlier approvals.
// An entry is only as good as the level it names: a missing or forged level closes the entry, never the ring's other ones.
import type { LevelEntry, RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Block, Digest, LevelInForce, PolicyInForce, RingInForce } from "../model.ts";
import { predecessorsOf } from "./ring-order.ts";

export interface Approval {
  readonly ring: string;
  readonly baseline: string;
  readonly entry: LevelEntry;
  readonly level: LevelInForce;
  /** What the entry's expedite skips now; empty when there is none or its time is over. */
  readonly skips: ReadonlySet<"Deferral" | "Soak" | "Windows" | "Freezes">;
}

export interface RingEntries {
  /** By baseline. */
  readonly approvals: ReadonlyMap<string, Approval>;
  /** Entries that name a level that cannot be used, by baseline. */
  readonly problems: ReadonlyMap<string, Block>;
  /** Baselines that the ring lists, with or without a level. */
  readonly listed: ReadonlySet<string>;
}

/** Reads one ring's entries. */
export function readEntries(ring: RingInForce, policy: PolicyInForce, now: Instant): RingEntries {
  const approvals = new Map<string, Approval>();
  const problems = new Map<string, Block>();
  const listed = new Set<string>();
  for (const entry of [...(ring.spec.levels ?? [])].sort((a, b) => (a.baseline < b.baseline ? -1 : 1))) {
    listed.add(entry.baseline);
    if (entry.level === undefined) continue;
    const level = policy.levels.find((other) => other.name === entry.level);
    const problem = refuseEntry(entry, level);
    if (problem !== undefined || level === undefined) {
      if (problem !== undefined) problems.set(entry.baseline, problem);
      continue;
    }
    approvals.set(entry.baseline, {
      ring: ring.name,
      baseline: entry.baseline,
      entry,
      level,
      skips: skipsOf(entry, now),
    });
  }
  return { approvals, problems, listed };
}

/**
 * Whether Ringward writes the ring's entry of a baseline by itself: where the ring says Automatic, and its file lists the baseline. A baseline
 * that it does not list joins any ring by a person's merge (A4).
 */
export function isWrittenUnasked(
  { spec }: Pick<RingInForce, "spec">,
  { listed }: Pick<RingEntries, "listed">,
  baseline: string,
): boolean {
  return spec.promotion === "Automatic" && listed.has(baseline);
}

function refuseEntry(entry: LevelEntry, level: LevelInForce | undefined): Block | undefined {
  if (level === undefined) return { reason: "LevelMissing", message: `level ${entry.level} does not exist` };
  if (level.mismatch !== undefined) return { reason: "LevelDigestMismatch", message: level.mismatch };
  if (level.spec.baseline !== entry.baseline)
    return {
      reason: "LevelMissing",
      message: `level ${level.name} is of baseline ${level.spec.baseline}, not ${entry.baseline}`,
    };
  return undefined;
}

function skipsOf(entry: LevelEntry, now: Instant): Approval["skips"] {
  // A time that cannot be read is NaN and never in the future: nothing is skipped.
  if (entry.expedite === undefined || !(now < Date.parse(entry.expedite.until))) return new Set();
  return new Set(entry.expedite.skip);
}

/** Digests whose approval was taken back in a ring: an entry that returned to an earlier level, or went away. */
export function withdrawnIn(status: readonly RingLevelStatus[]): ReadonlySet<Digest> {
  return new Set(status.filter((level) => level.withdrawnTime !== undefined).map((level) => level.digest as Digest));
}

/**
 * Marks withdrawals: records that stand behind the level which the entry names now were given up in its favour. A newer approval
 * does not withdraw older ones; an entry that names a withdrawn level again asks for it again, and offers it anew (so that a
 * deadline counts from now on).
 */
export function markWithdrawals(
  records: readonly RingLevelStatus[],
  baseline: string,
  current: LevelInForce | undefined,
  now: Instant,
): readonly RingLevelStatus[] {
  const mine = records.filter((record) => record.baseline === baseline);
  const position = current === undefined ? -1 : mine.findIndex((record) => record.digest === current.digest);
  const known = position >= 0;
  return records.map((record) => {
    if (record.baseline !== baseline) return record;
    const later = current === undefined || (known && mine.indexOf(record) > position);
    if (current !== undefined && record.digest === current.digest) {
      if (record.withdrawnTime === undefined) return record;
      const { withdrawnTime: _, offeredTime: __, ...asked } = record;
      return asked;
    }
    if (!later || record.withdrawnTime !== undefined) return record;
    return { ...record, withdrawnTime: new Date(now).toISOString() };
  });
}

/** Why a level may not start in a ring because it was withdrawn there or in a ring before it. */
export function refuseWithdrawn(
  ring: RingInForce,
  digest: Digest,
  rings: readonly RingInForce[],
  withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>,
): Block | undefined {
  for (const name of predecessorsOf(ring.name, rings))
    if (withdrawn.get(name)?.has(digest) === true)
      return { reason: "LevelWithdrawn", message: `the level was withdrawn in ring ${name}` };
  return undefined;
}
