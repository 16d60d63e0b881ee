// Documents in the shape of GitHub's REST API (docs.github.com/rest, version 2022-11-28): the fields that octokit's users read.
// Pure: records in, JSON out.
import type { CommentRecord, PullRecord } from "../../forge/memory/records.ts";
import type { CommitDetails, FileChange } from "./plumbing.ts";

/** Where this forge lives and what it serves. */
export interface ForgeAddress {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly owner: string;
  readonly repository: string;
}

type Json = Readonly<Record<string, unknown>>;

function numberOf(text: string): number {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_000_007;
  return hash;
}

export function userShape(at: ForgeAddress, login: string): Json {
  return {
    login,
    id: numberOf(login),
    node_id: `U_${numberOf(login)}`,
    avatar_url: "",
    type: "User",
    site_admin: false,
    url: `${at.url}/api/v3/users/${encodeURIComponent(login)}`,
    html_url: `${at.url}/${encodeURIComponent(login)}`,
  };
}

export function repositoryShape(at: ForgeAddress): Json {
  const name = `${at.owner}/${at.repository}`;
  return {
    id: numberOf(name),
    node_id: `R_${numberOf(name)}`,
    name: at.repository,
    full_name: name,
    private: false,
    owner: userShape(at, at.owner),
    html_url: `${at.url}/${name}`,
    url: `${at.url}/api/v3/repos/${name}`,
    clone_url: `${at.url}/${name}.git`,
    fork: false,
    archived: false,
    disabled: false,
    default_branch: "main",
    permissions: { admin: false, maintain: false, push: true, triage: true, pull: true },
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
  };
}

function labelShape(at: ForgeAddress, name: string): Json {
  return {
    id: numberOf(name),
    node_id: `LA_${numberOf(name)}`,
    url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/labels/${encodeURIComponent(name)}`,
    name,
    color: "ededed",
    default: false,
    description: null,
  };
}

export function labelsShape(at: ForgeAddress, names: readonly string[]): readonly Json[] {
  return names.map((name) => labelShape(at, name));
}

export function pullUrl(at: ForgeAddress, number: number): string {
  return `${at.url}/${at.owner}/${at.repository}/pull/${number}`;
}

/** The fields that lists carry. */
export function pullShape(at: ForgeAddress, record: PullRecord): Json {
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}`;
  const side = (ref: string, sha: string): Json => ({
    label: `${at.owner}:${ref}`,
    ref,
    sha,
    user: userShape(at, at.owner),
    repo: repositoryShape(at),
  });
  return {
    id: record.number,
    node_id: `PR_${record.number}`,
    number: record.number,
    url: `${api}/pulls/${record.number}`,
    html_url: pullUrl(at, record.number),
    issue_url: `${api}/issues/${record.number}`,
    diff_url: `${pullUrl(at, record.number)}.diff`,
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
    head: side(record.head, record.headSha),
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
    url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/issues/comments/${comment.id}`,
    html_url: `${pullUrl(at, number)}#issuecomment-${comment.id}`,
    issue_url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/issues/${number}`,
    body: comment.body,
    user: userShape(at, comment.author),
    created_at: comment.createdTime,
    updated_at: comment.createdTime,
    author_association: "COLLABORATOR",
  };
}

export function commitShape(at: ForgeAddress, commit: CommitDetails): Json {
  const stamp = (who: CommitDetails["author"]): Json => ({
    name: who.name,
    email: who.email,
    date: new Date(who.time).toISOString().replace(".000Z", "Z"),
  });
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/commits/${commit.sha}`,
    commit: {
      author: stamp(commit.author),
      committer: stamp(commit.committer),
      message: commit.message,
      tree: { sha: commit.tree },
      comment_count: 0,
      verification: { verified: false, reason: "unsigned", signature: null, payload: null },
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({ sha })),
  };
}

export function fileShape(file: FileChange): Json {
  return {
    sha: file.blob,
    filename: file.path,
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
  };
}
