// One client's conversation with Gitea or Forgejo: JSON over HTTP on the PolicyRepository's way (authorities, proxy), at our pace, a most of
// bytes per reply, errors that name the object and carry no request. A redirect is not followed: whoever has our repository's old name now
// need not be who we mean. The token goes nowhere but to the forge's own address.
import type { Clock } from "../../clock.ts";
import { UserError, WaitError } from "../../errors.ts";
import { checkAddress } from "../address.ts";
import { readBody } from "../bounded.ts";
import { explain, failureOf, type ForgeFailure, withoutSecret } from "../failure.ts";
import { createPace, type ForgeCall } from "../pace.ts";
import { readList, readLogin } from "../reading.ts";

export interface GiteaForgeOptions {
  /** https://HOST/api/v1. */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repository: string;
  /** Asked before every request, so that a renewed token is used at once. */
  readonly token: () => Promise<string>;
  /** Where the way to the forge is not the usual one (its own authorities, a proxy). */
  readonly fetch?: typeof fetch | undefined;
  /** Transport time. */
  readonly clock: Clock;
  readonly onRequest?: (call: ForgeCall) => void;
}

export interface Asked {
  /** Fill the template's names. */
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface Session {
  /** "HOST OWNER/NAME", for messages. */
  readonly place: string;
  /** "OWNER/NAME". */
  readonly name: string;
  readonly clock: Clock;
  /** Routes that start with "/repos/{owner}/{repo}" are of our repository. */
  send(kind: "read" | "write", method: string, route: string, asked?: Asked): Promise<Reply>;
  failure(error: unknown): ForgeFailure;
  /** Runs one call and turns whatever it throws into an error that names the object and carries no request. */
  guarded<T>(doing: string, work: () => Promise<T>): Promise<T>;
  /** Login of the account that our token belongs to. */
  viewer(): Promise<string>;
}

/** The longest pull requests have bodies of 64 KiB, and a page has fifty of them with two whole repositories each. */
const mostBytes = 16 * 1024 * 1024;
/** Gitea's own most of items per page, unless its administrator set another. */
export const pageSize = 50;

/** What was refused, in the shape that `failureOf` reads. */
function refusal(status: number, message: string, headers: Reply["headers"]): Error {
  return Object.assign(new Error(message), { status, response: { headers } });
}

/** What happened on the way: without a response, `failureOf` takes it for an outage. */
function noAnswer(error: unknown): Error {
  // "fetch failed", and why stands behind it.
  const { cause = error } = (error ?? {}) as { readonly cause?: unknown };
  const { message, code } = (cause ?? {}) as { readonly message?: unknown; readonly code?: unknown };
  const words = typeof message === "string" && message !== "" ? message : String(code ?? cause);
  return Object.assign(new Error(words), { status: 0 });
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  return JSON.parse(text) as unknown;
}

/** Gitea explains a refusal in `message`. */
function explanation(text: string, status: number): string {
  try {
    const { message } = parse(text) as { readonly message?: unknown };
    if (typeof message === "string" && message !== "") return message;
  } catch {
    // A proxy's page, then.
  }
  return `HTTP ${status}`;
}

/** `{name}` is one segment of the path, `{+name}` may be several. */
function fill(route: string, names: Readonly<Record<string, string | number>>): string {
  return route.replaceAll(/\{(\+?)(\w+)\}/g, (_, many: string, name: string) => {
    const value = names[name];
    if (value === undefined) throw new Error(`${route} needs ${name}`);
    const segments = many === "" ? [String(value)] : String(value).split("/");
    return segments.map((segment) => encodeURIComponent(segment)).join("/");
  });
}

/** The token of a file: without blanks, because a header with any would be refused with the token in the error. */
async function readToken(token: () => Promise<string>): Promise<string> {
  const value = (await token()).trim();
  if (value === "" || /[^\x21-\x7e]/.test(value))
    throw new UserError(
      "RW0711",
      "the forge's token file holds no token",
      "put the token, and nothing else, into the file that the PolicyRepository's forge names",
    );
  return value;
}

function createSend(options: GiteaForgeOptions, address: URL, tokens: () => Promise<string>): Session["send"] {
  const { clock, owner, repository: repo } = options;
  // Gitea asks for no pause between writes.
  const pace = createPace({ clock, writePause: 0, timeout: 30_000, patience: 5000 });
  const ask = options.fetch ?? fetch;
  const base = address.pathname.replace(/(?<!\/)\/+$/, "");
  return (kind, method, route, asked = {}) =>
    pace.run(kind, async (signal) => {
      const { path = {}, query = {}, body } = asked;
      const token = await readToken(tokens);
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      ).toString();
      const started = clock.monotonic();
      const tell = (status: number): void =>
        options.onRequest?.({ method, route, status, duration: clock.monotonic() - started, remaining: undefined });
      let answer: Response;
      let text: string;
      try {
        const target = `${address.origin}${base}${fill(route, { owner, repo, ...path })}`;
        answer = await ask(search === "" ? target : `${target}?${search}`, {
          method,
          redirect: "manual",
          headers: {
            accept: "application/json",
            "user-agent": "ringward",
            authorization: `token ${token}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal,
        });
        text = answer.body === null ? "" : await readBody(answer.body, mostBytes);
      } catch (error) {
        tell(0);
        if (error instanceof UserError) throw error;
        throw noAnswer(signal.aborted ? signal.reason : error);
      }
      const { status } = answer;
      const headers = Object.fromEntries(answer.headers);
      tell(status);
      if (status >= 300) throw refusal(status, explanation(text, status), headers);
      return { data: parse(text), headers };
    });
}

/** A session; talks to nobody until the first call. Throws UserError RW0710 for an address that cannot be used. */
export function createSession(options: GiteaForgeOptions): Session {
  const address = checkAddress(options.apiUrl);
  const { clock, owner, repository } = options;
  const place = `${address.host} ${owner}/${repository}`;
  let lastToken: string | undefined;
  const token = async (): Promise<string> => (lastToken = (await options.token()).trim());
  const send = createSend(options, address, token);
  const failure = (error: unknown): ForgeFailure => failureOf(error, clock.now());
  let known: { readonly token: string | undefined; readonly login: string } | undefined;
  return {
    place,
    name: `${owner}/${repository}`,
    clock,
    send,
    failure,
    async guarded(doing, work) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof UserError || error instanceof WaitError) throw error;
        // Ours, and no request's.
        if (error instanceof Error && !("status" in error)) throw error;
        throw explain(withoutSecret(failure(error), lastToken), place, doing);
      }
    },
    async viewer() {
      if (known === undefined || known.token !== lastToken) {
        const { data } = await send("read", "GET", "/user");
        known = { token: lastToken, login: readLogin(data) };
      }
      return known.login;
    },
  };
}

/** What is asked page by page. */
export interface Listing<T> {
  readonly route: string;
  readonly path?: Asked["path"];
  readonly query?: Asked["query"];
  readonly read: (item: unknown) => T;
  /** Items, for messages. */
  readonly what: string;
}

/** One page, and how many items there are in all where the forge said. */
export async function readPage<T>(
  session: Session,
  listing: Listing<T>,
  page: number,
): Promise<{ readonly items: readonly T[]; readonly total: number | undefined }> {
  const { route, path, query, what, read } = listing;
  const asked = { ...(path === undefined ? {} : { path }), query: { ...query, page, limit: pageSize } };
  const { data, headers } = await session.send("read", "GET", route, asked);
  const total = Number(headers["x-total-count"] ?? Number.NaN);
  // An empty list of Go's is null.
  return { items: readList(data ?? [], what, read), total: Number.isSafeInteger(total) ? total : undefined };
}

/**
 * Every item of every page, `most` items at most; an administrator may have set smaller pages than we ask for, so an empty page or the
 * number of items ends it. Throws Error beyond.
 */
export async function readAll<T>(session: Session, listing: Listing<T>, most: number): Promise<readonly T[]> {
  const items: T[] = [];
  for (let page = 1; ; page++) {
    const { items: found, total } = await readPage(session, listing, page);
    items.push(...found);
    if (found.length === 0 || (total !== undefined ? items.length >= total : found.length < pageSize)) return items;
    if (items.length >= most)
      throw new Error(`the forge has more than ${most} ${listing.what}: we cannot read them all`);
  }
}
