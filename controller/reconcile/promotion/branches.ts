// Branches of proposals: made, rebuilt on a moved base, deleted; never where a person's commits are. A branch is Ringward's while its tip is
// the very commit that its message says.
import {
  type DesiredProposal,
  parseGroupBranch,
  parseProposalBranch,
  type ProposalRequest,
  readMarker,
} from "../../core/promotion/index.ts";
import type { CommitSha, GitSnapshot } from "../../git/port.ts";
import { type Files, hashFiles, messageFor, readTrailers } from "./files.ts";
import { levelPath } from "./level-file.ts";
import { attempt, type ForgeScene, isAnswered, mayBeOpen, push, type Scene, tell } from "./scene.ts";

/** Makes or rebuilds the branch; false when somebody else moved it just now. */
export async function keepBranch(scene: ForgeScene, request: ProposalRequest, files: Files): Promise<boolean> {
  const { branch, ring, proposals } = request;
  const tip = scene.branches.get(branch);
  if (tip !== undefined) {
    const snapshot = await scene.git.read(tip, scene.policyPath);
    const holds = holdsAll(scene, proposals, files, snapshot);
    const parent = await scene.git.parent(tip);
    scene.heads.set(branch, { commit: tip, holds });
    if (holds && parent !== undefined && (await scene.git.isAncestor(parent, scene.head))) return true;
    if (!(await isOurs(scene, tip, snapshot))) {
      if (!holds)
        tell(
          scene,
          "WaitingForApproval",
          { ring: ring.name, level: proposals[0]?.level.name },
          `branch ${branch} has commits that are not Ringward's and no longer says what would be proposed now; it is left alone (merge it, or delete it to have it made anew)`,
        );
      return true;
    }
  }
  const message = messageFor(ring, proposals, files, scene.head);
  const pushed = await push(scene, branch, files, message, tip ?? "absent");
  scene.wrote.written = true;
  if (pushed.kind === "Pushed") scene.heads.set(branch, { commit: pushed.commit, holds: true });
  return pushed.kind === "Pushed";
}

/** Whether a branch says all that would be proposed now, and would not conflict in the level's file. */
export function holdsAll(scene: Scene, proposals: readonly DesiredProposal[], files: Files, tip: GitSnapshot): boolean {
  const there = textsOf(tip);
  const head = textsOf(scene.snapshot);
  for (const { level } of proposals) {
    const levelFile = levelPath(scene.policyPath, level.name);
    const known = head.get(levelFile);
    if (!files.has(levelFile) && known !== undefined && there.get(levelFile) !== known) return false;
  }
  return [...files].every(([path, text]) => there.get(path) === text);
}

function textsOf({ files }: GitSnapshot): Map<string, string> {
  return new Map(files.map((file) => [file.path, file.text]));
}

/** Whether a branch's tip is Ringward's commit, untouched: it stands where its message says, and changes what its message says. */
export async function isOurs(scene: Scene, tip: CommitSha, snapshot?: GitSnapshot): Promise<boolean> {
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

export async function deleteOurs(scene: Scene, branch: string): Promise<void> {
  const tip = scene.branches.get(branch);
  if (tip === undefined || !(await isOurs(scene, tip))) return;
  await scene.git.deleteBranch(branch, tip);
  scene.wrote.written = true;
}

/** Branches that are merged, that were closed by us, or that a crash left behind. A refused one stays: a person may reopen it. */
export async function sweepBranches(scene: ForgeScene): Promise<void> {
  const { requests, closing } = scene.promotions;
  const busy = new Set([...requests, ...closing].map(({ branch }) => branch));
  for (const branch of scene.branches.keys()) {
    const ring = parseProposalBranch(branch)?.ring ?? parseGroupBranch(branch);
    if (busy.has(branch) || ring === undefined) continue;
    const mine = scene.pulls.filter((pull) => pull.head === branch);
    if (mine.some((pull) => pull.state === "open")) continue;
    const [newest] = [...mine].sort((a, b) => b.number - a.number);
    const refused = newest?.state === "closed" && readMarker(newest.body)?.closed === undefined;
    if (refused) continue;
    await attempt(scene, { ring, level: undefined }, async () => {
      if (!(await mayBeOpen(scene, branch)) && !(await isAnswered(scene, branch))) await deleteOurs(scene, branch);
    });
  }
}
