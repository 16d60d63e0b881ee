// Answers about the local store that are kept until a fetch brings something or this process pushes or deletes a branch: nobody else
// writes to the store, so between these nothing changes, and a pass in which nothing came and nothing went asks git nothing.
// Never keeps a failure, nor an answer that was on its way while the store changed; snapshots are bounded by their files.
import type { CommitSha, GitSnapshot, PolicyGit } from "./port.ts";

/** Files of all remembered snapshots together. A file that is remembered costs about 200 bytes; its text is shared. */
const MOST_FILES = 100_000;
/** Answers other than snapshots. */
const MOST_ANSWERS = 10_000;

/** What was answered since the store last changed. */
interface Memory {
  readonly answers: Map<string, Promise<unknown>>;
  readonly snapshots: Map<string, GitSnapshot>;
  files: number;
}

const forgotten = (): Memory => ({ answers: new Map(), snapshots: new Map(), files: 0 });

/** The same repository, asked once. */
export function rememberAnswers(git: PolicyGit): PolicyGit {
  let memory = forgotten();
  const changing = async <T>(change: () => Promise<T>): Promise<T> => {
    memory = forgotten();
    try {
      return await change();
    } finally {
      // What was asked meanwhile may have been answered before the change or after it.
      memory = forgotten();
    }
  };
  const ask = <T>(name: string, args: readonly unknown[], question: () => Promise<T>): Promise<T> => {
    const { answers } = memory;
    const key = JSON.stringify([name, ...args]);
    const known = answers.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = question();
    answers.set(key, answer);
    if (answers.size > MOST_ANSWERS) answers.delete(answers.keys().next().value ?? key);
    answer.catch(() => answers.delete(key));
    return answer;
  };
  return {
    async fetch() {
      let changed = true;
      try {
        const fetched = await git.fetch();
        ({ changed } = fetched);
        return fetched;
      } finally {
        // Of one that failed nobody knows how far it came.
        if (changed) memory = forgotten();
      }
    },
    isAncestor: (ancestor, descendant) =>
      ask("isAncestor", [ancestor, descendant], () => git.isAncestor(ancestor, descendant)),
    read: async (commit, path) => {
      const mine = memory;
      const known = recall(mine, commit, path);
      if (known !== undefined) return known;
      const snapshot = await git.read(commit, path);
      keep(mine, snapshot, path);
      return snapshot;
    },
    // Large; its caller remembers what came of it.
    readFolder: (commit, path) => git.readFolder(commit, path),
    parent: (commit) => ask("parent", [commit], () => git.parent(commit)),
    lastChange: (commit, path) => ask("lastChange", [commit, path], () => git.lastChange(commit, path)),
    // Asked once for each head, for thousands of files, and remembered for the next head where it is answered.
    lastChanges: (commit, paths) => git.lastChanges(commit, paths),
    // Its answer changes with the files of trusted keys; what it asks git is kept where it is asked (verify.ts).
    verify: (commit, since) => git.verify(commit, since),
    log: (from, to, limit) => ask("log", [from ?? null, to, limit], () => git.log(from, to, limit)),
    branches: (prefix) => ask("branches", [prefix], () => git.branches(prefix)),
    // Its caller remembers what it said of it.
    readPull: (pull) => git.readPull(pull),
    push: (commit) => changing(() => git.push(commit)),
    deleteBranch: (branch, at) => changing(() => git.deleteBranch(branch, at)),
  };
}

/** Asked for again, a snapshot is the newest. */
function recall({ snapshots }: Memory, commit: CommitSha, path: string): GitSnapshot | undefined {
  const key = `${commit}/${path}`;
  const known = snapshots.get(key);
  if (known === undefined) return undefined;
  snapshots.delete(key);
  snapshots.set(key, known);
  return known;
}

/** The oldest go first; one that is larger than all that may be kept is not kept. */
function keep(memory: Memory, snapshot: GitSnapshot, path: string): void {
  const { snapshots } = memory;
  const key = `${snapshot.commit}/${path}`;
  if (snapshots.has(key)) return;
  snapshots.set(key, snapshot);
  memory.files += snapshot.files.length;
  for (const [oldest, { files }] of snapshots) {
    if (memory.files <= MOST_FILES) break;
    snapshots.delete(oldest);
    memory.files -= files.length;
  }
}
