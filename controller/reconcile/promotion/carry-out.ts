// Carries promotions out: commits for Automatic rings, branches and pull requests for the others. One commit per decision; every branch
// moves only from where it was seen. Nothing is remembered: after a crash, a lost reply or another controller's write, the next pass finds
// the same state and does the rest (A5). Never reads an approval from a pull request (A1), never touches a person's commits.
import type { Reason } from "../../api/reasons.ts";
import type { Clock } from "../../clock.ts";
import {
  type AutomaticPromotion,
  type ClosingProposal,
  type DesiredProposal,
  type KnownProposal,
  markClosed,
  parseProposalBranch,
  PROPOSAL_PREFIX,
  type Promotions,
  type ProposalMarker,
  readMarker,
  readProposal,
  type RenderedProposal,
} from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";
import type { CommitSha, GitSnapshot, PolicyGit } from "../../git/port.ts";
import { levelPath } from "./level-file.ts";
import { type Files, filesFor, findRing, hashFiles, messageFor, readTrailers } from "./files.ts";
import type { BranchHead } from "./talk.ts";
import { type Histories, peopleOf } from "./histories.ts";
import { ringSpecOf } from "./ring-edit.ts";

/** The forge's answer, as the plan and the shell want it. */
export interface ListedProposals {
  readonly known: readonly KnownProposal[];
  readonly pulls: readonly PullRequest[];
}

export interface Listing {
  readonly forge: Forge;
  /** The tracked branch. */
  readonly branch: string;
  /** Whether a level is one that a ring runs or may get: of others nobody has to know who said what. */
  readonly matters: (digest: string) => boolean;
  readonly histories: Histories;
  readonly transport: Clock;
}

/** Every pull request of ours into the tracked branch. Throws what the forge throws: without an answer nothing is proposed. */
export async function listProposals(listing: Listing): Promise<ListedProposals> {
  const { forge, branch, matters, histories, transport } = listing;
  const pulls = (await forge.list(PROPOSAL_PREFIX)).filter((pull) => pull.base === branch);
  const known: KnownProposal[] = [];
  for (const pull of pulls) {
    const proposal = readProposal(pull);
    if (proposal === undefined) continue;
    const people =
      proposal.withdrawn || proposal.scope !== undefined || !matters(proposal.digest)
        ? undefined
        : await peopleOf(forge, pull, histories, transport);
    known.push(people === undefined ? proposal : { ...proposal, people });
  }
  return { pulls, known };
}

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
  readonly render: (proposal: DesiredProposal, before: Partial<ProposalMarker> | undefined) => RenderedProposal;
  readonly git: PolicyGit;
  /** Undefined: no forge is configured, or it did not answer. */
  readonly forge: Forge | undefined;
  /** What `listProposals` answered in this pass. */
  readonly pulls: readonly PullRequest[];
  /** The tracked branch's head that the plan was made from, and its files. */
  readonly head: CommitSha;
  readonly snapshot: GitSnapshot;
  readonly policyPath: string;
  /** The tracked branch. */
  readonly branch: string;
  readonly clock: Clock;
  readonly tell: (event: PromotionEvent) => void;
}

export interface CarriedOut {
  /** Something was written: look again soon. */
  readonly written: boolean;
  /** Branches of the proposals that should be open. */
  readonly heads: ReadonlyMap<string, BranchHead>;
}

/**
 * Does what the promotions ask for, as far as this pass can: after a commit to the tracked branch it ends, because policy is to be read
 * again. Throws git's transport errors; the forge's are told as ForgeUnavailable, and no gate opens by them.
 */
export async function carryOutPromotions(input: CarryOut): Promise<CarriedOut> {
  if (input.snapshot.commit !== input.head)
    throw new Error(`the snapshot is of ${input.snapshot.commit}, the head is ${input.head}`);
  for (const promotion of input.promotions.automatic) {
    const result = await commitEntries(input, promotion);
    if (result !== "Skipped") return { written: true, heads: new Map() };
  }
  if (input.forge === undefined) return { written: false, heads: new Map() };
  const branches = await input.git.branches(PROPOSAL_PREFIX);
  const scene: Scene = {
    ...input,
    forge: input.forge,
    branches,
    wrote: { written: false },
    heads: new Map(),
    fresh: { pulls: undefined },
  };
  for (const closing of input.promotions.closing) await attempt(scene, closing, () => closeProposal(scene, closing));
  for (const proposal of input.promotions.proposals)
    await attempt(scene, { ring: proposal.ring.name, baseline: proposal.baseline, level: proposal.level.name }, () =>
      propose(scene, proposal),
    );
  if (input.promotions.tidy) await sweepBranches(scene);
  return { ...scene.wrote, heads: scene.heads };
}

interface Scene extends CarryOut {
  readonly forge: Forge;
  readonly branches: ReadonlyMap<string, CommitSha>;
  readonly wrote: { written: boolean };
  readonly heads: Map<string, BranchHead>;
  readonly fresh: { pulls: readonly PullRequest[] | undefined };
}

/** A forge's failure: told, and the others go on. */
class ForgeFailure extends Error {}

async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ForgeFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

interface About {
  readonly ring: string;
  readonly baseline?: string;
  readonly level: string | undefined;
}

/** One decision's failure stops no other one: policy that cannot be edited and a forge that fails are told. */
async function attempt(input: CarryOut, about: About, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ForgeFailure) tell(input, "ForgeUnavailable", about, error.message);
    else if (error instanceof UserError) tell(input, "PolicyInvalid", about, error.message);
    else throw error;
  }
}

function tell(input: CarryOut, reason: Reason, { ring, baseline, level }: About, message: string): void {
  input.tell({ reason, ring, baseline, level, message });
}

// ---------------------------------------------------------------------------------------------------- automatic

/** One commit on the tracked branch with all entries of an Automatic ring and the level files that they name. */
async function commitEntries(
  input: CarryOut,
  { ring, entries }: AutomaticPromotion,
): Promise<"Pushed" | "Moved" | "Skipped"> {
  const [first] = entries;
  const about: About = {
    ring: ring.name,
    level: first?.level.name,
    ...(first === undefined ? {} : { baseline: first.baseline }),
  };
  const outcome: { result: "Pushed" | "Moved" | "Skipped" } = { result: "Skipped" };
  await attempt(input, about, async () => {
    // The commit that this one stands on must say so itself, whatever was read before.
    if (ringSpecOf(findRing(ring, input).document)["promotion"] !== "Automatic") return;
    const files = filesFor(ring, entries, input);
    if (files.size === 0) return;
    const pushed = await push(input, input.branch, files, messageFor(ring, entries, files, input.head));
    outcome.result = pushed.kind;
    if (pushed.kind === "Pushed")
      tell(
        input,
        "Promoted",
        about,
        `ring ${ring.name}: ${entries.map(({ level }) => level.name).join(", ")} in commit ${pushed.commit.slice(0, 12)}`,
      );
  });
  return outcome.result;
}

function push(
  { git, head, snapshot, clock }: CarryOut,
  branch: string,
  files: Files,
  message: string,
  expect?: CommitSha | "absent",
): ReturnType<PolicyGit["push"]> {
  // History's dates do not go back, also where the policy's clock lags behind whoever committed last.
  const time = Math.max(clock.now(), snapshot.time);
  return git.push({ branch, parent: head, files, message, time, ...(expect === undefined ? {} : { expect }) });
}

// ---------------------------------------------------------------------------------------------------- proposals

/** The branch as it should be, then the pull request as it should be. */
async function propose(scene: Scene, proposal: DesiredProposal): Promise<void> {
  const files = filesFor(proposal.ring, [proposal], scene);
  if (files.size === 0 || !(await keepBranch(scene, proposal, files))) return;
  const about: About = { ring: proposal.ring.name, baseline: proposal.baseline, level: proposal.level.name };
  const open = scene.pulls.find((pull) => pull.state === "open" && pull.head === proposal.branch);
  const marker = open === undefined ? undefined : readMarker(open.body);
  const rendered = scene.render(proposal, marker);
  if (open === undefined) {
    if (await isAnswered(scene, proposal.branch)) return;
    const pull = await ask(() =>
      scene.forge.open({
        head: proposal.branch,
        base: scene.branch,
        title: rendered.title,
        body: rendered.body,
        labels: ["ringward"],
      }),
    );
    scene.wrote.written = true;
    tell(scene, "ProposalOpened", about, `pull request #${pull.number} (${pull.url}): ${rendered.title}`);
    return;
  }
  if (marker?.evidence === rendered.evidence && marker.closed === undefined) return;
  await ask(() => scene.forge.update(open.number, { title: rendered.title, body: rendered.body }));
  scene.wrote.written = true;
}

/**
 * Whether the forge knows more about a branch than the list of this pass: opened, refused or merged since. Asked once in a pass, and only
 * before something that cannot be taken back: a refused proposal must not come again because a list was old.
 */
async function isAnswered(scene: Scene, branch: string): Promise<boolean> {
  scene.fresh.pulls ??= (await ask(() => scene.forge.list(PROPOSAL_PREFIX))).filter(
    (pull) => pull.base === scene.branch,
  );
  return scene.fresh.pulls.some((pull) => {
    const seen = scene.pulls.find((one) => one.number === pull.number);
    return pull.head === branch && (seen === undefined || seen.state !== pull.state);
  });
}

/** Makes or rebuilds the branch; false when somebody else moved it just now. */
async function keepBranch(scene: Scene, proposal: DesiredProposal, files: Files): Promise<boolean> {
  const { branch } = proposal;
  const tip = scene.branches.get(branch);
  if (tip !== undefined) {
    const snapshot = await scene.git.read(tip, scene.policyPath);
    const holds = holdsAll(scene, proposal, files, snapshot);
    const parent = await scene.git.parent(tip);
    scene.heads.set(branch, { commit: tip, holds });
    if (holds && parent !== undefined && (await scene.git.isAncestor(parent, scene.head))) return true;
    if (!(await isOurs(scene, tip, snapshot))) {
      if (!holds)
        tell(
          scene,
          "WaitingForApproval",
          { ring: proposal.ring.name, baseline: proposal.baseline, level: proposal.level.name },
          `branch ${branch} has commits that are not Ringward's and no longer says what would be proposed now; it is left alone (merge it, or delete it to have it made anew)`,
        );
      return true;
    }
  }
  const message = messageFor(proposal.ring, [proposal], files, scene.head);
  const pushed = await push(scene, branch, files, message, tip ?? "absent");
  scene.wrote.written = true;
  if (pushed.kind === "Pushed") scene.heads.set(branch, { commit: pushed.commit, holds: true });
  return pushed.kind === "Pushed";
}

/** Whether a branch says all that would be proposed now, and would not conflict in the level's file. */
function holdsAll(scene: Scene, { level }: DesiredProposal, files: Files, tip: GitSnapshot): boolean {
  const there = textsOf(tip);
  const levelFile = levelPath(scene.policyPath, level.name);
  const head = textsOf(scene.snapshot).get(levelFile);
  if (!files.has(levelFile) && head !== undefined && there.get(levelFile) !== head) return false;
  return [...files].every(([path, text]) => there.get(path) === text);
}

function textsOf({ files }: GitSnapshot): Map<string, string> {
  return new Map(files.map((file) => [file.path, file.text]));
}

/** Whether a branch's tip is Ringward's commit, untouched: it stands where its message says, and changes what its message says. */
async function isOurs(scene: Scene, tip: CommitSha, snapshot?: GitSnapshot): Promise<boolean> {
  const [entry] = await scene.git.log(undefined, tip, 1);
  const trailers = entry === undefined ? undefined : readTrailers(entry.message);
  const parent = await scene.git.parent(tip);
  if (trailers === undefined || parent === undefined || trailers.base !== parent) return false;
  const before = textsOf(await scene.git.read(parent, scene.policyPath));
  const after = textsOf(snapshot ?? (await scene.git.read(tip, scene.policyPath)));
  const changed = new Map<string, string | null>();
  for (const path of new Set([...before.keys(), ...after.keys()]))
    if (before.get(path) !== after.get(path)) changed.set(path, after.get(path) ?? null);
  return hashFiles(changed) === trailers.content;
}

// ------------------------------------------------------------------------------------------------------ closing

/** Closes a pull request and deletes its branch. The body says first that this was Ringward: a closing alone would be a rejection. */
async function closeProposal(scene: Scene, closing: ClosingProposal): Promise<void> {
  const pull = scene.pulls.find((one) => one.number === closing.number);
  if (pull === undefined || pull.state !== "open") return;
  if (readMarker(pull.body)?.closed === undefined)
    await ask(() => scene.forge.update(pull.number, { body: markClosed(pull.body, closing.reason) }));
  await ask(() => scene.forge.close(pull.number, closing.comment));
  scene.wrote.written = true;
  tell(scene, "ProposalClosed", closing, `pull request #${pull.number}: ${closing.comment}`);
  await deleteOurs(scene, closing.branch);
}

async function deleteOurs(scene: Scene, branch: string): Promise<void> {
  const tip = scene.branches.get(branch);
  if (tip === undefined || !(await isOurs(scene, tip))) return;
  await scene.git.deleteBranch(branch, tip);
  scene.wrote.written = true;
}

/** Branches that are merged, that were closed by us, or that a crash left behind. A refused one stays: a person may reopen it. */
async function sweepBranches(scene: Scene): Promise<void> {
  const { proposals, closing } = scene.promotions;
  const busy = new Set([...proposals, ...closing].map(({ branch }) => branch));
  for (const branch of scene.branches.keys()) {
    const parsed = parseProposalBranch(branch);
    if (busy.has(branch) || parsed === undefined) continue;
    const mine = scene.pulls.filter((pull) => pull.head === branch);
    if (mine.some((pull) => pull.state === "open")) continue;
    const [newest] = [...mine].sort((a, b) => b.number - a.number);
    const refused = newest?.state === "closed" && readMarker(newest.body)?.closed === undefined;
    if (refused) continue;
    await attempt(scene, { ring: parsed.ring, baseline: parsed.baseline, level: undefined }, async () => {
      if (!(await isAnswered(scene, branch))) await deleteOurs(scene, branch);
    });
  }
}
