// A server that gives every secret back: whatever it is asked, it answers with all headers that it was sent, as headers, as text, in JSON, decoded.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface EchoServer {
  readonly url: string;
  /** Authorization headers that came. */
  readonly authorizations: readonly string[];
  close(): Promise<void>;
}

export async function serveEcho(status: number): Promise<EchoServer> {
  const authorizations: string[] = [];
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) authorizations.push(authorization);
    // git sends credentials only to who asks for them, and others must not be told apart by it.
    if (authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="echo"' }).end();
      return;
    }
    const text = everythingOf(request);
    response.writeHead(status, { "content-type": "text/plain", "x-echo": authorization }).end(
      JSON.stringify({
        message: text,
        error: text,
        errorType: text,
        status: "error",
        documentation_url: `https://example.test/?${encodeURIComponent(text)}`,
        errors: [{ message: text }],
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizations,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function everythingOf({ headers }: IncomingMessage): string {
  const { authorization = "" } = headers;
  const value = authorization.replace(/^\w+ /, "");
  return `you sent ${authorization}; that is ${Buffer.from(value, "base64").toString("utf8")}; ${encodeURIComponent(value)}`;
}

export interface NotifiedServer {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  readonly signed: readonly string[];
  /** From now on. */
  answer(status: number): void;
  close(): Promise<void>;
}

/** One that takes notifications, and gives back where and with what it was asked, as headers and as text. */
export async function serveNotified(first: number): Promise<NotifiedServer> {
  let status = first;
  const [asked, signed]: [string[], string[]] = [[], []];
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    asked.push(url);
    const signature = headers["ringward-signature"];
    if (typeof signature === "string") signed.push(signature);
    request.resume();
    response.writeHead(status, url, { "x-echo": url, location: url, "retry-after": "1" }).end(`no ${url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    signed,
    answer: (next) => void (status = next),
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
