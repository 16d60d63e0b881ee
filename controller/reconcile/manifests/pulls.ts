// Manifest proposals as pull requests: found again after any crash by branch and base, never two, and closed by saying first that it was us.
import type { Reason } from "../../api/reasons.ts";
import { type ManifestClosing, type ManifestProposal, parseManifestBranch } from "../../core/manifests/index.ts";
import { markClosed, readMarker } from "../../core/promotion/index.ts";
import type { PullRequest } from "../../forge/port.ts";
import { isJustMade, isShown } from "../promotion/late.ts";
import { deleteManifestBranch, keepManifestBranch } from "./branch.ts";
import {
  attempt,
  changed,
  editOnce,
  type ForgeScene,
  SAYS_SO,
  scopeOf,
  tellOnce,
  tellTheirs,
  toEvent,
  writePage,
} from "./scene.ts";

/** With every pull request of ours. */
export interface PullScene extends ForgeScene {
  readonly pulls: readonly PullRequest[];
}

/** The branch as it should be, then the pull request as it should be. */
export async function keepPull(scene: PullScene, proposal: ManifestProposal): Promise<void> {
  const { opened, ports, memory, pulls } = scene;
  const work = await editOnce(scene, proposal);
  const open = pulls.find((pull) => pull.state === "open" && pull.head === proposal.branch);
  if (work.edited.edits.length === 0) {
    if (open !== undefined) await endPull(scene, open, "Compliant", `Ringward closes this: ${SAYS_SO}.`, proposal);
    else tellOnce(scene, proposal, "ManagedElsewhere", SAYS_SO);
    return;
  }
  if (open === undefined && (await isAnswered(scene, proposal.branch))) return memory.repositories.forget(opened);
  if (open === undefined && (await mayBeOpen(scene, proposal.branch))) return;
  const kept = await keepManifestBranch(opened, proposal, work.edited.files, {
    scope: scopeOf(proposal),
    now: ports.clock.now(),
  });
  if (kept === "Pushed" || kept === "Moved") changed(scene);
  if (kept === "Moved") return;
  if (kept === "Theirs") return tellTheirs(scene, proposal);
  const page = writePage(scene, proposal, work);
  if (page === undefined) return;
  if (open === undefined) {
    const pull = await opened.forge.open({
      head: proposal.branch,
      base: opened.branch,
      title: page.title,
      body: page.body,
      labels: ["ringward"],
    });
    opened.justOpened.add(pull);
    changed(scene);
    return tellOnce(scene, proposal, "ProposalOpened", `pull request #${pull.number} (${pull.url}): ${page.title}`);
  }
  const marker = readMarker(open.body);
  if (marker?.evidence === page.evidence && marker.closed === undefined) return;
  if (!(await isOpen(scene, open))) return memory.repositories.forget(opened);
  await opened.forge.update(open.number, { title: page.title, body: page.body });
  changed(scene);
}

/** Whether the forge knows more about a branch than the list of this pass: a refused proposal must not come again because a list was old. */
async function isAnswered({ opened, pulls }: PullScene, branch: string): Promise<boolean> {
  const fresh = await opened.forge.list(branch);
  return fresh.some((pull) => {
    const seen = pulls.find((one) => one.number === pull.number);
    return pull.head === branch && pull.base === opened.branch && seen?.state !== pull.state;
  });
}

/** Whether another process may have opened a pull request of a branch that no list shows yet. */
async function mayBeOpen({ opened, ports, pulls }: PullScene, branch: string): Promise<boolean> {
  const tip = opened.tips.get(branch);
  if (tip === undefined || opened.made.has(tip) || isShown(pulls, branch, tip)) return false;
  return isJustMade(opened.git, tip, ports.clock.now());
}

/** Asked by its number: the page of one that is merged is history. */
async function isOpen({ opened }: PullScene, { number }: PullRequest): Promise<boolean> {
  const { merged, closed } = await opened.forge.history(number);
  return merged === undefined && closed === undefined;
}

export async function closePull(scene: PullScene, { proposal, reason, comment }: ManifestClosing): Promise<void> {
  const pull = scene.pulls.find(({ number }) => number === proposal.number);
  if (pull !== undefined) await endPull(scene, pull, reason, comment, proposal);
}

/** The body says first that this was Ringward: a closing alone would be a refusal. */
async function endPull(
  scene: PullScene,
  pull: PullRequest,
  reason: Reason,
  comment: string,
  { ring }: { readonly ring: string },
): Promise<void> {
  const { forge } = scene.opened;
  // The list was old: nothing of ours ended it.
  if (!(await isOpen(scene, pull))) return scene.memory.repositories.forget(scene.opened);
  if (readMarker(pull.body)?.closed === undefined)
    await forge.update(pull.number, { body: markClosed(pull.body, reason) });
  await forge.close(pull.number, comment);
  changed(scene);
  scene.ports.record(toEvent(ring, "ProposalClosed", `pull request #${pull.number}: ${comment}`));
  await deleteManifestBranch(scene.opened, pull.head);
}

/** Branches that are merged, that we closed, or that a crash left behind. A refused one stays: a person may reopen it. */
export async function sweepBranches(scene: PullScene, busy: ReadonlySet<string>): Promise<void> {
  const { opened, pulls } = scene;
  for (const branch of opened.tips.keys()) {
    const mine = pulls.filter((pull) => pull.head === branch).sort((a, b) => b.number - a.number);
    const [newest] = mine;
    const refused = newest?.state === "closed" && readMarker(newest.body)?.closed === undefined;
    const waits = busy.has(branch) && newest?.state !== "merged";
    if (waits || refused || parseManifestBranch(branch) === undefined || mine.some(({ state }) => state === "open"))
      continue;
    await attempt(scene, branch, async () => {
      if (await mayBeOpen(scene, branch)) return;
      if (!(await isAnswered(scene, branch)) && (await deleteManifestBranch(opened, branch))) changed(scene);
    });
  }
}
