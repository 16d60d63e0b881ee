// What the in-memory forge holds, and how its records follow the branches. Its clients and its people work on this alone.
import type { Clock } from "../../clock.ts";
import type { CommitSha } from "../../git/port.ts";
import type { MergeMethod, PullRequest } from "../port.ts";
import type { Lagging, Listed } from "./lag.ts";
import { type IssueRecord, type PullRecord, settle, type StatusRecord } from "./records.ts";

/** What the forge needs of the repository beside it; `people` of the in-memory remote fits. */
export interface ForgeGit {
  branches(): ReadonlyMap<string, CommitSha>;
  commit(id: CommitSha): {
    readonly parents: readonly CommitSha[];
    readonly tree: ReadonlyMap<string, { readonly blob: string }>;
  };
  /** Throws when the branches conflict. */
  merge(
    from: string,
    into: string,
    how: {
      readonly mode: "mergeCommit" | "squash";
      readonly time: number;
      readonly message: string;
      readonly author: { readonly name: string; readonly email: string };
    },
  ): CommitSha;
}

/** One request to the forge. */
export interface ForgeOperation {
  /** 1, 2, 3 … over the life of the forge. */
  readonly sequence: number;
  readonly handle: string;
  readonly name: ForgeRead | ForgeWrite;
  readonly write: boolean;
  readonly number?: number;
  readonly head?: string;
  /** Of a report: what it is about. */
  readonly report?: string;
}

export type ForgeRead = "list" | "listOpen" | "find" | "get" | "files" | "history" | "comments" | "statuses" | "issues";

/** Every kind of request that changes something. */
export const forgeWrites = [
  "create",
  "label",
  "update",
  "comment",
  "editComment",
  "deleteComment",
  "close",
  "report",
  "merge",
  "createIssue",
  "updateIssue",
] as const;
export type ForgeWrite = (typeof forgeWrites)[number];

/** Stands around every request of one client: it may hold the request back, let it go late, or lose its answer. */
export type Around = <T>(asked: Omit<ForgeOperation, "sequence">, send: () => Promise<T>) => Promise<T>;

/** `failBefore`: nothing happens and the caller gets an error. `loseReply`: it happens and the caller gets an error. */
export type MemoryForgeFault = "none" | "failBefore" | "loseReply";

/** Everything that can be put back. */
export interface MemoryForgeSnapshot {
  readonly pulls: readonly PullRecord[];
  readonly issues: readonly IssueRecord[];
  readonly statuses: readonly StatusRecord[];
  readonly rules: ForgeRules;
  readonly nextNumber: number;
  readonly nextId: number;
  readonly lagging?: Lagging | undefined;
}

/** How people set the repository up. */
export interface ForgeRules {
  readonly methods: readonly MergeMethod[];
  /** Why the protection of the base lets nothing be merged by the API; undefined: it does. */
  readonly protection: string | undefined;
  readonly hasIssues: boolean;
}

export interface MemoryForgeOptions {
  readonly git: ForgeGit;
  /** Policy time. */
  readonly clock: Clock;
}

/** The forge's own refusals (422 and the like), as opposed to lost requests. */
export class ForgeRefusal extends Error {}

export interface Store {
  readonly options: MemoryForgeOptions;
  pulls: Map<number, PullRecord>;
  issues: Map<number, IssueRecord>;
  statuses: StatusRecord[];
  rules: ForgeRules;
  nextNumber: number;
  /** Of comments, reviews and statuses. */
  nextId: number;
  sequence: number;
  fault: (operation: ForgeOperation) => MemoryForgeFault;
  readonly listeners: Set<(operation: ForgeOperation) => void>;
  /** Undefined: lists show the present. */
  lagging: Lagging | undefined;
}

export function now(store: Store): string {
  return new Date(Math.floor(store.options.clock.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

export function isAncestor(git: ForgeGit, ancestor: CommitSha, descendant: CommitSha): boolean {
  const seen = new Set<CommitSha>();
  const left = [descendant];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (id === ancestor) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    left.push(...git.commit(id).parents);
  }
  return false;
}

/** Lets every open pull request follow its branches. */
export function observe(store: Store): void {
  const { git } = store.options;
  const branches = git.branches();
  for (const record of store.pulls.values()) {
    const head = record.fork === undefined ? branches.get(record.head) : record.headSha;
    const base = branches.get(record.base);
    if (record.state !== "open" || (head === record.headSha && base === record.baseSha)) continue;
    const headInBase = base !== undefined && isAncestor(git, head ?? record.headSha, base);
    store.pulls.set(record.number, settle(record, { head, base, headInBase, time: now(store), by: undefined }));
  }
}

export function pullOf(store: Store, number: number): PullRecord {
  const record = store.pulls.get(number);
  if (record === undefined) throw new ForgeRefusal(`there is no pull request #${number}`);
  return record;
}

export function savePull(store: Store, record: PullRecord): PullRecord {
  store.pulls.set(record.number, { ...record, updatedTime: now(store) });
  return record;
}

export function addComment(store: Store, number: number, author: string, body: string): void {
  const record = pullOf(store, number);
  const time = now(store);
  const comment = { id: store.nextId++, author, body, createdTime: time, updatedTime: time };
  savePull(store, { ...record, comments: [...record.comments, comment] });
}

export function addIssue(store: Store, author: string, title: string, body: string): IssueRecord {
  const time = now(store);
  const made: IssueRecord = {
    number: store.nextNumber++,
    author,
    title,
    body,
    state: "open",
    createdTime: time,
    updatedTime: time,
    closedTime: undefined,
    closedBy: undefined,
  };
  store.issues.set(made.number, made);
  return made;
}

export function closePull(store: Store, number: number, by: string): void {
  const record = pullOf(store, number);
  if (record.state === "open") savePull(store, { ...record, state: "closed", closedTime: now(store), closedBy: by });
}

export function findOpen(store: Pick<Listed, "pulls">, head: string, base: string): PullRecord | undefined {
  return [...store.pulls.values()].find(
    (record) => record.state === "open" && record.head === head && record.base === base && record.fork === undefined,
  );
}

/** Merges an open one as the button does. Throws when it conflicts. */
export function mergePull(
  store: Store,
  record: PullRecord,
  how: { readonly by: string; readonly method: "merge" | "squash"; readonly message: string },
): CommitSha {
  const { git, clock } = store.options;
  const before = git.branches().get(record.base) ?? record.baseSha;
  const mergeCommit = git.merge(record.fork === undefined ? record.head : record.headSha, record.base, {
    mode: how.method === "squash" ? "squash" : "mergeCommit",
    time: clock.now(),
    message: how.message,
    author: { name: how.by, email: `${how.by}@users.noreply.sandbox.invalid` },
  });
  savePull(store, {
    ...record,
    baseSha: before,
    state: "merged",
    mergeCommit,
    mergedBy: how.by,
    closedTime: now(store),
  });
  observe(store);
  return mergeCommit;
}

/** A record as the port shows it. */
export function viewPull(record: PullRecord): PullRequest {
  const {
    number,
    state,
    draft,
    head,
    headSha,
    base,
    title,
    body,
    labels,
    author,
    createdTime,
    closedTime,
    updatedTime,
  } = record;
  return {
    number,
    url: `https://forge.invalid/pull/${number}`,
    state,
    draft,
    fork: record.fork !== undefined,
    head,
    headSha,
    base,
    title,
    body,
    labels,
    author,
    createdTime,
    ...(closedTime === undefined ? {} : { closedTime }),
    updatedTime,
  };
}

/** Paths that the head changed since it left the base; a moved file is both of its names. */
export function changedPaths(store: Store, record: PullRecord): readonly string[] {
  const { git } = store.options;
  // The newest commit of the head that the base has, too: walked from the head, parents first seen first.
  const queue = [record.headSha];
  const seen = new Set<CommitSha>();
  let start: CommitSha | undefined;
  for (let id = queue.shift(); id !== undefined && start === undefined; id = queue.shift()) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (isAncestor(git, id, record.baseSha)) start = id;
    else queue.push(...git.commit(id).parents);
  }
  const before = start === undefined ? new Map<string, { blob: string }>() : git.commit(start).tree;
  const after = git.commit(record.headSha).tree;
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path)?.blob !== after.get(path)?.blob).sort();
}
