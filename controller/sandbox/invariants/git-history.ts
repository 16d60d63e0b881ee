// The tracked branch as records: each commit of its first-parent line with the policy's files before and after it, and whose it is.
// Read through the Git port, so that it serves the in-memory repository and a real one alike.
import type { Instant } from "../../clock.ts";
import type { CommitSha, PolicyGit } from "../../git/port.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import { textAt } from "./readings.ts";

/** Path -> text. */
export type CommitFiles = ReadonlyMap<string, string>;

export interface CommitRecord {
  readonly id: string;
  readonly time: Instant;
  /** `name <email>`. */
  readonly author: string;
  readonly byController: boolean;
  readonly before: CommitFiles;
  readonly after: CommitFiles;
}

export interface GitHistory {
  /** Oldest first. */
  readonly commits: readonly CommitRecord[];
  /** Commits that were the tracked head once, as the forge recorded it; some may have been rewritten away. */
  readonly former?: ReadonlySet<string>;
  /** A commit that is not among `commits`, where it can be read all the same. */
  readonly find?: (id: string) => Pick<CommitRecord, "time" | "after"> | undefined;
  readonly parent?: (id: string) => string | undefined;
  /** Whether a commit contains another one; undefined: not known. */
  readonly contains?: (id: string, ancestor: string) => boolean | undefined;
  /** Commits that were looked at for a signature, and whether they bear one that counts. */
  readonly signatures?: ReadonlyMap<string, boolean>;
}

const MOST = 1000;

/** Reads it all. `isController` judges an author (`name <email>`). */
export async function readGitHistory(
  git: PolicyGit,
  options: {
    readonly path?: string;
    readonly isController: (author: string) => boolean;
    /** The cluster's history: between which commits policy moved is asked of git itself. */
    readonly history?: readonly StoredVersion[];
  },
): Promise<GitHistory> {
  const { head } = await git.fetch();
  const log = await git.log(undefined, head, MOST);
  const commits: CommitRecord[] = [];
  let before: CommitFiles = new Map();
  for (const entry of [...log].reverse()) {
    const after = await readFiles(git, entry.commit, options.path ?? "");
    commits.push({
      id: entry.commit,
      time: entry.time,
      author: entry.author,
      byController: options.isController(entry.author),
      before,
      after,
    });
    before = after;
  }
  const moves = await readMoves(git, head, options.history ?? []);
  return { commits, contains: (id, ancestor) => moves.get(`${ancestor}..${id}`) };
}

/** Which of the commits that a PolicyRepository ever named next to one another contain which. */
async function readMoves(
  git: PolicyGit,
  head: CommitSha,
  history: readonly StoredVersion[],
): Promise<ReadonlyMap<string, boolean>> {
  const moves = new Map<string, boolean>();
  for (const { resource, object, previous } of history) {
    if (resource !== "policyrepositories.ringward.dev") continue;
    const [observed, fetched, accepted] = [
      textAt(object.status, "observedCommit"),
      textAt(object.status, "fetchedCommit"),
      textAt(object.spec, "acknowledgedCommit"),
    ];
    const before = textAt(previous?.status, "observedCommit");
    for (const [ancestor, id] of [
      [before, observed],
      [observed, fetched],
      [accepted, observed],
      [accepted, before],
    ]) {
      if (ancestor === undefined || id === undefined || moves.has(`${ancestor}..${id}`)) continue;
      const reaches = (from: string, to: string): Promise<boolean> =>
        git.isAncestor(from as CommitSha, to as CommitSha).catch(() => false);
      if (await reaches(ancestor, id)) moves.set(`${ancestor}..${id}`, true);
      // Of a commit that was rewritten away nobody knows any more what it contained.
      else if (await reaches(id, head)) moves.set(`${ancestor}..${id}`, false);
    }
  }
  return moves;
}

async function readFiles(git: PolicyGit, commit: CommitSha, path: string): Promise<CommitFiles> {
  const { files } = await git.read(commit, path);
  return new Map(files.map((file) => [file.path, file.text]));
}
