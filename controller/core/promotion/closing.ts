// Which open proposals should close, and why. Nothing is given up for what is merely not known. Pure.
import type { Block, LevelInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import { branchPart, type KnownProposal } from "./known.ts";
import type { Offer, Track } from "./offers.ts";
import type { ClosingProposal, Judged } from "./wishes.ts";

export function levelOf(track: Track, proposal: KnownProposal): LevelInForce | undefined {
  return [...track.levels.values()].find((level) => level.digest.startsWith(proposal.digest));
}

/** Why an open proposal of a level should close; undefined: it may stay. */
export function judgeOpen(track: Track, offer: Offer, level: LevelInForce): Block | undefined {
  const ring = offer.outcome.ring.name;
  if (offer.current?.digest === level.digest)
    return { reason: "Promoted", message: `the entry of ring ${ring} names this level already` };
  const at = track.withdrawnAt(ring, level.digest);
  if (at !== undefined) return { reason: "LevelWithdrawn", message: `the level was withdrawn in ring ${at}` };
  if (!track.isNewer(level, offer.current))
    return { reason: "Superseded", message: `ring ${ring} runs ${offer.current?.name ?? ""}, which is newer` };
  if (offer.level !== undefined && track.isNewer(offer.level, level))
    return { reason: "Superseded", message: `${offer.level.name} takes its place` };
  const isFirst = (offer.outcome.ring.spec.after ?? []).length === 0;
  const { candidate, train } = track;
  if (isFirst && candidate !== undefined && level.digest !== candidate.digest && level.digest !== train?.digest)
    return { reason: "Superseded", message: `baseline ${track.baseline} now resolves to ${candidate.name}` };
  return undefined;
}

/** An open proposal that nobody wants any more. */
export function closeUnwanted(
  known: KnownProposal,
  judged: readonly Judged[],
  tracks: readonly Track[],
  plan: Plan,
): readonly ClosingProposal[] {
  if (known.state !== "open") return [];
  const track = tracks.find((one) => branchPart(one.baseline) === known.baseline);
  const outcome = plan.rings.find((one) => branchPart(one.ring.name) === known.ring);
  const close = (block: Block, level?: string): readonly ClosingProposal[] => [
    {
      number: known.number,
      branch: known.branch,
      reason: block.reason,
      comment: `Ringward closes this: ${block.message}.`,
      ring: outcome?.ring.name ?? known.ring,
      level,
    },
  ];
  if (track === undefined)
    return close({ reason: "ReferenceMissing", message: `baseline ${known.baseline} does not exist` });
  if (outcome === undefined) return close({ reason: "ReferenceMissing", message: `ring ${known.ring} does not exist` });
  const mine = judged.find((one) => one.offer.outcome === outcome && one.offer.baseline === track.baseline);
  // A ring whose targets are all gone may get them back: nothing is asked of it, and nothing is taken back.
  if (mine === undefined) return [];
  if (mine.proposal !== undefined && known.group !== true && mine.proposal.branch === known.branch) return [];
  if (isUnreadable(mine)) return [];
  const level = levelOf(track, known);
  if (level === undefined) {
    // Not to know a level is no reason to give it up, unless the baseline resolves to another one.
    if (track.candidate === undefined) return [];
    return close({
      reason: "Superseded",
      message: `baseline ${track.baseline} now resolves to ${track.candidate.name}`,
    });
  }
  const block = known.scope === undefined ? judgeOpen(track, mine.offer, level) : judgeScope(known.scope, mine, level);
  return block === undefined ? [] : close(block, level.name);
}

/** Nothing is concluded from a ring that cannot be read. */
function isUnreadable({ offer }: Judged): boolean {
  const { ring, entries } = offer.outcome;
  return entries.problems.has(offer.baseline) || ring.brakes.some((brake) => brake.reason === "PolicyInvalid");
}

function judgeScope(scope: number, { offer, proposal }: Judged, level: LevelInForce): Block | undefined {
  const most = offer.outcome.entries.approvals.get(offer.baseline)?.entry.maxTargets;
  if (offer.current?.digest !== level.digest)
    return { reason: "Superseded", message: `ring ${offer.outcome.ring.name} is no longer approved for ${level.name}` };
  if (most === undefined || most >= scope)
    return { reason: "Promoted", message: `the entry covers ${most ?? "any number of"} targets already` };
  if (offer.targets <= most)
    return { reason: "Superseded", message: `${offer.targets} targets are in scope and the approval covers ${most}` };
  if (proposal !== undefined)
    return { reason: "Superseded", message: `another proposal covers ${proposal.maxTargets} targets` };
  return undefined;
}
