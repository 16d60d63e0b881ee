// GitHub (and GitHub Enterprise Server) through octokit. Holds A5: at most one open pull request per head, also after lost replies:
// we look before we open and again after an unclear answer. Reads may be repeated, writes never blindly. Approval is not read here (A1).
// Octokit's own retry and throttling plugins are off: they keep timers of their own; pace.ts does their work on our clock.
import type { Octokit } from "octokit";
import type { Clock } from "../../clock.ts";
import { UserError, WaitError } from "../../errors.ts";
import type { Forge, PullRequest } from "../port.ts";
import { boundBody, boundTitle } from "../text.ts";
import { explain, failureOf, type ForgeFailure, withoutSecret } from "./failure.ts";
import { createPace, type Pace } from "./pace.ts";
import { nextPage, readPull, readPulls } from "./pulls.ts";

/** One request as metrics see it. */
export interface ForgeCall {
  readonly method: string;
  /** Route template ("/repos/{owner}/{repo}/pulls"), so that metrics stay bounded. */
  readonly route: string;
  /** 0: no answer. */
  readonly status: number;
  /** Milliseconds. */
  readonly duration: number;
  /** Requests left in the hour, if the forge said. */
  readonly remaining: number | undefined;
}

export interface GitHubForgeOptions {
  /** https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repository: string;
  /** Asked before every request, so that a renewed token is used at once. */
  readonly token: () => Promise<string>;
  /** Transport time. */
  readonly clock: Clock;
  readonly onRequest?: (call: ForgeCall) => void;
}

const pullsRoute = "/repos/{owner}/{repo}/pulls";
const pullRoute = "/repos/{owner}/{repo}/pulls/{pull_number}";
const commentsRoute = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
const labelsRoute = "/repos/{owner}/{repo}/issues/{issue_number}/labels";
const cachedPages = 64;
const mostPages = 1000;

interface Reply {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

interface Page {
  readonly etag: string;
  readonly pulls: readonly PullRequest[];
  readonly next: string | undefined;
}

function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d+){3}$/.test(url.hostname);
}

function checkAddress(apiUrl: string): URL {
  let url: URL;
  try {
    url = new URL(apiUrl);
  } catch {
    throw new UserError(
      "RW0710",
      `forge address ${JSON.stringify(apiUrl)} is not a URL`,
      "write https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise Server",
    );
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url))) {
    throw new UserError("RW0710", `forge address ${url.origin} would send our token in the clear`, "use https://");
  }
  if (url.username !== "" || url.password !== "")
    throw new UserError(
      "RW0710",
      `forge address ${url.origin} carries credentials`,
      "put the token into the file that the PolicyRepository's auth names",
    );
  return url;
}

/** Octokit is loaded at the first request: it costs a tenth of a second that most commands need not pay. */
async function loadOctokit(apiUrl: string): Promise<Octokit> {
  const { Octokit } = await import("octokit");
  const silent = (): void => undefined;
  return new Octokit({
    baseUrl: apiUrl.replace(/\/+$/, ""),
    userAgent: "ringward",
    retry: { enabled: false },
    throttle: { enabled: false },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

type Send = (
  kind: "read" | "write",
  method: string,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
) => Promise<Reply>;

function createSend(options: GitHubForgeOptions, pace: Pace): Send {
  const { clock } = options;
  let loading: Promise<Octokit> | undefined;
  const remainingOf = (headers: unknown): number | undefined => {
    const value = Number((headers as Record<string, unknown> | undefined)?.["x-ratelimit-remaining"] ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return (kind, method, route, parameters) =>
    pace.run(kind, async (signal) => {
      loading ??= loadOctokit(options.apiUrl);
      const octokit = await loading;
      const token = await options.token();
      const started = clock.monotonic();
      const tell = (status: number, headers: unknown): void =>
        options.onRequest?.({
          method,
          route: route.startsWith("/") ? route : pullsRoute,
          status,
          duration: clock.monotonic() - started,
          remaining: remainingOf(headers),
        });
      const headers = {
        "x-github-api-version": "2022-11-28",
        ...(parameters["headers"] as Record<string, string> | undefined),
        authorization: `Bearer ${token}`,
      };
      try {
        const { headers: _, ...rest } = parameters;
        // What a template does not use, octokit appends as a query: a next page's address has all it needs.
        const names = route.startsWith("/") ? { owner: options.owner, repo: options.repository } : {};
        const reply = await octokit.request(`${method} ${route}`, { ...names, ...rest, headers, request: { signal } });
        tell(reply.status, reply.headers);
        return { data: reply.data as unknown, headers: reply.headers };
      } catch (error) {
        const response = (error as { response?: { status?: number; headers?: unknown } } | null)?.response;
        tell(response?.status ?? 0, response?.headers);
        throw error;
      }
    });
}

/** Pages of pull requests, remembered by address with their ETag: an unchanged page costs no rate limit. */
function createPages(
  options: GitHubForgeOptions,
  send: Send,
): (query: Readonly<Record<string, string>>) => Promise<readonly PullRequest[]> {
  const pages = new Map<string, Page>();
  const origin = new URL(options.apiUrl).origin;

  function remember(key: string, page: Page): void {
    pages.delete(key);
    pages.set(key, page);
    for (const oldest of pages.keys()) {
      if (pages.size <= cachedPages) break;
      pages.delete(oldest);
    }
  }

  async function readPage(key: string, route: string, query: Readonly<Record<string, string>>): Promise<Page> {
    const known = pages.get(key);
    try {
      const reply = await send("read", "GET", route, {
        ...query,
        ...(known === undefined ? {} : { headers: { "if-none-match": known.etag } }),
      });
      const link = reply.headers["link"];
      const etag = reply.headers["etag"];
      const page: Page = {
        etag: typeof etag === "string" ? etag : "",
        pulls: readPulls(reply.data, options.owner, options.repository),
        next: nextPage(typeof link === "string" ? link : undefined),
      };
      if (page.etag !== "") remember(key, page);
      return page;
    } catch (error) {
      if (known === undefined || failureOf(error, options.clock.now()).kind !== "NotModified") throw error;
      remember(key, known);
      return known;
    }
  }

  return async (query) => {
    const found = new Map<number, PullRequest>();
    const wanted = { ...query, per_page: "100" };
    let page = await readPage(JSON.stringify(wanted), pullsRoute, wanted);
    for (let count = 1; ; count++) {
      // Newest first: while we page, new ones push items to later pages, so an item can come twice but never be missed.
      for (const pull of page.pulls) if (!found.has(pull.number)) found.set(pull.number, pull);
      if (page.next === undefined) return [...found.values()].sort((one, other) => other.number - one.number);
      // The token goes nowhere but to the forge, whatever its Link header says.
      if (new URL(page.next, options.apiUrl).origin !== origin)
        throw new Error(`the forge's next page is on another host: ${new URL(page.next).origin}`);
      if (count >= mostPages)
        throw new Error(`the forge has more than ${mostPages * 100} pull requests: we cannot read them all`);
      page = await readPage(page.next, page.next, {});
    }
  };
}

/** A forge on GitHub. Throws UserError for an address that cannot be used; talks to nobody until the first call. */
export function createGitHubForge(options: GitHubForgeOptions): Forge {
  const address = checkAddress(options.apiUrl);
  const place = `${address.host} ${options.owner}/${options.repository}`;
  const { clock } = options;
  const pace = createPace({ clock, writePause: isLoopback(address) ? 0 : 1000, timeout: 30_000, patience: 5000 });
  let lastToken: string | undefined;
  const send = createSend({ ...options, token: async () => (lastToken = await options.token()) }, pace);
  const listPages = createPages(options, send);

  /** Runs one call and turns whatever it throws into an error that names the object and carries no request. */
  async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserError || error instanceof WaitError || (error instanceof Error && !("status" in error)))
        throw error;
      throw explain(withoutSecret(failureOf(error, clock.now()), lastToken), place, doing);
    }
  }

  /** Some forges answer a list a moment late; the caller says how often to look. */
  async function findOpen(head: string, base: string): Promise<PullRequest | undefined> {
    const reply = await send("read", "GET", pullsRoute, {
      state: "open",
      head: `${options.owner}:${head}`,
      base,
      per_page: 100,
    });
    return readPulls(reply.data, options.owner, options.repository).find(
      (pull) => pull.state === "open" && pull.head === head && pull.base === base,
    );
  }

  async function create(request: Parameters<Forge["open"]>[0]): Promise<PullRequest> {
    try {
      const reply = await send("write", "POST", pullsRoute, {
        head: request.head,
        base: request.base,
        title: boundTitle(request.title),
        body: boundBody(request.body),
      });
      return readPull(reply.data);
    } catch (error) {
      const failure: ForgeFailure = failureOf(error, clock.now());
      if (
        error instanceof WaitError ||
        error instanceof UserError ||
        (failure.kind !== "Outage" && failure.kind !== "Unprocessable")
      )
        throw error;
      const claimed = failure.kind === "Unprocessable" && /already exists/i.test(failure.message);
      for (let look = 0; look < (claimed ? 3 : 1); look++) {
        if (look > 0) await clock.sleep(500 * look);
        const found = await findOpen(request.head, request.base);
        if (found !== undefined) return found;
      }
      throw error;
    }
  }

  /** Labels are decoration: GitHub takes them in a second call, and its failure must not lose the pull request. */
  async function addLabels(pull: PullRequest, labels: readonly string[]): Promise<PullRequest> {
    const missing = labels.filter((label) => !pull.labels.includes(label));
    if (missing.length === 0) return pull;
    try {
      await send("write", "POST", labelsRoute, { issue_number: pull.number, labels: missing });
      return { ...pull, labels: [...pull.labels, ...missing] };
    } catch {
      return pull;
    }
  }

  async function getPull(number: number): Promise<PullRequest> {
    try {
      return readPull((await send("read", "GET", pullRoute, { pull_number: number })).data);
    } catch (error) {
      if (failureOf(error, clock.now()).kind !== "NotFound") throw error;
      // The repository or just this number? The first is for a person to mend, the second is not.
      await send("read", "GET", "/repos/{owner}/{repo}", {});
      throw new Error(`${place}: there is no pull request #${number}`);
    }
  }

  async function hasComment(number: number, body: string): Promise<boolean> {
    const reply = await send("read", "GET", commentsRoute, { issue_number: number, per_page: 100 });
    return (
      Array.isArray(reply.data) &&
      reply.data.some((comment: unknown) => (comment as { body?: unknown } | null)?.body === body)
    );
  }

  return {
    list: (headPrefix) =>
      guarded("list pull requests", async () =>
        (await listPages({ state: "all", sort: "created", direction: "desc" })).filter((pull) =>
          pull.head.startsWith(headPrefix),
        ),
      ),

    open: (request) =>
      guarded(`open a pull request from ${request.head} into ${request.base}`, async () => {
        const pull = (await findOpen(request.head, request.base)) ?? (await create(request));
        return await addLabels(pull, request.labels);
      }),

    update: (number, change) =>
      guarded(`change pull request #${number}`, async () => {
        const fields = {
          ...(change.title === undefined ? {} : { title: boundTitle(change.title) }),
          ...(change.body === undefined ? {} : { body: boundBody(change.body) }),
        };
        if (Object.keys(fields).length === 0) return;
        try {
          await send("write", "PATCH", pullRoute, { pull_number: number, ...fields });
        } catch (error) {
          if (failureOf(error, clock.now()).kind !== "NotFound") throw error;
          await getPull(number);
          throw error;
        }
      }),

    close: (number, comment) =>
      guarded(`close pull request #${number}`, async () => {
        if ((await getPull(number)).state !== "open") return;
        const text = boundBody(comment);
        // After a lost reply the comment may be there already: people should read it once.
        if (text.trim() !== "" && !(await hasComment(number, text)))
          await send("write", "POST", commentsRoute, { issue_number: number, body: text });
        await send("write", "PATCH", pullRoute, { pull_number: number, state: "closed" });
      }),
  };
}
