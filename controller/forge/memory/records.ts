// What a forge knows about one pull request, and how its branches' moves change that, as GitHub does it. Pure: the callers
// (the in-memory forge and the sandbox's forge) read git and the clock. A merged or closed record's head never moves again (A1).
import type { CommitSha } from "../../git/port.ts";
import type { Annotation } from "../port.ts";

export interface CommentRecord {
  readonly id: number;
  readonly author: string;
  readonly body: string;
  readonly createdTime: string;
  readonly updatedTime: string;
}

export interface ReviewRecord {
  readonly id: number;
  readonly author: string;
  readonly state: "Approved" | "ChangesRequested" | "Commented" | "Dismissed";
  readonly commit: CommitSha;
  readonly body: string;
  readonly time: string;
}

export interface IssueRecord {
  readonly number: number;
  readonly author: string;
  readonly title: string;
  readonly body: string;
  readonly state: "open" | "closed";
  readonly createdTime: string;
  readonly updatedTime: string;
  readonly closedTime: string | undefined;
  readonly closedBy: string | undefined;
}

/** What was said about a commit under one name; the newest of a name counts. */
export interface StatusRecord {
  readonly id: number;
  readonly commit: CommitSha;
  readonly name: string;
  readonly state: "success" | "failure" | "pending" | "error";
  readonly title: string;
  /** Markdown; empty where the forge takes none. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  readonly author: string;
  readonly time: string;
}

/** One pull request as plain data (it survives JSON). */
export interface PullRecord {
  readonly number: number;
  readonly head: string;
  readonly base: string;
  /** OWNER/NAME of the repository that its head lies in; undefined: this one. Such a head moves only when somebody says so. */
  readonly fork: string | undefined;
  readonly author: string;
  readonly createdTime: string;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly draft: boolean;
  readonly headSha: CommitSha;
  /** Where the base branch was last seen while this was open. */
  readonly baseSha: CommitSha;
  readonly state: "open" | "merged" | "closed";
  readonly updatedTime: string;
  readonly closedTime: string | undefined;
  /** Who closed it unmerged, where that is known. */
  readonly closedBy: string | undefined;
  readonly mergeCommit: CommitSha | undefined;
  readonly mergedBy: string | undefined;
  readonly comments: readonly CommentRecord[];
  readonly reviews: readonly ReviewRecord[];
}

/** Where an open pull request's branches are now; undefined: the branch is gone. */
export interface BranchFacts {
  readonly head: CommitSha | undefined;
  readonly base: CommitSha | undefined;
  /** True when the present head (the recorded one when its branch is gone) is reachable from the present base. */
  readonly headInBase: boolean;
  readonly time: string;
  /** Who moved the branches, when that is known. */
  readonly by: string | undefined;
}

/**
 * The record after its branches moved. As on GitHub: a base that moved over the head merges it; a head or base branch
 * that is gone closes it; a head that was pushed back into the base has nothing left to propose and closes too.
 */
export function settle(record: PullRecord, facts: BranchFacts): PullRecord {
  if (record.state !== "open") return record;
  const { head, base, time } = facts;
  if (head === record.headSha && base === record.baseSha) return record;
  const ended = { updatedTime: time, closedTime: time };
  const closed = { ...ended, state: "closed", closedBy: facts.by } as const;
  if (base === undefined) return { ...record, ...closed };
  if (facts.headInBase && base !== record.baseSha) {
    return {
      ...record,
      ...ended,
      state: "merged",
      headSha: head ?? record.headSha,
      mergeCommit: base,
      mergedBy: facts.by,
    };
  }
  if (head === undefined) return { ...record, ...closed, baseSha: base };
  if (facts.headInBase) return { ...record, ...closed, headSha: head, baseSha: base };
  const moved = head !== record.headSha;
  return { ...record, headSha: head, baseSha: base, updatedTime: moved ? time : record.updatedTime };
}
