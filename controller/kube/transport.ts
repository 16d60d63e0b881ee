// The ApiPort over HTTP: kept-alive connections, a deadline on every call, watches as streams. It never repeats a write and
// never follows redirects: an unknown outcome must reach the caller (K2), who looks at the real state. Only a read that was
// refused for its credentials is sent once more, when there are newer ones. Detecting a half-open watch is the reflector's job (K5); here a watch may be silent for ever.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { createAgents } from "./agents.ts";
import { toApiError } from "./api-errors.ts";
import { whileHeard } from "./body-stream.ts";
import { startDeadline, unlessAborted } from "./deadline.ts";
import { loadClusterAccess } from "./kubeconfig.ts";
import type { ClusterAccess, Credentials } from "./kubeconfig.ts";
import { ApiError, TransportError } from "./port.ts";
import type { ApiPort, ApiRequest, ApiResponse, ListRequest, WatchRequest } from "./port.ts";
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

/** Failures before the first byte of a request was sent, where a proxy hides from us whether there was a connection. */
const notSentCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_CERT_ALTNAME_INVALID|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/;

/** The code of a Node, OpenSSL or undici error, or nothing. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** Certificates and keys that do not fit: the files may have been changed since they were read. */
const tlsCodes = /^(ERR_(OSSL|SSL|TLS)_.*|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/;

function connectionError(error: unknown, request: string, notSent = false): TransportError {
  if (error instanceof TransportError) return error;
  const code = codeOf(error);
  const outcome = notSent || notSentCodes.test(code) ? "notSent" : "unknown";
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError("connection", outcome, `${request}: ${message || code || "the connection failed"}`, error);
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

function isOfType(answer: Dispatcher.ResponseData, mediaType: string): boolean {
  const type = flatten(answer.headers)["content-type"] ?? "";
  return type.split(";", 1)[0]?.trim().toLowerCase() === mediaType;
}

function isZipError(error: unknown): boolean {
  return /^(Z_|ERR_BUFFER_TOO_LARGE)/.test(codeOf(error));
}

function target(access: ClusterAccess, request: Pick<ApiRequest, "path" | "query">): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, value);
  const search = query.size === 0 ? "" : `?${query.toString()}`;
  return `${access.server.pathname.replace(/(?<!\/)\/+$/, "")}${request.path}${search}`;
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

  /** Counts what was forgotten, so that of many that were refused at once only the first throws the credentials away. */
  let generation = 0;
  async function readCredentials(name: string, signal: AbortSignal): Promise<Credentials & { readonly made: number }> {
    const made = generation;
    try {
      // An exec plugin may hang: it has the same deadline as the request that it is for.
      return { ...(await unlessAborted(access.credentials(), signal)), made };
    } catch (error) {
      if (signal.aborted) throw connectionError(signal.reason, name);
      throw new TransportError("connection", "notSent", `${name}: no credentials: ${(error as Error).message}`, error);
    }
  }
  function forget(made: number): void {
    if (made !== generation) return;
    generation += 1;
    access.invalidate();
  }

  /** Sends one request and waits for the headers of its answer. */
  async function send(request: ApiRequest, isWatch: boolean, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const name = `${request.method} ${request.path}`;
    if (closing.signal.aborted) throw new TransportError("aborted", "notSent", `${name}: the transport is closed`);
    const started = clock.monotonic();
    const credentials = await readCredentials(name, signal);
    const answer = await sendOnce(request, isWatch, signal, credentials);
    if (answer.statusCode !== 401) return answer;
    forget(credentials.made);
    if (request.method !== "GET") return answer;
    // A token that was rotated a moment ago: a read harms nobody when it is sent again.
    const newer = await readCredentials(name, signal);
    if (JSON.stringify(newer.headers) === JSON.stringify(credentials.headers)) return answer;
    record(request, isWatch, started, "401");
    await answer.body.dump();
    return sendOnce(request, isWatch, signal, newer);
  }

  async function sendOnce(
    request: ApiRequest,
    isWatch: boolean,
    signal: AbortSignal,
    credentials: Credentials & { readonly made: number },
  ): Promise<Dispatcher.ResponseData> {
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
      return await agents.get(credentials.tls).request({
        origin: access.server.origin,
        path: target(access, request),
        method: request.method,
        headers,
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal,
      });
    } catch (error) {
      const notSent = agents.failedToConnect(error);
      if (notSent && tlsCodes.test(codeOf(error))) forget(credentials.made);
      throw connectionError(signal.aborted ? signal.reason : error, `${request.method} ${request.path}`, notSent);
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

  async function* watch({ binary, ...call }: WatchRequest) {
    const accept = binary === undefined ? {} : { accept: `${binary.mediaType};stream=watch, application/json` };
    const headers = { ...accept, ...call.headers };
    const get: ApiRequest = { ...call, headers, method: "GET", query: { ...call.query, watch: "true" } };
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
      const isBinary = binary !== undefined && isOfType(answer, binary.mediaType);
      yield* isBinary ? binary.readWatch(answer.body) : readWatchEvents(answer.body);
    } catch (error) {
      if (deadline.signal.aborted) throw connectionError(deadline.signal.reason, name);
      throw error instanceof Error && error.name === "ApiError" ? error : connectionError(error, name);
    } finally {
      deadline.done();
      if (!recorded) record(get, true, started, code);
    }
  }

  async function list({ binary, ...call }: ListRequest): ReturnType<NonNullable<ApiPort["list"]>> {
    // The API server compresses more slowly than a datacenter's network carries: a large list would come several times later.
    const headers = { accept: `${binary.mediaType}, application/json`, "accept-encoding": "identity" };
    const get: ApiRequest = { ...call, method: "GET", headers };
    const name = `LIST ${call.path}`;
    const started = clock.monotonic();
    const caller = call.signal === undefined ? closing.signal : AbortSignal.any([call.signal, closing.signal]);
    const silenceMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = startDeadline(clock, silenceMs, caller, name);
    const end = (code: string): void => {
      deadline.done();
      record(get, false, started, code);
    };
    let answer: Dispatcher.ResponseData;
    try {
      answer = await send(get, false, deadline.signal);
      if (answer.statusCode !== 200) throw toApiError(await readAnswer(answer, name));
    } catch (error) {
      end(error instanceof ApiError ? String(error.code) : "<error>");
      if (deadline.signal.aborted) throw connectionError(deadline.signal.reason, name);
      throw error instanceof ApiError ? error : connectionError(error, name);
    }
    // From here on the stream may last, but it must not fall silent.
    deadline.met();
    if (!isOfType(answer, binary.mediaType)) {
      // Not read: in JSON such a list may be longer than a string can be, so it is asked for in pages.
      answer.body.on("error", () => undefined).destroy();
      end("200");
      return undefined;
    }
    async function* readParts() {
      let code = "<error>";
      try {
        yield* binary.readList(whileHeard(answer.body, { clock, silenceMs, what: name }));
        code = "200";
      } catch (error) {
        throw connectionError(deadline.signal.aborted ? deadline.signal.reason : error, name);
      } finally {
        end(code);
      }
    }
    return readParts();
  }

  return {
    host: access.server.host,
    request,
    watch,
    list,
    async close() {
      closing.abort(new Error("the transport is closed"));
      await agents.destroy();
    },
  };
}
