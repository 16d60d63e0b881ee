// The port to a forge (GitHub first). One interface, a folder per forge, one contract suite.
// A pull request is only a place to talk: approval is read from the tracked branch alone, never from here (A1, A7, A8).
import type { CommitSha, NewCommit, PushResult } from "../git/port.ts";

export interface PullRequest {
  readonly number: number;
  /** For people. */
  readonly url: string;
  readonly state: "open" | "merged" | "closed";
  readonly draft: boolean;
  /** Its head lies in another repository. */
  readonly fork: boolean;
  /** Branch name without owner. */
  readonly head: string;
  readonly headSha: CommitSha;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  /** Login of who opened it. */
  readonly author: string;
  /** RFC 3339. */
  readonly createdTime: string;
  readonly closedTime?: string;
  /** When anything about it changed last, comments and labels included; to the second. RFC 3339. */
  readonly updatedTime: string;
}

/** One comment on a pull request. */
export interface PullComment {
  readonly id: number;
  readonly author: string;
  readonly body: string;
  /** RFC 3339. */
  readonly time: string;
  /** Written by the account that we use. */
  readonly mine: boolean;
}

export interface PullReview {
  readonly author: string;
  readonly state: "Approved" | "ChangesRequested" | "Commented" | "Dismissed";
  readonly commit: CommitSha | undefined;
  /** RFC 3339. */
  readonly time: string;
}

/** What became of a pull request and who had a say in it: for the record, never for a decision (A1). */
export interface PullHistory {
  /** `by` is "ghost" where the forge does not know. */
  readonly merged: { readonly by: string; readonly time: string; readonly commit: CommitSha } | undefined;
  /** Closed unmerged. */
  readonly closed: { readonly by: string | undefined; readonly time: string } | undefined;
  /** Newest last; at most 1,000, the newest of them. */
  readonly reviews: readonly PullReview[];
  /** Newest last; at most the first 100 and the newest 900. */
  readonly comments: readonly PullComment[];
}

export interface Annotation {
  /** From the repository's root. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column?: number;
  readonly severity: "failure" | "warning" | "notice";
  readonly title: string;
  readonly message: string;
}

/** A verdict on one commit, shown on its pull request: a check run where the forge and our account can, a commit status elsewhere. */
export interface Report {
  /** "ringward/plan", "ringward/validate". */
  readonly name: string;
  readonly commit: CommitSha;
  readonly state: "success" | "failure" | "pending";
  /** One line, cut at 140 characters. */
  readonly title: string;
  /** Markdown; only where checks are possible. */
  readonly summary?: string;
  /** Only where checks are possible. */
  readonly annotations?: readonly Annotation[];
}

/** In the order in which we would use them. */
export const mergeMethods = ["merge", "squash", "rebase"] as const;
export type MergeMethod = (typeof mergeMethods)[number];

export interface MergeRequest {
  /** Merged only where the head still is there. */
  readonly head: CommitSha;
  /** Title and text of the merge or squash commit; a rebase has none. */
  readonly title: string;
  readonly message: string;
  /** Default: what the repository allows, in the order merge, squash, rebase. */
  readonly method?: MergeMethod;
}

export type MergeResult =
  | { readonly kind: "Merged"; readonly commit: CommitSha | undefined }
  /** The head is elsewhere than we said: nothing was merged. */
  | { readonly kind: "Moved" }
  /** The forge has not decided yet, or says "try again": ask later. */
  | { readonly kind: "NotYet"; readonly message: string }
  /** Protection, conflicts, missing approvals, failing checks: not until a person or another check acts. */
  | { readonly kind: "Refused"; readonly message: string };

export interface KeptIssue {
  /** An HTML comment line that no other issue of ours holds. */
  readonly marker: string;
  readonly title: string;
  readonly body: string;
  readonly open: boolean;
}

export interface Forge {
  /** Every pull request, of any state, whose head branch starts with `headPrefix` in this repository (not forks), newest first. */
  list(headPrefix: string): Promise<readonly PullRequest[]>;
  /** Opens one; if an open one for that head and base exists already (a lost reply), answers that one (A5). */
  open(request: {
    readonly head: string;
    readonly base: string;
    readonly title: string;
    readonly body: string;
    readonly labels: readonly string[];
  }): Promise<PullRequest>;
  /** Changes title or body. */
  update(number: number, change: { readonly title?: string; readonly body?: string }): Promise<void>;
  /** Closes without merging and says why in a comment. Closing a closed one is fine. */
  close(number: number, comment: string): Promise<void>;
  /** Every open pull request into `base`, whoever made it, forks too, newest first. */
  listOpen(base: string): Promise<readonly PullRequest[]>;
  /** Paths that it changes (both names of a renamed file); `complete` is false where the forge cut the list. */
  files(number: number): Promise<{ readonly paths: readonly string[]; readonly complete: boolean }>;
  history(number: number): Promise<PullHistory>;
  /**
   * Our one comment that holds `marker` (an HTML comment line, put before a body that lacks it): made, or edited where its text differs;
   * never two, also after a lost reply. Where two clients made one at once, the older stays.
   */
  keepComment(number: number, marker: string, body: string): Promise<void>;
  /** Says the verdict unless the same one is said already. */
  report(report: Report): Promise<void>;
  /** Merges where the head still is `head`. One that is merged at that head already is Merged. */
  merge(number: number, request: MergeRequest): Promise<MergeResult>;
  /**
   * Our one issue whose body holds `marker`: made, edited, reopened or closed as said; undefined where there is none and none is wanted,
   * or the repository has no issues.
   */
  keepIssue(issue: KeptIssue): Promise<{ readonly number: number; readonly url: string } | undefined>;
  /** Present where commits can be made through the forge's API in our account's name (GitHub App: verified). Means what PolicyGit.push means. */
  readonly push?: (commit: NewCommit) => Promise<PushResult>;
}
