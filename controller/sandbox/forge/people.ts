// What people do to the sandbox's repository and on its forge, for the demo's script and for tests: commit, force-push, merge past
// the forge, press its buttons. Each act is one entry in the forge's queue, in the person's name, dated by policy time.
import { randomUUID } from "node:crypto";
import type { Clock, Instant } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import type { IssueRecord, PullRecord, ReviewRecord, StatusRecord } from "../../forge/memory/records.ts";
import type { CommitSha } from "../../git/port.ts";
import type { CheckRecord } from "./checks.ts";
import { isBranchName, type Plumbing } from "./plumbing.ts";
import { type ForgeRepository, type Lag, type MergeMethod, personOf, type RepositoryRules } from "./repository.ts";

export interface SandboxCommit {
  readonly branch: string;
  /** Path -> text, or null to delete. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly message: string;
  /** A login. */
  readonly author: string;
  /** Default: the clock's now. */
  readonly date?: Instant;
}

export interface SandboxPeople {
  /** The first commit on main, by a person; an error when main is there already. */
  seed(files: ReadonlyMap<string, string>, message: string, author: string): Promise<CommitSha>;
  /** A person's commit straight to a branch (made from main when missing). */
  commit(commit: SandboxCommit): Promise<CommitSha>;
  /** Moves a branch anywhere, as `git push --force` would. */
  forcePush(branch: string, commit: CommitSha, by?: string): Promise<void>;
  deleteBranch(branch: string, by?: string): Promise<void>;
  /** Merges a branch into another as a person does who pushes from their own machine, past the pull request. */
  pushMerge(from: string, into: string, by: string): Promise<CommitSha>;
  branches(): Promise<ReadonlyMap<string, CommitSha>>;
  pullRequests(): Promise<readonly PullRecord[]>;
  /** A person presses Merge; refuses (405, 409) as the API does. */
  merge(number: number, by: string, method?: MergeMethod): Promise<CommitSha>;
  /** A person closes it unmerged. */
  closePullRequest(number: number, by: string, comment?: string): Promise<void>;
  comment(number: number, by: string, body: string): Promise<void>;
  review(number: number, by: string, state: ReviewRecord["state"], body?: string): Promise<void>;
  setDraft(number: number, draft: boolean): Promise<void>;
  openIssue(by: string, title: string, body: string): Promise<number>;
  /** Opens one into main from a repository of theirs ("mallory/policies"). */
  openFromFork(request: {
    readonly fork: string;
    readonly head: string;
    readonly files: ReadonlyMap<string, string | null>;
    readonly title: string;
    readonly by: string;
  }): Promise<number>;
  issues(): Promise<readonly IssueRecord[]>;
  /** Of one commit, newest first. */
  statuses(commit: CommitSha): Promise<readonly StatusRecord[]>;
  /** Of one commit, newest first. */
  checks(commit: CommitSha): Promise<readonly CheckRecord[]>;
  setRules(change: Partial<RepositoryRules>): void;
  /** The next questions are answered from before. */
  setLag(lag: Partial<Lag>): void;
}

/** People's acts on that repository. */
export function createPeople(parts: {
  readonly git: Plumbing;
  readonly repository: ForgeRepository;
  readonly clock: Clock;
}): SandboxPeople {
  const { git, repository, clock } = parts;
  const checkBranch = (branch: string): void => {
    if (!isBranchName(branch))
      throw new UserError(
        "RW0702",
        `sandbox forge: ${JSON.stringify(branch)} is not a branch name`,
        "see git-check-ref-format",
      );
  };
  const commit = (wanted: SandboxCommit, onlyFirst: boolean): Promise<CommitSha> => {
    checkBranch(wanted.branch);
    return repository.exclusively(wanted.author, async () => {
      const heads = repository.branches();
      const parent = heads.get(wanted.branch) ?? heads.get("main");
      if (onlyFirst && heads.has("main"))
        throw new UserError(
          "RW0703",
          "sandbox forge: main has commits already",
          "seed an empty directory, or use commit",
        );
      return await git.commit({
        branch: wanted.branch,
        parent,
        files: wanted.files,
        message: wanted.message,
        author: personOf(wanted.author),
        time: wanted.date ?? clock.now(),
      });
    });
  };
  return {
    seed: (files, message, login) => commit({ branch: "main", files, message, author: login }, true),
    commit: (wanted) => commit(wanted, false),
    forcePush: (branch, to, by = "somebody") => {
      checkBranch(branch);
      return repository.exclusively(by, () => git.moveRefs([{ ref: `refs/heads/${branch}`, to, force: true }]));
    },
    deleteBranch: (branch, by = "somebody") => {
      checkBranch(branch);
      return repository.exclusively(by, () => git.moveRefs([{ ref: `refs/heads/${branch}`, to: undefined }]));
    },
    pushMerge: (from, into, by) =>
      repository.exclusively(by, async () => {
        const [head, base] = [repository.branches().get(from), repository.branches().get(into)];
        const tree = head === undefined || base === undefined ? undefined : await git.mergeTree(base, head);
        if (head === undefined || base === undefined || tree === undefined)
          throw new UserError(
            "RW0704",
            `sandbox forge: ${from} cannot be merged into ${into}`,
            "it conflicts, or a branch is missing",
          );
        const now = clock.now();
        const tip = await git.commitTree(tree, [base, head], `Merge branch '${from}' into ${into}\n`, {
          author: personOf(by),
          committer: personOf(by),
          authorTime: now,
          time: now,
        });
        await git.moveRefs([{ ref: `refs/heads/${into}`, from: base, to: tip }]);
        return tip;
      }),
    branches: () => repository.exclusively("somebody", () => Promise.resolve(new Map(repository.branches()))),
    pullRequests: () => repository.exclusively("somebody", () => Promise.resolve(repository.pulls())),
    merge: (number, by, method = "merge") => repository.exclusively(by, () => repository.merge(number, by, { method })),
    closePullRequest: (number, by, comment) =>
      repository.exclusively(by, async () => {
        if (comment !== undefined) repository.comment(number, by, comment);
        await repository.change(number, by, { state: "closed" });
      }),
    comment: (number, by, body) => repository.exclusively(by, async () => void repository.comment(number, by, body)),
    review: (number, by, state, body = "") =>
      repository.exclusively(by, async () => void repository.review(number, by, state, body)),
    setDraft: (number, draft) => repository.exclusively("somebody", async () => repository.setDraft(number, draft)),
    openIssue: (by, title, body) =>
      repository.exclusively(by, async () => repository.issues.open(by, title, body).number),
    openFromFork: (request) =>
      repository.exclusively(request.by, async () => {
        const base = repository.branches().get("main");
        // A branch of another repository: its commit is on disk here, its name is not among our branches.
        const branch = `fork-${randomUUID()}`;
        const made = await git.commit({
          branch,
          parent: base,
          files: request.files,
          message: request.title,
          author: personOf(request.by),
          time: clock.now(),
        });
        await git.moveRefs([{ ref: `refs/heads/${branch}`, to: undefined }]);
        const pull = await repository.open({
          head: request.head,
          base: "main",
          title: request.title,
          body: "",
          draft: false,
          author: request.by,
          fork: { place: request.fork, commit: made },
        });
        return pull.number;
      }),
    issues: () => repository.exclusively("somebody", () => Promise.resolve(repository.issues.all())),
    statuses: (commitId) => repository.exclusively("somebody", () => Promise.resolve(repository.statuses(commitId))),
    checks: (commitId) =>
      repository.exclusively("somebody", async () =>
        repository.checks
          .all()
          .filter((run) => run.commit === commitId)
          .reverse(),
      ),
    setRules: (change) => repository.setRules(change),
    setLag: (lag) => void Object.assign(repository.lag, lag),
  };
}
