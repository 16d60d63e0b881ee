// The port to a forge (GitHub first). One interface, a folder per forge, one contract suite.
// A pull request is only a place to talk: approval is read from the tracked branch alone, never from here (A1, A7, A8).
import type { CommitSha } from "../git/port.ts";

export interface PullRequest {
  readonly number: number;
  /** For people. */
  readonly url: string;
  readonly state: "open" | "merged" | "closed";
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
}
