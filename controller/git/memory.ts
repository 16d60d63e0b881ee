// The policy repository in memory: the same promises as repository.ts (one contract suite runs on both), with what tests and crash
// sweeps need: one shared remote with several handles, people's operations, a log of every operation, a fault at any of them, and cheap
// snapshots. Commits have git's own ids, so equal inputs give equal commits. Must never do what real git would refuse.
import type { Instant } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { GitAuthor } from "./build-commit.ts";
import { checkAuthor, checkEntries, checkFiles, commitMessage } from "./build-commit.ts";
import type { BranchStore, MemoryCommit, MemoryFile, MemoryTree } from "./memory-objects.ts";
import { addCommit, commitOf, fingerprint, memoryCommit, memoryFile, mergeBase, reachable } from "./memory-objects.ts";
import type { People } from "./memory-people.ts";
import { people } from "./memory-people.ts";
import { checkTarget, notOurs } from "./push.ts";
import type {
  CommitSha,
  FolderContent,
  GitSnapshot,
  NewCommit,
  PolicyFile,
  PolicyGit,
  PullContent,
  PushResult,
  SignatureVerdict,
} from "./port.ts";
import { judgeBytes, judgeEntries } from "./raw-folder.ts";
import { mergeText } from "./three-way-merge.ts";
import { nobodyTrusted } from "./trust.ts";
import {
  byPath,
  checkTotals,
  decodeBlob,
  defaultLimits,
  concernsPolicy,
  nameProblem,
  symlinkProblem,
  submoduleProblem,
  tooLarge,
  type ReadLimits,
} from "./snapshot-files.ts";
import { proposalPrefix } from "./store.ts";
import { checkBranch, checkCommit, checkPath } from "./url.ts";

export type { People } from "./memory-people.ts";

/** Every kind of operation that changes something. */
export const gitWrites = ["push", "deleteBranch"] as const;

/** One operation that a handle asked of the remote. `write` ones can change it. */
export interface GitOperation {
  /** 1, 2, 3 … over the life of the remote. */
  readonly sequence: number;
  readonly handle: string;
  readonly name: "fetch" | "readPull" | (typeof gitWrites)[number];
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

export interface MemoryRemote {
  /** A handle of its own: it knows only what it fetched. */
  open(options: {
    readonly branch: string;
    readonly author: GitAuthor;
    readonly name?: string;
    readonly limits?: Partial<ReadLimits>;
    /** Whose signatures are good; left out: nobody is asked for one. */
    readonly trusted?: readonly string[];
    /** Who signs our own commits. */
    readonly signer?: string;
    /** What it knows already and adds to, as a store on disk does. Left out: nothing. */
    readonly store?: Set<CommitSha>;
  }): PolicyGit;
  /** Decides the fault of each operation from now on. */
  setFault(fault: (operation: GitOperation) => GitFault): void;
  /** Told about each operation before it runs. Answers how to stop listening. */
  onOperation(listener: (operation: GitOperation) => void): () => void;
  /** Takes in a commit of another repository, as a transfer would; its parents must be here. */
  absorb(commit: MemoryCommit): void;
  snapshot(): MemorySnapshot;
  restore(snapshot: MemorySnapshot): void;
  readonly people: People;
}

interface Remote extends BranchStore {
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
    absorb(commit) {
      for (const parent of commit.parents) commitOf(remote, parent);
      addCommit(remote, commit);
    },
    snapshot: () => ({ branches: new Map(remote.branches) }),
    restore(snapshot) {
      remote.branches = new Map(snapshot.branches);
    },
    people: people(remote),
  };
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
  const known = options.store ?? new Set<CommitSha>();
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
        const before = view;
        view = new Map(
          [...remote.branches].filter(([branch]) => branch === options.branch || branch.startsWith(proposalPrefix)),
        );
        for (const id of view.values()) learn(id);
        const changed = view.size !== before.size || [...view].some(([branch, id]) => before.get(branch) !== id);
        return { head, changed };
      });
    },
    async isAncestor(ancestor, descendant) {
      checkCommit(ancestor);
      checkCommit(descendant);
      return known.has(ancestor) && known.has(descendant) && reachable(remote, descendant).has(ancestor);
    },
    async read(commit, path): Promise<GitSnapshot> {
      const found = get(commit);
      const checked = checkPath(path);
      const isFolder = checked === "" || [...found.tree.keys()].some((name) => name.startsWith(`${checked}/`));
      const files = readTree(found.tree, checked, limits);
      return { commit, time: found.time, files, ...(isFolder ? {} : { noFolder: true }) };
    },
    async readFolder(commit, path): Promise<FolderContent> {
      return readRaw(get(commit).tree, checkPath(path));
    },
    async parent(commit) {
      return get(commit).parents[0];
    },
    async lastChange(commit, path) {
      get(commit);
      return lastChange(remote, commit, checkPath(path));
    },
    async lastChanges(commit, paths) {
      get(commit);
      const found = paths.map((path) => [path, lastChange(remote, commit, checkPath(path))] as const);
      return new Map(found.flatMap(([path, last]) => (last === undefined ? [] : [[path, last] as const])));
    },
    async verify(commit, since) {
      get(commit);
      return judgeSigners(remote, options.trusted, commit, since, (id) => known.has(id));
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
    async readPull({ head, onto, path }): Promise<PullContent> {
      return operate(remote, { handle, name: "readPull", write: false }, (): PullContent => {
        const ours = get(onto);
        const theirs = commitOf(remote, checkCommit(head));
        const base = mergeBase(remote, onto, head);
        return mergeTrees(base?.tree ?? new Map<string, MemoryFile>(), ours.tree, theirs.tree, (tree) =>
          readTree(tree, checkPath(path), limits),
        );
      });
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

function push(
  remote: Remote,
  handle: string,
  options: Parameters<MemoryRemote["open"]>[0],
  parent: MemoryCommit,
  commit: NewCommit,
  learned: (branch: string, id: CommitSha) => void,
): PushResult {
  checkTarget(options.branch, commit.branch, commit.expect);
  checkFiles(commit.files);
  const tree = changeTree(parent.tree, commit.files);
  const made = memoryCommit(
    tree,
    [parent.id],
    options.author,
    commit.time,
    commitMessage(commit.message),
    options.signer,
  );
  if (options.trusted !== undefined && commit.branch === options.branch && !isTrusted(made, options.trusted))
    throw notOurs(options.branch, "it is not signed by anybody who is trusted", options.signer !== undefined);
  const result = operate(
    remote,
    { handle, name: "push", write: true, branch: commit.branch, commit: made.id },
    (): PushResult => {
      const at = remote.branches.get(commit.branch) ?? "absent";
      const tracked = commit.branch === options.branch;
      const fine = commit.expect !== undefined ? [commit.expect] : tracked ? [parent.id] : [parent.id, "absent"];
      if (at === made.id) return { kind: "Pushed", commit: made.id };
      if (!fine.includes(at)) return { kind: "Moved", at };
      remote.branches.set(commit.branch, addCommit(remote, made));
      return { kind: "Pushed", commit: made.id };
    },
  );
  if (result.kind === "Pushed") learned(commit.branch, made.id);
  return result;
}

/** As `git merge-tree` does it, but for renames. */
function mergeTrees(
  base: MemoryTree,
  ours: MemoryTree,
  theirs: MemoryTree,
  read: (tree: MemoryTree) => readonly PolicyFile[],
): PullContent {
  const merged = new Map<string, MemoryFile>();
  const conflicts: string[] = [];
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const [was, left, right] = [base.get(path), ours.get(path), theirs.get(path)];
    const taken = right?.blob === was?.blob ? left : left?.blob === was?.blob ? right : undefined;
    const text = (file: MemoryFile): string => file.bytes.toString("utf8");
    if (taken !== undefined) merged.set(path, taken);
    else if (right?.blob !== was?.blob && left?.blob !== was?.blob && left?.blob !== right?.blob) {
      const both =
        was === undefined || left === undefined || right === undefined
          ? undefined
          : mergeText(text(was), text(left), text(right));
      if (both === undefined || left === undefined) conflicts.push(path);
      else merged.set(path, memoryFile(Buffer.from(both), left.mode));
    } else if (left !== undefined && left.blob === right?.blob) merged.set(path, left);
  }
  return conflicts.length > 0
    ? { kind: "Conflicts", paths: conflicts.sort() }
    : { kind: "Merged", files: read(merged) };
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
    if (name === path || !concernsPolicy(file.mode, name)) continue;
    if (file.mode.startsWith("100") && file.bytes.length <= limits.maxFileBytes)
      blobs.set(file.blob, file.bytes.length);
    files.push({ path: name, blob: file.blob, ...(nameProblem(name) ?? contentOf(file, limits)) });
  }
  let bytes = 0;
  for (const size of blobs.values()) bytes += size;
  checkTotals(files.length, bytes, limits);
  return files.sort(byPath);
}

function readRaw(tree: MemoryTree, path: string): FolderContent {
  const entries = [...tree]
    .filter(([name]) => path === "" || name === path || name.startsWith(`${path}/`))
    .map(([name, { mode, bytes }]) => ({ path: name, mode, bytes, pathOk: true }))
    .sort(byPath);
  const wrong =
    judgeEntries(path, entries) ??
    judgeBytes(
      path,
      entries.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  if (wrong !== undefined) return { kind: "Refused", why: wrong };
  return { kind: "Read", files: entries.map(({ path: name, bytes }) => ({ path: name, bytes })) };
}

function contentOf(file: MemoryFile, limits: ReadLimits): Pick<PolicyFile, "text" | "problem"> {
  if (file.mode === "120000") return symlinkProblem;
  if (file.mode === "160000") return submoduleProblem;
  return file.bytes.length > limits.maxFileBytes ? tooLarge(file.bytes.length, limits) : decodeBlob(file.bytes);
}

function isTrusted({ signer }: MemoryCommit, trusted: readonly string[]): boolean {
  return signer !== undefined && trusted.includes(signer);
}

function judgeSigners(
  remote: Remote,
  trusted: readonly string[] | undefined,
  commit: CommitSha,
  since: CommitSha | undefined,
  isKnown: (id: CommitSha) => boolean,
): SignatureVerdict {
  if (trusted === undefined) throw nobodyTrusted();
  if (since !== undefined && !isKnown(checkCommit(since)))
    return { kind: "Unverified", commit, why: `${since.slice(0, 12)} is not in the repository` };
  const before = since === undefined ? undefined : reachable(remote, since);
  const news = before === undefined ? [] : [...reachable(remote, commit)].filter((id) => !before.has(id));
  // The nearest come first as they are walked: the oldest that is wrong is told.
  for (const id of [...news].reverse().concat(commit)) {
    const { signer } = commitOf(remote, id);
    if (!isTrusted(commitOf(remote, id), trusted))
      return {
        kind: "Unverified",
        commit: id,
        ...(signer === undefined
          ? { why: "it is not signed" }
          : { signer, why: "its key is not one of those that are trusted" }),
      };
  }
  return { kind: "Verified", commit, signer: commitOf(remote, commit).signer ?? "" };
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
