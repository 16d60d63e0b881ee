// Git over smart HTTP: hands one request to `git http-backend` (CGI, RFC 3875) and collects its answer. The path is checked
// before the process starts and only this one repository is served. Never trusts CGI output beyond its header block.
import { spawn } from "node:child_process";
import { createGunzip } from "node:zlib";
import type { IncomingMessage } from "node:http";
import { gitEnvironment, runGit } from "./plumbing.ts";
import type { Answer } from "./wire.ts";

export interface Backend {
  /** Serves one request below the repository's path; `login` is undefined for readers. */
  serve(request: IncomingMessage, url: URL, login: string | undefined): Promise<Answer>;
}

/** Where this git keeps its own programs. */
async function backendProgram(directory: string): Promise<string> {
  const outcome = await runGit(directory, ["--exec-path"]);
  if (outcome.code !== 0) throw new Error(`git --exec-path failed: ${outcome.err.trim()}`);
  return `${outcome.out.trim()}/git-http-backend`;
}

/** True for requests that write: the ones that need a token. */
export function isPush(method: string, url: URL): boolean {
  return (
    url.pathname.endsWith("/git-receive-pack") ||
    (method === "GET" && url.searchParams.get("service") === "git-receive-pack")
  );
}

function parseCgi(output: Buffer): Answer {
  const end = output.indexOf("\r\n\r\n");
  if (end < 0)
    return { status: 500, headers: { "content-type": "text/plain" }, body: "git http-backend gave no answer\n" };
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of output.subarray(0, end).toString("latin1").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "status") status = Number.parseInt(value, 10) || 500;
    else headers[name] = value;
  }
  return { status, headers, body: output.subarray(end + 4) };
}

/** Serves the bare repository `directory`, which lies below `root`, with the git on this machine. */
export async function createBackend(options: { readonly root: string; readonly directory: string }): Promise<Backend> {
  const program = await backendProgram(options.directory);
  return {
    serve: (request, url, login) =>
      new Promise((resolve, reject) => {
        const method = request.method ?? "GET";
        const length = request.headers["content-length"];
        const zipped = request.headers["content-encoding"] === "gzip";
        const environment: NodeJS.ProcessEnv = {
          ...gitEnvironment(options.directory),
          GATEWAY_INTERFACE: "CGI/1.1",
          SERVER_PROTOCOL: "HTTP/1.1",
          GIT_PROJECT_ROOT: options.root,
          GIT_HTTP_EXPORT_ALL: "1",
          PATH_INFO: decodeURIComponent(url.pathname),
          QUERY_STRING: url.search.slice(1),
          REQUEST_METHOD: method,
          REMOTE_ADDR: "127.0.0.1",
          CONTENT_TYPE: request.headers["content-type"] ?? "",
          ...(length === undefined || zipped ? {} : { CONTENT_LENGTH: length }),
          ...(login === undefined ? {} : { REMOTE_USER: login }),
          ...(typeof request.headers["git-protocol"] === "string"
            ? { GIT_PROTOCOL: request.headers["git-protocol"] }
            : {}),
        };
        const child = spawn(program, [], { env: environment, stdio: ["pipe", "pipe", "ignore"] });
        const output: Buffer[] = [];
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.on("error", reject);
        child.on("close", () => resolve(parseCgi(Buffer.concat(output))));
        child.stdin.on("error", () => undefined);
        const body = zipped ? request.pipe(createGunzip()) : request;
        body.on("error", () => child.stdin.destroy());
        request.on("close", () => {
          if (!request.complete) child.stdin.destroy();
        });
        body.pipe(child.stdin);
      }),
  };
}
