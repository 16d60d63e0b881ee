// What the forge's contract asks of a forge under test: branches, people and faults, in a vocabulary that all forges share.
import type { Forge, MergeMethod, PullReview } from "../../controller/forge/port.ts";
import type { CommitSha } from "../../controller/git/port.ts";

/** A write as both forges name it. */
export type WriteName =
  | "create"
  | "label"
  | "update"
  | "comment"
  | "editComment"
  | "deleteComment"
  | "close"
  | "report"
  | "merge"
  | "createIssue"
  | "updateIssue";

export interface ForgeBench {
  /** More pull requests than a page of this forge's lists holds. */
  readonly many: number;
  readonly forge: Forge;
  /** A second client of the same forge. */
  readonly second: Forge;
  /** Makes or moves a branch from main with one file changed. */
  readonly branch: (name: string, path: string, text: string) => Promise<CommitSha>;
  readonly deleteBranch: (name: string) => Promise<void>;
  /** Merges a branch into main without the forge's button. */
  readonly pushMerge: (branch: string) => Promise<void>;
  readonly merge: (number: number, by: string) => Promise<CommitSha>;
  readonly closeByPerson: (number: number, by: string) => Promise<void>;
  readonly comments: (number: number) => Promise<readonly string[]>;
  /** Commits several files (null deletes) to a branch, made from main where it is missing. */
  readonly change: (branch: string, files: Readonly<Record<string, string | null>>) => Promise<CommitSha>;
  /** Where main is. */
  readonly main: () => Promise<{ readonly sha: CommitSha; readonly message: string; readonly parents: number }>;
  /** People: alice and bob may write. */
  readonly commentBy: (number: number, by: string, body: string) => Promise<void>;
  readonly reviewBy: (number: number, by: string, state: PullReview["state"], body: string) => Promise<void>;
  readonly issueBy: (by: string, title: string, body: string) => Promise<void>;
  /** mallory opens one into main from a fork. */
  readonly forkBy: (head: string, path: string, text: string) => Promise<number>;
  readonly makeDraft: (number: number) => Promise<void>;
  /** Verdicts on a commit, the newest of each name. */
  readonly verdicts: (
    commit: CommitSha,
  ) => Promise<Readonly<Record<string, { readonly state: string; readonly title: string }>>>;
  readonly issues: () => Promise<readonly { readonly title: string; readonly body: string; readonly open: boolean }[]>;
  readonly switchIssuesOff: () => Promise<void>;
  readonly allowMethods: (methods: readonly MergeMethod[]) => Promise<void>;
  /** Methods that this forge knows. */
  readonly methods: readonly MergeMethod[];
  /** The next write of that name fails so; undefined: all is well again. */
  readonly breakNext: (name: WriteName, fault: "failBefore" | "loseReply") => void;
  /** How many writes of that name were carried out. */
  readonly done: (name: WriteName) => number;
  readonly close: () => Promise<void>;
}

/** What a request says whose reply never came. */
export const lost = /connection|did not|fetch failed|socket|closed/i;

/** In the order in which Gitea answers them, which is by name. */
export const labels = ["ring/early", "ringward"];

export function proposal(head: string, body = "Evidence."): Parameters<Forge["open"]>[0] {
  return { head, base: "main", title: `Promote ${head}`, body, labels };
}

/** Strings that forges, databases and renderers have stumbled over. */
export const hostileTexts: readonly string[] = [
  "<script>alert(1)</script><img src=x onerror=alert(1)>",
  "@octocat fixes #1, closes GH-2 and resolves https://github.com/o/r/issues/3",
  "a | b \\| c\n|---|\n`` ` `` ~~~ \r\n\r\n\t\u00a0end",
  "\u202Eevil\u202C 🦄 \u{1F468}\u200D\u{1F469}\u200D\u{1F467} e\u0301 \uFEFF",
  '{"json": "yes", "quote": "\\""} %00 %2e%2e/ ${{ secrets.TOKEN }} $(id)',
];
