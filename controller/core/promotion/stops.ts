// Why a change of an entry is not written now: brakes, authority, and what people answered to this very proposal. Pure.
// A level that a person refused for a ring (closed unmerged) is not proposed there again until it changes or a person asks.
import type { RingRejection } from "../../api/rollout-ring.ts";
import type { Block, Digest, PolicyInForce, RingInForce } from "../model.ts";
import { branchPart, type KnownProposal } from "./known.ts";
import { isWrittenUnasked } from "../rollout/entries.ts";
import type { Offer } from "./offers.ts";
import { ASK_AGAIN_COMMENT, ASK_AGAIN_LABEL } from "./people.ts";
import type { PromotedEntry, Scene } from "./wishes.ts";

export function isAbout(proposal: KnownProposal, ring: string, baseline: string): boolean {
  return proposal.ring === branchPart(ring) && proposal.baseline === branchPart(baseline);
}

/** How a level was refused for a ring: as the forge shows it, or as the ring's status remembers it where the forge does not any more. */
export type Rejection = Pick<RingRejection, "pullRequest" | "by" | "time" | "why">;

/** A pull request of that very level that a person closed unmerged. */
export function findRejection(
  known: readonly KnownProposal[],
  ring: Pick<RingInForce, "name" | "status">,
  baseline: string,
  digest: Digest,
): Rejection | undefined {
  const mine = known.filter(
    (one) => isAbout(one, ring.name, baseline) && one.scope === undefined && digest.startsWith(one.digest),
  );
  const stored = ring.status?.rejections?.find((one) => one.baseline === baseline && one.digest === digest);
  return judgeRefusal(mine, stored, known);
}

/** What a forge shows of a pull request, as far as a refusal is about it. */
type Answered = Pick<KnownProposal, "number" | "state" | "withdrawn" | "people">;

/** `mine`: those of the very change, by number; `stored`: what is remembered of it; `known`: all that the forge shows. */
export function judgeRefusal(
  mine: readonly Answered[],
  stored: Rejection | undefined,
  known: readonly Answered[],
): Rejection | undefined {
  // Opened again, by a person or because one asked: no longer refused.
  if (mine.some((one) => one.state === "open")) return undefined;
  const newest = mine.findLast((one) => !one.withdrawn);
  if (newest !== undefined)
    return newest.state === "merged" || newest.people?.askedAgain === true ? undefined : rejectionOf(newest);
  // A forge that knows the number and tells another story of it is right.
  return stored === undefined || known.some((one) => one.number === stored.pullRequest) ? undefined : stored;
}

function rejectionOf({ number, people }: Answered): Rejection {
  return {
    pullRequest: number,
    ...(people?.closed?.by === undefined ? {} : { by: people.closed.by.slice(0, 100) }),
    ...(people?.closed === undefined ? {} : { time: people.closed.time }),
    ...(people?.why === undefined ? {} : { why: people.why }),
  };
}

export function stopsProposals(policy: PolicyInForce): Block | undefined {
  return policy.brakes.find(
    ({ reason }) => reason === "HistoryRewritten" || reason === "SignatureInvalid" || reason === "RepositoryStale",
  );
}

export function isAutomatic({ outcome, baseline }: Pick<Offer, "outcome" | "baseline">): boolean {
  return isWrittenUnasked(outcome.ring, outcome.entries, baseline);
}

type Check = (scene: Scene, entry: PromotedEntry) => Block | undefined;

/** Why a change of an entry is not written now, the most decisive first. */
const checks: readonly Check[] = [
  ({ input }) => stopsProposals(input.policy),
  ({ offer }) => offer.outcome.ring.brakes.find((brake) => brake.reason === "PolicyInvalid"),
  ({ offer }, entry) => waitForKubectl(offer, entry),
  ({ input }) =>
    input.policy.proposer
      ? undefined
      : {
          reason: "WaitingForApproval",
          message: `cluster ${input.policy.clusterName} is not the proposer: another cluster's controller proposes it`,
        },
  ({ input, offer }) =>
    input.proposals === undefined && !isAutomatic(offer)
      ? {
          reason: "ForgeUnavailable",
          message: "the forge does not answer, so it is not known what was proposed before",
        }
      : undefined,
  (scene, entry) => (isAutomatic(scene.offer) ? undefined : findAnswer(scene, entry)),
];

export function stopsEntry(scene: Scene, entry: PromotedEntry): Block | undefined {
  for (const check of checks) {
    const block = check(scene, entry);
    if (block !== undefined) return block;
  }
  return undefined;
}

function waitForKubectl({ outcome }: Offer, entry: PromotedEntry): Block | undefined {
  const { ring } = outcome;
  if (ring.authority.kind !== "Cluster") return undefined;
  if (entry.kind === "Scope")
    return {
      reason: "ScopeGrew",
      message: `${entry.targets} targets are in scope and the approval covers ${entry.previousMaxTargets ?? 0}; raise maxTargets with kubectl edit ring ${ring.name}`,
    };
  return {
    reason: "WaitingForApproval",
    message: `no repository contains ring ${ring.name}; approve with: ringward approve ${ring.name} ${entry.level.name}`,
  };
}

/** What people answered to this very proposal: refused, or merged and not yet (or no longer) in the branch. */
function findAnswer({ offer, known }: Scene, entry: PromotedEntry): Block | undefined {
  const ring = offer.outcome.ring.name;
  if (entry.kind === "Scope") return findScopeAnswer(ring, entry, known);
  const refused = findRejection(known, offer.outcome.ring, entry.baseline, entry.level.digest);
  if (refused !== undefined) return describeRejection(refused, entry.level.name);
  const mine = known.filter(
    (one) => isAbout(one, ring, entry.baseline) && one.scope === undefined && entry.level.digest.startsWith(one.digest),
  );
  if (mine.some((one) => one.state === "open")) return undefined;
  const merged = mine.findLast((one) => one.state === "merged");
  return merged === undefined ? undefined : describeMerged(merged, ring);
}

/** `level`: what is not proposed again, and, where it matters, where. */
export function describeRejection({ pullRequest, by, why }: Rejection, level: string): Block {
  const who = by === undefined ? "" : ` by ${by}`;
  const reason = why === undefined ? "" : ` (${why})`;
  return {
    reason: "ProposalRejected",
    message: `pull request #${pullRequest} was closed without merging${who}${reason}; ${level} is not proposed again until a person asks: label it ${ASK_AGAIN_LABEL}, comment ${ASK_AGAIN_COMMENT}, or reopen it`,
  };
}

/** A refused number is refused for fewer targets too; more of them are a new question. */
function findScopeAnswer(ring: string, entry: PromotedEntry, known: readonly KnownProposal[]): Block | undefined {
  const mine = known.filter(
    (one) => isAbout(one, ring, entry.baseline) && one.scope !== undefined && entry.level.digest.startsWith(one.digest),
  );
  if (mine.some((one) => one.state === "open" && one.scope === entry.maxTargets)) return undefined;
  const refused = mine.findLast((one) => one.state === "closed" && !one.withdrawn && (one.scope ?? 0) >= entry.targets);
  if (refused !== undefined)
    return {
      reason: "ProposalRejected",
      message: `pull request #${refused.number} was closed without merging; up to ${refused.scope ?? 0} targets are not proposed again for ${entry.level.name}`,
    };
  const merged = mine.findLast((one) => one.state === "merged" && one.scope === entry.maxTargets);
  return merged === undefined ? undefined : describeMerged(merged, ring);
}

function describeMerged(merged: KnownProposal, ring: string): Block {
  return {
    reason: "WaitingForApproval",
    message: `pull request #${merged.number} was merged, but the entry of ring ${ring} does not say so in the tracked branch (not fetched yet, or changed since: write the entry by hand to ask again)`,
  };
}
