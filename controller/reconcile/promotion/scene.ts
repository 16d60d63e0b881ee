// What carrying out promotions is given, and what all its parts share: errors that stop one decision and no other, and pushes that move a
// branch only from where it was seen.
import type { Reason } from "../../api/reasons.ts";
import type { Clock } from "../../clock.ts";
import {
  PROPOSAL_PREFIX,
  type ProposalMarker,
  type ProposalRequest,
  type Promotions,
  type RenderedProposal,
} from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";
import type { CommitSha, GitSnapshot, NewCommit, PolicyGit } from "../../git/port.ts";
import type { Files } from "./files.ts";
import { isJustMade, isShown } from "./late.ts";
import type { BranchHead } from "./talk.ts";

/** Something that people should hear: an event on the ring. */
export interface PromotionEvent {
  readonly reason: Reason;
  readonly ring: string;
  readonly baseline: string | undefined;
  readonly level: string | undefined;
  readonly message: string;
}

export interface CarryOut {
  readonly promotions: Promotions;
  /** Title, body and evidence of a proposal; called only for those that should be open. */
  readonly render: (request: ProposalRequest, before: Partial<ProposalMarker> | undefined) => RenderedProposal;
  readonly git: PolicyGit;
  /** `"none"`: no forge is configured, and branches alone are proposals. Undefined: it did not answer. */
  readonly forge: Forge | "none" | undefined;
  /** What `listProposals` answered in this pass. */
  readonly pulls: readonly PullRequest[];
  /** The tracked branch's head that the plan was made from, and its files. */
  readonly head: CommitSha;
  readonly snapshot: GitSnapshot;
  readonly policyPath: string;
  /** The tracked branch. */
  readonly branch: string;
  /** Policy time: dates of commits. */
  readonly clock: Clock;
  readonly transport: Clock;
  /** Until when the tracked branch is known to refuse pushes, transport ms. */
  readonly protection: { until: number };
  /** Tips with which this process made a branch: nobody else has opened anything of them. */
  readonly made: Set<CommitSha>;
  readonly tell: (event: PromotionEvent) => void;
}

export interface CarriedOut {
  /** Something was written: look again soon. */
  readonly written: boolean;
  /** Branches of the proposals that should be open. */
  readonly heads: ReadonlyMap<string, BranchHead>;
  /** Pull requests that were opened just now. */
  readonly opened: readonly PullRequest[];
}

export interface Scene extends CarryOut {
  readonly branches: ReadonlyMap<string, CommitSha>;
  readonly wrote: { written: boolean };
  readonly heads: Map<string, BranchHead>;
  readonly opened: PullRequest[];
  readonly fresh: { pulls: readonly PullRequest[] | undefined; isHead: boolean | undefined };
}

/** With a forge that answered. */
export interface ForgeScene extends Scene {
  readonly forge: Forge;
}

export function hasForge(scene: Scene): scene is ForgeScene {
  return scene.forge !== undefined && scene.forge !== "none";
}

/** A forge's failure: told, and the others go on. */
class ForgeFailure extends Error {}

export async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ForgeFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

export interface About {
  readonly ring: string;
  readonly baseline?: string;
  readonly level: string | undefined;
}

/** One decision's failure stops no other one: policy that cannot be edited and a forge that fails are told. */
export async function attempt(input: CarryOut, about: About, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ForgeFailure) tell(input, "ForgeUnavailable", about, error.message);
    else if (error instanceof UserError) tell(input, "PolicyInvalid", about, error.message);
    else throw error;
  }
}

export function tell(input: CarryOut, reason: Reason, { ring, baseline, level }: About, message: string): void {
  input.tell({ reason, ring, baseline, level, message });
}

/** Through the forge's API where commits are made there in our account's name (verified), else with git. */
export async function push(
  { git, forge, head, snapshot, clock, made }: CarryOut,
  branch: string,
  files: Files,
  message: string,
  expect?: CommitSha | "absent",
): ReturnType<PolicyGit["push"]> {
  // History's dates do not go back, also where the policy's clock lags behind whoever committed last.
  const time = Math.max(clock.now(), snapshot.time);
  const commit: NewCommit = { branch, parent: head, files, message, time, ...(expect === undefined ? {} : { expect }) };
  const byGit = forge === undefined || forge === "none" || forge.push === undefined;
  const pushed = await (byGit ? git.push(commit) : forge.push(commit));
  if (expect === "absent" && pushed.kind === "Pushed") made.add(pushed.commit);
  return pushed;
}

/**
 * Whether the forge knows more about a branch than the list of this pass: opened, refused or merged since. Asked once in a pass, and only
 * before something that cannot be taken back: a refused proposal must not come again because a list was old.
 */
export async function isAnswered(scene: ForgeScene, branch: string): Promise<boolean> {
  scene.fresh.pulls ??= (await ask(() => scene.forge.list(PROPOSAL_PREFIX))).filter(
    (pull) => pull.base === scene.branch,
  );
  return scene.fresh.pulls.some((pull) => {
    const seen = scene.pulls.find((one) => one.number === pull.number);
    return pull.head === branch && (seen === undefined || seen.state !== pull.state);
  });
}

/** Whether another process may have opened a pull request of a branch that no list shows yet. */
export async function mayBeOpen(scene: ForgeScene, branch: string): Promise<boolean> {
  const { made, git, branches, clock, pulls } = scene;
  const tip = branches.get(branch);
  if (tip === undefined || made.has(tip) || isShown(pulls, branch, tip)) return false;
  return isJustMade(git, tip, clock.now());
}

/**
 * Whether a pull request may be closed on the word of this pass: it still is open, whatever the list said, and policy still is what the plan
 * was made from. A leader that was paused, or a list that is old, must not close what another one has just opened, nor what was merged.
 */
export async function mayClose(scene: ForgeScene, number: number): Promise<boolean> {
  scene.fresh.isHead ??= (await scene.git.fetch()).head === scene.head;
  if (!scene.fresh.isHead) {
    // Policy is read again before the next look.
    scene.wrote.written = true;
    return false;
  }
  return isOpen(scene, number);
}

/** Whether a pull request is open, asked by its number: what a list says may be old, and the page of one that is merged is history. */
export async function isOpen(scene: ForgeScene, number: number): Promise<boolean> {
  const { merged, closed } = await ask(() => scene.forge.history(number));
  return merged === undefined && closed === undefined;
}
