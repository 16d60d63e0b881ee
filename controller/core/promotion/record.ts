// What is written down of people's answers: refusals that hold, and who approved the level that a ring's entry names. Pure. Bounded; what
// the forge does not show any more stays as it was written.
import type { RingApproval, RingRejection } from "../../api/rollout-ring.ts";
import type { KnownProposal } from "./known.ts";
import type { Offer, Track } from "./offers.ts";
import { findRejection, isAbout, type Rejection } from "./stops.ts";

/** Of one ring. */
export interface RingRecord {
  readonly rejections: readonly RingRejection[];
  /** By digest of the level that the entry names now. */
  readonly approvals: ReadonlyMap<string, RingApproval>;
}

/** The schema takes so many; the oldest pull requests are forgotten first. */
export const MOST_REJECTIONS = 64;

/** The records of every ring under every baseline. */
export function recordAnswers(
  tracks: readonly Track[],
  known: readonly KnownProposal[],
): ReadonlyMap<string, RingRecord> {
  const rings = new Map<string, { rejections: RingRejection[]; approvals: Map<string, RingApproval> }>();
  for (const track of tracks)
    for (const offer of track.offers) {
      const { name } = offer.outcome.ring;
      const record = rings.get(name) ?? { rejections: [], approvals: new Map<string, RingApproval>() };
      rings.set(name, record);
      record.rejections.push(...rejectionsOf(track, offer, known));
      const approval = approvalOf(offer, known);
      if (approval !== undefined && offer.current !== undefined) record.approvals.set(offer.current.digest, approval);
    }
  return new Map(
    [...rings].map(([name, { rejections, approvals }]) => [
      name,
      { rejections: rejections.sort((a, b) => a.pullRequest - b.pullRequest).slice(-MOST_REJECTIONS), approvals },
    ]),
  );
}

/** A refusal holds until the level changes: of what is older than the entry nobody has to be reminded. */
function rejectionsOf(track: Track, { outcome, current }: Offer, known: readonly KnownProposal[]): RingRejection[] {
  return [...track.levels.values()].flatMap((level) => {
    if (!track.isNewer(level, current)) return [];
    const found = findRejection(known, outcome.ring, track.baseline, level.digest);
    if (found === undefined) return [];
    return [{ baseline: track.baseline, level: level.name, digest: level.digest, ...answerOf(found) }];
  });
}

/** The answer alone, whatever it is kept with. */
export function answerOf({ pullRequest, by, time, why }: Rejection): Rejection {
  return {
    pullRequest,
    ...(by === undefined ? {} : { by }),
    ...(time === undefined ? {} : { time }),
    ...(why === undefined ? {} : { why }),
  };
}

function approvalOf({ outcome, baseline, current }: Offer, known: readonly KnownProposal[]): RingApproval | undefined {
  if (current === undefined) return undefined;
  const merged = known.findLast(
    (one) =>
      one.state === "merged" &&
      one.scope === undefined &&
      isAbout(one, outcome.ring.name, baseline) &&
      current.digest.startsWith(one.digest),
  );
  const people = merged?.people;
  if (merged === undefined || people?.merged === undefined) return undefined;
  return {
    pullRequest: merged.number,
    mergedBy: people.merged.by.slice(0, 100),
    ...(people.mergedByUs ? { byRingward: true } : {}),
    ...(people.approvedBy.length === 0
      ? {}
      : { approvedBy: people.approvedBy.slice(0, 16).map((by) => by.slice(0, 100)) }),
    commit: people.merged.commit,
    mergedTime: people.merged.time,
  };
}
