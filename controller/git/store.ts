// The store behind an open policy repository, and the questions about it that fetching, reading and pushing share.
import type { Git } from "./create-git.ts";
import type { GitAuthor } from "./build-commit.ts";
import { GitExit } from "./git-process.ts";
import type { CommitSha } from "./port.ts";
import type { Verifier } from "./verify.ts";

/** Branches that Ringward makes for its proposals; it never moves another one but the tracked branch. */
export const proposalPrefix = "ringward/";

/** Where the remote's branches are kept in the store. */
export const remoteRefs = "refs/remotes/origin/";

export interface Store {
  readonly git: Git;
  /** The bare repository. */
  readonly directory: string;
  readonly url: string;
  /** The tracked branch. */
  readonly branch: string;
  readonly author: GitAuthor;
  /** Signs our commits, where it is given. */
  readonly signingKeyFile: string | undefined;
  readonly verifier: Verifier;
  /** Whether the tracked branch's commits are verified, and ours among them. */
  readonly verifies: boolean;
}

/** What a local git command prints. */
export async function ask(store: Store, args: readonly string[]): Promise<string> {
  return (await store.git.local(args)).toString("utf8");
}

/** Where the remote's branches were at the last fetch or push. A branch that names something else than a commit is none. */
export async function trackingRefs(store: Store): Promise<Map<string, CommitSha>> {
  const format = "--format=%(refname)%00%(objectname)%00%(objecttype)";
  const output = await ask(store, ["for-each-ref", format, remoteRefs]);
  const refs = new Map<string, CommitSha>();
  for (const line of output.split("\n")) {
    const [ref = "", commit = "", type] = line.split("\0");
    if (type === "commit") refs.set(ref.slice(remoteRefs.length), commit as CommitSha);
  }
  return refs;
}

/** Whether a commit is in the store. */
export async function knows(store: Store, commit: CommitSha): Promise<boolean> {
  try {
    await store.git.local(["cat-file", "-e", `${commit}^{commit}`]);
    return true;
  } catch (error) {
    if (error instanceof GitExit) return false;
    throw error;
  }
}
