// What people do on the in-memory forge: press its buttons, comment, review, set the repository up. Nothing here is a request of ours.
import type { CommitSha } from "../../git/port.ts";
import type { MergeMethod } from "../port.ts";
import type { IssueRecord, PullRecord, ReviewRecord, StatusRecord } from "./records.ts";
import {
  addComment,
  addIssue,
  closePull,
  findOpen,
  type ForgeRules,
  isAncestor,
  mergePull,
  now,
  observe,
  pullOf,
  savePull,
  type Store,
} from "./store.ts";

/** What people do on the forge. */
export interface MemoryForgePeople {
  pulls(): readonly PullRecord[];
  issues(): readonly IssueRecord[];
  /** Everything that was ever said about a commit, oldest first. */
  statuses(commit: CommitSha): readonly StatusRecord[];
  /** Presses Merge. Throws when it is not open or conflicts. */
  merge(number: number, by: string, method?: Exclude<MergeMethod, "rebase">): CommitSha;
  /** Closes it unmerged. */
  close(number: number, by: string): void;
  /** Opens it again; throws when the head branch is gone or was rewritten. */
  reopen(number: number, by: string): void;
  comment(number: number, by: string, body: string): void;
  review(number: number, by: string, state: ReviewRecord["state"], body?: string): void;
  label(number: number, labels: readonly string[]): void;
  setDraft(number: number, draft: boolean): void;
  openIssue(by: string, title: string, body: string): number;
  /** Opens one whose head lies in a repository of theirs; the commit need not be on a branch of ours. */
  openFromFork(request: {
    readonly fork: string;
    readonly head: string;
    readonly headSha: CommitSha;
    readonly base: string;
    readonly title: string;
    readonly by: string;
  }): number;
  setRules(change: Partial<ForgeRules>): void;
}

/** People at work on that forge. */
export function peopleOf(store: Store): MemoryForgePeople {
  const { git } = store.options;
  return {
    pulls() {
      observe(store);
      return [...store.pulls.values()];
    },
    issues: () => [...store.issues.values()],
    statuses: (commit) => store.statuses.filter((status) => status.commit === commit),
    merge(number, by, method = "merge") {
      observe(store);
      const record = pullOf(store, number);
      if (record.state !== "open") throw new Error(`pull request #${number} is ${record.state}: it cannot be merged`);
      const message =
        method === "squash"
          ? `${record.title} (#${number})\n`
          : `Merge pull request #${number} from ${record.head}\n\n${record.title}\n`;
      return mergePull(store, record, { by, method, message });
    },
    close(number, by) {
      observe(store);
      closePull(store, number, by);
    },
    reopen(number) {
      observe(store);
      const record = pullOf(store, number);
      const head = git.branches().get(record.head);
      const baseSha = git.branches().get(record.base);
      if (
        record.state !== "closed" ||
        head === undefined ||
        baseSha === undefined ||
        !isAncestor(git, record.headSha, head)
      )
        throw new Error(`pull request #${number} cannot be opened again`);
      if (findOpen(store, record.head, record.base) !== undefined)
        throw new Error(`another pull request is open for ${record.head}`);
      savePull(store, {
        ...record,
        state: "open",
        headSha: head,
        baseSha,
        closedTime: undefined,
        closedBy: undefined,
      });
    },
    comment: (number, by, body) => addComment(store, number, by, body),
    review(number, by, state, body = "") {
      observe(store);
      const record = pullOf(store, number);
      const review = { id: store.nextId++, author: by, state, commit: record.headSha, body, time: now(store) };
      savePull(store, { ...record, reviews: [...record.reviews, review] });
    },
    label(number, labels) {
      savePull(store, { ...pullOf(store, number), labels });
    },
    setDraft(number, draft) {
      savePull(store, { ...pullOf(store, number), draft });
    },
    openIssue: (by, title, body) => addIssue(store, by, title, body).number,
    openFromFork({ by, ...request }) {
      const baseSha = git.branches().get(request.base);
      if (baseSha === undefined) throw new Error(`there is no branch ${JSON.stringify(request.base)}`);
      return savePull(store, { ...newPull(store, by), ...request, baseSha, body: "" }).number;
    },
    setRules(change) {
      store.rules = { ...store.rules, ...change };
    },
  };
}

/** What every new pull request has alike. */
export function newPull(
  store: Store,
  author: string,
): Omit<PullRecord, "head" | "headSha" | "base" | "baseSha" | "title" | "body"> {
  const time = now(store);
  return {
    number: store.nextNumber++,
    fork: undefined,
    author,
    createdTime: time,
    labels: [],
    draft: false,
    state: "open",
    updatedTime: time,
    closedTime: undefined,
    closedBy: undefined,
    mergeCommit: undefined,
    mergedBy: undefined,
    comments: [],
    reviews: [],
  };
}
