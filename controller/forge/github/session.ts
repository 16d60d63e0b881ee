// One client's conversation with GitHub: requests through octokit at our pace, pages remembered with their ETag, errors that name the
// object and carry no request. Octokit's own retry and throttling plugins are off: they keep timers of their own; pace.ts does their work
// on our clock. The token goes nowhere but to the forge's own address.
import type { Octokit } from "octokit";
import type { Clock } from "../../clock.ts";
import { UserError, WaitError } from "../../errors.ts";
import { checkAddress, isLoopback } from "../address.ts";
import { boundFetch } from "../bounded.ts";
import { linkedPage, readLogin } from "../reading.ts";
import { explain, failureOf, type ForgeFailure, withoutSecret } from "../failure.ts";
import { createPace, type ForgeCall, type Pace } from "../pace.ts";

export interface GitHubForgeOptions {
  /** https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repository: string;
  /** Transport time. */
  readonly clock: Clock;
  readonly onRequest?: (call: ForgeCall) => void;
  /** The way there (`createFetch`); left out: the usual one. */
  readonly fetch?: typeof fetch | undefined;
}

/** Whom we speak as; a token is asked for before every request, so that a renewed one is used at once. */
export type Speaker = { readonly account: Account } | { readonly token: () => Promise<string> };

/** Whom we speak as: the owner of a token, or a GitHub App in one of its installations (`createAppAccount`). */
export interface Account {
  readonly kind: "Token" | "App";
  readonly appId?: number;
  /** Asked before every request, so that a renewed token is used at once. */
  readonly token: () => Promise<string>;
  /** The forge took that token no more; a new one is made for the next request. Left out: there is none but what `token` answers. */
  readonly refused?: (token: string) => void;
  /** Login, where another question than GET /user tells. */
  readonly login?: () => Promise<string>;
}

function accountOf(speaker: Speaker): Account {
  return "account" in speaker ? speaker.account : { kind: "Token", token: speaker.token };
}

interface Reply {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

type Parameters = Readonly<Record<string, unknown>>;

export interface Page<T> {
  readonly items: readonly T[];
  /** Addresses of other pages. */
  readonly next: string | undefined;
  readonly last: string | undefined;
}

/** What is asked page by page. */
export interface Listing<T> {
  readonly route: string;
  readonly parameters: Parameters;
  /** Reads one page's document. */
  readonly read: (data: unknown) => readonly T[];
  /** What else decides how it is read. */
  readonly readFor?: string;
}

export interface Session {
  /** "HOST OWNER/NAME", for messages. */
  readonly place: string;
  readonly owner: string;
  readonly repository: string;
  readonly clock: Clock;
  /** Routes that start with "/repos/{owner}/{repo}" are of our repository. */
  send(kind: "read" | "write", method: string, route: string, parameters: Parameters): Promise<Reply>;
  firstPage<T>(listing: Listing<T>): Promise<Page<T>>;
  /** The page at an address that a page of the same listing gave. */
  otherPage<T>(listing: Listing<T>, address: string): Promise<Page<T>>;
  failure(error: unknown): ForgeFailure;
  /** Runs one call and turns whatever it throws into an error that names the object and carries no request. */
  guarded<T>(doing: string, work: () => Promise<T>): Promise<T>;
  readonly account: Account["kind"];
  readonly appId: number | undefined;
  /** Login of the account that our token belongs to. */
  viewer(): Promise<string>;
}

const cachedPages = 64;
/** A page has a hundred pull requests, the longest of which have bodies of 64 KiB. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Octokit is loaded at the first request: it costs a tenth of a second that most commands need not pay. */
async function loadOctokit(apiUrl: string): Promise<Octokit> {
  const { Octokit } = await import("octokit");
  const silent = (): void => undefined;
  return new Octokit({
    baseUrl: apiUrl.replace(/(?<!\/)\/+$/, ""),
    userAgent: "ringward",
    retry: { enabled: false },
    throttle: { enabled: false },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

export interface SendOptions {
  readonly apiUrl: string;
  readonly owner: string;
  readonly repository: string;
  readonly account: Pick<Account, "token" | "refused">;
  readonly clock: Clock;
  readonly onRequest?: ((call: ForgeCall) => void) | undefined;
  readonly fetch?: typeof fetch | undefined;
}

/** Requests to that forge in that account's name, at that pace. */
export function createSend(options: SendOptions, pace: Pace): Session["send"] {
  const { clock } = options;
  let loading: Promise<Octokit> | undefined;
  const remainingOf = (headers: unknown): number | undefined => {
    const value = Number((headers as Record<string, unknown> | undefined)?.["x-ratelimit-remaining"] ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  async function request(token: string, asked: Asked, signal: AbortSignal): Promise<Reply> {
    loading ??= loadOctokit(options.apiUrl);
    const octokit = await loading;
    const started = clock.monotonic();
    const { method, route } = asked;
    const { headers: given, template = route, ...rest } = asked.parameters;
    const tell = (status: number, headers: unknown): void =>
      options.onRequest?.({
        method,
        route: String(template),
        status,
        duration: clock.monotonic() - started,
        remaining: remainingOf(headers),
      });
    const headers = {
      "x-github-api-version": "2022-11-28",
      ...(given as Record<string, string> | undefined),
      authorization: `Bearer ${token}`,
    };
    // What a template does not use, octokit appends as a query: a next page's address has all it needs.
    const names = route.includes("{owner}") ? { owner: options.owner, repo: options.repository } : {};
    // A redirect is not followed: whoever has our repository's old name now need not be who we mean.
    const how = {
      signal,
      redirect: "manual",
      fetch: boundFetch(options.fetch ?? fetch, MOST_BYTES),
    } as const;
    let reply: Awaited<ReturnType<Octokit["request"]>>;
    try {
      reply = await octokit.request(`${method} ${route}`, { ...names, ...rest, headers, request: how });
    } catch (error) {
      // Octokit wraps what `fetch` threw; a file that a person must mend is told as it is.
      if (error instanceof Error && error.cause instanceof UserError) throw error.cause;
      const response = (error as { response?: { status?: number; headers?: unknown } } | null)?.response;
      tell(response?.status ?? 0, response?.headers);
      throw error;
    }
    tell(reply.status, reply.headers);
    if (reply.status >= 300) throw Object.assign(new Error("redirected"), { status: reply.status, response: reply });
    return { data: reply.data as unknown, headers: reply.headers };
  }

  return (kind, method, route, parameters) =>
    pace.run(kind, async (signal) => {
      const asked = { method, route, parameters };
      const token = await options.account.token();
      try {
        return await request(token, asked, signal);
      } catch (error) {
        if (failureOf(error, clock.now()).kind !== "Unauthorized") throw error;
        // Nothing was done. A token that ended early, or was renewed in its file just now, costs one more request.
        options.account.refused?.(token);
        const next = await options.account.token();
        if (next === token) throw error;
        return await request(next, asked, signal);
      }
    });
}

interface Asked {
  readonly method: string;
  readonly route: string;
  readonly parameters: Parameters;
}

/** Pages remembered by address with their ETag: an unchanged page costs no rate limit. */
function createPages(options: GitHubForgeOptions, send: Session["send"]): Pick<Session, "firstPage" | "otherPage"> {
  const pages = new Map<string, Page<unknown> & { readonly etag: string }>();
  const { origin } = new URL(options.apiUrl);

  function remember(key: string, page: Page<unknown> & { readonly etag: string }): void {
    pages.delete(key);
    pages.set(key, page);
    for (const oldest of pages.keys()) {
      if (pages.size <= cachedPages) break;
      pages.delete(oldest);
    }
  }

  async function readPage<T>(listing: Listing<T>, route: string, parameters: Parameters): Promise<Page<T>> {
    // What was read is remembered as it was read: the reader is part of the key.
    const key = JSON.stringify([listing.route, listing.readFor, route, parameters]);
    const known = pages.get(key);
    try {
      const reply = await send("read", "GET", route, {
        ...parameters,
        template: listing.route,
        ...(known === undefined ? {} : { headers: { "if-none-match": known.etag } }),
      });
      const { link, etag } = reply.headers;
      const links = typeof link === "string" ? link : undefined;
      const page = {
        etag: typeof etag === "string" ? etag : "",
        items: listing.read(reply.data),
        next: linkedPage(links, "next"),
        last: linkedPage(links, "last"),
      };
      if (page.etag !== "") remember(key, page);
      return page;
    } catch (error) {
      if (known === undefined || failureOf(error, options.clock.now()).kind !== "NotModified") throw error;
      remember(key, known);
      return known as Page<T>;
    }
  }

  return {
    firstPage: (listing) => readPage(listing, listing.route, { ...listing.parameters, per_page: 100 }),
    otherPage(listing, address) {
      // The token goes nowhere but to the forge, whatever its Link header says.
      const url = new URL(address, options.apiUrl);
      if (url.origin !== origin) throw new Error(`the forge's next page is on another host: ${url.origin}`);
      return readPage(listing, address, {});
    },
  };
}

/** A session; talks to nobody until the first call. Throws UserError RW0710 for an address that cannot be used. */
export function createSession(options: GitHubForgeOptions & Speaker): Session {
  const address = checkAddress(options.apiUrl);
  const { clock, owner, repository } = options;
  const place = `${address.host} ${owner}/${repository}`;
  const pace = createPace({ clock, writePause: isLoopback(address) ? 0 : 1000, timeout: 30_000, patience: 5000 });
  let lastToken: string | undefined;
  const account = accountOf(options);
  const token = async (): Promise<string> => (lastToken = await account.token());
  const send = createSend({ ...options, account: { ...account, token } }, pace);
  const failure = (error: unknown): ForgeFailure => failureOf(error, clock.now());
  let known: { readonly token: string; readonly login: string } | undefined;
  return {
    place,
    owner,
    repository,
    clock,
    send,
    ...createPages(options, send),
    failure,
    async guarded(doing, work) {
      try {
        return await work();
      } catch (error) {
        if (
          error instanceof UserError ||
          error instanceof WaitError ||
          (error instanceof Error && !("status" in error))
        )
          throw error;
        throw explain(withoutSecret(failure(error), lastToken), place, doing);
      }
    },
    account: account.kind,
    appId: account.appId,
    async viewer() {
      if (account.login !== undefined) return await account.login();
      const asked = await token();
      if (known === undefined || known.token !== asked)
        known = { token: asked, login: readLogin((await send("read", "GET", "/user", {})).data) };
      return known.login;
    },
  };
}

/** Every item of every page, at most `most` pages. Throws Error beyond. */
export async function readAll<T>(
  session: Session,
  listing: Listing<T>,
  most: number,
  what: string,
): Promise<readonly T[]> {
  const items: T[] = [];
  let page = await session.firstPage(listing);
  for (let count = 1; ; count++) {
    items.push(...page.items);
    if (page.next === undefined) return items;
    if (count >= most) throw new Error(`the forge has more than ${most * 100} ${what}: we cannot read them all`);
    page = await session.otherPage(listing, page.next);
  }
}

/**
 * The first page and the newest ones of a list that grows at its end, ten at most: nothing in between where there are more. What was
 * written early and what was written last are what people and we look for.
 */
export async function readEnds<T>(session: Session, listing: Listing<T>): Promise<readonly T[]> {
  const most = 10;
  let page = await session.firstPage(listing);
  const items = [...page.items];
  const end = Number(page.last === undefined ? Number.NaN : new URL(page.last).searchParams.get("page"));
  if (Number.isSafeInteger(end) && end > most && page.last !== undefined) {
    const start = new URL(page.last);
    start.searchParams.set("page", String(end - most + 2));
    page = await session.otherPage(listing, start.href);
    items.push(...page.items);
  }
  for (let count = 2; page.next !== undefined && count <= most + 1; count++) {
    page = await session.otherPage(listing, page.next);
    items.push(...page.items);
  }
  return items;
}
