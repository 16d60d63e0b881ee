// What is said beside the proposals: the check on each open one, the progress of each merged one, and the tracking issue. All of it is for
// people and decides nothing; a forge that refuses to take it holds nothing back, and is asked again only after a while. What was said once is
// not said again (K7); a new process finds out by reading.
import type { Clock } from "../../clock.ts";
import type { ProposalSettings } from "../../api/policy-repository.ts";
import { estimateRollout } from "../../core/estimate/estimate.ts";
import {
  type Escape,
  judgePlan,
  judgeStopped,
  type KnownProposal,
  PLAN_CHECK,
  type PlanVerdict,
  type Promotions,
  readMarker,
  reportProgress,
  TRACKING_MARKER,
  TRACKING_TITLE,
  writeTracking,
} from "../../core/promotion/index.ts";
import type { PolicyInForce } from "../../core/model.ts";
import type { Plan } from "../../core/rollout/plan.ts";
import type { PlanInput } from "../../core/rollout/plan-input.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";
import type { CommitSha } from "../../git/port.ts";
import { LATE_MS } from "./late.ts";

/** Where a proposal's branch is, and whether it says what would be proposed now. */
export interface BranchHead {
  readonly commit: CommitSha;
  readonly holds: boolean;
}

export interface Talk {
  readonly forge: Forge;
  readonly promotions: Promotions;
  /** Branches of the wanted proposals, as this pass left them. */
  readonly heads: ReadonlyMap<string, BranchHead>;
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly policy: PolicyInForce;
  readonly known: readonly KnownProposal[];
  readonly pulls: readonly PullRequest[];
  readonly settings: ProposalSettings | undefined;
  readonly escape: Escape;
  readonly said: Said;
  /** Transport time. */
  readonly transport: Clock;
  readonly onError: (error: unknown, where: string) => void;
}

/** What this process said last about each thing, and what it does about that later. Losing it costs a few reads. */
export type Said = Map<string, { readonly what: string; readonly later?: Later }>;

interface Later {
  /** Transport ms. */
  readonly at: number;
  /** Said again as it was, whether anybody still asks for it or not; undefined: it was refused, and is found anew. */
  readonly confirm?: Say;
}

type Say = () => Promise<unknown>;

/** What a forge refused is tried again after this, transport ms. */
const RETRY_MS = 5 * 60_000;

/** Says what is new. */
export async function talk(input: Talk): Promise<void> {
  await confirmSaid(input);
  await sayChecks(input);
  await sayProgress(input);
  await sayTracking(input);
}

/**
 * What stands once was found again in a list. That list may have been old, or another process may have been at it, too: it is looked at once
 * more, with the same words, when the list shows all.
 */
async function confirmSaid({ said, transport, onError }: Talk): Promise<void> {
  const now = transport.monotonic();
  for (const [about, { what, later }] of said) {
    if (later?.confirm === undefined || now < later.at) continue;
    try {
      await later.confirm();
      said.set(about, { what });
    } catch (error) {
      said.set(about, { what, later: { at: now + RETRY_MS, confirm: later.confirm } });
      onError(error, `forge: ${about}`);
    }
  }
}

/** `kept`: found again in a list, and confirmed later. */
async function sayOnce(input: Talk, about: string, what: string, say: Say, kept?: "kept"): Promise<void> {
  const last = input.said.get(about);
  const now = input.transport.monotonic();
  const isRefused = last?.later !== undefined && last.later.confirm === undefined;
  if (last?.what === what && !(isRefused && now >= last.later.at)) return;
  try {
    await say();
    input.said.set(about, { what, ...(kept === undefined ? {} : { later: { at: now + LATE_MS, confirm: say } }) });
  } catch (error) {
    input.said.set(about, { what, later: { at: now + RETRY_MS } });
    input.onError(error, `forge: ${about}`);
  }
}

async function sayChecks(input: Talk): Promise<void> {
  for (const pull of input.pulls) {
    if (pull.state !== "open") continue;
    const judged = judge(input, pull);
    if (judged === undefined) continue;
    const { commit, verdict } = judged;
    await sayOnce(input, `check of #${pull.number}`, JSON.stringify([commit, verdict]), () =>
      input.forge.report({ name: PLAN_CHECK, commit, ...verdict }),
    );
  }
}

function judge(
  { promotions, heads, plan, known }: Talk,
  pull: PullRequest,
): { readonly commit: CommitSha; readonly verdict: PlanVerdict } | undefined {
  const request = promotions.requests.find(({ branch }) => branch === pull.head);
  const head = heads.get(pull.head);
  if (request !== undefined) {
    if (head === undefined) return undefined;
    const verdicts = request.proposals.map((proposal) => judgePlan({ proposal, plan }, head.holds));
    const [first] = verdicts;
    const verdict = verdicts.find(({ state }) => state === "failure") ?? first;
    return verdict === undefined ? undefined : { commit: head.commit, verdict };
  }
  const mine = known.find(({ number }) => number === pull.number);
  if (mine === undefined || promotions.closing.some(({ number }) => number === pull.number)) return undefined;
  const verdict = judgeStopped(mine, promotions.decisions);
  return verdict === undefined ? undefined : { commit: pull.headSha, verdict };
}

async function sayProgress(input: Talk): Promise<void> {
  const { plan, policy, known, pulls, escape } = input;
  const comments = reportProgress({
    plan,
    policy,
    known,
    markerOf: (number) => readMarker(pulls.find((pull) => pull.number === number)?.body ?? ""),
    estimates: () => estimateRollout(input.input, plan),
    escape,
  });
  for (const comment of comments) {
    let body: string | undefined;
    const say: Say = () => input.forge.keepComment(comment.number, comment.marker, (body ??= comment.body));
    await sayOnce(input, `progress on #${comment.number} ${comment.marker}`, comment.key, say, "kept");
  }
}

async function sayTracking(input: Talk): Promise<void> {
  const { plan, promotions, known, policy, escape, settings } = input;
  if (settings?.trackingIssue !== true) return;
  const body = writeTracking({ plan, promotions, known, clusterName: policy.clusterName, escape });
  const issue = { marker: TRACKING_MARKER, title: TRACKING_TITLE, body, open: true };
  await sayOnce(input, "tracking issue", body, () => input.forge.keepIssue(issue), "kept");
}
