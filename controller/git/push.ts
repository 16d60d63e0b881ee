// Moves branches of the remote: each push is one compare-and-set of one branch (a lease on where it must be, given in full), so a reply
// that got lost, a second leader or a person who was quicker can never be overwritten. After a refusal the remote is asked where the
// branch is: that, not git's wording, decides between Pushed, Moved and an error.
import { buildCommit } from "./build-commit.ts";
import { UserError } from "../errors.ts";
import { checkSigningKey } from "./signing-key.ts";
import { explainRemoteError } from "./explain-remote-error.ts";
import { GitExit } from "./git-process.ts";
import type { CommitSha, NewCommit, PushResult } from "./port.ts";
import type { Store } from "./store.ts";
import { knows, proposalPrefix, remoteRefs, trackingRefs } from "./store.ts";
import { checkBranch, checkCommit } from "./url.ts";

/** Where a remote branch is at this moment (not: at the last fetch). */
async function remoteBranch(store: Store, branch: string): Promise<CommitSha | "absent"> {
  let output: string;
  try {
    output = await store.git.remote(["ls-remote", "--refs", "origin", `refs/heads/${branch}`]);
  } catch (error) {
    throw explainRemoteError(error, store.url, branch);
  }
  for (const line of output.split("\n")) {
    const [commit = "", ref = ""] = line.split("\t");
    if (ref === `refs/heads/${branch}`) return checkCommit(commit);
  }
  return "absent";
}

/** Refuses branches that are not ours to move. Throws Error (a bug of the caller) or UserError RW1102. */
export function checkTarget(tracked: string, branch: string, expect: NewCommit["expect"]): void {
  checkBranch(branch);
  if (branch !== tracked && !branch.startsWith(proposalPrefix)) {
    throw new Error(`branch "${branch}" is neither the tracked branch nor one of Ringward's proposals`);
  }
  if (branch === tracked && expect !== undefined)
    throw new Error(`branch "${branch}" is tracked: it only ever moves forward from the commit's parent`);
}

/** Makes the commit and pushes it (see the port). */
export async function push(store: Store, commit: NewCommit): Promise<PushResult> {
  checkTarget(store.branch, commit.branch, commit.expect);
  checkCommit(commit.parent);
  if (!(await knows(store, commit.parent))) throw new Error(`commit ${commit.parent} is not known here: fetch first`);
  if (store.signingKeyFile !== undefined) await checkSigningKey(store.signingKeyFile);
  const made = await buildCommit(store, commit);
  if (commit.branch === store.branch) await checkOwnSignature(store, made);
  // Without `expect` a proposal branch may be at the parent or missing; the tracked branch must be at the parent.
  const seen = (await trackingRefs(store)).get(commit.branch);
  let expected: CommitSha | "absent" =
    commit.expect ?? (seen === undefined && commit.branch !== store.branch ? "absent" : commit.parent);
  for (let attempt = 1; ; attempt++) {
    const refusal = await tryPush(store, commit.branch, made, expected);
    if (refusal === undefined) {
      await store.git.local(["update-ref", `${remoteRefs}${commit.branch}`, made]);
      return { kind: "Pushed", commit: made };
    }
    const at = await remoteBranch(store, commit.branch);
    if (at === made) return { kind: "Pushed", commit: made };
    const fine = commit.expect === undefined && commit.branch !== store.branch ? [commit.parent, "absent"] : [expected];
    if (!fine.includes(at)) return { kind: "Moved", at };
    // The branch is where it should be and the server still said no: a protected branch, a hook, a lock.
    if (attempt >= 2 || at === expected) throw explainRemoteError(refusal, store.url, commit.branch);
    expected = at;
  }
}

/** What we would not take from the tracked branch we do not put there. Throws UserError RW1134. */
async function checkOwnSignature(store: Store, made: CommitSha): Promise<void> {
  if (!store.verifies) return;
  const verdict = await store.verifier.verify(made, undefined);
  if (verdict.kind === "Unverified") throw notOurs(store.branch, verdict.why, store.signingKeyFile !== undefined);
}

/** The tracked branch would not take our own commit. */
export function notOurs(branch: string, why: string, signed: boolean): UserError {
  return new UserError(
    "RW1134",
    `branch "${branch}" takes verified commits only, and Ringward's own would not be: ${why}`,
    signed
      ? "name the signing key in verification.allowedSignersFile"
      : "give commits.signingKeyFile, commit through a GitHub App, or use promotion: PullRequest",
  );
}

/** One compare-and-set of one branch. Undefined: done (or it already was so). Otherwise git's refusal. */
async function tryPush(
  store: Store,
  branch: string,
  made: CommitSha,
  expected: CommitSha | "absent",
): Promise<GitExit | undefined> {
  const lease = `--force-with-lease=refs/heads/${branch}:${expected === "absent" ? "" : expected}`;
  try {
    await store.git.remote([
      "push",
      "--porcelain",
      // A thin pack would be made against the old contents of a file, which may never have been fetched.
      "--no-thin",
      "--no-verify",
      "--no-follow-tags",
      "--recurse-submodules=no",
      lease,
      "origin",
      `${made}:refs/heads/${branch}`,
    ]);
    return undefined;
  } catch (error) {
    if (error instanceof GitExit && error.exitCode === 1) return error;
    throw explainRemoteError(error, store.url, branch);
  }
}

/** Deletes a proposal branch where it is still at `at` (see the port). */
export async function deleteBranch(store: Store, branch: string, at: CommitSha): Promise<void> {
  checkTarget(store.branch, branch, undefined);
  if (branch === store.branch) throw new Error(`branch "${branch}" is tracked and never deleted`);
  if ((await remoteBranch(store, branch)) === at) {
    try {
      await store.git.remote([
        "push",
        "--porcelain",
        "--no-verify",
        "--recurse-submodules=no",
        `--force-with-lease=refs/heads/${branch}:${at}`,
        "origin",
        `:refs/heads/${branch}`,
      ]);
    } catch (error) {
      // Somebody was quicker, or the server forbids it: only the second is an error.
      if (!(error instanceof GitExit) || (await remoteBranch(store, branch)) === at)
        throw explainRemoteError(error, store.url, branch);
      return;
    }
    await store.git.local(["update-ref", "-d", `${remoteRefs}${branch}`]);
  }
}
