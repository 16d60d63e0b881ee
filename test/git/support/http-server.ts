// `git http-backend` behind a loopback HTTP server with Basic authentication: the transport and the refusals of a real forge.
import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface GitHttpServer {
  readonly url: string;
  /** Method, path and Authorization header of each request. */
  readonly requests: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[];
  /** Answers the next matching requests with this status (and headers), without asking git. */
  override:
    | ((path: string) => { readonly status: number; readonly headers?: Record<string, string> } | undefined)
    | undefined;
  /** After git has done its work, the connection is cut instead of the reply. */
  cutReply: ((path: string) => boolean) | undefined;
  close(): Promise<void>;
}

export async function serveGit(
  root: string,
  credentials: { readonly username: string; readonly token: string },
  tls?: { readonly key: string; readonly cert: string },
): Promise<GitHttpServer> {
  const expected = `Basic ${Buffer.from(`${credentials.username}:${credentials.token}`).toString("base64")}`;
  const state: Omit<GitHttpServer, "url" | "close"> = { requests: [], override: undefined, cutReply: undefined };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://localhost");
    state.requests.push({
      method: request.method ?? "",
      path: url.pathname,
      authorization: request.headers.authorization,
    });
    const overridden = state.override?.(url.pathname);
    if (overridden !== undefined) {
      response.writeHead(overridden.status, overridden.headers).end();
      return;
    }
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const child = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env["PATH"],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        REMOTE_USER: credentials.username,
        REQUEST_METHOD: request.method ?? "GET",
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        ...(request.headers["content-encoding"] === undefined
          ? {}
          : { HTTP_CONTENT_ENCODING: request.headers["content-encoding"] }),
        ...(request.headers["git-protocol"] === undefined
          ? {}
          : { GIT_PROTOCOL: String(request.headers["git-protocol"]) }),
      },
    });
    child.stdin.on("error", () => undefined);
    request.pipe(child.stdin);
    const out: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.on("close", () => {
      if (state.cutReply?.(url.pathname) === true) {
        request.socket.destroy();
        return;
      }
      const output = Buffer.concat(out);
      const end = output.indexOf("\r\n\r\n");
      const headers = output.subarray(0, end).toString("latin1").split("\r\n");
      let status = 200;
      for (const line of headers) {
        const colon = line.indexOf(":");
        const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
        if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
        else if (colon > 0) response.setHeader(name, value);
      }
      response.writeHead(status).end(output.subarray(end + 4));
    });
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
