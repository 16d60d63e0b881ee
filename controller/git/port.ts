// The port to the policy repository. Two implementations pass one contract suite: `repository.ts` (system git through
// simple-git, bare, no work tree) and `memory.ts` (used by the crash sweep). Commits are named by their full hex id.
import type { Instant } from "../clock.ts";

export type CommitSha = string & { readonly __brand: "CommitSha" };

/** One file of a snapshot. `problem` says why its content was not read (symlink, submodule, too large, binary, broken UTF-8). */
export interface PolicyFile {
  /** Path from the repository's root, with `/`. */
  readonly path: string;
  /** Blob id; equal ids have equal content. */
  readonly blob: string;
  readonly text: string;
  readonly problem?: { readonly code: string; readonly message: string };
}

/** One file as its bytes are, whatever they mean. */
export interface RawFile {
  /** Path from the repository's root, with `/`; safe to write under a folder of ours. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A folder as a whole, or why it is not read: never a part of one. */
export type FolderContent =
  | { readonly kind: "Read"; readonly files: readonly RawFile[] }
  | { readonly kind: "Refused"; readonly why: string };

export interface GitSnapshot {
  readonly commit: CommitSha;
  /** Committer date of `commit`, ms since the epoch. */
  readonly time: Instant;
  /** Sorted by path. */
  readonly files: readonly PolicyFile[];
  /** The path is no folder there, but nothing, a file or a link: no files then, which is not the same as a policy of none. */
  readonly noFolder?: true;
}

export interface NewCommit {
  /** Branch to move (created if missing). */
  readonly branch: string;
  /** The commit that this one stands on; the push is refused unless the branch is there now (or missing, for a new branch). */
  readonly parent: CommitSha;
  /** What the branch must be at now for a forced move of a proposal branch: the commit, or `"absent"`. Omitted: must equal `parent`. */
  readonly expect?: CommitSha | "absent";
  /** Path -> new content, or null to delete. Everything else stays byte for byte. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly message: string;
  /** Author and committer date, ms: the caller's clock, so that runs can be repeated. */
  readonly time: Instant;
}

export type PushResult =
  | { readonly kind: "Pushed"; readonly commit: CommitSha }
  /** Somebody else moved the branch first; nothing was changed. Fetch and decide again. */
  | { readonly kind: "Moved"; readonly at: CommitSha | "absent" };

/** What every commit of ours keeps, whoever makes it: git here, or a forge by its API. */
export interface CommitRules {
  /** Throws Error or UserError where the branch is not ours to move, or a path is none. */
  check(tracked: string, commit: NewCommit): void;
  /** Git's mode for each file, from the modes of what is there (undefined: nothing). Throws UserError where that is no plain file or folder. */
  modes(files: NewCommit["files"], modeOf: (path: string) => string | undefined): ReadonlyMap<string, string>;
  /** The message as it is committed. */
  message(text: string): string;
}

/** What a pull request would bring. */
export type PullContent =
  /** The policy files as they would be after the merge. */
  | { readonly kind: "Merged"; readonly files: readonly PolicyFile[] }
  | { readonly kind: "Conflicts"; readonly paths: readonly string[] }
  /** Its head is elsewhere than we said. */
  | { readonly kind: "Moved"; readonly at: CommitSha };
/** Whether commits are signed by somebody who is trusted. Whatever is not known to be so is not. */
export type SignatureVerdict =
  | { readonly kind: "Verified"; readonly commit: CommitSha; readonly signer: string }
  /** `commit` is the oldest that is not verified; `signer` is who or which key seems to have signed it, if anything does. */
  | { readonly kind: "Unverified"; readonly commit: CommitSha; readonly signer?: string; readonly why: string };

export interface Fetched {
  /** Where the tracked branch is. */
  readonly head: CommitSha;
  /** False only where nothing moved, came or went: what was answered before the fetch still holds. */
  readonly changed: boolean;
}

export interface PolicyGit {
  /**
   * Fetches and answers where the tracked branch is, and whether any branch that we follow is elsewhere than it was known to be before.
   * Throws UserError (bad URL, no such branch, authentication) or the transport's error.
   */
  fetch(): Promise<Fetched>;
  /** True when `ancestor` is reachable from `descendant` (equal counts). Unknown commits are not ancestors. */
  isAncestor(ancestor: CommitSha, descendant: CommitSha): Promise<boolean>;
  /** All files under `path` ("" = root) at that commit that look like policy (.yaml, .yml, .json), within the byte caps. */
  read(commit: CommitSha, path: string): Promise<GitSnapshot>;
  /**
   * Every file under `path` at that commit, or the file that is there, sorted, within limits. Refused where nothing is there, where it is more than
   * is read, and where a link, a submodule or a name that no disk should get stands in it.
   */
  readFolder(commit: CommitSha, path: string): Promise<FolderContent>;
  /** The first parent, or undefined for a root commit. */
  parent(commit: CommitSha): Promise<CommitSha | undefined>;
  /** The newest commit reachable from `commit` that changed `path`, and its committer date. Undefined: never there. */
  lastChange(
    commit: CommitSha,
    path: string,
  ): Promise<{ readonly commit: CommitSha; readonly time: Instant } | undefined>;
  /**
   * `lastChange` of many files that are there at that commit, at the cost of one walk. What is said of a path that is not a file there is
   * not said for sure.
   */
  lastChanges(
    commit: CommitSha,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly commit: CommitSha; readonly time: Instant }>>;
  /**
   * Whether a commit is signed by somebody who is trusted and, where `since` is given, so is every commit that it brings beside `since`: both
   * sides of each merge. Throws UserError where it cannot be known because nobody is named as trusted, or the files are not there.
   */
  verify(commit: CommitSha, since?: CommitSha): Promise<SignatureVerdict>;
  /** First-parent history from `to` back to (not including) `from`, newest first; at most `limit`. */
  log(
    from: CommitSha | undefined,
    to: CommitSha,
    limit: number,
  ): Promise<
    readonly { readonly commit: CommitSha; readonly time: Instant; readonly author: string; readonly message: string }[]
  >;
  /** Where remote branches with that prefix are, after the last fetch. */
  branches(prefix: string): Promise<ReadonlyMap<string, CommitSha>>;
  /**
   * The files under `path` as they would be if the pull request's head were merged onto a commit that is here. Fetches the head as data; it
   * becomes no branch and moves nothing.
   */
  readPull(pull: {
    readonly number: number;
    readonly head: CommitSha;
    readonly onto: CommitSha;
    readonly path: string;
  }): Promise<PullContent>;
  /** Makes a commit and pushes it, as one atomic move of one branch. */
  push(commit: NewCommit): Promise<PushResult>;
  /** Deletes a remote branch if it still is at `at`. Deleting what is gone is fine. */
  deleteBranch(branch: string, at: CommitSha): Promise<void>;
}
