// The head of a pull request, as data: fetched by the ref that forges keep for it, merged in the object store alone (no work tree), read like
// every other commit. Whatever its author wrote, nothing of it is run, written to a file or kept under a branch of ours.
import { explainRemoteError } from "./explain-remote-error.ts";
import { GitExit } from "./git-process.ts";
import type { CommitSha, PullContent } from "./port.ts";
import { FILTER, bringBlobs } from "./wanted-blobs.ts";
import { type BlobCache, type ReadLimits, readPolicyFiles } from "./snapshot-files.ts";
import { ask, type Store } from "./store.ts";

/** Our own place for heads of pull requests; nothing else is ever fetched to it, and nothing stays. */
const pullRefs = "refs/ringward/pulls/";

export interface PullRequestHead {
  readonly number: number;
  readonly head: CommitSha;
  /** A commit that is in the store. */
  readonly onto: CommitSha;
  readonly path: string;
}

/** What merging the head onto a commit would give. */
export async function readPull(
  store: Store,
  { number, head, onto, path }: PullRequestHead,
  limits: ReadLimits,
  cache: BlobCache,
): Promise<PullContent> {
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`there is no pull request ${number}`);
  const at = await store.git.exclusive(() => fetchHead(store, number));
  if (at !== head) return { kind: "Moved", at };
  await bringBlobs(store, await blobsOfBoth(store, onto, head));
  const tree = await mergeTree(store, onto, head);
  if (typeof tree !== "string") return tree;
  return { kind: "Merged", files: await readPolicyFiles(store, tree as CommitSha, path, limits, cache) };
}

/** Where the head is now; its commits and trees are in the store then. */
async function fetchHead(store: Store, number: number): Promise<CommitSha> {
  const { git, url, branch } = store;
  const ref = `${pullRefs}${number}`;
  try {
    await git.remote([
      "fetch",
      "--progress",
      "--no-tags",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      FILTER,
      "origin",
      `+refs/pull/${number}/head:${ref}`,
    ]);
  } catch (error) {
    if (String(error).includes("couldn't find remote ref"))
      throw new Error(`the repository shows no refs/pull/${number}/head`, { cause: error });
    throw explainRemoteError(error, url, branch);
  }
  const at = (await ask(store, ["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`])).trim();
  await git.local(["update-ref", "-d", ref]);
  return at as CommitSha;
}

/** Contents of files that both sides changed, as they were and as they are: all that a merge by lines has to look at. */
async function blobsOfBoth(store: Store, onto: CommitSha, head: CommitSha): Promise<readonly string[]> {
  const base = await mergeBase(store, onto, head);
  if (base === undefined) return [];
  const [ours, theirs] = [await changesSince(store, base, onto), await changesSince(store, base, head)];
  const blobs = [...ours].flatMap(([path, ids]) => {
    const others = theirs.get(path);
    return others === undefined ? [] : [...ids, ...others];
  });
  return [...new Set(blobs)];
}

async function mergeBase(store: Store, a: CommitSha, b: CommitSha): Promise<string | undefined> {
  try {
    return (await ask(store, ["merge-base", a, b])).trim();
  } catch (error) {
    if (error instanceof GitExit && error.exitCode === 1) return undefined;
    throw error;
  }
}

/** Blobs before and after, by path. */
async function changesSince(
  store: Store,
  base: string,
  commit: CommitSha,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const output = await ask(store, ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", base, commit]);
  const changes = new Map<string, readonly string[]>();
  const words = output.split("\0");
  for (let index = 0; index + 1 < words.length; index += 2) {
    // ":<mode before> <mode after> <id before> <id after> <status>", then the path.
    const [before = "", after, from = "", to = ""] = words[index]?.split(" ") ?? [];
    const ids = [before.startsWith(":100") ? from : "", after?.startsWith("100") === true ? to : ""];
    changes.set(
      words[index + 1] ?? "",
      ids.filter((id) => id !== ""),
    );
  }
  return changes;
}

/** The tree of the merge, or the paths that conflict. */
async function mergeTree(store: Store, onto: CommitSha, head: CommitSha): Promise<string | PullContent> {
  const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories"];
  try {
    // Looking for renames would mean reading contents that nobody needs.
    const config = [["merge.renames", "false"]] as const;
    const output = (await store.git.local([...args, onto, head], { config })).toString("utf8");
    return output.split("\0")[0]?.trim() ?? "";
  } catch (error) {
    if (!(error instanceof GitExit) || error.exitCode !== 1) throw error;
    const paths = error.stdout
      .split("\0")
      .slice(1)
      .filter((path) => path !== "");
    return { kind: "Conflicts", paths: [...new Set(paths)].sort() };
  }
}
