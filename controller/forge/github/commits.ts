// Commits through GitHub's Git data API, in our App's name: no author and no committer is given, so that GitHub signs them (verified, no
// keys of ours). Means what PolicyGit.push means, but for the dates, which are GitHub's, and so the commit's id.
//
// GitHub moves a ref without an expected value. What is left of a race, and why it is harmless:
// - A new branch is made by POST, which refuses one that is there: no race.
// - The tracked branch moves with `force: false`, which refuses any move that loses a commit. Only a person who takes commits off the branch
//   between our look and our move is undone by it, as if they had been a moment later; the next fetch sees both.
// - A proposal branch that is rebuilt on another parent needs `force: true`: a commit that somebody pushes to it between our look and our
//   move leaves the branch. The forge keeps it in the pull request's timeline, and nothing is approved by a branch: only a merge approves,
//   and one that comes in between is in the tracked branch already.
import { createHash } from "node:crypto";
import { UserError, WaitError } from "../../errors.ts";
import type { CommitRules, CommitSha, NewCommit, PushResult } from "../../git/port.ts";
import { type GitCommit, readGitCommit, readRef, readSha, readTree, type TreeEntry } from "./documents.ts";
import { refProtected, saysProtected } from "../protected.ts";
import type { Session } from "./session.ts";

const refRoute = "/repos/{owner}/{repo}/git/ref/{ref}";
const refsRoute = "/repos/{owner}/{repo}/git/refs";
const moveRoute = "/repos/{owner}/{repo}/git/refs/{ref}";
const commitRoute = "/repos/{owner}/{repo}/git/commits/{commit_sha}";
const commitsRoute = "/repos/{owner}/{repo}/git/commits";
const treeRoute = "/repos/{owner}/{repo}/git/trees/{tree_sha}";
const treesRoute = "/repos/{owner}/{repo}/git/trees";
const blobsRoute = "/repos/{owner}/{repo}/git/blobs";

export interface CommitOptions {
  /** The tracked branch. */
  readonly branch: string;
  readonly rules: CommitRules;
}

async function refAt(session: Session, branch: string): Promise<CommitSha | "absent"> {
  try {
    return readRef((await session.send("read", "GET", refRoute, { ref: `heads/${branch}` })).data);
  } catch (error) {
    if (session.failure(error).kind !== "NotFound") throw error;
    // The branch or the whole repository? Only the first is an answer.
    await session.send("read", "GET", "/repos/{owner}/{repo}", {});
    return "absent";
  }
}

async function commitAt(session: Session, commit: CommitSha): Promise<GitCommit> {
  try {
    return readGitCommit((await session.send("read", "GET", commitRoute, { commit_sha: commit })).data);
  } catch (error) {
    if (session.failure(error).kind !== "NotFound") throw error;
    throw new Error(`${session.place}: the forge does not know commit ${commit}`);
  }
}

/** What is in the folders that the paths lie in, by path: the folders' own entries and their neighbours. */
async function entriesAround(
  session: Session,
  root: string,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const found = new Map<string, TreeEntry>();
  const folders = new Map<string, Promise<void>>();
  const read = async (folder: string, tree: string): Promise<void> => {
    const reply = await session.send("read", "GET", treeRoute, { tree_sha: tree });
    for (const entry of readTree(reply.data)) found.set(folder === "" ? entry.path : `${folder}/${entry.path}`, entry);
  };
  await read("", root);
  for (const path of paths) {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const folder = path.slice(0, slash);
      const entry = found.get(folder);
      if (entry === undefined || entry.mode !== "040000") break;
      if (!folders.has(folder)) folders.set(folder, read(folder, entry.sha));
      await folders.get(folder);
    }
  }
  return found;
}

function blobId(content: string): string {
  const bytes = Buffer.from(content);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** The tree that the commit shall have. Only what differs is sent; the same files give the same tree. */
async function makeTree(session: Session, commit: NewCommit, base: GitCommit, rules: CommitRules): Promise<string> {
  const there = await entriesAround(session, base.tree, commit.files.keys());
  const modes = rules.modes(commit.files, (path) => there.get(path)?.mode);
  const tree: { path: string; mode: string; type: "blob"; sha: string | null }[] = [];
  for (const [path, content] of commit.files) {
    const entry = there.get(path);
    const mode = modes.get(path) ?? "100644";
    if (content === null) {
      if (entry !== undefined) tree.push({ path, mode, type: "blob", sha: null });
    } else if (entry?.sha !== blobId(content)) {
      const body = { content: Buffer.from(content).toString("base64"), encoding: "base64" };
      tree.push({
        path,
        mode,
        type: "blob",
        sha: readSha((await session.send("write", "POST", blobsRoute, body)).data),
      });
    }
  }
  // GitHub takes no empty list of changes: nothing differs, and the commit says so.
  if (tree.length === 0) return base.tree;
  return readSha((await session.send("write", "POST", treesRoute, { base_tree: base.tree, tree })).data);
}

/** Where the branch may be for this commit to move it. */
function placesFor({ branch, parent, expect }: NewCommit, tracked: string): readonly (CommitSha | "absent")[] {
  if (expect !== undefined) return [expect];
  return branch === tracked ? [parent] : [parent, "absent"];
}

/** Undefined: done. Otherwise what the forge said against it. */
async function moveRef(
  session: Session,
  branch: string,
  to: CommitSha,
  from: { readonly at: CommitSha | "absent"; readonly force: boolean },
): Promise<Error | undefined> {
  try {
    if (from.at === "absent") await session.send("write", "POST", refsRoute, { ref: `refs/heads/${branch}`, sha: to });
    else await session.send("write", "PATCH", moveRoute, { ref: `heads/${branch}`, sha: to, force: from.force });
    return undefined;
  } catch (error) {
    const failure = session.failure(error);
    const { kind } = failure;
    if ((kind === "Unprocessable" || kind === "Forbidden") && saysProtected(failure.message))
      throw refProtected(session.place, branch, failure.message);
    const unclear = kind === "Outage" || kind === "Unprocessable" || kind === "Conflict";
    if (!(error instanceof Error) || error instanceof UserError || error instanceof WaitError || !unclear) throw error;
    return error;
  }
}

/** `forge.push` for an App (see the port). */
export function pushOn(
  session: Session,
  { branch: tracked, rules }: CommitOptions,
): (commit: NewCommit) => Promise<PushResult> {
  return async (commit) => {
    rules.check(tracked, commit);
    const { branch, parent } = commit;
    return await session.guarded(`commit to ${branch}`, async () => {
      const fine = placesFor(commit, tracked);
      const message = rules.message(commit.message);
      const base = await commitAt(session, parent);
      const at = await refAt(session, branch);
      if (!fine.includes(at) && !(await saysTheSame(session, at, { parent, message }))) return { kind: "Moved", at };
      const tree = await makeTree(session, commit, base, rules);
      // A reply that was lost before: the branch stands at a commit that says and holds the same.
      if (at !== "absent" && at !== parent && (await isThatCommit(session, at, { parent, message, tree })))
        return { kind: "Pushed", commit: at };
      if (!fine.includes(at)) return { kind: "Moved", at };
      const made = readSha(
        (await session.send("write", "POST", commitsRoute, { message, tree, parents: [parent] })).data,
      ) as CommitSha;
      // The new commit stands on the branch's own tip: then nothing needs to be forced.
      const refusal = await moveRef(session, branch, made, { at, force: branch !== tracked && at !== parent });
      if (refusal === undefined) return { kind: "Pushed", commit: made };
      const now = await refAt(session, branch);
      if (now === made) return { kind: "Pushed", commit: made };
      if (now !== "absent" && (await isThatCommit(session, now, { parent, message, tree })))
        return { kind: "Pushed", commit: now };
      if (fine.includes(now)) throw refusal;
      return { kind: "Moved", at: now };
    });
  };
}

async function saysTheSame(
  session: Session,
  at: CommitSha | "absent",
  wanted: { readonly parent: CommitSha; readonly message: string },
): Promise<boolean> {
  if (at === "absent") return false;
  const there = await commitAt(session, at);
  return (
    there.parents.length === 1 && there.parents[0] === wanted.parent && there.message.trim() === wanted.message.trim()
  );
}

async function isThatCommit(
  session: Session,
  at: CommitSha,
  wanted: { readonly parent: CommitSha; readonly message: string; readonly tree: string },
): Promise<boolean> {
  return (await saysTheSame(session, at, wanted)) && (await commitAt(session, at)).tree === wanted.tree;
}
