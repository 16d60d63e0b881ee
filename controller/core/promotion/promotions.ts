// Which promotions there should be: commits for Automatic rings, pull requests for the others, and which pull requests should close.
// Pure: the plan and what the forge knows go in, wishes and reasons come out; reconcile/promote.ts carries them out and looks again.
// Holds A1 (a merge is the approval; nothing here reads a pull request as one), A5 (at most one open proposal per ring and baseline).
import type { Instant } from "../../clock.ts";
import type { Block, Digest, LevelInForce, PolicyInForce, RingInForce } from "../model.ts";
import type { Decision, Plan } from "../rollout/plan.ts";
import { branchPart, type KnownProposal, proposalBranch } from "./known.ts";
import { findOffers, type Offer, type Track } from "./offers.ts";
import { keepMaxTargets } from "./scope.ts";

export interface PromotionInput {
  readonly policy: PolicyInForce;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  /** What the forge knows; undefined: it does not answer, so nothing is proposed. */
  readonly proposals: readonly KnownProposal[] | undefined;
  readonly now: Instant;
}

/** One entry line that should change. */
export interface PromotedEntry {
  /** `Scope`: the level stays, the number of targets grows. */
  readonly kind: "Level" | "Scope";
  readonly baseline: string;
  readonly level: LevelInForce;
  /** What the entry names now, and how many targets it covers. */
  readonly previous: LevelInForce | undefined;
  readonly previousMaxTargets: number | undefined;
  /** Targets of the ring under the baseline now. */
  readonly targets: number;
  readonly maxTargets: number;
}

/** One commit: every entry that an Automatic ring should get now. */
export interface AutomaticPromotion {
  readonly ring: RingInForce;
  readonly entries: readonly PromotedEntry[];
}

/** One pull request that should be open. */
export interface DesiredProposal extends PromotedEntry {
  readonly ring: RingInForce;
  readonly branch: string;
  /** Its number, where it is open already. */
  readonly open: number | undefined;
}

export interface ClosingProposal {
  readonly number: number;
  readonly branch: string;
  readonly ring: string;
  readonly level: string | undefined;
  readonly reason: Block["reason"];
  readonly comment: string;
}

export interface Promotions {
  readonly automatic: readonly AutomaticPromotion[];
  readonly proposals: readonly DesiredProposal[];
  readonly closing: readonly ClosingProposal[];
  /** Whether branches that nobody needs any more may be deleted: everything that would need them is known. */
  readonly tidy: boolean;
  readonly decisions: readonly Decision[];
}

/** Decides all promotions of a plan. Same input, same output, whatever the order of any list. */
export function planPromotions(plan: Plan, input: PromotionInput): Promotions {
  const known = [...(input.proposals ?? [])].sort((a, b) => a.number - b.number);
  const tracks = findOffers(plan, {
    policy: input.policy,
    candidates: input.candidates,
    isRejected: (ring, baseline, digest) => findRejection(known, ring, baseline, digest) !== undefined,
  });
  const judged = tracks
    .flatMap((track) => track.offers.map((offer) => judgeOffer({ track, offer, known, input })))
    .sort((a, b) => plan.rings.indexOf(a.offer.outcome) - plan.rings.indexOf(b.offer.outcome));
  const mayClose = input.proposals !== undefined && input.policy.proposer && stopsProposals(input.policy) === undefined;
  const proposals = judged.flatMap((one) => one.proposal ?? []);
  const closing = mayClose ? known.flatMap((one) => closeUnwanted(one, judged, tracks, plan)) : [];
  return {
    automatic: groupByRing(judged),
    proposals,
    closing,
    tidy: mayClose,
    decisions: [...judged.flatMap((one) => one.decisions), ...closing.map(describeClosing)],
  };
}

// ------------------------------------------------------------------------------------------------ what is known

interface Scene {
  readonly track: Track;
  readonly offer: Offer;
  readonly known: readonly KnownProposal[];
  readonly input: PromotionInput;
}

function isAbout(proposal: KnownProposal, ring: string, baseline: string): boolean {
  return proposal.ring === branchPart(ring) && proposal.baseline === branchPart(baseline);
}

/** A pull request of that very level that a person closed unmerged. */
function findRejection(
  known: readonly KnownProposal[],
  ring: string,
  baseline: string,
  digest: Digest,
): KnownProposal | undefined {
  const mine = known.filter(
    (one) => isAbout(one, ring, baseline) && one.scope === undefined && digest.startsWith(one.digest),
  );
  // Opened again by a person: no longer refused.
  if (mine.some((one) => one.state === "open")) return undefined;
  return mine.find((one) => one.state === "closed" && !one.withdrawn);
}

function stopsProposals(policy: PolicyInForce): Block | undefined {
  return policy.brakes.find((brake) => brake.reason === "HistoryRewritten" || brake.reason === "RepositoryStale");
}

// --------------------------------------------------------------------------------------------- one ring's offer

interface Judged {
  readonly offer: Offer;
  readonly automatic: PromotedEntry | undefined;
  readonly proposal: DesiredProposal | undefined;
  readonly decisions: readonly Decision[];
}

function judgeOffer(scene: Scene): Judged {
  const { offer } = scene;
  const entry = wantedEntry(scene);
  const waiting = offer.waiting;
  const waits =
    waiting === undefined || waiting.level === entry?.level.name
      ? []
      : [decisionOf("wait", offer, waiting.level, waiting.reason, waiting.message)];
  const problem = offer.outcome.entries.problems.get(offer.baseline);
  if (problem !== undefined)
    return {
      offer,
      automatic: undefined,
      proposal: undefined,
      decisions: [decisionOf("wait", offer, undefined, problem.reason, problem.message)],
    };
  if (entry === undefined) return { offer, automatic: undefined, proposal: undefined, decisions: waits };
  const stop = stopsEntry(scene, entry);
  if (stop !== undefined)
    return {
      offer,
      automatic: undefined,
      proposal: undefined,
      decisions: [...waits, decisionOf("wait", offer, entry.level.name, stop.reason, stop.message)],
    };
  if (isAutomatic(offer))
    return {
      offer,
      automatic: entry,
      proposal: undefined,
      decisions: [...waits, describeEntry(offer, entry, undefined)],
    };
  const proposal = proposalOf(offer, entry, scene.known);
  return { offer, automatic: undefined, proposal, decisions: [...waits, describeEntry(offer, entry, proposal)] };
}

function isAutomatic({ outcome }: Offer): boolean {
  return outcome.ring.spec.promotion === "Automatic";
}

/** The change that the ring's entry should see, whoever makes it. */
function wantedEntry(scene: Scene): PromotedEntry | undefined {
  const { offer } = scene;
  const approval = offer.outcome.entries.approvals.get(offer.baseline);
  const level = keptLevel(scene) ?? offer.level;
  const base = {
    baseline: offer.baseline,
    previous: offer.current,
    previousMaxTargets: approval?.entry.maxTargets,
    targets: offer.targets,
  };
  if (level !== undefined) {
    const open = openOf(scene).find((one) => one.scope === undefined && level.digest.startsWith(one.digest));
    return { ...base, kind: "Level", level, maxTargets: keepMaxTargets(offer.targets, open?.maxTargets) };
  }
  const most = approval?.entry.maxTargets;
  if (approval === undefined || most === undefined || offer.targets <= most) return undefined;
  if (scene.track.withdrawnAt(offer.outcome.ring.name, approval.level.digest) !== undefined) return undefined;
  const open = openOf(scene).find((one) => one.scope !== undefined && approval.level.digest.startsWith(one.digest));
  return { ...base, kind: "Scope", level: approval.level, maxTargets: keepMaxTargets(offer.targets, open?.scope) };
}

function openOf({ known, offer }: Scene): readonly KnownProposal[] {
  return known.filter((one) => one.state === "open" && isAbout(one, offer.outcome.ring.name, offer.baseline));
}

/**
 * An open proposal stays while its level is newer than the entry, not withdrawn and not overtaken, also when a predecessor regressed
 * since: merging it early is safe (PredecessorNotSoaked), closing and opening it again is noise.
 */
function keptLevel(scene: Scene): LevelInForce | undefined {
  for (const one of openOf(scene)) {
    if (one.scope !== undefined) continue;
    const level = levelOf(scene.track, one);
    if (level !== undefined && judgeOpen(scene.track, scene.offer, level) === undefined) return level;
  }
  return undefined;
}

function levelOf(track: Track, proposal: KnownProposal): LevelInForce | undefined {
  return [...track.levels.values()].find((level) => level.digest.startsWith(proposal.digest));
}

/** Why an open proposal of a level should close; undefined: it may stay. */
function judgeOpen(track: Track, offer: Offer, level: LevelInForce): Block | undefined {
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

// ---------------------------------------------------------------------------------------------- what stops it

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

function stopsEntry(scene: Scene, entry: PromotedEntry): Block | undefined {
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
  const refused = findRejection(known, ring, entry.baseline, entry.level.digest);
  if (refused !== undefined)
    return {
      reason: "ProposalRejected",
      message: `pull request #${refused.number} was closed without merging; it is not opened again for ${entry.level.name} (reopen it, or write the entry by hand)`,
    };
  const mine = known.filter(
    (one) => isAbout(one, ring, entry.baseline) && one.scope === undefined && entry.level.digest.startsWith(one.digest),
  );
  if (mine.some((one) => one.state === "open")) return undefined;
  const merged = mine.findLast((one) => one.state === "merged");
  return merged === undefined ? undefined : describeMerged(merged, ring);
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

// ------------------------------------------------------------------------------------------------------ results

function proposalOf(offer: Offer, entry: PromotedEntry, known: readonly KnownProposal[]): DesiredProposal {
  const { ring } = offer.outcome;
  const scope = entry.kind === "Scope" ? entry.maxTargets : undefined;
  const branch = proposalBranch(ring.name, entry.baseline, entry.level.digest, scope);
  const open = known.find((one) => one.state === "open" && one.branch === branch)?.number;
  return { ...entry, ring, branch, open };
}

function groupByRing(judged: readonly Judged[]): readonly AutomaticPromotion[] {
  const entries = new Map<RingInForce, PromotedEntry[]>();
  for (const { offer, automatic } of judged) {
    if (automatic === undefined) continue;
    const { ring } = offer.outcome;
    entries.set(ring, [...(entries.get(ring) ?? []), automatic]);
  }
  return [...entries].map(([ring, mine]) => ({ ring, entries: mine }));
}

/** An open proposal that nobody wants any more. */
function closeUnwanted(
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
  if (mine === undefined || mine.proposal?.branch === known.branch) return [];
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

// ---------------------------------------------------------------------------------------------------- decisions

function decisionOf(
  action: Decision["action"],
  { outcome }: Offer,
  level: string | undefined,
  reason: string,
  message: string,
): Decision {
  const { name } = outcome.ring;
  return { action, target: { kind: "RolloutRing", namespace: undefined, name }, ring: name, level, reason, message };
}

function describeEntry(offer: Offer, entry: PromotedEntry, proposal: DesiredProposal | undefined): Decision {
  const { name } = offer.outcome.ring;
  if (entry.kind === "Scope") {
    const what = `${entry.targets} targets are in scope and the approval covers ${entry.previousMaxTargets ?? 0}`;
    const how = proposal === undefined ? "the entry is raised" : askedBy(proposal);
    return decisionOf("propose", offer, entry.level.name, "ScopeGrew", `${what}; ${how} to ${entry.maxTargets}`);
  }
  if (proposal === undefined)
    return decisionOf(
      "propose",
      offer,
      entry.level.name,
      "Promoted",
      `the entry of ring ${name} is written (promotion: Automatic)`,
    );
  return decisionOf(
    "propose",
    offer,
    entry.level.name,
    "WaitingForApproval",
    `${askedBy(proposal)} ring ${name} to be approved for it`,
  );
}

function askedBy({ open }: DesiredProposal): string {
  return open === undefined ? "a pull request is to ask for" : `pull request #${open} asks for`;
}

function describeClosing({ number, reason, comment, ring, level }: ClosingProposal): Decision {
  return {
    action: "withdraw",
    target: { kind: "RolloutRing", namespace: undefined, name: ring },
    ring,
    level,
    reason,
    message: `pull request #${number} closes: ${comment.replace(/^Ringward closes this: /, "")}`,
  };
}
