// Gitea's documents read into ours, where they differ from GitHub's (see ../reading.ts). Pure.
import type { CommitSha } from "../../git/port.ts";
import { type MergeMethod, mergeMethods, type PullRequest, type PullReview } from "../port.ts";
import { identity, login, object, readList, readPull, sha, string, time } from "../reading.ts";

/**
 * One pull request, as the repository `place` ("OWNER/NAME") sees it. The branch stands in `label`: `ref` becomes "refs/pull/N/head" once
 * the branch is gone. Of one that is closed, `headSha` is where the branch is now, if it is there.
 */
export function readGiteaPull(value: unknown, place: string): PullRequest {
  const { label } = object(object(value, "pull request")["head"], "head");
  const pull = readPull(value, place);
  // One that was pushed to refs/for/… has no branch at all.
  return typeof label === "string" && label !== "" ? { ...pull, head: label } : pull;
}

/** What is said of one pull request alone. */
export interface PullDetail {
  readonly pull: PullRequest;
  /** False: it conflicts, or that is not known yet; Gitea says the same for both. */
  readonly mergeable: boolean;
  /** Only where it is merged. */
  readonly merged: { readonly by: string; readonly time: string; readonly commit: CommitSha } | undefined;
}

export function readPullDetail(value: unknown, place: string): PullDetail {
  const pull = readGiteaPull(value, place);
  const document = object(value, "pull request");
  return {
    pull,
    mergeable: document["mergeable"] === true,
    merged:
      pull.state === "merged"
        ? {
            by: login(document["merged_by"], "merged_by"),
            time: time(document["merged_at"], "merged_at"),
            commit: sha(document["merge_commit_sha"], "merge_commit_sha"),
          }
        : undefined,
  };
}

const reviewStates: Readonly<Record<string, PullReview["state"]>> = {
  APPROVED: "Approved",
  REQUEST_CHANGES: "ChangesRequested",
  COMMENT: "Commented",
};

/** A review, and whether it is dismissed: by somebody, or by its author's next verdict. */
export interface GiteaReview extends PullReview {
  readonly dismissed: boolean;
}

/** Undefined: a review that is not submitted yet, or asked for only. */
export function readReview(value: unknown): GiteaReview | undefined {
  const review = object(value, "review");
  const state = reviewStates[string(review["state"], "state").toUpperCase()];
  if (state === undefined) return undefined;
  const commit = review["commit_id"];
  return {
    // A team that was asked has no user until one of it answers.
    author: login(review["user"], "user"),
    state,
    dismissed: review["dismissed"] === true,
    commit: typeof commit === "string" && commit !== "" ? sha(commit, "commit_id") : undefined,
    time: time(review["submitted_at"], "submitted_at"),
  };
}

export interface CommitStatus {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  readonly title: string;
}

/** Its state is called `status`. */
export function readStatus(value: unknown): CommitStatus {
  const status = object(value, "status");
  return {
    id: identity(status["id"], "status id"),
    name: string(status["context"], "context"),
    state: string(status["status"], "status"),
    title: typeof status["description"] === "string" ? status["description"] : "",
  };
}

/** Something that happened to an issue or pull request. */
export interface TimelineEvent {
  /** "close", "merge_pull", "comment" … */
  readonly type: string;
  readonly by: string;
}

export function readEvent(value: unknown): TimelineEvent {
  const event = object(value, "event");
  return { type: string(event["type"], "type"), by: login(event["user"], "user") };
}

export interface Label {
  readonly id: number;
  readonly name: string;
}

export function readLabel(value: unknown): Label {
  const label = object(value, "label");
  return { id: identity(label["id"], "label id"), name: string(label["name"], "label name") };
}

/** How many commits one side of a comparison has that the other lacks. */
export function readTotalCommits(value: unknown): number {
  const total = object(value, "comparison")["total_commits"];
  if (typeof total !== "number") throw new Error("the forge's answer has no total_commits");
  return total;
}

/** Where a ref is. The answer is a list where several begin with its name. */
export function readRef(value: unknown, name: string): CommitSha {
  const found = readList(Array.isArray(value) ? value : [value], "refs", (item) => object(item, "ref")).find(
    (ref) => ref["ref"] === name,
  );
  return sha(object(object(found, "ref")["object"], "object")["sha"], "object.sha");
}

/** False where the repository says that it has its issues switched off. */
export function readHasIssues(value: unknown): boolean {
  return object(value, "repository")["has_issues"] !== false;
}

/** The merge methods that the repository allows; what it does not say counts as allowed. */
export function readMergeMethods(value: unknown): readonly MergeMethod[] {
  const repository = object(value, "repository");
  const switches = { merge: "allow_merge_commits", squash: "allow_squash_merge", rebase: "allow_rebase" } as const;
  return mergeMethods.filter((method) => repository[switches[method]] !== false);
}
