// Documents in the shape of GitHub's REST API (docs.github.com/rest, version 2022-11-28): the fields that octokit's users read.
// Pure: records in, JSON out.
import type { CommentRecord, IssueRecord, PullRecord, ReviewRecord } from "../../forge/memory/records.ts";
import type { FileChange } from "./plumbing.ts";
import {
  apiUrl,
  type ForgeAddress,
  type Json,
  numberOf,
  plainSettings,
  repositoryShape,
  userShape,
} from "./shapes-repository.ts";

function labelShape(at: ForgeAddress, name: string): Json {
  return {
    id: numberOf(name),
    node_id: `LA_${numberOf(name)}`,
    url: `${apiUrl(at)}/labels/${encodeURIComponent(name)}`,
    name,
    color: "ededed",
    default: false,
    description: "",
  };
}

export function labelsShape(at: ForgeAddress, names: readonly string[]): readonly Json[] {
  return names.map((name) => labelShape(at, name));
}

export function pullUrl(at: ForgeAddress, number: number): string {
  return `${at.url}/${at.owner}/${at.repository}/pull/${number}`;
}

function pullLinks(at: ForgeAddress, { number, headSha }: PullRecord): Json {
  const api = apiUrl(at);
  const link = (href: string): Json => ({ href });
  return {
    self: link(`${api}/pulls/${number}`),
    html: link(pullUrl(at, number)),
    issue: link(`${api}/issues/${number}`),
    comments: link(`${api}/issues/${number}/comments`),
    review_comments: link(`${api}/pulls/${number}/comments`),
    review_comment: link(`${api}/pulls/comments{/number}`),
    commits: link(`${api}/pulls/${number}/commits`),
    statuses: link(`${api}/statuses/${headSha}`),
  };
}

/** The fields that lists carry. */
export function pullShape(at: ForgeAddress, record: PullRecord): Json {
  const api = apiUrl(at);
  const side = (ref: string, sha: string, place = `${at.owner}/${at.repository}`): Json => {
    const owner = place.split("/")[0] ?? "";
    return {
      label: `${owner}:${ref}`,
      ref,
      sha,
      user: userShape(at, owner),
      repo: repositoryShape(at, plainSettings, place),
    };
  };
  return {
    id: record.number,
    node_id: `PR_${record.number}`,
    number: record.number,
    url: `${api}/pulls/${record.number}`,
    html_url: pullUrl(at, record.number),
    issue_url: `${api}/issues/${record.number}`,
    diff_url: `${pullUrl(at, record.number)}.diff`,
    patch_url: `${pullUrl(at, record.number)}.patch`,
    commits_url: `${api}/pulls/${record.number}/commits`,
    comments_url: `${api}/issues/${record.number}/comments`,
    review_comments_url: `${api}/pulls/${record.number}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    statuses_url: `${api}/statuses/${record.headSha}`,
    _links: pullLinks(at, record),
    state: record.state === "open" ? "open" : "closed",
    locked: false,
    title: record.title,
    user: userShape(at, record.author),
    body: record.body === "" ? null : record.body,
    labels: labelsShape(at, record.labels),
    milestone: null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    created_at: record.createdTime,
    updated_at: record.updatedTime,
    closed_at: record.closedTime ?? null,
    merged_at: record.state === "merged" ? (record.closedTime ?? null) : null,
    merge_commit_sha: record.mergeCommit ?? null,
    head: side(record.head, record.headSha, record.fork),
    base: side(record.base, record.baseSha),
    author_association: "COLLABORATOR",
    auto_merge: null,
    draft: record.draft,
  };
}

/** A single pull request: a list's fields and what GitHub computes for one. */
export function pullDetailShape(
  at: ForgeAddress,
  record: PullRecord,
  mergeable: boolean | undefined,
  files: readonly FileChange[],
  commits: number,
): Json {
  const sum = (pick: (file: FileChange) => number): number => files.reduce((total, file) => total + pick(file), 0);
  return {
    ...pullShape(at, record),
    merged: record.state === "merged",
    mergeable: mergeable ?? null,
    rebaseable: mergeable ?? null,
    mergeable_state: mergeable === undefined ? "unknown" : mergeable ? (record.draft ? "draft" : "clean") : "dirty",
    merged_by: record.mergedBy === undefined ? null : userShape(at, record.mergedBy),
    comments: record.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits,
    additions: sum((file) => file.additions),
    deletions: sum((file) => file.deletions),
    changed_files: files.length,
  };
}

export function commentShape(at: ForgeAddress, number: number, comment: CommentRecord): Json {
  return {
    id: comment.id,
    node_id: `IC_${comment.id}`,
    url: `${apiUrl(at)}/issues/comments/${comment.id}`,
    html_url: `${pullUrl(at, number)}#issuecomment-${comment.id}`,
    issue_url: `${apiUrl(at)}/issues/${number}`,
    body: comment.body,
    user: userShape(at, comment.author),
    created_at: comment.createdTime,
    updated_at: comment.updatedTime,
    author_association: "COLLABORATOR",
  };
}

export function reviewShape(at: ForgeAddress, number: number, review: ReviewRecord): Json {
  const states = {
    Approved: "APPROVED",
    ChangesRequested: "CHANGES_REQUESTED",
    Commented: "COMMENTED",
    Dismissed: "DISMISSED",
  } as const;
  const address = `${pullUrl(at, number)}#pullrequestreview-${review.id}`;
  const api = `${apiUrl(at)}/pulls/${number}`;
  return {
    id: review.id,
    node_id: `PRR_${review.id}`,
    user: userShape(at, review.author),
    body: review.body,
    state: states[review.state],
    html_url: address,
    pull_request_url: api,
    author_association: "COLLABORATOR",
    _links: { html: { href: address }, pull_request: { href: api } },
    submitted_at: review.time,
    commit_id: review.commit,
  };
}

/** An issue, or the issue side of a pull request. */
export function issueShape(at: ForgeAddress, record: IssueRecord | PullRecord): Json {
  const api = apiUrl(at);
  const pull = "headSha" in record ? record : undefined;
  const html =
    pull === undefined ? `${at.url}/${at.owner}/${at.repository}/issues/${record.number}` : pullUrl(at, record.number);
  const closer = pull?.mergedBy ?? record.closedBy;
  return {
    id: record.number,
    node_id: `I_${record.number}`,
    number: record.number,
    url: `${api}/issues/${record.number}`,
    repository_url: api,
    labels_url: `${api}/issues/${record.number}/labels{/name}`,
    comments_url: `${api}/issues/${record.number}/comments`,
    events_url: `${api}/issues/${record.number}/events`,
    html_url: html,
    state: record.state === "open" ? "open" : "closed",
    state_reason: record.state === "closed" ? "completed" : null,
    title: record.title,
    body: record.body === "" ? null : record.body,
    user: userShape(at, record.author),
    labels: labelsShape(at, pull?.labels ?? []),
    assignee: null,
    assignees: [],
    milestone: null,
    locked: false,
    comments: pull?.comments.length ?? 0,
    author_association: "COLLABORATOR",
    created_at: record.createdTime,
    updated_at: record.updatedTime,
    closed_at: record.closedTime ?? null,
    closed_by: closer === undefined ? null : userShape(at, closer),
    ...(pull === undefined
      ? {}
      : {
          pull_request: {
            url: `${api}/pulls/${record.number}`,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: pull.state === "merged" ? (pull.closedTime ?? null) : null,
          },
        }),
  };
}
