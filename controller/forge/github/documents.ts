// GitHub's documents read into ours, field by field: what comes over the wire is untrusted, and a document without
// the fields we decide by is an error, never a guess. Pure.
import type { CommitSha } from "../../git/port.ts";
import { identity, login, object, readList, readPull, sha, string, time } from "../reading.ts";
import { type MergeMethod, mergeMethods, type PullRequest, type PullReview } from "../port.ts";

/** What GitHub says of one pull request alone. */
export interface PullDetail {
  readonly pull: PullRequest;
  /** Undefined: it has not computed it yet. */
  readonly mergeable: boolean | undefined;
  /** "clean", "blocked", "behind", "unstable", "dirty", "draft", "unknown" … */
  readonly mergeableState: string;
  /** Only where it is merged. */
  readonly merged: { readonly by: string; readonly time: string; readonly commit: CommitSha } | undefined;
}

export function readPullDetail(value: unknown, place: string): PullDetail {
  const pull = readPull(value, place);
  const document = object(value, "pull request");
  const { mergeable, mergeable_state: state, merge_commit_sha: commit } = document;
  return {
    pull,
    mergeable: typeof mergeable === "boolean" ? mergeable : undefined,
    mergeableState: typeof state === "string" ? state : "unknown",
    merged:
      pull.state === "merged"
        ? {
            by: login(document["merged_by"], "merged_by"),
            time: time(document["merged_at"], "merged_at"),
            commit: typeof commit === "string" ? sha(commit, "merge_commit_sha") : pull.headSha,
          }
        : undefined,
  };
}

const reviewStates: Readonly<Record<string, PullReview["state"]>> = {
  APPROVED: "Approved",
  CHANGES_REQUESTED: "ChangesRequested",
  COMMENTED: "Commented",
  DISMISSED: "Dismissed",
};

/** Undefined: a review that is not submitted yet, or of a kind that we do not know. */
export function readReview(value: unknown): PullReview | undefined {
  const review = object(value, "review");
  const state = reviewStates[string(review["state"], "state").toUpperCase()];
  if (state === undefined) return undefined;
  const commit = review["commit_id"];
  return {
    author: login(review["user"], "user"),
    state,
    commit: typeof commit === "string" && commit !== "" ? sha(commit, "commit_id") : undefined,
    time: time(review["submitted_at"], "submitted_at"),
  };
}

/** Who closed it, where the forge knows. */
export function readCloser(value: unknown): string | undefined {
  const closer = object(value, "issue")["closed_by"];
  return closer === null || closer === undefined ? undefined : login(closer, "closed_by");
}

export interface CommitStatus {
  readonly name: string;
  readonly state: string;
  readonly title: string;
}

export function readStatus(value: unknown): CommitStatus {
  const status = object(value, "status");
  return {
    name: string(status["context"], "context"),
    state: string(status["state"], "state"),
    title: typeof status["description"] === "string" ? status["description"] : "",
  };
}

export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly externalId: string;
  readonly completed: boolean;
  /** How many it has. */
  readonly annotations: number;
}

export function readCheckRuns(value: unknown): readonly CheckRun[] {
  return readList(object(value, "check runs")["check_runs"], "check runs", (item) => {
    const run = object(item, "check run");
    const { external_id: externalId } = run;
    const count = object(run["output"], "output")["annotations_count"];
    return {
      id: identity(run["id"], "check run id"),
      name: string(run["name"], "name"),
      externalId: typeof externalId === "string" ? externalId : "",
      completed: string(run["status"], "status") === "completed",
      annotations: typeof count === "number" ? count : 0,
    };
  });
}

/** The merge methods that the repository allows; what it does not say counts as allowed. */
export function readMergeMethods(value: unknown): readonly MergeMethod[] {
  const repository = object(value, "repository");
  const switches = { merge: "allow_merge_commit", squash: "allow_squash_merge", rebase: "allow_rebase_merge" } as const;
  return mergeMethods.filter((method) => repository[switches[method]] !== false);
}

/** The name that an App's account goes by. */
export function readSlug(value: unknown): string {
  return string(object(value, "App")["slug"], "slug");
}

export function readToken(value: unknown): { readonly token: string; readonly expires: number } {
  const made = object(value, "token");
  return { token: string(made["token"], "token"), expires: Date.parse(time(made["expires_at"], "expires_at")) };
}

/** Where a ref is; only of commits. */
export function readRef(value: unknown): CommitSha {
  const target = object(object(value, "ref")["object"], "object");
  if (target["type"] !== "commit") throw new Error("the forge's answer has a ref that is no commit");
  return sha(target["sha"], "object.sha");
}

/** The id of what was made: a blob, a tree, a commit. */
export function readSha(value: unknown): string {
  return sha(object(value, "object")["sha"], "sha");
}

export interface GitCommit {
  readonly tree: string;
  readonly parents: readonly CommitSha[];
  readonly message: string;
}

export function readGitCommit(value: unknown): GitCommit {
  const commit = object(value, "commit");
  return {
    tree: sha(object(commit["tree"], "tree")["sha"], "tree.sha"),
    parents: readList(commit["parents"], "parents", (parent) => sha(object(parent, "parent")["sha"], "parent.sha")),
    message: string(commit["message"], "message"),
  };
}

export interface TreeEntry {
  /** A name in its folder. */
  readonly path: string;
  /** "100644", "040000" … */
  readonly mode: string;
  readonly sha: string;
}

export function readTree(value: unknown): readonly TreeEntry[] {
  const tree = object(value, "tree");
  if (tree["truncated"] === true) throw new Error("the forge's answer is a tree that is cut");
  return readList(tree["tree"], "entries", (item) => {
    const entry = object(item, "entry");
    return {
      path: string(entry["path"], "path"),
      mode: string(entry["mode"], "mode"),
      sha: sha(entry["sha"], "sha"),
    };
  });
}

/** The commit that a merge made, where the answer says. */
export function readMergeCommit(value: unknown): CommitSha | undefined {
  const commit = object(value, "merge")["sha"];
  return typeof commit === "string" ? sha(commit, "sha") : undefined;
}
