// From which commit of the tracked branch on a ring asks for a level: where what became of it is said. Looked for in the history of the ring's
// file, and remembered until the file changes.
import type { Validators } from "../api/validator.ts";
import type { RingInForce } from "../core/model.ts";
import type { FleetLook } from "../core/metrics/index.ts";
import type { CommitSha, GitSnapshot, PolicyGit } from "../git/port.ts";
import type { Notifier } from "../notify/notifier.ts";
import { loadPolicy, type LoadedPolicy } from "../policy/load.ts";
import type { RepositoryView } from "./policy-source.ts";

/** Changes of a ring's file that are looked through, and commits of the tracked branch. */
const CHANGES_BACK = 50;
const COMMITS_BACK = 500;

/** What is read of a repository. */
export type ApprovalHistory = Pick<RepositoryView, "head"> & {
  readonly git: Pick<PolicyGit, "lastChange" | "parent" | "read" | "log" | "isAncestor">;
};

export interface ApprovalCommits {
  /** Undefined: it is not in the history that is looked through. Rejects where git cannot be asked. */
  find(of: ApprovalHistory, ring: RingInForce, baseline: string, level: string): Promise<CommitSha | undefined>;
}

/** Finds such commits, and remembers them. */
export function createApprovalCommits(validators: Validators): ApprovalCommits {
  let known: ReadonlyMap<string, CommitSha | undefined> = new Map();
  return {
    async find(of, ring, baseline, level) {
      const file = ring.origin?.file;
      if (file === undefined) return undefined;
      // Not the file's content: an approval that was taken back and given again has that, too.
      const changed = await of.git.lastChange(of.head, file);
      if (changed === undefined) return undefined;
      const key = JSON.stringify([ring.name, baseline, level, file, changed.commit]);
      if (known.has(key)) return known.get(key);
      const asks = (loaded: LoadedPolicy): boolean =>
        loaded.objects.some(
          (object) =>
            object.kind === "RolloutRing" &&
            object.name === ring.name &&
            object.spec.levels?.some((one) => one.baseline === baseline && one.level === level) === true,
        );
      const found = await findCommit(of, file, (files) => asks(loadPolicy({ files, validators, path: "" })));
      // Of each level the newest answer is kept.
      const same = JSON.stringify([ring.name, baseline, level]).slice(0, -1);
      known = new Map([...known].filter(([other]) => !other.startsWith(`${same},`)).slice(-999)).set(key, found);
      return found;
    },
  };
}

type Files = GitSnapshot["files"];

async function findCommit(
  { git, head }: ApprovalHistory,
  file: string,
  asks: (files: Files) => boolean,
): Promise<CommitSha | undefined> {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
  let at: CommitSha | undefined = head;
  let first: CommitSha | undefined;
  for (let change = 0; at !== undefined; change += 1) {
    if (change === CHANGES_BACK) return undefined;
    const last: { readonly commit: CommitSha } | undefined = await git.lastChange(at, file);
    const there = last && asks((await git.read(last.commit, folder)).files.filter(({ path }) => path === file));
    if (there === true) first = last?.commit;
    else if (first !== undefined) break;
    at = last && (await git.parent(last.commit));
  }
  return first === undefined ? undefined : firstWith(git, head, first);
}

/** The commit of the tracked branch that brought a commit: the merge, or that commit itself. */
async function firstWith(
  git: ApprovalHistory["git"],
  head: CommitSha,
  commit: CommitSha,
): Promise<CommitSha | undefined> {
  const commits = (await git.log(undefined, head, COMMITS_BACK)).map((one) => one.commit);
  // Newest first: those that have it stand before those that have not.
  let [has, hasNot] = [0, commits.length];
  while (hasNot - has > 1) {
    const middle = (has + hasNot) >> 1;
    const one = commits[middle];
    if (one !== undefined && (await git.isAncestor(commit, one))) has = middle;
    else hasNot = middle;
  }
  return commits.length === COMMITS_BACK && has === commits.length - 1 ? undefined : commits[has];
}

/** What a pass tells: its plan, and where the policy comes from. */
export interface PassNotifier extends Pick<Notifier, "taken"> {
  look(look: FleetLook, repository: RepositoryView | undefined): void;
}

/** A notifier that finds the commits of a policy repository. */
export function tellFrom(notifier: Notifier, validators: Validators): PassNotifier {
  const commits = createApprovalCommits(validators);
  return {
    taken: () => notifier.taken(),
    look: (look, repository) =>
      notifier.look(
        look,
        repository && {
          forge: repository.forge,
          commitOf: (ring, baseline, level) => commits.find(repository, ring, baseline, level),
        },
      ),
  };
}
