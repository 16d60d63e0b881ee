// HTTP for the sandbox's forge: who asks, what with, and how an answer is written. Bodies are bounded; nothing a client sends
// reaches a header, a file name or a process unchecked. Invariant A7's tests send forged input through here.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Refusal } from "./refusal.ts";

/** Who sent a request: a login, nobody (no token), or a token that the forge does not know. */
export type Caller =
  | { readonly kind: "login"; readonly login: string }
  | { readonly kind: "nobody" }
  | { readonly kind: "refused" };

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const bodyLimit = 2 * 1024 * 1024;

/** Reads a whole request body; answers 413 beyond `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number = bodyLimit): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Refusal(413, "Payload Too Large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function equal(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Whose a token is, among those that never end. */
export function ownerOf(tokens: Readonly<Record<string, string>>, token: string): string | undefined {
  return Object.entries(tokens).find(([known]) => equal(known, token))?.[1];
}

/** Reads Bearer, `token` and Basic (the password is the token, as with GitHub). */
export function identify(header: string | undefined, loginOf: (token: string) => string | undefined): Caller {
  if (header === undefined || header === "") return { kind: "nobody" };
  const [scheme = "", value = ""] = header.trim().split(/\s+/, 2);
  let token = value;
  if (scheme.toLowerCase() === "basic") {
    const pair = Buffer.from(value, "base64").toString("utf8");
    const colon = pair.indexOf(":");
    token = pair.slice(colon + 1) || pair.slice(0, Math.max(colon, 0));
  } else if (!["bearer", "token"].includes(scheme.toLowerCase())) return { kind: "refused" };
  const login = loginOf(token);
  return login === undefined ? { kind: "refused" } : { kind: "login", login };
}

/** A GitHub JSON answer; successful reads carry an ETag and turn into 304 when the client has that one. */
export function jsonAnswer(
  request: IncomingMessage,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = JSON.stringify(value);
  const common = {
    "content-type": "application/json; charset=utf-8",
    "x-github-media-type": "github.v3; format=json",
    "cache-control": "private, max-age=60, s-maxage=60",
    ...headers,
  };
  if (request.method !== "GET" || status !== 200) return { status, headers: common, body };
  const etag = `W/"${createHash("sha256")
    .update(body)
    .update(headers["link"] ?? "")
    .digest("hex")}"`;
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim());
  if (known.includes(etag)) return { status: 304, headers: { ...headers, etag } };
  return { status, headers: { ...common, etag }, body };
}

/** GitHub's error document. */
export function errorAnswer(
  status: number,
  message: string,
  errors: readonly Record<string, string>[] = [],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const document = {
    message,
    ...(errors.length === 0 ? {} : { errors }),
    documentation_url: "https://docs.github.com/rest",
    status: String(status),
  };
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(document),
  };
}

/** Writes an answer once; a client that went away is no error. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 304 || answer.status === 204
      ? {}
      : { "content-length": String(Buffer.byteLength(answer.body ?? "")) }),
  });
  response.end(answer.body);
}

/** One page of a list and GitHub's Link header for it. `per_page` is 1 to 100, 30 when not said. */
export function paginate<T>(
  all: readonly T[],
  url: URL,
): { readonly items: readonly T[]; readonly link: Readonly<Record<string, string>> } {
  const number = (name: string, fallback: number): number => {
    const value = Number(url.searchParams.get(name) ?? fallback);
    return Number.isInteger(value) && value >= 1 ? value : fallback;
  };
  const size = Math.min(number("per_page", 30), 100);
  const page = number("page", 1);
  const last = Math.max(1, Math.ceil(all.length / size));
  const to = (target: number): string => {
    const address = new URL(url);
    address.searchParams.set("page", String(target));
    return address.href;
  };
  const links = [
    ...(page > 1 ? [`<${to(Math.min(page - 1, last))}>; rel="prev"`] : []),
    ...(page < last ? [`<${to(page + 1)}>; rel="next"`, `<${to(last)}>; rel="last"`] : []),
    ...(page > 1 ? [`<${to(1)}>; rel="first"`] : []),
  ];
  return {
    items: all.slice((page - 1) * size, page * size),
    link: links.length === 0 ? {} : { link: links.join(", ") },
  };
}
