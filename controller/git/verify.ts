// Who signed the commits of the policy repository: asked of git itself, over the objects that were fetched, never of a forge's badge.
// Fails closed: a signature is good where git says so in each of its ways, names who signed and with which key; every other answer, an
// unknown one, one that is missing or a tool that is not there means "not verified" (security checklist 9).
import type { Git } from "./create-git.ts";
import { GitExit } from "./git-process.ts";
import type { CommitSha, SignatureVerdict } from "./port.ts";
import { loadTrust, type Trust, type TrustFiles } from "./trust.ts";

export interface Verifier {
  /** As the port's `verify`. Throws UserError RW1132 where the files cannot be used. */
  verify(commit: CommitSha, since: CommitSha | undefined): Promise<SignatureVerdict>;
}

/** More commits at once are not looked at: each costs a process or two. */
const MOST_COMMITS = 5_000;
/** Commits that one process of git is asked for. */
const AT_ONCE = 100;
/** Verdicts that are kept. */
const MOST_KEPT = 1_000;

/** What git's `%G?` says, in words. Only `G` is good. */
const WORDS: Readonly<Record<string, string>> = {
  B: "its signature is bad: it was made for another content, with a key that may not sign this, or with a revoked key",
  U: "its key is not one of those that are trusted",
  X: "its signature has expired",
  Y: "its key has expired",
  R: "its key was revoked",
  E: "its signature cannot be checked: the key is unknown, or no file of trusted keys of its kind is given",
  N: "it is not signed, or no file of trusted keys of its kind is given",
};

/** A verifier over one store; `directory` is a folder of its own for what is copied from the files. */
export function createVerifier(git: Git, directory: string, files: TrustFiles): Verifier {
  const kept = new Map<string, SignatureVerdict>();
  let trust: Trust | undefined;
  return {
    async verify(commit, since) {
      trust = await loadTrust(directory, files, trust);
      const key = `${trust.digest} ${commit} ${since ?? ""}`;
      const known = kept.get(key);
      if (known !== undefined) return known;
      const verdict = await judge(git, trust, commit, since);
      kept.set(key, verdict);
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value ?? key);
      return verdict;
    },
  };
}

async function judge(
  git: Git,
  trust: Trust,
  commit: CommitSha,
  since: CommitSha | undefined,
): Promise<SignatureVerdict> {
  const commits = await commitsSince(git, commit, since);
  if (typeof commits === "string") return { kind: "Unverified", commit, why: commits };
  let signer = "";
  // The oldest that is wrong is the one to look at first.
  for (let at = commits.length; at > 0; at -= AT_ONCE) {
    for (const answer of await ask(git, trust, commits.slice(Math.max(0, at - AT_ONCE), at).reverse())) {
      if (answer.kind === "Unverified") return answer;
      if (answer.commit === commit) ({ signer } = answer);
    }
  }
  const doubt = await askAgain(git, trust, commit);
  return doubt === undefined
    ? { kind: "Verified", commit, signer }
    : { kind: "Unverified", commit, signer, why: doubt };
}

/** The commit itself, and all that it brings beside `since`, newest first; or why they cannot be listed. */
async function commitsSince(
  git: Git,
  commit: CommitSha,
  since: CommitSha | undefined,
): Promise<readonly CommitSha[] | string> {
  if (since === undefined || since === commit) return [commit];
  let output: Buffer;
  try {
    output = await git.local(["rev-list", `--max-count=${MOST_COMMITS + 1}`, commit, `^${since}`, "--"]);
  } catch (error) {
    if (error instanceof GitExit)
      return `what came since ${since.slice(0, 12)} cannot be listed: it is not in the repository`;
    throw error;
  }
  const listed = output.toString("latin1").split("\n").filter(Boolean) as CommitSha[];
  if (listed.length > MOST_COMMITS)
    return `more than ${MOST_COMMITS} commits came since ${since.slice(0, 12)}: set acknowledgedCommit to a newer one that you have looked at`;
  // Nothing came, and yet it is not the same commit: it stands before `since`, and is verified by itself.
  return listed.includes(commit) ? listed : [commit];
}

/** First way: what `git log` prints of each signature. Its answers are in the order of the commits, or there is none at all. */
async function ask(git: Git, trust: Trust, commits: readonly CommitSha[]): Promise<SignatureVerdict[]> {
  let output: Buffer;
  try {
    output = await git.local(
      [
        "log",
        "--no-walk=unsorted",
        "--stdin",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--format=%H%x00%G?%x00%GF%x00%GK%x00%GS%x00",
      ],
      { ...trust.run, input: `${commits.join("\n")}\n` },
    );
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    // One signature that git cannot even read ends it for all: each is then asked for alone.
    const [only, ...more] = commits;
    if (only !== undefined && more.length === 0)
      return [{ kind: "Unverified", commit: only, why: "git cannot read its signature" }];
    const answers: SignatureVerdict[] = [];
    for (const commit of commits) answers.push(...(await ask(git, trust, [commit])));
    return answers;
  }
  const fields = output.toString("utf8").split("\0");
  return commits.map((commit, index) => {
    const [id = "", status = "", fingerprint = "", key = "", signer = ""] = fields.slice(index * 5, index * 5 + 5);
    if (id.trim() !== commit)
      throw new Error(`git log answered of signatures in an unknown form (${commit.slice(0, 12)})`);
    if (status === "G" && fingerprint !== "" && signer !== "")
      return { kind: "Verified", commit, signer: plain(signer) };
    const by = plain(signer) || plain(key);
    return {
      kind: "Unverified",
      commit,
      why: WORDS[status] ?? "its signature cannot be judged",
      ...(by === "" ? {} : { signer: by }),
    };
  });
}

/** Second way, for the commit that counts most: `verify-commit`, by its exit code and by its own words. Undefined: it agrees. */
async function askAgain(git: Git, trust: Trust, commit: CommitSha): Promise<string | undefined> {
  try {
    await git.local(["verify-commit", "--raw", commit], trust.run);
  } catch (error) {
    if (error instanceof GitExit) return "git verify-commit does not verify it";
    throw error;
  }
  const words = (
    await git.local(["log", "-1", "--no-show-signature", "--format=%GG", commit, "--"], trust.run)
  ).toString("utf8");
  return /^(?:Good "git" signature for \S|gpg: Good signature from )/m.test(words)
    ? undefined
    : "git does not call its signature good";
}

/** Text from a key, for people: no control characters, short. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?").slice(0, 200);
}
