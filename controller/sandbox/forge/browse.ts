// Requests to the forge's pages. Reading needs nobody's name; a button is pressed by the sandbox's visitor, and only from a page
// that this server showed: the form carries an HMAC over the pull request, and requests for another host name are refused
// (a page elsewhere can reach loopback through DNS rebinding).
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { CommitSha } from "../../git/port.ts";
import { issuePage, listPage, problemPage, pullPage, type Verdict } from "./pages.ts";
import { Refusal } from "./refusal.ts";
import type { ForgeRepository } from "./repository.ts";
import type { ForgeAddress } from "./shapes-repository.ts";
import { type Answer, readBody } from "./wire.ts";

export interface BrowseOptions {
  readonly at: ForgeAddress;
  readonly repository: ForgeRepository;
  /** Whose name a pressed button carries. */
  readonly visitor: string;
  /** Random per server. */
  readonly secret: Buffer;
}

function formToken(secret: Buffer, number: number): string {
  return createHmac("sha256", secret).update(`pull ${number}`).digest("hex");
}

/** What is said of a commit, the newest of each name. */
function verdictsOn(repository: ForgeRepository, commit: CommitSha): readonly Verdict[] {
  const newest = new Map<string, Verdict>();
  for (const { name, state, title, author } of [...repository.statuses(commit)].reverse())
    newest.set(name, { name, state: state === "error" ? "failure" : state, title, author, summary: "", lines: [] });
  for (const run of repository.checks.all()) {
    if (run.commit !== commit) continue;
    const over = run.conclusion === "success" ? "success" : "failure";
    newest.set(run.name, {
      name: run.name,
      state: run.status === "completed" ? over : "pending",
      title: run.title ?? "",
      author: run.author,
      summary: run.summary ?? "",
      lines: run.annotations.map(({ path, start_line: line, message }) => ({ path, line, message })),
    });
  }
  return [...newest.values()];
}

async function showIssue({ at, repository }: BrowseOptions, number: number): Promise<Answer> {
  return await repository.exclusively("somebody", () => {
    const issue = repository.issues.find(number);
    if (issue === undefined) throw new Refusal(404, "Not found");
    return Promise.resolve(issuePage(at, issue));
  });
}

async function showPull(options: BrowseOptions, number: number): Promise<Answer> {
  const { at, repository, secret } = options;
  return await repository.exclusively("somebody", async () => {
    const pull = repository.pull(number);
    const [mergeable, files, commits] = await Promise.all([
      repository.mergeable(number),
      repository.files(number, "patches"),
      repository.commits(number),
    ]);
    const verdicts = verdictsOn(repository, pull.headSha);
    return pullPage(at, { pull, verdicts, mergeable, files, commits, token: formToken(secret, number) });
  });
}

async function press(
  options: BrowseOptions,
  request: IncomingMessage,
  number: number,
  action: string,
): Promise<Answer> {
  const { at, repository, visitor, secret } = options;
  const origin = request.headers.origin;
  const form = new URLSearchParams((await readBody(request, 16_384)).toString("utf8"));
  const sent = Buffer.from(form.get("token") ?? "");
  const expected = Buffer.from(formToken(secret, number));
  if (
    (origin !== undefined && origin !== at.url) ||
    sent.length !== expected.length ||
    !timingSafeEqual(sent, expected)
  ) {
    throw new Refusal(403, "This form is not from this page. Open the pull request and press the button again.");
  }
  await repository.exclusively(visitor, async () => {
    if (action === "merge")
      await repository.merge(number, visitor, { method: "merge", sha: form.get("sha") ?? undefined });
    else await repository.change(number, visitor, { state: "closed" });
  });
  return { status: 303, headers: { location: `/${at.owner}/${at.repository}/pull/${number}` } };
}

async function route(options: BrowseOptions, request: IncomingMessage, url: URL): Promise<Answer> {
  const { at, repository } = options;
  const method = request.method ?? "GET";
  const prefix = `/${at.owner}/${at.repository}`;
  if (method === "GET" && ["/", prefix, `${prefix}/`].includes(url.pathname))
    return { status: 302, headers: { location: `${prefix}/pulls` } };
  if (method === "GET" && url.pathname === `${prefix}/pulls`) {
    const state = url.searchParams.get("state") ?? "open";
    const pulls = await repository.exclusively("somebody", () => Promise.resolve(repository.pulls()));
    return listPage(at, pulls, ["closed", "all"].includes(state) ? state : "open");
  }
  const issue = /^\/issues\/(\d{1,9})$/.exec(url.pathname.startsWith(prefix) ? url.pathname.slice(prefix.length) : "");
  if (issue !== null && method === "GET") return await showIssue(options, Number(issue[1]));
  const match = url.pathname.startsWith(`${prefix}/pull/`)
    ? /^\/(\d{1,9})(?:\/(merge|close))?$/.exec(url.pathname.slice(`${prefix}/pull`.length))
    : null;
  if (match !== null && method === "GET" && match[2] === undefined) return await showPull(options, Number(match[1]));
  if (match !== null && method === "POST" && match[2] !== undefined)
    return await press(options, request, Number(match[1]), match[2]);
  throw new Refusal(404, "Not found");
}

/** Answers one request for a page. */
export async function answerPage(options: BrowseOptions, request: IncomingMessage, url: URL): Promise<Answer> {
  const port = new URL(options.at.url).port;
  const host = request.headers.host ?? "";
  if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(host))
    return problemPage(options.at, 403, `This forge answers on ${options.at.url} only`);
  try {
    return await route(options, request, url);
  } catch (error) {
    if (error instanceof Refusal) return problemPage(options.at, error.status, error.message);
    throw error;
  }
}
