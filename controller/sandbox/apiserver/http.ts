// The server on a socket: HTTP/1.1 with bearer tokens, chunked watch streams and gzip when asked. All work is done in process
// by the same functions; this file only reads and writes bytes. Loopback only: it carries no TLS.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { ApiResponse, WatchEvent } from "../../kube/port.ts";
import { ApiError } from "../../kube/port.ts";
import { ConnectionLost } from "./faults.ts";
import { PROTOBUF, ProtobufError, readProtobuf } from "./protobuf.ts";
import { UNKNOWN_PATH } from "./status.ts";

/** What the socket side needs from the server. */
export interface HttpBackend {
  readonly request: (request: RawRequest) => Promise<ApiResponse>;
  /** The path names one object: asking it for a watch is a GET to a real server. */
  readonly namesOne: (path: string) => boolean;
  /** Rejects with ApiError when the watch is refused. */
  readonly watch: (request: RawRequest, signal: AbortSignal) => Promise<AsyncIterable<WatchEvent>>;
}

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Text; an object where the body was protobuf. */
  readonly body: unknown;
}

export interface Listening {
  readonly url: string;
  /** Ends every watch and connection. */
  readonly close: () => Promise<void>;
}

const LARGEST_BODY = 3 * 1024 * 1024;
const GZIP_FROM = 128 * 1024;

/** Starts listening; port 0 (the default) takes a free one. */
export async function listen(
  backend: HttpBackend,
  options: { readonly port?: number; readonly host: "127.0.0.1" },
): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => void handle(backend, request, response));
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function handle(backend: HttpBackend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  try {
    const { prefix, token, path } = splitToken(url.pathname);
    const headers = plainHeaders(request);
    const bytes = await readBody(request);
    const isProtobuf = (headers["content-type"] ?? "").startsWith(PROTOBUF) && bytes.length > 0;
    const raw: RawRequest = {
      method: request.method ?? "GET",
      path,
      query: Object.fromEntries(url.searchParams),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}`, [PREFIX_HEADER]: prefix }),
        ...headers,
        ...(isProtobuf ? { "content-type": "application/json" } : {}),
      },
      body: isProtobuf ? readProtobuf(bytes) : bytes.toString("utf8"),
    };
    if (raw.method === "GET" && isWatch(raw.query["watch"]) && !backend.namesOne(raw.path))
      await stream(backend, raw, request, response);
    else answer(request, response, await backend.request(raw));
  } catch (error) {
    if (error instanceof ConnectionLost) request.socket.destroy();
    else if (error instanceof ProtobufError)
      answer(request, response, {
        status: 415,
        headers: {},
        body: statusBody(415, "UnsupportedMediaType", error.message),
      });
    else if (error instanceof BodyTooLarge)
      answer(request, response, {
        status: 413,
        headers: {},
        body: statusBody(413, "RequestEntityTooLarge", `Request entity too large: limit is ${LARGEST_BODY}`),
      });
    else if (!response.headersSent)
      answer(request, response, {
        status: 500,
        headers: {},
        body: statusBody(500, "InternalError", error instanceof Error ? error.message : String(error)),
      });
    else response.destroy();
  }
}

/** Set by this file alone: the part of the path that carried the token, for answers that name paths. */
export const PREFIX_HEADER = "x-sandbox-prefix";

/** kubectl sends no bearer token without TLS, so a server address may carry it: `http://127.0.0.1:PORT/token/TOKEN`. */
function splitToken(path: string): {
  readonly prefix: string;
  readonly token: string | undefined;
  readonly path: string;
} {
  const match = /^(\/token\/([^/]+))(\/.*|)$/u.exec(path);
  if (match === null) return { prefix: "", token: undefined, path };
  return {
    prefix: match[1] ?? "",
    token: decodeURIComponent(match[2] ?? ""),
    path: match[3] === "" ? "/" : (match[3] ?? "/"),
  };
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(request.headers)) {
    if (value !== undefined && key !== PREFIX_HEADER) headers[key] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}

/** `watch=true` and `watch=1` are the same to the real server. */
function isWatch(value: string | undefined): boolean {
  return value === "true" || value === "1";
}

class BodyTooLarge extends Error {}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function statusBody(code: number, reason: string, message: string): unknown {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

function answer(request: IncomingMessage, response: ServerResponse, result: ApiResponse): void {
  const isText = typeof result.body === "string";
  const text = isText ? (result.body as string) : `${JSON.stringify(result.body)}\n`;
  const headers: Record<string, string> = {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
    "cache-control": "no-cache, private",
    ...result.headers,
  };
  let bytes = Buffer.from(text);
  if (bytes.length >= GZIP_FROM && (request.headers["accept-encoding"] ?? "").toString().includes("gzip")) {
    bytes = gzipSync(bytes, { level: 1 });
    headers["content-encoding"] = "gzip";
    headers["vary"] = "Accept-Encoding";
  }
  headers["content-length"] = String(bytes.length);
  response.writeHead(result.status, headers);
  response.end(bytes);
}

async function stream(
  backend: HttpBackend,
  raw: RawRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    const events = await backend.watch(raw, gone.signal);
    response.writeHead(200, {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      "transfer-encoding": "chunked",
    });
    response.flushHeaders();
    for await (const event of events) {
      if (!response.write(`${JSON.stringify(event)}\n`)) await drained(response, gone.signal);
    }
    response.end();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer(request, response, {
      status: error.code,
      headers: {},
      body: error.status.message === UNKNOWN_PATH ? `${UNKNOWN_PATH}\n` : error.status,
    });
  }
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    response.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
