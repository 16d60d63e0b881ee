// Plain HTTP for tests: node:http without a client library's own headers, so that the server sees exactly what is meant.
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Parsed when it is JSON. */
  readonly body: unknown;
}

/** The response as soon as its headers are there. */
export function openWire(url: string, given: WireRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = given.body === undefined ? {} : { "content-length": String(Buffer.byteLength(given.body)) };
    const request = httpRequest(
      new URL(given.path, url),
      { method: given.method, headers: { ...given.headers, ...length } },
      resolve,
    );
    request.on("error", reject);
    request.end(given.body);
  });
}

/** Everything the response says. */
export async function readWire(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** One request and its whole answer. */
export async function sendWire(url: string, given: WireRequest): Promise<WireAnswer> {
  const response = await openWire(url, given);
  const text = await readWire(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
