// The branch of a manifest proposal: made, rebuilt on a moved base, deleted; never where a person's commits are. A branch is ours while its
// tip is the very commit that its message says.
import type { ManifestPlace } from "../../core/manifests/index.ts";
import type { CommitSha, NewCommit } from "../../git/port.ts";
import { hashFiles, readTrailers } from "../promotion/files.ts";
import type { Opened } from "./repositories.ts";

type Files = ReadonlyMap<string, string>;

/** Where a branch is after this pass. */
export type Kept =
  /** It says what is proposed. */
  | "Holds"
  /** It was pushed just now. */
  | "Pushed"
  /** Somebody else moved it first: look again. */
  | "Moved"
  /** A person's commits are on it and say something else. */
  | "Theirs";

/** A page that stands in the branch, where there is no forge. */
export interface BranchPage {
  readonly path: string;
  readonly text: string;
  readonly evidence: string;
}

/** Makes or rebuilds the branch. `scope`: the folder that holds all the files. */
export async function keepManifestBranch(
  opened: Opened,
  place: ManifestPlace,
  files: Files,
  { scope, now, page }: { readonly scope: string; readonly now: number; readonly page?: BranchPage },
): Promise<Kept> {
  const { git, forge, head, tips } = opened;
  const tip = tips.get(place.branch);
  if (tip !== undefined) {
    const there = new Map((await git.read(tip, scope)).files.map((file) => [file.path, file.text]));
    const holds = [...files].every(([path, text]) => there.get(path) === text);
    const parent = await git.parent(tip);
    const [entry] = await git.log(undefined, tip, 1);
    const current = page === undefined || readTrailers(entry?.message ?? "")?.evidence === page.evidence;
    if (holds && current && parent !== undefined && (await git.isAncestor(parent, head))) return "Holds";
    if (!(await isOurs(opened, tip))) return holds ? "Holds" : "Theirs";
  }
  // History's dates do not go back.
  const { time } = await git.read(head, scope);
  const commit: NewCommit = {
    branch: place.branch,
    parent: head,
    expect: tip ?? "absent",
    files: page === undefined ? files : new Map([...files, [page.path, page.text]]),
    message: messageFor(place, files, head, page),
    time: Math.max(now, time),
  };
  // By the forge where it commits in our account's name (verified).
  const pushed = await (forge?.push === undefined ? git.push(commit) : forge.push(commit));
  if (tip === undefined && pushed.kind === "Pushed") opened.made.add(pushed.commit);
  return pushed.kind;
}

function messageFor(
  { ring, baseline, level, path }: ManifestPlace,
  files: Files,
  base: CommitSha,
  page: BranchPage | undefined,
): string {
  const subject = `Images of ${level.name} in ${path === "" ? "/" : path}`;
  return [
    subject.length <= 100 ? subject : `${subject.slice(0, 99)}…`,
    "",
    `Ring ${ring} is approved for it.`,
    "",
    `Ringward-Ring: ${ring}`,
    `Ringward-Baseline: ${baseline}`,
    `Ringward-Level: ${level.name}`,
    `Ringward-Digest: sha256:${level.digest}`,
    ...(page === undefined ? [] : [`Ringward-Evidence: ${page.evidence}`]),
    `Ringward-Base: ${base}`,
    `Ringward-Content: ${hashFiles(files)}`,
  ].join("\n");
}

/** Whether a tip is our commit, untouched. */
async function isOurs({ git }: Opened, tip: CommitSha): Promise<boolean> {
  const [entry] = await git.log(undefined, tip, 1);
  const trailers = entry === undefined ? undefined : readTrailers(entry.message);
  const parent = await git.parent(tip);
  if (trailers === undefined || parent === undefined || trailers.base !== parent) return false;
  const [before, after] = await Promise.all([blobsOf(git, parent), blobsOf(git, tip)]);
  const changed = new Map<string, string | null>();
  for (const path of new Set([...before.keys(), ...after.keys()]))
    if (before.get(path)?.blob !== after.get(path)?.blob) changed.set(path, after.get(path)?.text ?? null);
  return hashFiles(changed) === trailers.content;
}

async function blobsOf(git: Opened["git"], commit: CommitSha) {
  return new Map((await git.read(commit, "")).files.map((file) => [file.path, file]));
}

/** Deletes the branch where it is ours; true when it did. */
export async function deleteManifestBranch(opened: Opened, branch: string): Promise<boolean> {
  const tip = opened.tips.get(branch);
  if (tip === undefined || !(await isOurs(opened, tip))) return false;
  await opened.git.deleteBranch(branch, tip);
  return true;
}
