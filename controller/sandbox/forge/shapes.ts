// Documents in the shape of GitHub's REST API (docs.github.com/rest, version 2022-11-28): the fields that octokit's users read.
// Pure: records in, JSON out.
import type { CommentRecord, IssueRecord, PullRecord, ReviewRecord, StatusRecord } from "../../forge/memory/records.ts";
import type { MergeMethod } from "../../forge/port.ts";
import type { CheckRecord } from "./checks.ts";
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
    type: login.endsWith("[bot]") ? "Bot" : "User",
    site_admin: false,
    url: `${at.url}/api/v3/users/${encodeURIComponent(login)}`,
    html_url: `${at.url}/${encodeURIComponent(login)}`,
  };
}

/** What a repository says of itself beyond its name. */
export interface RepositorySettings {
  readonly methods: readonly MergeMethod[];
  readonly hasIssues: boolean;
}

const plainSettings: RepositorySettings = { methods: ["merge", "squash", "rebase"], hasIssues: true };

export function appShape(at: ForgeAddress, app: { readonly appId: number; readonly slug: string }): Json {
  return {
    id: app.appId,
    slug: app.slug,
    node_id: `A_${app.appId}`,
    owner: userShape(at, at.owner),
    name: app.slug,
    description: null,
    external_url: at.url,
    html_url: `${at.url}/apps/${app.slug}`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    permissions: { checks: "write", contents: "write", issues: "write", pull_requests: "write" },
    events: [],
  };
}

export function repositoryShape(
  at: ForgeAddress,
  settings: RepositorySettings = plainSettings,
  name = `${at.owner}/${at.repository}`,
): Json {
  const [owner = "", repository = ""] = name.split("/");
  const fork = name !== `${at.owner}/${at.repository}`;
  return {
    id: numberOf(name),
    node_id: `R_${numberOf(name)}`,
    name: repository,
    full_name: name,
    private: false,
    owner: userShape(at, owner),
    html_url: `${at.url}/${name}`,
    url: `${at.url}/api/v3/repos/${name}`,
    clone_url: `${at.url}/${name}.git`,
    fork,
    has_issues: settings.hasIssues,
    archived: false,
    disabled: false,
    default_branch: "main",
    permissions: { admin: false, maintain: false, push: true, triage: true, pull: true },
    allow_merge_commit: settings.methods.includes("merge"),
    allow_squash_merge: settings.methods.includes("squash"),
    allow_rebase_merge: settings.methods.includes("rebase"),
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
    url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/issues/comments/${comment.id}`,
    html_url: `${pullUrl(at, number)}#issuecomment-${comment.id}`,
    issue_url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/issues/${number}`,
    body: comment.body,
    user: userShape(at, comment.author),
    created_at: comment.createdTime,
    updated_at: comment.updatedTime,
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

export function reviewShape(at: ForgeAddress, number: number, review: ReviewRecord): Json {
  const states = {
    Approved: "APPROVED",
    ChangesRequested: "CHANGES_REQUESTED",
    Commented: "COMMENTED",
    Dismissed: "DISMISSED",
  } as const;
  const address = `${pullUrl(at, number)}#pullrequestreview-${review.id}`;
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}/pulls/${number}`;
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
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}`;
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

export function statusShape(at: ForgeAddress, status: StatusRecord): Json {
  return {
    id: status.id,
    node_id: `SC_${status.id}`,
    url: `${at.url}/api/v3/repos/${at.owner}/${at.repository}/statuses/${status.commit}`,
    avatar_url: "",
    state: status.state,
    description: status.title === "" ? null : status.title,
    target_url: null,
    context: status.name,
    created_at: status.time,
    updated_at: status.time,
    creator: userShape(at, status.author),
  };
}

export function refShape(at: ForgeAddress, branch: string, sha: string): Json {
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}/git`;
  return {
    ref: `refs/heads/${branch}`,
    node_id: `REF_${branch}`,
    url: `${api}/refs/heads/${branch}`,
    object: { type: "commit", sha, url: `${api}/commits/${sha}` },
  };
}

/** A commit as the Git data API shows it. */
export function gitCommitShape(at: ForgeAddress, commit: CommitDetails): Json {
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}/git`;
  const page = `${at.url}/${at.owner}/${at.repository}/commit`;
  const stamp = (who: CommitDetails["author"]): Json => ({
    name: who.name,
    email: who.email,
    date: new Date(who.time).toISOString().replace(".000Z", "Z"),
  });
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url: `${api}/commits/${commit.sha}`,
    html_url: `${page}/${commit.sha}`,
    author: stamp(commit.author),
    committer: stamp(commit.committer),
    message: commit.message,
    tree: { sha: commit.tree, url: `${api}/trees/${commit.tree}` },
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${page}/${sha}` })),
    verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
  };
}

export function checkShape(at: ForgeAddress, run: CheckRecord): Json {
  const api = `${at.url}/api/v3/repos/${at.owner}/${at.repository}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    head_sha: run.commit,
    external_id: run.externalId,
    url: api,
    html_url: `${at.url}/${at.owner}/${at.repository}/runs/${run.id}`,
    details_url: at.url,
    status: run.status,
    conclusion: run.conclusion ?? null,
    started_at: run.startedTime,
    completed_at: run.completedTime ?? null,
    output: {
      title: run.title ?? null,
      summary: run.summary ?? null,
      text: null,
      annotations_count: run.annotations.length,
      annotations_url: `${api}/annotations`,
    },
    name: run.name,
    check_suite: { id: 1 },
    app: appShape(at, { appId: numberOf(run.author), slug: run.author.replace(/\[bot\]$/, "") }),
    pull_requests: [],
  };
}
