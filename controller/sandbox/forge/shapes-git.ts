// Commits, refs and changed files in the shape of GitHub's REST API. Pure.
import type { CommitSha } from "../../git/port.ts";
import type { CommitDetails, FileChange } from "./plumbing.ts";
import { apiUrl, type ForgeAddress, type Json } from "./shapes-repository.ts";

export function refShape(at: ForgeAddress, branch: string, sha: string): Json {
  const api = `${apiUrl(at)}/git`;
  return {
    ref: `refs/heads/${branch}`,
    node_id: `REF_${branch}`,
    url: `${api}/refs/heads/${branch}`,
    object: { type: "commit", sha, url: `${api}/commits/${sha}` },
  };
}

/** A commit as the Git data API shows it. */
export function gitCommitShape(at: ForgeAddress, commit: CommitDetails): Json {
  const api = `${apiUrl(at)}/git`;
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

export function commitShape(at: ForgeAddress, commit: CommitDetails): Json {
  const stamp = (who: CommitDetails["author"]): Json => ({
    name: who.name,
    email: who.email,
    date: new Date(who.time).toISOString().replace(".000Z", "Z"),
  });
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url: `${apiUrl(at)}/commits/${commit.sha}`,
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

export function fileShape(at: ForgeAddress, commit: CommitSha, file: FileChange): Json {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const page = `${at.url}/${at.owner}/${at.repository}`;
  return {
    sha: file.blob,
    blob_url: `${page}/blob/${commit}/${path}`,
    raw_url: `${page}/raw/${commit}/${path}`,
    contents_url: `${apiUrl(at)}/contents/${path}?ref=${commit}`,
    filename: file.path,
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
  };
}
