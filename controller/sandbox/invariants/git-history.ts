// The tracked branch as records: each commit of its first-parent line with the policy's files before and after it, and whose it is.
// Read through the Git port, so that it serves the in-memory repository and a real one alike.
import type { Instant } from "../../clock.ts";
import type { CommitSha, PolicyGit } from "../../git/port.ts";

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
}

const MOST = 1000;

/** Reads it all. `isController` judges an author (`name <email>`). */
export async function readGitHistory(
  git: PolicyGit,
  options: { readonly path?: string; readonly isController: (author: string) => boolean },
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
  return { commits };
}

async function readFiles(git: PolicyGit, commit: CommitSha, path: string): Promise<CommitFiles> {
  const { files } = await git.read(commit, path);
  return new Map(files.map((file) => [file.path, file.text]));
}
