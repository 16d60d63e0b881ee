// The policy repository in memory: the same promises as repository.ts (one contract suite runs on both), with what tests and crash
// sweeps need: one shared remote with several handles, people's operations, a log of every operation, a fault at any of them, and cheap
// snapshots. Commits have git's own ids, so equal inputs give equal commits. Must never do what real git would refuse.
import type { Instant } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { GitAuthor } from "./build-commit.ts";
import { checkAuthor, checkEntries, checkFiles, commitMessage } from "./build-commit.ts";
import type { MemoryCommit, MemoryFile, MemoryTree, ObjectStore } from "./memory-objects.ts";
import { commitOf, fingerprint, memoryCommit, memoryFile, mergeBase, reachable } from "./memory-objects.ts";
import type { CommitSha, GitSnapshot, NewCommit, PolicyFile, PolicyGit, PushResult } from "./port.ts";
import {
  byPath,
  checkTotals,
  decodeBlob,
  defaultLimits,
  looksLikePolicy,
  symlinkProblem,
  submoduleProblem,
  tooLarge,
  type ReadLimits,
} from "./snapshot-files.ts";
import { mergeText } from "./three-way-merge.ts";
import { checkBranch, checkCommit, checkPath } from "./url.ts";

const proposalPrefix = "ringward/";

/** One operation that a handle asked of the remote. `write` ones can change it. */
export interface GitOperation {
  /** 1, 2, 3 … over the life of the remote. */
  readonly sequence: number;
  readonly handle: string;
  readonly name: "fetch" | "push" | "deleteBranch";
  readonly write: boolean;
  readonly branch?: string;
  /** The commit that a push would put there. */
  readonly commit?: CommitSha;
}

/** `failBefore`: nothing happens and the caller gets an error. `loseReply`: it happens and the caller gets an error. */
export type GitFault = "none" | "failBefore" | "loseReply";

export interface MemorySnapshot {
  readonly branches: ReadonlyMap<string, CommitSha>;
}

export interface PersonCommit {
  readonly message?: string;
  readonly time: Instant;
  readonly author?: GitAuthor;
}

export interface MemoryRemote {
  /** A handle of its own: it knows only what it fetched. */
  open(options: {
    readonly branch: string;
    readonly author: GitAuthor;
    readonly name?: string;
    readonly limits?: Partial<ReadLimits>;
  }): PolicyGit;
  /** Decides the fault of each operation from now on. */
  setFault(fault: (operation: GitOperation) => GitFault): void;
  /** Told about each operation before it runs. Answers how to stop listening. */
  onOperation(listener: (operation: GitOperation) => void): () => void;
  snapshot(): MemorySnapshot;
  restore(snapshot: MemorySnapshot): void;
  readonly people: People;
}

/** What people (and forges on their behalf) do to the remote. */
export interface People {
  head(branch: string): CommitSha | undefined;
  branches(): ReadonlyMap<string, CommitSha>;
  commit(id: CommitSha): MemoryCommit;
  /** Files (text or bytes, null deletes) on a branch; a missing branch is made from `from`, or as a root commit. */
  commitFiles(
    branch: string,
    files: Readonly<Record<string, string | Uint8Array | null>>,
    how: PersonCommit & { readonly from?: string },
  ): CommitSha;
  /** Puts a symbolic link there. */
  commitSymlink(branch: string, path: string, target: string, how: PersonCommit): CommitSha;
  /** Merges a branch as a forge does. Throws Error "merge conflict" naming the path. */
  merge(from: string, into: string, how: PersonCommit & { readonly mode: "fastForward" | "mergeCommit" }): CommitSha;
  /** Undoes one commit with a new one. */
  revert(branch: string, commit: CommitSha, how: PersonCommit): CommitSha;
  forcePush(branch: string, commit: CommitSha): void;
  deleteBranch(branch: string): void;
  /** Text of a file on a branch, or undefined. */
  text(branch: string, path: string): string | undefined;
}

interface Remote extends ObjectStore {
  branches: Map<string, CommitSha>;
  sequence: number;
  fault: (operation: GitOperation) => GitFault;
  readonly listeners: Set<(operation: GitOperation) => void>;
}

/** A fresh, empty remote. */
export function createMemoryRemote(): MemoryRemote {
  const remote: Remote = {
    commits: new Map(),
    branches: new Map(),
    sequence: 0,
    fault: () => "none",
    listeners: new Set(),
  };
  return {
    open: (options) => openHandle(remote, options),
    setFault(fault) {
      remote.fault = fault;
    },
    onOperation(listener) {
      remote.listeners.add(listener);
      return () => remote.listeners.delete(listener);
    },
    snapshot: () => ({ branches: new Map(remote.branches) }),
    restore(snapshot) {
      remote.branches = new Map(snapshot.branches);
    },
    people: people(remote),
  };
}

function add(remote: Remote, commit: MemoryCommit): CommitSha {
  remote.commits.set(commit.id, commit);
  return commit.id;
}

/** Runs one operation with the fault that is set for it. */
function operate<T>(remote: Remote, operation: Omit<GitOperation, "sequence">, run: () => T): T {
  const full: GitOperation = { sequence: ++remote.sequence, ...operation };
  for (const listener of remote.listeners) listener(full);
  const fault = remote.fault(full);
  if (fault === "failBefore") throw new Error(`git ${full.name} failed: connection refused`);
  const result = run();
  if (fault === "loseReply") throw new Error(`git ${full.name} failed: connection reset before the reply`);
  return result;
}

function openHandle(remote: Remote, options: Parameters<MemoryRemote["open"]>[0]): PolicyGit {
  checkBranch(options.branch);
  checkAuthor(options.author);
  const limits: ReadLimits = { ...defaultLimits, ...options.limits };
  const handle = options.name ?? "handle";
  const known = new Set<CommitSha>();
  let view = new Map<string, CommitSha>();
  const learn = (id: CommitSha): void => {
    for (const commit of reachable(remote, id, (other) => known.has(other))) known.add(commit);
  };
  const get = (id: CommitSha): MemoryCommit => {
    if (!known.has(checkCommit(id))) throw new Error(`commit ${id} is not known here: fetch first`);
    return commitOf(remote, id);
  };
  return {
    async fetch() {
      return operate(remote, { handle, name: "fetch", write: false }, () => {
        const head = remote.branches.get(options.branch);
        if (head === undefined)
          throw new UserError(
            "RW1111",
            `repository in memory, branch "${options.branch}": the repository has no such branch`,
            "create the branch or correct spec.branch",
          );
        view = new Map(
          [...remote.branches].filter(([branch]) => branch === options.branch || branch.startsWith(proposalPrefix)),
        );
        for (const id of view.values()) learn(id);
        return { head };
      });
    },
    async isAncestor(ancestor, descendant) {
      checkCommit(ancestor);
      checkCommit(descendant);
      return known.has(ancestor) && known.has(descendant) && reachable(remote, descendant).has(ancestor);
    },
    async read(commit, path): Promise<GitSnapshot> {
      const found = get(commit);
      return { commit, time: found.time, files: readTree(found.tree, checkPath(path), limits) };
    },
    async parent(commit) {
      return get(commit).parents[0];
    },
    async lastChange(commit, path) {
      get(commit);
      return lastChange(remote, commit, checkPath(path));
    },
    async log(from, to, limit) {
      get(to);
      const until = from !== undefined && known.has(checkCommit(from)) ? reachable(remote, from) : new Set<CommitSha>();
      const entries: { commit: CommitSha; time: Instant; author: string; message: string }[] = [];
      for (let id: CommitSha | undefined = to; id !== undefined && !until.has(id) && entries.length < limit;) {
        const commit: MemoryCommit = commitOf(remote, id);
        entries.push({ commit: id, time: commit.time, author: commit.author, message: commit.message.trimEnd() });
        id = commit.parents[0];
      }
      return entries;
    },
    async branches(prefix) {
      return new Map([...view].filter(([branch]) => branch.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    async push(commit) {
      return push(remote, handle, options, get(commit.parent), commit, (branch, id) => {
        learn(id);
        view.set(branch, id);
      });
    },
    async deleteBranch(branch, at) {
      checkCommit(at);
      checkTarget(options.branch, branch, undefined);
      if (branch === options.branch) throw new Error(`branch "${branch}" is tracked and never deleted`);
      operate(remote, { handle, name: "deleteBranch", write: true, branch }, () => {
        if (remote.branches.get(branch) === at) remote.branches.delete(branch);
      });
      if (view.get(branch) === at) view.delete(branch);
    },
  };
}

function checkTarget(tracked: string, branch: string, expect: NewCommit["expect"]): void {
  checkBranch(branch);
  if (branch !== tracked && !branch.startsWith(proposalPrefix)) {
    throw new Error(`branch "${branch}" is neither the tracked branch nor one of Ringward's proposals`);
  }
  if (branch === tracked && expect !== undefined)
    throw new Error(`branch "${branch}" is tracked: it only ever moves forward from the commit's parent`);
}

function push(
  remote: Remote,
  handle: string,
  options: { readonly branch: string; readonly author: GitAuthor },
  parent: MemoryCommit,
  commit: NewCommit,
  learned: (branch: string, id: CommitSha) => void,
): PushResult {
  checkTarget(options.branch, commit.branch, commit.expect);
  checkFiles(commit.files);
  const tree = changeTree(parent.tree, commit.files);
  const made = memoryCommit(tree, [parent.id], options.author, commit.time, commitMessage(commit.message));
  const result = operate(
    remote,
    { handle, name: "push", write: true, branch: commit.branch, commit: made.id },
    (): PushResult => {
      const at = remote.branches.get(commit.branch) ?? "absent";
      const tracked = commit.branch === options.branch;
      const fine = commit.expect !== undefined ? [commit.expect] : tracked ? [parent.id] : [parent.id, "absent"];
      if (at === made.id) return { kind: "Pushed", commit: made.id };
      if (!fine.includes(at)) return { kind: "Moved", at };
      remote.branches.set(commit.branch, add(remote, made));
      return { kind: "Pushed", commit: made.id };
    },
  );
  if (result.kind === "Pushed") learned(commit.branch, made.id);
  return result;
}

function changeTree(tree: MemoryTree, files: NewCommit["files"]): MemoryTree {
  const modes = checkEntries(files, (path) => {
    const file = tree.get(path);
    if (file !== undefined) return file.mode;
    for (const name of tree.keys()) if (name.startsWith(`${path}/`)) return "040000";
    return undefined;
  });
  const next = new Map(tree);
  for (const [path, content] of files) {
    if (content === null) next.delete(path);
    else next.set(path, memoryFile(Buffer.from(content), modes.get(path) ?? "100644"));
  }
  return next;
}

function readTree(tree: MemoryTree, path: string, limits: ReadLimits): PolicyFile[] {
  const files: PolicyFile[] = [];
  const blobs = new Map<string, number>();
  for (const [name, file] of tree) {
    if (path !== "" && name !== path && !name.startsWith(`${path}/`)) continue;
    if (file.mode !== "160000" && (name === path || !looksLikePolicy(name))) continue;
    if (file.mode.startsWith("100") && file.bytes.length <= limits.maxFileBytes)
      blobs.set(file.blob, file.bytes.length);
    files.push({ path: name, blob: file.blob, ...contentOf(file, limits) });
  }
  let bytes = 0;
  for (const size of blobs.values()) bytes += size;
  checkTotals(files.length, bytes, limits);
  return files.sort(byPath);
}

function contentOf(file: MemoryFile, limits: ReadLimits): Pick<PolicyFile, "text" | "problem"> {
  if (file.mode === "120000") return symlinkProblem;
  if (file.mode === "160000") return submoduleProblem;
  return file.bytes.length > limits.maxFileBytes ? tooLarge(file.bytes.length, limits) : decodeBlob(file.bytes);
}

/** As `git log -1 -- path`: a merge that took the path as it was on one side is followed down that side. */
function lastChange(remote: Remote, start: CommitSha, path: string): { commit: CommitSha; time: Instant } | undefined {
  for (let commit = commitOf(remote, start); ;) {
    const here = fingerprint(commit.tree, path);
    if (path === "") return { commit: commit.id, time: commit.time };
    const same = commit.parents
      .map((parent) => commitOf(remote, parent))
      .find((parent) => fingerprint(parent.tree, path) === here);
    if (same === undefined)
      return commit.parents.length === 0 && here === "" ? undefined : { commit: commit.id, time: commit.time };
    commit = same;
  }
}

function people(remote: Remote): People {
  const nobody: GitAuthor = { name: "A Person", email: "person@example.test" };
  const headOf = (branch: string): MemoryCommit => {
    const head = remote.branches.get(branch);
    if (head === undefined) throw new Error(`there is no branch "${branch}"`);
    return commitOf(remote, head);
  };
  const put = (
    branch: string,
    tree: MemoryTree,
    parents: readonly CommitSha[],
    how: PersonCommit,
    message: string,
  ): CommitSha => {
    const id = add(
      remote,
      memoryCommit(tree, parents, how.author ?? nobody, how.time, commitMessage(how.message ?? message)),
    );
    remote.branches.set(branch, id);
    return id;
  };
  return {
    head: (branch) => remote.branches.get(branch),
    branches: () => new Map(remote.branches),
    commit: (id) => commitOf(remote, id),
    commitFiles(branch, files, how) {
      const start = remote.branches.get(branch) ?? (how.from === undefined ? undefined : headOf(how.from).id);
      const tree = new Map(start === undefined ? [] : commitOf(remote, start).tree);
      for (const [path, content] of Object.entries(files)) {
        if (content === null) tree.delete(path);
        else tree.set(path, memoryFile(Buffer.from(content as string)));
      }
      return put(branch, tree, start === undefined ? [] : [start], how, `Change ${Object.keys(files).join(", ")}`);
    },
    commitSymlink(branch, path, target, how) {
      const head = headOf(branch);
      return put(
        branch,
        new Map(head.tree).set(path, memoryFile(Buffer.from(target), "120000")),
        [head.id],
        how,
        `Link ${path}`,
      );
    },
    merge(from, into, how) {
      const ours = headOf(into);
      const theirs = headOf(from);
      if (reachable(remote, ours.id).has(theirs.id)) return ours.id;
      const base = mergeBase(remote, ours.id, theirs.id);
      if (how.mode === "fastForward") {
        if (base?.id !== ours.id) throw new Error(`"${from}" is not ahead of "${into}": no fast-forward`);
        remote.branches.set(into, theirs.id);
        return theirs.id;
      }
      return put(
        into,
        mergeTrees(base?.tree ?? new Map(), ours.tree, theirs.tree),
        [ours.id, theirs.id],
        how,
        `Merge branch '${from}'`,
      );
    },
    revert(branch, commit, how) {
      const head = headOf(branch);
      const undone = commitOf(remote, commit);
      const before =
        undone.parents[0] === undefined ? new Map<string, MemoryFile>() : commitOf(remote, undone.parents[0]).tree;
      return put(
        branch,
        mergeTrees(undone.tree, head.tree, before),
        [head.id],
        how,
        `Revert "${undone.message.split("\n")[0] ?? ""}"`,
      );
    },
    forcePush(branch, commit) {
      remote.branches.set(branch, commitOf(remote, commit).id);
    },
    deleteBranch(branch) {
      remote.branches.delete(branch);
    },
    text: (branch, path) => {
      const head = remote.branches.get(branch);
      return head === undefined ? undefined : commitOf(remote, head).tree.get(path)?.bytes.toString("utf8");
    },
  };
}

/** Three-way merge of whole trees. Throws Error "merge conflict in PATH". */
function mergeTrees(base: MemoryTree, ours: MemoryTree, theirs: MemoryTree): MemoryTree {
  const merged = new Map(ours);
  for (const path of new Set([...base.keys(), ...theirs.keys()])) {
    const [was, left, right] = [base.get(path), ours.get(path), theirs.get(path)];
    if (right?.blob === was?.blob || right?.blob === left?.blob) continue;
    if (left?.blob === was?.blob) {
      if (right === undefined) merged.delete(path);
      else merged.set(path, right);
      continue;
    }
    const text =
      left === undefined || right === undefined
        ? undefined
        : mergeText(was?.bytes.toString("utf8") ?? "", left.bytes.toString("utf8"), right.bytes.toString("utf8"));
    if (text === undefined) throw new Error(`merge conflict in ${path}`);
    merged.set(path, memoryFile(Buffer.from(text), left?.mode ?? "100644"));
  }
  return merged;
}
