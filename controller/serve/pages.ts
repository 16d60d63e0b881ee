// A small HTTP server for pages that are read by machines: metrics, health. Everything about it is bounded: who may ask what, for how long, how
// many at once. It takes no input but a path, writes nothing, and leaves no socket behind when it closes.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { BindAddress } from "./bind-address.ts";
import { type Listening, startListening } from "./listening.ts";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Page = () => Answer | Promise<Answer>;

export interface PageServerOptions {
  /** The flag that gave the address, for messages. */
  readonly flag: string;
  readonly address: BindAddress;
  /** By path. */
  readonly pages: Readonly<Record<string, Page>>;
  readonly clock: Clock;
  /** Hears of pages that threw. Must not throw. */
  readonly onError: (error: unknown) => void;
}

const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 8 * 1024;
/** To send a request, and to take its answer. */
const REQUEST_MS = 5_000;
/** Longer than the usual interval of a scrape, so that its connection stays. */
const KEEP_ALIVE_MS = 65_000;

/** Starts to listen. Throws `UserError` (RW1302) where that is not possible. */
export async function startPages(options: PageServerOptions): Promise<Listening> {
  const { flag, address, clock } = options;
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void answer(options, request, response),
  );
  return startListening(server, { flag, address, clock, mostConnections: MOST_CONNECTIONS });
}

async function answer(
  { pages, onError }: PageServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  // Nobody reads a body here: the connection ends instead.
  if (hasBody) response.setHeader("connection", "close");
  const { status, contentType, body } = await find(pages, request, onError);
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function find(
  pages: PageServerOptions["pages"],
  request: IncomingMessage,
  onError: PageServerOptions["onError"],
): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "only GET and HEAD\n");
  const path = (request.url ?? "").replace(/[?#].*$/s, "");
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return plain(404, `there is ${Object.keys(pages).join(", ")}\n`);
  try {
    return await page();
  } catch (error) {
    onError(error);
    return plain(500, "this page failed; the log says why\n");
  }
}

function plain(status: number, body: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body };
}
