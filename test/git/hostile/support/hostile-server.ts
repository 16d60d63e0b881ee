// A server that speaks git's protocol version 2 over HTTP, and lies. Each of its three answers can be replaced; without a lie it serves one commit
// that it really has. The protocol: https://git-scm.com/docs/protocol-v2 and https://git-scm.com/docs/pack-format.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface Lies {
  /** Instead of saying what the server can. */
  readonly advertise?: (response: ServerResponse) => void;
  /** Instead of saying where the branches are. */
  readonly references?: (response: ServerResponse) => void;
  /** Instead of sending objects; `request` is what was asked. */
  readonly objects?: (response: ServerResponse, request: string) => void;
}

export interface HostileServer {
  readonly url: string;
  /** The commit that it has. */
  readonly head: string;
  readonly requests: readonly string[];
  /** A pack of it and all that it names. */
  readonly pack: Buffer;
  close(): Promise<void>;
}

/** One line of the protocol: its length in four hexadecimal digits, then the text. */
export function line(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}
export const FLUSH = Buffer.from("0000");
/** Bytes on one of the three bands: 1 objects, 2 what is told a person, 3 a fatal error. */
export function band(number: 1 | 2 | 3, bytes: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 60_000)
    parts.push(line(Buffer.concat([Buffer.of(number), bytes.subarray(at, at + 60_000)])));
  return Buffer.concat(parts);
}

export const RESULT = { "content-type": "application/x-git-upload-pack-result" };
const ADVERTISEMENT = { "content-type": "application/x-git-upload-pack-advertisement" };

/** What an honest server says that it can. */
export function advertisement(more: readonly string[] = []): Buffer {
  return Buffer.concat([
    line("# service=git-upload-pack\n"),
    FLUSH,
    ...[
      "version 2\n",
      "agent=git/2.45.0\n",
      "ls-refs=unborn\n",
      "fetch=shallow wait-for-done filter\n",
      "object-format=sha1\n",
      ...more,
    ].map(line),
    FLUSH,
  ]);
}

export async function serveLies(bare: string, lies: Lies): Promise<HostileServer> {
  const git = (args: readonly string[], input = ""): Buffer =>
    execFileSync("git", ["-C", bare, ...args], { input, maxBuffer: 1 << 28 });
  const head = git(["rev-parse", "refs/heads/main"]).toString("utf8").trim();
  const pack = git(["pack-objects", "--stdout", "--revs", "--quiet"], `${head}\n`);
  const requests: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    if (request.method === "GET") {
      if (lies.advertise !== undefined) return lies.advertise(response);
      response.writeHead(200, ADVERTISEMENT).end(advertisement());
    } else if (body.includes("command=ls-refs")) {
      if (lies.references !== undefined) return lies.references(response);
      response.writeHead(200, RESULT).end(Buffer.concat([line(`${head} refs/heads/main\n`), FLUSH]));
    } else {
      if (lies.objects !== undefined) return lies.objects(response, body);
      response.writeHead(200, RESULT).end(Buffer.concat([line("packfile\n"), band(1, pack), FLUSH]));
    }
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    response.on("error", () => undefined);
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => (body += text));
    request.on("end", () => answer(request, response, body));
  });
  return { url: `${await begin(server)}/acme/policy.git`, head, requests, pack, close: () => end(server) };
}

/** The repository as files and nothing else, as a plain web server would show it; below `/x.git`. */
export async function serveFiles(
  bare: string,
  requests: string[],
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    requests.push(path);
    try {
      response
        .writeHead(200, { "content-type": "text/plain" })
        .end(readFileSync(join(bare, path.replace("/x.git", ""))));
    } catch {
      response.writeHead(404).end();
    }
  });
  return { url: await begin(server), close: () => end(server) };
}

async function begin(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });
}
