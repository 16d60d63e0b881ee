// One of the two servers, as the script sees it: an address, a token, plain HTTP. No client library, so that every header is meant.
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { text as readText } from "node:stream/consumers";
import { systemClock } from "../../controller/clock.ts";
import type { Step } from "./step.ts";

/** Where a server is and who we are there. */
export interface Server {
  readonly url: string;
  readonly token: string;
  /** The authority of an https address. */
  readonly ca?: string;
  /** Makes it forget everything but the present; resolves when it answers again. */
  forget(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON; a watch's events. */
  readonly body: unknown;
  /** How a watch ended: by the server, or by us because nothing more came. */
  readonly ended?: "server" | "reader";
}

/** What is compared besides status and body. */
const HEADERS = ["content-type", "warning", "retry-after"];
/** Becomes the field manager of writes that name none. */
const AGENT = "conformance/1.0";
const LONGEST_WATCH_MS = 8_000;
/** How long a watch is read on after the last awaited event. */
const SURPLUS_MS = 150;

function open(server: Server, step: Step): Promise<IncomingMessage> {
  const url = new URL(step.path, server.url);
  const text =
    step.body === undefined ? undefined : typeof step.body === "string" ? step.body : JSON.stringify(step.body);
  const token = step.auth === "bad" ? "nobody-knows-this" : server.token;
  const headers: Record<string, string> = {
    "user-agent": AGENT,
    ...(step.contentType === undefined ? {} : { "content-type": step.contentType }),
    ...(step.accept === undefined ? {} : { accept: step.accept }),
    ...step.headers,
    ...(step.auth === "none" ? {} : { authorization: `Bearer ${token}` }),
    ...(text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) }),
  };
  return new Promise((resolve, reject) => {
    const options = { method: step.method ?? "GET", headers };
    const request =
      url.protocol === "https:"
        ? httpsRequest(url, { ...options, ...(server.ca === undefined ? {} : { ca: server.ca }) }, resolve)
        : httpRequest(url, options, resolve);
    request.on("error", reject);
    request.end(text);
  });
}

/** One request and its whole answer. */
export async function send(server: Server, step: Step): Promise<Answer> {
  const response = await open(server, step);
  return { ...head(response), body: parse(await readText(response)) };
}

/** A watch, with `during` done once its headers are there. */
export async function watchWhile(server: Server, step: Step, during: () => Promise<void>): Promise<Answer> {
  const response = await open(server, step);
  if (response.statusCode !== 200) return { ...head(response), body: parse(await readText(response)) };
  const lines: string[] = [];
  const wanted = step.watch?.events;
  let wake: (() => void) | undefined;
  let rest = "";
  let over = false;
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.filter((line) => line !== "" && (wanted === undefined || !isPlainBookmark(line))));
    wake?.();
  });
  response.on("close", () => {
    over = true;
    wake?.();
  });
  await during();
  const deadline = systemClock.now() + LONGEST_WATCH_MS;
  while (!over && systemClock.now() < deadline && (wanted === undefined || lines.length < wanted)) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await Promise.race([woken, systemClock.sleep(deadline - systemClock.now())]);
  }
  if (wanted !== undefined && !over) await systemClock.sleep(SURPLUS_MS);
  const ended = over ? "server" : "reader";
  response.destroy();
  return { ...head(response), body: lines.map(parse), ended };
}

/** A server sends these whenever it likes; only the one that ends the initial events says something. */
function isPlainBookmark(line: string): boolean {
  return line.startsWith('{"type":"BOOKMARK"') && !line.includes("initial-events-end");
}

function head(response: IncomingMessage): Pick<Answer, "status" | "headers"> {
  const headers = HEADERS.flatMap((name): [string, string][] => {
    const value = response.headers[name];
    return value === undefined ? [] : [[name, String(value)]];
  });
  return { status: response.statusCode ?? 0, headers: Object.fromEntries(headers) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
