// The Git data API: blobs, trees, commits and refs of the real repository on disk. What an App commits without an author is signed by GitHub;
// this forge has no key and only says whose it is.
import type { CommitSha } from "../../git/port.ts";
import { type CommitStamp, isBranchName } from "./plumbing.ts";
import { Refusal } from "./refusal.ts";
import { personOf } from "./repository.ts";
import { required, type RestContext, type Route, text } from "./rest-context.ts";
import { gitCommitShape, refShape } from "./shapes-git.ts";
import { type Answer, jsonAnswer } from "./wire.ts";

function isId(value: unknown): value is CommitSha {
  return typeof value === "string" && /^[0-9a-f]{40}$/.test(value);
}

function api(context: RestContext): string {
  return `${context.at.url}/api/v3/repos/${context.at.owner}/${context.at.repository}/git`;
}

async function postBlob(context: RestContext): Promise<Answer> {
  const encoding = text(context, "encoding") ?? "utf-8";
  if (encoding !== "utf-8" && encoding !== "base64") throw new Refusal(422, `${encoding} is not a supported encoding.`);
  const bytes = Buffer.from(required(context, "content"), encoding);
  const sha = await context.repository.git.blob(bytes);
  return jsonAnswer(context.request, 201, { url: `${api(context)}/blobs/${sha}`, sha });
}

async function getTree(context: RestContext): Promise<Answer> {
  const sha = context.path[0] ?? "";
  const tree = await context.repository.git.tree(sha);
  if (tree === undefined) throw new Refusal(404, "Not Found");
  return jsonAnswer(context.request, 200, { sha, url: `${api(context)}/trees/${sha}`, tree, truncated: false });
}

async function postTree(context: RestContext): Promise<Answer> {
  const wanted = context.body["tree"];
  if (!Array.isArray(wanted) || wanted.length === 0) throw new Refusal(422, "Invalid tree info");
  const items = wanted.map((item: unknown) => {
    const { path, mode, sha } = (item ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof path !== "string" || typeof mode !== "string" || (sha !== null && !isId(sha)))
      throw new Refusal(422, "tree.sha is not a valid SHA");
    return { path, mode, sha };
  });
  const sha = await context.repository.git.changeTree(required(context, "base_tree"), items);
  const tree = sha === undefined ? undefined : await context.repository.git.tree(sha);
  if (sha === undefined || tree === undefined) throw new Refusal(422, "GitRPC::BadObjectState");
  return jsonAnswer(context.request, 201, { sha, url: `${api(context)}/trees/${sha}`, tree, truncated: false });
}

async function getCommit(context: RestContext): Promise<Answer> {
  const commit = await context.repository.git.details((context.path[0] ?? "") as CommitSha);
  if (commit === undefined) throw new Refusal(404, "Not Found");
  return jsonAnswer(context.request, 200, gitCommitShape(context.at, commit));
}

async function postCommit(context: RestContext): Promise<Answer> {
  const parents: unknown = context.body["parents"];
  const tree = required(context, "tree");
  if (!Array.isArray(parents) || !parents.every(isId)) throw new Refusal(422, "Parents must be SHAs");
  if ((await context.repository.git.tree(tree)) === undefined) throw new Refusal(422, "Tree SHA does not exist");
  const who = personOf(context.login);
  const time = context.repository.clock.now();
  const stamp: CommitStamp = { author: who, committer: who, authorTime: time, time };
  const sha = await context.repository.git.commitTree(tree, parents, required(context, "message"), stamp);
  const made = await context.repository.git.details(sha);
  if (made === undefined) throw new Error(`commit ${sha} was not written`);
  return jsonAnswer(context.request, 201, gitCommitShape(context.at, made));
}

function branchOf(ref: string): string {
  const name = ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : "";
  if (!isBranchName(name)) throw new Refusal(422, "Reference name is invalid");
  return name;
}

async function postRef(context: RestContext): Promise<Answer> {
  const { repository } = context;
  const name = branchOf(required(context, "ref"));
  const to = context.body["sha"];
  if (!isId(to) || (await repository.git.details(to)) === undefined) throw new Refusal(422, "Object does not exist");
  if (repository.branches().has(name)) throw new Refusal(422, "Reference already exists");
  await repository.git.moveRefs([{ ref: `refs/heads/${name}`, to }]);
  return jsonAnswer(context.request, 201, refShape(context.at, name, to));
}

async function patchRef(context: RestContext): Promise<Answer> {
  const { repository } = context;
  const name = branchOf(`refs/heads/${decodeURIComponent(context.path[0] ?? "")}`);
  const to = context.body["sha"];
  const from = repository.branches().get(name);
  if (from === undefined) throw new Refusal(422, "Reference does not exist");
  if (!isId(to) || (await repository.git.details(to)) === undefined) throw new Refusal(422, "Object does not exist");
  if (context.body["force"] !== true && !(await repository.git.isAncestor(from, to)))
    throw new Refusal(422, "Update is not a fast forward");
  const { protection } = repository.rules();
  if (protection !== undefined && name === "main")
    throw new Refusal(422, `Repository rule violations found\n\n${protection}`);
  await repository.git.moveRefs([{ ref: `refs/heads/${name}`, from, to }]);
  return jsonAnswer(context.request, 200, refShape(context.at, name, to));
}

/** Paths below /repos/OWNER/REPOSITORY. */
export const gitRoutes: readonly Route[] = [
  ["POST", /^\/git\/blobs$/, postBlob],
  ["GET", /^\/git\/trees\/([0-9a-f]{40})$/, getTree],
  ["POST", /^\/git\/trees$/, postTree],
  ["GET", /^\/git\/commits\/([0-9a-f]{40})$/, getCommit],
  ["POST", /^\/git\/commits$/, postCommit],
  ["POST", /^\/git\/refs$/, postRef],
  ["PATCH", /^\/git\/refs\/heads(?:\/|%2F)(.+)$/, patchRef],
];
