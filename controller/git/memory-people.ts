// What people do to the in-memory repository, and forges on their behalf: commits, merges, reverts, force-pushes. They are bound by
// nothing that binds Ringward: that is what they are for.
import type { Instant } from "../clock.ts";
import type { GitAuthor } from "./build-commit.ts";
import { commitMessage } from "./build-commit.ts";
import type { BranchStore, MemoryCommit, MemoryFile, MemoryTree } from "./memory-objects.ts";
import { addCommit, commitOf, memoryCommit, memoryFile, mergeBase, reachable } from "./memory-objects.ts";
import type { CommitSha } from "./port.ts";
import { mergeText } from "./three-way-merge.ts";

export interface PersonCommit {
  readonly message?: string;
  readonly time: Instant;
  readonly author?: GitAuthor;
  /** Who signs it; left out: nobody. */
  readonly signedBy?: string;
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
  /** Merges a branch (or a commit) as a forge does. Throws Error "merge conflict" naming the path. */
  merge(
    from: string,
    into: string,
    how: PersonCommit & { readonly mode: "fastForward" | "mergeCommit" | "squash" },
  ): CommitSha;
  /** Undoes one commit with a new one. */
  revert(branch: string, commit: CommitSha, how: PersonCommit): CommitSha;
  forcePush(branch: string, commit: CommitSha): void;
  deleteBranch(branch: string): void;
  /** Text of a file on a branch, or undefined. */
  text(branch: string, path: string): string | undefined;
}

/** People at work on a remote. */
export function people(remote: BranchStore): People {
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
    const id = addCommit(
      remote,
      memoryCommit(tree, parents, how.author ?? nobody, how.time, commitMessage(how.message ?? message), how.signedBy),
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
      const theirs = remote.commits.get(from as CommitSha) ?? headOf(from);
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
        how.mode === "squash" ? [ours.id] : [ours.id, theirs.id],
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
