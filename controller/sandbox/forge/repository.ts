// The forge's repository: pull request records joined with real branches. Everything that changes state goes through one queue,
// so a push, a merge and an API write never interleave. Records live here (snapshot and restore), commits live on disk.
// Never decides for a person: `merge` and `close` are only called for one (or by a script that plays one).
import type { Clock } from "../../clock.ts";
import type { CommitSha } from "../../git/port.ts";
import {
  type CommentRecord,
  type IssueRecord,
  type PullRecord,
  type ReviewRecord,
  settle,
  type StatusRecord,
} from "../../forge/memory/records.ts";
import type { MergeMethod } from "../../forge/port.ts";
import { type CheckRecord, type Checks, createChecks } from "./checks.ts";
import { createIssues, type Issues } from "./issues.ts";
import {
  type CommitDetails,
  type CommitStamp,
  type FileChange,
  type GitPerson,
  isBranchName,
  type Plumbing,
} from "./plumbing.ts";
import { checkTexts, invalid, Refusal } from "./refusal.ts";

export type { MergeMethod } from "../../forge/port.ts";

/** A branch that moved, whoever moved it. */
export interface PushRecord {
  readonly branch: string;
  readonly before: CommitSha | undefined;
  readonly after: CommitSha | undefined;
  readonly by: string;
  /** RFC 3339, policy time. */
  readonly time: string;
  readonly forced: boolean;
}

/** The forge's memory as plain data; git's own state is the directory on disk. */
export interface ForgeSnapshot {
  readonly pulls: readonly PullRecord[];
  readonly issues: readonly IssueRecord[];
  readonly statuses: readonly StatusRecord[];
  readonly checks: readonly CheckRecord[];
  readonly pushes: readonly PushRecord[];
  readonly rules: RepositoryRules;
  readonly nextNumber: number;
  readonly nextId: number;
}

/** Eventual consistency: how many questions are still answered from before. */
export interface Lag {
  /** Looks at a pull request without a verdict on its merge. */
  mergeable: number;
  /** Lists without the newest pull request. */
  lists: number;
}

/** How people set the repository up. */
export interface RepositoryRules {
  readonly methods: readonly MergeMethod[];
  /** Why the base's protection lets nothing be merged by the API; undefined: it does. */
  readonly protection: string | undefined;
  readonly hasIssues: boolean;
}

export interface PullDraft {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
  readonly author: string;
  /** Where the head lies when it is not a branch here: OWNER/NAME and the commit, which must be on disk. */
  readonly fork?: { readonly place: string; readonly commit: CommitSha };
}

export interface PullChange {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly state?: "open" | "closed" | undefined;
}

export interface ForgeRepository {
  /** Runs `work` alone, after seeing what moved before it and before anybody sees what it moved. */
  exclusively<T>(by: string, work: () => Promise<T>): Promise<T>;
  pulls(): readonly PullRecord[];
  pull(number: number): PullRecord;
  pushes(): readonly PushRecord[];
  branches(): ReadonlyMap<string, CommitSha>;
  open(draft: PullDraft): Promise<PullRecord>;
  change(number: number, by: string, change: PullChange): Promise<PullRecord>;
  comment(number: number, author: string, body: string): CommentRecord;
  /** Edits it, or removes it where the body is undefined. */
  editComment(
    id: number,
    by: string,
    body: string | undefined,
  ): { readonly number: number; readonly comment: CommentRecord };
  review(number: number, by: string, state: ReviewRecord["state"], body: string): ReviewRecord;
  setDraft(number: number, draft: boolean): void;
  readonly issues: Issues;
  readonly checks: Checks;
  /** The repository's objects and refs, for the Git data API; `exclusively` sees what it moves. */
  readonly git: Plumbing;
  readonly clock: Clock;
  /** Of one commit, newest first. */
  statuses(commit: CommitSha): readonly StatusRecord[];
  say(status: Omit<StatusRecord, "id" | "time">): Promise<StatusRecord>;
  /** What the forge has not noticed yet; counted down by the questions. */
  readonly lag: Lag;
  rules(): RepositoryRules;
  setRules(change: Partial<RepositoryRules>): void;
  label(number: number, labels: readonly string[], replace: boolean): Promise<readonly string[]>;
  /** Merges as a person would with the button; `sha` guards against a head that moved. */
  merge(
    number: number,
    by: string,
    options: {
      readonly method: MergeMethod;
      readonly sha?: string | undefined;
      readonly title?: string | undefined;
      readonly message?: string | undefined;
      /** People with the right may pass the protection; the API's callers are held to it. */
      readonly byApi?: boolean;
    },
  ): Promise<CommitSha>;
  /** True: merges cleanly; false: conflicts; undefined: not open. */
  mergeable(number: number): Promise<boolean | undefined>;
  files(number: number, what: "counts" | "patches"): Promise<readonly FileChange[]>;
  commits(number: number): Promise<readonly CommitDetails[]>;
  snapshot(): ForgeSnapshot;
  restore(snapshot: ForgeSnapshot): Promise<void>;
}

/** The address that the forge's own commits carry for a login. */
export function personOf(login: string): GitPerson {
  return { name: login, email: `${login.replace(/[^A-Za-z0-9._-]/g, "-")}@users.noreply.sandbox.invalid` };
}

const notAllowed: Readonly<Record<MergeMethod, string>> = {
  merge: "Merge commits are not allowed on this repository.",
  squash: "Squash merges are not allowed on this repository.",
  rebase: "Rebase merges are not allowed on this repository.",
};

export function createRepository(options: {
  readonly git: Plumbing;
  readonly clock: Clock;
  readonly owner: string;
}): ForgeRepository {
  const { git, clock, owner } = options;
  let records = new Map<number, PullRecord>();
  let history: PushRecord[] = [];
  let known = new Map<string, CommitSha>();
  let statuses: StatusRecord[] = [];
  let rules: RepositoryRules = { methods: ["merge", "squash", "rebase"], protection: undefined, hasIssues: true };
  const lag: Lag = { mergeable: 0, lists: 0 };
  let nextNumber = 1;
  let nextId = 1;
  let queue: Promise<unknown> = Promise.resolve();
  const mergeability = new Map<string, boolean>();

  const now = (): string => new Date(Math.floor(clock.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");

  const checks = createChecks({ now, nextId: () => nextId++ });
  const issues = createIssues({ now, nextNumber: () => nextNumber++ });

  function save(record: PullRecord): PullRecord {
    records.set(record.number, record);
    return record;
  }

  function pull(number: number): PullRecord {
    const record = records.get(number);
    if (record === undefined) throw new Refusal(404, "Not Found");
    return record;
  }

  async function recordPushes(heads: ReadonlyMap<string, CommitSha>, by: string): Promise<boolean> {
    const changed: PushRecord[] = [];
    for (const branch of [...new Set([...known.keys(), ...heads.keys()])].sort()) {
      const before = known.get(branch);
      const after = heads.get(branch);
      if (before === after) continue;
      const forced = before !== undefined && after !== undefined && !(await git.isAncestor(before, after));
      changed.push({ branch, before, after, by, time: now(), forced });
    }
    history.push(...changed);
    return changed.length > 0;
  }

  /** Looks where the branches are and lets every open pull request follow. */
  async function observe(by: string): Promise<void> {
    const heads = await git.heads();
    if (!(await recordPushes(heads, by))) return;
    known = heads;
    const heldHeads: { ref: string; to: CommitSha; force: true }[] = [];
    for (const record of records.values()) {
      if (record.state !== "open") continue;
      const head = record.fork === undefined ? heads.get(record.head) : record.headSha;
      const base = heads.get(record.base);
      if (head === record.headSha && base === record.baseSha) continue;
      const tip = head ?? record.headSha;
      const headInBase = base !== undefined && (await git.isAncestor(tip, base));
      const settled = save(settle(record, { head, base, headInBase, time: now(), by }));
      if (settled.headSha !== record.headSha)
        heldHeads.push({ ref: `refs/pull/${record.number}/head`, to: settled.headSha, force: true });
    }
    await git.moveRefs(heldHeads);
  }

  function exclusively<T>(by: string, work: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      await observe("somebody");
      try {
        return await work();
      } finally {
        await observe(by);
      }
    };
    const result = queue.then(run, run);
    queue = result.catch(() => undefined);
    return result;
  }

  function isOpen(head: string, base: string, fork: string | undefined): boolean {
    return [...records.values()].some(
      (other) => other.state === "open" && other.head === head && other.base === base && other.fork === fork,
    );
  }

  async function open(draft: PullDraft): Promise<PullRecord> {
    checkTexts(draft.title, draft.body);
    const { fork, ...said } = draft;
    const head = fork?.commit ?? (isBranchName(draft.head) ? known.get(draft.head) : undefined);
    const base = isBranchName(draft.base) ? known.get(draft.base) : undefined;
    if (head === undefined) throw invalid({ resource: "PullRequest", code: "invalid", field: "head" });
    if (base === undefined) throw invalid({ resource: "PullRequest", code: "invalid", field: "base" });
    if (isOpen(draft.head, draft.base, fork?.place)) {
      throw invalid({
        resource: "PullRequest",
        code: "custom",
        message: `A pull request already exists for ${owner}:${draft.head}.`,
      });
    }
    const start = await git.mergeBase(base, head);
    if (start === undefined)
      throw invalid({
        resource: "PullRequest",
        code: "custom",
        message: `The ${draft.head} branch has no history in common with ${draft.base}`,
      });
    if (start === head)
      throw invalid({
        resource: "PullRequest",
        code: "custom",
        message: `No commits between ${draft.base} and ${draft.head}`,
      });
    const number = nextNumber++;
    await git.moveRefs([{ ref: `refs/pull/${number}/head`, to: head, force: true }]);
    const time = now();
    return save({
      ...said,
      number,
      fork: fork?.place,
      createdTime: time,
      updatedTime: time,
      labels: [],
      headSha: head,
      baseSha: base,
      state: "open",
      closedTime: undefined,
      closedBy: undefined,
      mergeCommit: undefined,
      mergedBy: undefined,
      comments: [],
      reviews: [],
    });
  }

  async function reopen(record: PullRecord): Promise<PullRecord> {
    const head = known.get(record.head);
    const base = known.get(record.base);
    if (head === undefined || base === undefined || !(await git.isAncestor(record.headSha, head))) {
      throw invalid({
        resource: "PullRequest",
        code: "invalid",
        field: "state",
        message: `state cannot be changed. The ${record.head} branch was force-pushed or recreated.`,
      });
    }
    if (isOpen(record.head, record.base, record.fork)) {
      throw invalid({
        resource: "PullRequest",
        code: "invalid",
        field: "state",
        message: `state cannot be changed. There is already an open pull request from ${owner}:${record.head} to ${owner}:${record.base}.`,
      });
    }
    return { ...record, state: "open", headSha: head, baseSha: base, closedTime: undefined, closedBy: undefined };
  }

  async function change(number: number, by: string, wanted: PullChange): Promise<PullRecord> {
    let record = pull(number);
    checkTexts(wanted.title, wanted.body);
    if (wanted.state === "open" && record.state === "merged")
      throw invalid({
        resource: "PullRequest",
        code: "invalid",
        field: "state",
        message: "state cannot be changed. The pull request cannot be reopened.",
      });
    if (wanted.state === "open" && record.state === "closed") record = await reopen(record);
    if (wanted.state === "closed" && record.state === "open")
      record = { ...record, state: "closed", closedTime: now(), closedBy: by };
    return save({
      ...record,
      title: wanted.title ?? record.title,
      body: wanted.body ?? record.body,
      updatedTime: now(),
    });
  }

  /** Copies the head's commits onto the base one by one; git 2.39's merge-tree takes its base from history, so each step gets a small one. */
  async function replay(record: PullRecord, base: CommitSha, committer: GitPerson): Promise<CommitSha> {
    let tip = base;
    const stamp: CommitStamp = { author: committer, committer, authorTime: clock.now(), time: clock.now() };
    for (const commit of await git.commits(base, record.headSha, 250)) {
      const parent = commit.parents[0];
      if (parent === undefined || commit.parents.length > 1) throw new Refusal(405, "This branch can't be rebased");
      const [before, onto] = await Promise.all([git.details(parent), git.details(tip)]);
      const root = await git.commitTree(before?.tree ?? "", [], "base", stamp);
      const ours = await git.commitTree(onto?.tree ?? "", [root], "ours", stamp);
      const theirs = await git.commitTree(commit.tree, [root], "theirs", stamp);
      const tree = await git.mergeTree(ours, theirs);
      if (tree === undefined) throw new Refusal(405, "This branch can't be rebased");
      tip = await git.commitTree(tree, [tip], commit.message, {
        author: commit.author,
        committer,
        authorTime: commit.author.time,
        time: clock.now(),
      });
    }
    return tip;
  }

  async function merge(
    number: number,
    by: string,
    wanted: Parameters<ForgeRepository["merge"]>[2],
  ): Promise<CommitSha> {
    const record = pull(number);
    if (record.state !== "open") throw new Refusal(405, "Pull Request is not mergeable");
    if (wanted.sha !== undefined && wanted.sha !== record.headSha)
      throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
    if (record.draft) throw new Refusal(405, "Pull Request is still a draft");
    if (rules.protection !== undefined && wanted.byApi === true) throw new Refusal(405, rules.protection);
    if (!rules.methods.includes(wanted.method)) throw new Refusal(405, notAllowed[wanted.method]);
    const base = known.get(record.base);
    const tree = base === undefined ? undefined : await git.mergeTree(base, record.headSha);
    if (base === undefined || tree === undefined) throw new Refusal(405, "Pull Request is not mergeable");
    const committer = personOf(by);
    const stamp: CommitStamp = { author: committer, committer, authorTime: clock.now(), time: clock.now() };
    let tip: CommitSha;
    if (wanted.method === "rebase") tip = await replay(record, base, committer);
    else {
      const squash = wanted.method === "squash";
      const title =
        wanted.title ??
        (squash ? `${record.title} (#${number})` : `Merge pull request #${number} from ${owner}/${record.head}`);
      const text = wanted.message ?? (squash ? "" : record.title);
      tip = await git.commitTree(
        tree,
        squash ? [base] : [base, record.headSha],
        text === "" ? `${title}\n` : `${title}\n\n${text}\n`,
        stamp,
      );
    }
    await git.moveRefs([{ ref: `refs/heads/${record.base}`, from: base, to: tip }]);
    const time = now();
    save({
      ...record,
      baseSha: base,
      state: "merged",
      mergeCommit: tip,
      mergedBy: by,
      closedTime: time,
      updatedTime: time,
    });
    return tip;
  }

  function comment(number: number, author: string, body: string): CommentRecord {
    const record = pull(number);
    if (body.trim() === "") throw invalid({ resource: "IssueComment", code: "missing_field", field: "body" });
    checkTexts(undefined, body);
    const time = now();
    const made: CommentRecord = { id: nextId++, author, body, createdTime: time, updatedTime: time };
    save({ ...record, comments: [...record.comments, made], updatedTime: time });
    return made;
  }

  function editComment(id: number, by: string, body: string | undefined): ReturnType<ForgeRepository["editComment"]> {
    checkTexts(undefined, body);
    const record = [...records.values()].find((one) => one.comments.some((made) => made.id === id));
    const found = record?.comments.find((made) => made.id === id);
    if (record === undefined || found === undefined) throw new Refusal(404, "Not Found");
    if (found.author !== by) throw new Refusal(403, "Must have admin rights to Repository.");
    const next = { ...found, body: body ?? found.body, updatedTime: now() };
    const comments = record.comments.flatMap((one) => (one.id !== id ? [one] : body === undefined ? [] : [next]));
    save({ ...record, comments, updatedTime: next.updatedTime });
    return { number: record.number, comment: next };
  }

  function review(number: number, by: string, state: ReviewRecord["state"], body: string): ReviewRecord {
    const record = pull(number);
    if (record.author === by && state !== "Commented")
      throw new Refusal(422, "Unprocessable Entity", [{ message: "Can not approve your own pull request" }]);
    const made = { id: nextId++, author: by, state, commit: record.headSha, body, time: now() };
    save({ ...record, reviews: [...record.reviews, made], updatedTime: made.time });
    return made;
  }

  async function say(said: Omit<StatusRecord, "id" | "time">): Promise<StatusRecord> {
    if ((await git.details(said.commit)) === undefined)
      throw new Refusal(422, `No commit found for SHA: ${said.commit}`);
    if (said.title.length > 140)
      throw invalid({ resource: "Status", code: "custom", field: "description", message: "description is too long" });
    const made = { ...said, id: nextId++, time: now() };
    statuses.push(made);
    return made;
  }

  async function label(number: number, labels: readonly string[], replace: boolean): Promise<readonly string[]> {
    const record = pull(number);
    if (labels.some((name) => name.trim() === "" || name.length > 50))
      throw invalid({ resource: "Label", code: "invalid", field: "name" });
    const next = [...new Set([...(replace ? [] : record.labels), ...labels])];
    return save({ ...record, labels: next, updatedTime: now() }).labels;
  }

  async function mergeable(number: number): Promise<boolean | undefined> {
    const record = pull(number);
    const base = known.get(record.base);
    if (record.state !== "open" || base === undefined || lag.mergeable-- > 0) return undefined;
    lag.mergeable = 0;
    const key = `${base} ${record.headSha}`;
    const answer = mergeability.get(key) ?? (await git.mergeTree(base, record.headSha)) !== undefined;
    if (mergeability.size > 1000) mergeability.clear();
    mergeability.set(key, answer);
    return answer;
  }

  return {
    exclusively,
    pull,
    open,
    change,
    comment,
    editComment,
    review,
    setDraft: (number, draft) => void save({ ...pull(number), draft, updatedTime: now() }),
    issues,
    checks,
    lag,
    git,
    clock,
    statuses: (commit) => statuses.filter((status) => status.commit === commit).reverse(),
    say,
    rules: () => rules,
    setRules(wanted) {
      rules = { ...rules, ...wanted };
    },
    label,
    merge,
    mergeable,
    pulls: () => [...records.values()],
    pushes: () => history,
    branches: () => known,
    files: (number, what) => git.changes(pull(number).baseSha, pull(number).headSha, what),
    commits: (number) => git.commits(pull(number).baseSha, pull(number).headSha, 250),
    snapshot: () =>
      structuredClone({
        pulls: [...records.values()],
        issues: issues.all(),
        statuses,
        checks: checks.all(),
        pushes: history,
        rules,
        nextNumber,
        nextId,
      }),
    async restore(snapshot) {
      const copy = structuredClone(snapshot);
      records = new Map(copy.pulls.map((record) => [record.number, record]));
      issues.restore(copy.issues);
      statuses = [...copy.statuses];
      checks.restore(copy.checks);
      history = [...copy.pushes];
      rules = copy.rules;
      nextNumber = copy.nextNumber;
      nextId = copy.nextId;
      known = await git.heads();
    },
  };
}
