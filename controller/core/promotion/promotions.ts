// Which promotions there should be: commits for Automatic rings, pull requests for the others, and which pull requests should close.
// Pure: the plan and what the forge knows go in, wishes and reasons come out; reconcile/promotion/ carries them out and looks again.
// Holds A1 (a merge is the approval; nothing here reads a pull request as one), A5 (at most one open proposal per ring and baseline).
import type { LevelInForce, RingInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import type { Decision } from "../rollout/decision.ts";
import { closeUnwanted, judgeOpen, levelOf } from "./closing.ts";
import { type KnownProposal, proposalBranch } from "./known.ts";
import { findOffers, type Offer } from "./offers.ts";
import { closeRequests, groupProposals, type ProposalRequest } from "./group.ts";
import { type HeldProposal, holdProposals } from "./hold.ts";
import { recordAnswers, type RingRecord } from "./record.ts";
import { keepMaxTargets } from "./scope.ts";
import { findRejection, isAbout, isAutomatic, stopsEntry, stopsProposals } from "./stops.ts";
import type {
  AutomaticPromotion,
  ClosingProposal,
  DesiredProposal,
  Judged,
  PromotedEntry,
  PromotionInput,
  Scene,
} from "./wishes.ts";

/** What promotion wants of the repository and its forge. */
export interface Promotions {
  readonly automatic: readonly AutomaticPromotion[];
  /** The pull requests that should be open. */
  readonly requests: readonly ProposalRequest[];
  /** What they hold, all together. */
  readonly proposals: readonly DesiredProposal[];
  readonly closing: readonly ClosingProposal[];
  /** Wanted, and not to be opened yet. */
  readonly held: readonly HeldProposal[];
  /** What is to be written down of people's answers, by ring; undefined: the forge does not answer, so what is written stays. */
  readonly records: ReadonlyMap<string, RingRecord> | undefined;
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
  const wanted = groupProposals(
    judged.flatMap((one) => one.proposal ?? []),
    input.settings,
    known,
  );
  const closing = mayClose
    ? closeRequests(known, wanted, input.settings, (one) => closeUnwanted(one, judged, tracks, plan))
    : [];
  const others = new Set(
    known.flatMap(({ state, branch }) =>
      state !== "open" ||
      wanted.some((request) => request.branch === branch) ||
      closing.some((one) => one.branch === branch)
        ? []
        : [branch],
    ),
  );
  const through = holdProposals(wanted, input.settings, others.size, input.now);
  const requests = through.proposals;
  const held = through.held.flatMap(({ proposal: request, block }) =>
    request.proposals.map((proposal) => ({ proposal, block })),
  );
  return {
    automatic: groupByRing(judged),
    requests,
    proposals: requests.flatMap((request) => request.proposals),
    closing,
    held,
    records: input.proposals === undefined ? undefined : recordAnswers(tracks, known),
    tidy: mayClose,
    decisions: [
      ...judged.flatMap((one) => one.decisions.map((decision) => explainHeld(decision, one, held))),
      ...closing.map(describeClosing),
    ],
  };
}

/** What is wanted and held back waits, and says why. */
function explainHeld(decision: Decision, { proposal }: Judged, held: Promotions["held"]): Decision {
  const block = held.find(
    (one) => one.proposal.ring === proposal?.ring && one.proposal.baseline === proposal.baseline,
  )?.block;
  if (block === undefined || decision.action !== "propose") return decision;
  return { ...decision, action: "wait", reason: block.reason, message: block.message };
}

// --------------------------------------------------------------------------------------------- one ring's offer

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

function askedBy({ open, branch }: DesiredProposal): string {
  if (open === undefined) return "a proposal is to ask for";
  return open === 0 ? `branch ${branch} asks for` : `pull request #${open} asks for`;
}

function describeClosing({ number, branch, reason, comment, ring, level }: ClosingProposal): Decision {
  return {
    action: "withdraw",
    target: { kind: "RolloutRing", namespace: undefined, name: ring },
    ring,
    level,
    reason,
    message: `${number === 0 ? `branch ${branch}` : `pull request #${number}`} closes: ${comment.replace(/^Ringward closes this: /, "")}`,
  };
}
