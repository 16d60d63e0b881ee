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
