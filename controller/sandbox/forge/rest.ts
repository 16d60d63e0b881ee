// The part of GitHub's REST API that Ringward and its users' tools need, as documented at docs.github.com/rest: paths, statuses,
// words and paging. One table of routes; each answers from the repository and holds no state of its own (A5, A7).
import type { IncomingMessage } from "node:http";
import type { PullRecord } from "../../forge/memory/records.ts";
import { isBranchName } from "./plumbing.ts";
import { Refusal } from "./refusal.ts";
import type { ForgeRepository, MergeMethod } from "./repository.ts";
import { list, numberOf, required, type RestContext, type Route, text } from "./rest-context.ts";
import { gitRoutes } from "./rest-git.ts";
import { issueRoutes } from "./rest-issues.ts";
import { verdictRoutes } from "./rest-verdicts.ts";
import { commitShape, fileShape, refShape } from "./shapes-git.ts";
import { type ForgeAddress, repositoryShape, viewerShape } from "./shapes-repository.ts";
import { pullDetailShape, pullShape, reviewShape } from "./shapes.ts";
import { type Answer, type Caller, errorAnswer, jsonAnswer, readBody } from "./wire.ts";

const byNewest = (key: "createdTime" | "updatedTime") => (one: PullRecord, other: PullRecord) =>
  one[key] === other[key] ? other.number - one.number : one[key] < other[key] ? 1 : -1;

/** GET /pulls: `head` counts only as `owner:branch`, as on GitHub. */
function listPulls(context: RestContext): Answer {
  const query = context.url.searchParams;
  const state = query.get("state") ?? "open";
  const head = query.get("head");
  const base = query.get("base");
  const sort = query.get("sort") ?? "created";
  const ascending = (query.get("direction") ?? (sort === "created" ? "desc" : "asc")) === "asc";
  const { lag } = context.repository;
  const newest = lag.lists > 0 ? Math.max(...context.repository.pulls().map(({ number }) => number)) : 0;
  lag.lists = Math.max(0, lag.lists - 1);
  const chosen = context.repository
    .pulls()
    .filter((pull) => newest === 0 || pull.number !== newest)
    .filter((pull) => state === "all" || (state === "open") === (pull.state === "open"))
    .filter((pull) => head === null || !head.includes(":") || head === `${context.at.owner}:${pull.head}`)
    .filter((pull) => base === null || pull.base === base)
    .sort(byNewest(sort === "updated" ? "updatedTime" : "createdTime"));
  if (ascending) chosen.reverse();
  return list(
    context,
    chosen.map((pull) => pullShape(context.at, pull)),
  );
}

async function detail(context: RestContext, record: PullRecord): Promise<unknown> {
  const { repository, at } = context;
  const [mergeable, files, commits] = await Promise.all([
    repository.mergeable(record.number),
    repository.files(record.number, "counts"),
    repository.commits(record.number),
  ]);
  return pullDetailShape(at, record, mergeable, files, commits.length);
}

async function createPull(context: RestContext): Promise<Answer> {
  const head = required(context, "head");
  const own = `${context.at.owner}:`;
  const record = await context.repository.open({
    head: head.startsWith(own) ? head.slice(own.length) : head,
    base: required(context, "base"),
    title: required(context, "title"),
    body: text(context, "body") ?? "",
    draft: context.body["draft"] === true,
    author: context.login,
  });
  return jsonAnswer(context.request, 201, await detail(context, record), {
    location: `${context.at.url}/api/v3/repos/${context.at.owner}/${context.at.repository}/pulls/${record.number}`,
  });
}

async function changePull(context: RestContext): Promise<Answer> {
  const state = text(context, "state");
  if (state !== undefined && state !== "open" && state !== "closed")
    throw new Refusal(422, "Validation Failed", [{ resource: "PullRequest", code: "invalid", field: "state" }]);
  const record = await context.repository.change(numberOf(context), context.login, {
    title: text(context, "title"),
    body: text(context, "body"),
    state,
  });
  return jsonAnswer(context.request, 200, await detail(context, record));
}

const methods: readonly string[] = ["merge", "squash", "rebase"] satisfies readonly MergeMethod[];

async function mergePull(context: RestContext): Promise<Answer> {
  const method = text(context, "merge_method") ?? "merge";
  if (!methods.includes(method))
    throw new Refusal(
      422,
      `Invalid request.\n\n${JSON.stringify(method)} is not a member of ["merge", "squash", "rebase"].`,
    );
  const sha = await context.repository.merge(numberOf(context), context.login, {
    method: method as MergeMethod,
    sha: text(context, "sha"),
    title: text(context, "commit_title"),
    message: text(context, "commit_message"),
    byApi: true,
  });
  return jsonAnswer(context.request, 200, { sha, merged: true, message: "Pull Request successfully merged" });
}

function findBranch(context: RestContext, missing: string): { readonly name: string; readonly sha: string } {
  const name = decodeURIComponent(context.path[0] ?? "");
  const sha = isBranchName(name) ? context.repository.branches().get(name) : undefined;
  if (sha === undefined) throw new Refusal(404, missing);
  return { name, sha };
}

function getBranch(context: RestContext): Answer {
  const { name, sha } = findBranch(context, "Branch not found");
  return jsonAnswer(context.request, 200, {
    name,
    commit: { sha, url: `${context.at.url}/api/v3/repos/${context.at.owner}/${context.at.repository}/commits/${sha}` },
    protected: false,
  });
}

function getRef(context: RestContext): Answer {
  const { name, sha } = findBranch(context, "Not Found");
  return jsonAnswer(context.request, 200, refShape(context.at, name, sha));
}

function rateLimit(context: RestContext): Answer {
  const core = { limit: 5000, used: 0, remaining: 5000, reset: 0 };
  return jsonAnswer(context.request, 200, { resources: { core }, rate: core });
}

const pull = String.raw`/pulls/(\d+)`;

/** Paths below /repos/OWNER/REPOSITORY. */
const routes: readonly Route[] = [
  ["GET", /^$/, (context) => jsonAnswer(context.request, 200, repositoryShape(context.at, context.repository.rules()))],
  ["GET", /^\/pulls$/, listPulls],
  ["POST", /^\/pulls$/, createPull],
  [
    "GET",
    new RegExp(`^${pull}$`),
    async (context) =>
      jsonAnswer(context.request, 200, await detail(context, context.repository.pull(numberOf(context)))),
  ],
  ["PATCH", new RegExp(`^${pull}$`), changePull],
  ["PUT", new RegExp(`^${pull}/merge$`), mergePull],
  [
    "GET",
    new RegExp(`^${pull}/merge$`),
    (context) =>
      context.repository.pull(numberOf(context)).state === "merged" ? { status: 204 } : errorAnswer(404, "Not Found"),
  ],
  [
    "GET",
    new RegExp(`^${pull}/files$`),
    async (context) =>
      list(
        context,
        (await context.repository.files(numberOf(context), "patches")).map((file) =>
          fileShape(context.at, context.repository.pull(numberOf(context)).headSha, file),
        ),
      ),
  ],
  [
    "GET",
    new RegExp(`^${pull}/commits$`),
    async (context) =>
      list(
        context,
        (await context.repository.commits(numberOf(context))).map((commit) => commitShape(context.at, commit)),
      ),
  ],
  [
    "GET",
    new RegExp(`^${pull}/reviews$`),
    (context) =>
      list(
        context,
        context.repository
          .pull(numberOf(context))
          .reviews.map((review) => reviewShape(context.at, numberOf(context), review)),
      ),
  ],
  ["GET", /^\/branches\/(.+)$/, getBranch],
  ["GET", /^\/git\/ref\/heads(?:\/|%2F)(.+)$/, getRef],
  ...gitRoutes,
  ...issueRoutes,
  ...verdictRoutes,
];

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBody(request);
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
  if (Array.isArray(value)) return { labels: value };
  if (typeof value !== "object" || value === null) throw new Refusal(400, "Body should be a JSON object");
  return value as Readonly<Record<string, unknown>>;
}

/** Answers one request under /api/v3. */
export async function answerRest(options: {
  readonly at: ForgeAddress;
  readonly repository: ForgeRepository;
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly caller: Caller;
}): Promise<Answer> {
  const { at, repository, request, url, caller } = options;
  const method = request.method ?? "GET";
  if (caller.kind === "refused") return errorAnswer(401, "Bad credentials");
  const login = caller.kind === "login" ? caller.login : "";
  const path = url.pathname.slice("/api/v3".length);
  const context: RestContext = { at, repository, request, url, login, path: [], body: {} };
  if (method === "GET" && path === "/rate_limit") return rateLimit(context);
  if (method === "GET" && path === "/user")
    return login === ""
      ? errorAnswer(401, "Requires authentication")
      : jsonAnswer(request, 200, viewerShape(at, login));
  const prefix = `/repos/${at.owner}/${at.repository}`;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return errorAnswer(404, "Not Found");
  const rest = path.slice(prefix.length);
  for (const [wanted, pattern, answer] of routes) {
    const match = wanted === method ? pattern.exec(rest) : null;
    if (match === null) continue;
    if (method !== "GET" && login === "") return errorAnswer(401, "Requires authentication");
    const body = method === "GET" ? {} : await readJson(request);
    return await repository.exclusively(
      login === "" ? "somebody" : login,
      async () => await answer({ ...context, path: match.slice(1), body }),
    );
  }
  return errorAnswer(404, "Not Found");
}
