// One request to the sandbox's forge: which door (API, git, page), whose, with which injected fault, and who is told.
// A fault happens to the request alone: a dropped one changes nothing, a lost reply changes everything but what the client knows.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../clock.ts";
import { type Backend, isPush } from "./backend.ts";
import { answerPage } from "./browse.ts";
import { Refusal } from "./refusal.ts";
import type { ForgeRepository } from "./repository.ts";
import { answerRest } from "./rest.ts";
import type { ForgeAddress } from "./shapes-repository.ts";
import { answerApps } from "./rest-apps.ts";
import type { Apps } from "./apps.ts";
import { type Answer, type Caller, errorAnswer, identify, ownerOf, send } from "./wire.ts";

/** A request as faults and listeners see it. */
export interface ForgeRequest {
  /** 1 for the server's first request. */
  readonly number: number;
  readonly kind: "api" | "git" | "page";
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** True when it can change something. */
  readonly write: boolean;
  /** Undefined: nobody, or a token that the forge does not know. */
  readonly login: string | undefined;
}

/**
 * What happens to a request: it is served; dropped unserved; served but its reply is lost; refused with a status, unserved; served, and
 * answered with that status all the same (`done`); served, with headers of a liar's added.
 */
export type ForgeFault =
  | "none"
  | "failBefore"
  | "loseReply"
  | { readonly addHeaders: Readonly<Record<string, string>> }
  | {
      readonly status: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly done?: true;
    };

export interface ForgeRequestEvent extends ForgeRequest {
  readonly outcome: "answered" | "dropped" | "replyLost";
  /** What was (or would have been) answered; 0 when dropped. */
  readonly status: number;
}

/** What one running forge is made of. */
export interface Parts {
  readonly at: ForgeAddress;
  readonly repository: ForgeRepository;
  readonly backend: Backend;
  readonly clock: Clock;
  /** Token -> login. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly apps: Apps;
  /** Whose name the buttons on the pages carry. */
  readonly visitor: string;
  readonly secret: Buffer;
}

async function answerGit(parts: Parts, request: IncomingMessage, url: URL, caller: Caller): Promise<Answer> {
  const pushing = isPush(request.method ?? "GET", url);
  if (caller.kind === "refused" || (pushing && caller.kind !== "login")) {
    return {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="sandbox forge"', "content-type": "text/plain" },
      body: "Authentication is needed: send a token as the password.\n",
    };
  }
  const login = caller.kind === "login" ? caller.login : undefined;
  // http-backend lets whoever has a name push: readers get none.
  if (!pushing) return await parts.backend.serve(request, url, undefined);
  if (request.method !== "POST") return await parts.backend.serve(request, url, login);
  return await parts.repository.exclusively(login ?? "somebody", () => parts.backend.serve(request, url, login));
}

async function answer(
  parts: Parts,
  kind: ForgeRequest["kind"],
  request: IncomingMessage,
  url: URL,
  caller: Caller,
): Promise<Answer> {
  const { at, repository, secret } = parts;
  try {
    if (kind === "api" && isAppPath(url)) return answerApps(at, parts.apps, request, url);
    if (kind === "api") return await answerRest({ at, repository, request, url, caller });
    if (kind === "git") return await answerGit(parts, request, url, caller);
    return await answerPage({ at, repository, secret, visitor: parts.visitor }, request, url);
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message, error.errors);
    return errorAnswer(500, `Server Error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Questions that an App asks as itself, with a JWT. */
function isAppPath(url: URL): boolean {
  return url.pathname === "/api/v3/app" || url.pathname.startsWith("/api/v3/app/");
}

function kindOf(at: ForgeAddress, url: URL): ForgeRequest["kind"] {
  if (url.pathname === "/api/v3" || url.pathname.startsWith("/api/v3/")) return "api";
  return url.pathname.startsWith(`/${at.owner}/${at.repository}.git/`) ? "git" : "page";
}

/** Limits as GitHub reports them with every API answer; this forge never runs out by itself. */
function limitHeaders(clock: Clock): Readonly<Record<string, string>> {
  return {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-used": "1",
    "x-ratelimit-resource": "core",
    "x-ratelimit-reset": String(Math.floor(clock.now() / 1000) + 3600),
  };
}

/** Who listens, and what goes wrong. */
export interface Hooks {
  fault: ((request: ForgeRequest) => ForgeFault) | undefined;
  readonly listeners: Set<(event: ForgeRequestEvent) => void>;
  count: number;
}

/** Serves one request: sorts it, applies its fault, answers it, tells the listeners. */
export async function handle(
  parts: Parts,
  hooks: Hooks,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", parts.at.url);
  const method = request.method ?? "GET";
  const kind = kindOf(parts.at, url);
  const caller = identify(
    request.headers.authorization,
    (token) => ownerOf(parts.tokens, token) ?? parts.apps.loginOf(token),
  );
  const write = kind === "git" ? method === "POST" && isPush(method, url) : method !== "GET" && method !== "HEAD";
  const seen: ForgeRequest = {
    number: ++hooks.count,
    kind,
    method,
    path: url.pathname + url.search,
    write,
    login: caller.kind === "login" ? caller.login : undefined,
  };
  const tell = (outcome: ForgeRequestEvent["outcome"], status: number): void => {
    for (const listener of hooks.listeners) listener({ ...seen, outcome, status });
  };
  const fault = hooks.fault?.(seen) ?? "none";
  if (fault === "failBefore") {
    request.socket.destroy();
    return tell("dropped", 0);
  }
  if (typeof fault === "object" && "status" in fault) {
    if (fault.done === true) await answer(parts, kind, request, url, caller);
    else request.resume();
    send(
      response,
      errorAnswer(fault.status, fault.message ?? "Injected fault", [], {
        ...limitHeaders(parts.clock),
        ...fault.headers,
      }),
    );
    return tell("answered", fault.status);
  }
  const given = await answer(parts, kind, request, url, caller);
  // Told before the reply leaves, so that whoever got a reply can rely on the listeners having seen it.
  tell(fault === "loseReply" ? "replyLost" : "answered", given.status);
  if (fault === "loseReply") request.socket.destroy();
  else {
    const added = typeof fault === "object" ? fault.addHeaders : {};
    send(response, { ...given, headers: { ...extraHeaders(parts, kind, seen.number), ...given.headers, ...added } });
  }
}

function extraHeaders(parts: Parts, kind: ForgeRequest["kind"], number: number): Readonly<Record<string, string>> {
  if (kind === "api") return { ...limitHeaders(parts.clock), "x-github-request-id": `SANDBOX:${number}` };
  // curl, and so git, silently repeats a request that dies on a kept connection: an injected fault would not be seen.
  return kind === "git" ? { connection: "close" } : {};
}
