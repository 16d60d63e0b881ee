// The ApiPort over HTTP: one undici Agent per TLS material, kept-alive connections, a deadline on every call, watches
// as streams. It never retries and never follows redirects: an unknown outcome must reach the caller (K2), who looks
// at the real state. Detecting a half-open watch is the reflector's job (K5); here a watch may be silent for ever.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Agent, ProxyAgent } from "undici";
import type { Dispatcher } from "undici";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { toApiError } from "./api-errors.ts";
import { loadClusterAccess } from "./kubeconfig.ts";
import type { ClusterAccess, TlsMaterial } from "./kubeconfig.ts";
import { TransportError } from "./port.ts";
import type { ApiPort, ApiRequest, ApiResponse } from "./port.ts";
import { readWatchEvents } from "./watch-lines.ts";

/** One finished request, for metrics (`rest_client_requests_total{code,method,host}`). Never holds a credential. */
export interface RequestRecord {
  readonly method: ApiRequest["method"] | "WATCH";
  readonly path: string;
  readonly host: string;
  /** HTTP status, or `<error>` where no answer came (the label that client-go uses). */
  readonly code: string;
  /** Until the answer was read; for a watch until its headers came. */
  readonly durationMs: number;
}

export interface TransportOptions {
  /** The text of a kubeconfig, its path, or several paths joined as in $KUBECONFIG. */
  readonly kubeconfig: string;
  /** Instead of the kubeconfig's current-context. */
  readonly context?: string;
  /** Transport time: always the process's own clock, also in the sandbox. */
  readonly clock: Clock;
  readonly userAgent: string;
  readonly onRequest?: (record: RequestRecord) => void;
  /** Deadline of calls that name none; 30 s. */
  readonly timeoutMs?: number;
}

export interface Transport extends ApiPort {
  /** `host:port` of the API server. */
  readonly host: string;
  /** Breaks what is open; later calls are refused. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** V8 cannot hold a longer string (about 537 million characters); lists of that size must be read in pages. */
const MAX_BODY_BYTES = 500_000_000;
const unzip = promisify(gunzip);

/** Failures before the first byte of a request was sent: such a write certainly did not happen. */
const notSentCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_CERT_ALTNAME_INVALID|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/;

/** The code of a Node, OpenSSL or undici error, or nothing. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

function connectionError(error: unknown, request: string): TransportError {
  if (error instanceof TransportError) return error;
  const code = codeOf(error);
  const outcome = notSentCodes.test(code) ? "notSent" : "unknown";
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError("connection", outcome, `${request}: ${message || code || "the connection failed"}`, error);
}

/**
 * One Agent per TLS material: kept for as long as CA and client certificate stay the same, replaced when a file's
 * content changes. Replacing lets running requests and watches finish on the old connections.
 */
function createAgents(proxyUrl: string | undefined): { get(tls: TlsMaterial): Dispatcher; destroy(): Promise<void> } {
  let current: { digest: string; agent: Dispatcher } | undefined;
  function build(tls: TlsMaterial): Dispatcher {
    const { ca, cert, key, servername, rejectUnauthorized } = tls;
    const material = {
      rejectUnauthorized,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
    };
    // Our own clock holds the deadlines, so undici's are off. Idle sockets go after 30 s: below every usual balancer's limit.
    const limits = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, connections: 256 };
    if (proxyUrl !== undefined) return new ProxyAgent({ uri: proxyUrl, requestTls: material, ...limits });
    return new Agent({ ...limits, connect: { ...material, timeout: 10_000, keepAliveInitialDelay: 30_000 } });
  }
  return {
    get(tls) {
      const digest = createHash("sha256").update(JSON.stringify(tls)).digest("hex");
      if (current?.digest !== digest) {
        // Closing waits for what is running; its failure concerns nobody, because no new request goes there.
        current?.agent.close().catch(() => undefined);
        current = { digest, agent: build(tls) };
      }
      return current.agent;
    },
    async destroy() {
      await current?.agent.destroy();
    },
  };
}

interface Deadline {
  readonly signal: AbortSignal;
  /** Stops the timer; the caller's own signal stays connected. */
  met(): void;
  /** Forgets both. */
  done(): void;
}

/** A signal that fires when the caller gives up or when `ms` of transport time have passed. */
function startDeadline(clock: Clock, ms: number, caller: AbortSignal | undefined, request: string): Deadline {
  const abort = new AbortController();
  const timer = new AbortController();
  const givenUp = (outcome: TransportError["outcome"]): void =>
    abort.abort(new TransportError("aborted", outcome, `${request}: given up by the caller`, caller?.reason));
  const onCaller = (): void => givenUp("unknown");
  if (caller?.aborted) givenUp("notSent");
  caller?.addEventListener("abort", onCaller, { once: true });
  clock.sleep(ms, timer.signal).then(
    () => abort.abort(new TransportError("timeout", "unknown", `${request}: no answer within ${ms} ms`)),
    () => undefined,
  );
  return {
    signal: abort.signal,
    met: () => timer.abort(),
    done() {
      timer.abort();
      caller?.removeEventListener("abort", onCaller);
    },
  };
}

/** The work's result, or the signal's reason if that comes first; the work itself goes on unheard. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}

async function readBody(body: AsyncIterable<Uint8Array>, headers: Record<string, string>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new TransportError(
        "malformed",
        "unknown",
        `the answer is longer than ${MAX_BODY_BYTES} bytes: list in pages`,
      );
    }
  }
  let bytes = Buffer.concat(chunks, size);
  if (headers["content-encoding"] === "gzip") bytes = await unzip(bytes, { maxOutputLength: MAX_BODY_BYTES });
  const text = bytes.toString("utf8");
  return /^application\/(\S+\+)?json\b/.test(headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : text;
}

/** The answer's body; a body that is not what its type says is no answer, unless the status alone says enough. */
async function readAnswer(answer: Dispatcher.ResponseData, request: string): Promise<ApiResponse> {
  const headers = flatten(answer.headers);
  try {
    return { status: answer.statusCode, headers, body: await readBody(answer.body, headers) };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isZipError(error)) throw error;
    if (answer.statusCode >= 300) return { status: answer.statusCode, headers, body: "" };
    throw new TransportError("malformed", "unknown", `${request}: the answer is not what its content type says`, error);
  }
}

function isZipError(error: unknown): boolean {
  return /^(Z_|ERR_BUFFER_TOO_LARGE)/.test(codeOf(error));
}

function target(access: ClusterAccess, request: Pick<ApiRequest, "path" | "query">): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, value);
  const search = query.size === 0 ? "" : `?${query.toString()}`;
  return `${access.server.pathname.replace(/\/+$/, "")}${request.path}${search}`;
}

/** Opens the cluster that a kubeconfig names. Reads it at once (`UserError` RW02xx), connects at the first request. */
export function createTransport(options: TransportOptions): Transport {
  const { clock, userAgent } = options;
  const access = loadClusterAccess(options);
  if (access.proxyUrl !== undefined && !/^https?:\/\//.test(access.proxyUrl)) {
    throw new UserError("RW0204", `the kubeconfig's proxy-url is not http or https`, "other proxies are not supported");
  }
  const agents = createAgents(access.proxyUrl);
  const closing = new AbortController();

  /** Sends one request and waits for the headers of its answer. */
  async function send(request: ApiRequest, isWatch: boolean, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const name = `${request.method} ${request.path}`;
    if (closing.signal.aborted) throw new TransportError("aborted", "notSent", `${name}: the transport is closed`);
    let credentials;
    try {
      // An exec plugin may hang: it has the same deadline as the request that it is for.
      credentials = await unlessAborted(access.credentials(), signal);
    } catch (error) {
      if (signal.aborted) throw connectionError(signal.reason, name);
      throw new TransportError("connection", "notSent", `${name}: no credentials: ${(error as Error).message}`, error);
    }
    const headers: Record<string, string | string[]> = {
      accept: "application/json, */*",
      "user-agent": userAgent,
      // Large lists shrink tenfold; a compressed watch would be held back in the compressor's buffer.
      ...(request.method === "GET" && !isWatch ? { "accept-encoding": "gzip" } : {}),
      ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
      ...request.headers,
      ...credentials.headers,
    };
    try {
      const answer = await agents.get(credentials.tls).request({
        origin: access.server.origin,
        path: target(access, request),
        method: request.method,
        headers,
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal,
      });
      if (answer.statusCode === 401) access.invalidate();
      return answer;
    } catch (error) {
      throw connectionError(signal.aborted ? signal.reason : error, name);
    }
  }

  function record(request: ApiRequest, isWatch: boolean, started: number, code: string): void {
    const method = isWatch ? "WATCH" : request.method;
    const durationMs = clock.monotonic() - started;
    options.onRequest?.({ method, path: request.path, host: access.server.host, code, durationMs });
  }

  async function request(call: ApiRequest): Promise<ApiResponse> {
    const name = `${call.method} ${call.path}`;
    const started = clock.monotonic();
    const caller = call.signal === undefined ? closing.signal : AbortSignal.any([call.signal, closing.signal]);
    const deadline = startDeadline(clock, call.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS, caller, name);
    let code = "<error>";
    try {
      const answer = await readAnswer(await send(call, false, deadline.signal), name);
      code = String(answer.status);
      return answer;
    } catch (error) {
      throw connectionError(deadline.signal.aborted ? deadline.signal.reason : error, name);
    } finally {
      deadline.done();
      record(call, false, started, code);
    }
  }

  async function* watch(call: Parameters<ApiPort["watch"]>[0]) {
    const get: ApiRequest = { ...call, method: "GET", query: { ...call.query, watch: "true" } };
    const name = `WATCH ${call.path}`;
    const started = clock.monotonic();
    const caller = call.signal === undefined ? closing.signal : AbortSignal.any([call.signal, closing.signal]);
    const deadline = startDeadline(clock, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, caller, name);
    let code = "<error>";
    let recorded = false;
    try {
      const answer = await send(get, true, deadline.signal);
      code = String(answer.statusCode);
      if (answer.statusCode !== 200) throw toApiError(await readAnswer(answer, name));
      // From here on only the caller ends the stream.
      deadline.met();
      recorded = true;
      record(get, true, started, code);
      yield* readWatchEvents(answer.body);
    } catch (error) {
      if (deadline.signal.aborted) throw connectionError(deadline.signal.reason, name);
      throw error instanceof Error && error.name === "ApiError" ? error : connectionError(error, name);
    } finally {
      deadline.done();
      if (!recorded) record(get, true, started, code);
    }
  }

  return {
    host: access.server.host,
    request,
    watch,
    async close() {
      closing.abort(new Error("the transport is closed"));
      await agents.destroy();
    },
  };
}
