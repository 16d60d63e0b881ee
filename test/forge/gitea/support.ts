// A server on loopback that answers as Gitea 1.27 does, for what a real one cannot be brought to say on demand: limits, outages, refusals.
// It knows one repository, one pull request and nothing else; what the adapter does with a real Gitea stands in test/gitea.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createForge, type Forge } from "../../../controller/forge/index.ts";
import { type HurriedClock, hurriedClock } from "../hurried-clock.ts";

export const TOKEN = "0123456789abcdef0123456789abcdef01234567";
export const HEAD = "a".repeat(40);
export const MERGED = "c".repeat(40);

export interface Answer {
  readonly status: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** "cut": the connection ends without an answer. */
export type Fault = (method: string, path: string) => Answer | "cut" | undefined;

export interface FakeGitea {
  readonly forge: Forge;
  readonly clock: HurriedClock;
  /** "METHOD /path" below the repository, in their order. */
  readonly seen: string[];
  /** Pull request 1, as Gitea tells it; may be changed. */
  readonly pull: Record<string, unknown>;
  /** Answers first, where it answers anything. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

function pullRequest(): Record<string, unknown> {
  const repo = { full_name: "acme/policy" };
  return {
    number: 1,
    html_url: "http://forge.invalid/acme/policy/pulls/1",
    state: "open",
    merged: false,
    merged_at: null,
    merged_by: null,
    merge_commit_sha: null,
    mergeable: true,
    draft: false,
    title: "t",
    body: "b",
    labels: [],
    user: { login: "ringward" },
    head: { label: "ringward/early", ref: "ringward/early", sha: HEAD, repo },
    base: { label: "main", ref: "main", sha: "b".repeat(40), repo },
    created_at: "2026-01-05T08:00:00Z",
    updated_at: "2026-01-05T08:00:00Z",
    closed_at: null,
  };
}

const PLACE = "/api/v1/repos/acme/policy";

export async function startFakeGitea(): Promise<FakeGitea> {
  const seen: string[] = [];
  const pull = pullRequest();
  const clock = hurriedClock();

  function answer(method: string, path: string): Answer {
    switch (`${method} ${path}`) {
      case "GET ":
        return { status: 200, body: { full_name: "acme/policy", allow_squash_merge: false } };
      case "GET /pulls":
        return { status: 200, body: [pull], headers: { "x-total-count": "1" } };
      case "GET /pulls/1":
        return { status: 200, body: pull };
      case "GET /git/refs/pull/1/head":
        return { status: 200, body: { ref: "refs/pull/1/head", object: { sha: HEAD } } };
      case "PATCH /pulls/1":
        return { status: 201, body: pull };
      case "POST /pulls/1/merge":
        merge();
        return { status: 200 };
      default:
        return { status: 404, body: { message: "The target couldn't be found." } };
    }
  }
  function merge(): void {
    Object.assign(pull, {
      state: "closed",
      merged: true,
      merged_at: "2026-01-05T08:01:00Z",
      merged_by: { login: "ringward" },
      merge_commit_sha: MERGED,
      closed_at: "2026-01-05T08:01:00Z",
    });
  }

  const fake: { fault: Fault | undefined } = { fault: undefined };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://forge.invalid");
    const method = request.method ?? "GET";
    const path = pathname.startsWith(PLACE) ? pathname.slice(PLACE.length) : pathname;
    seen.push(`${method} ${path}`);
    request.resume().once("end", () => {
      const said = fake.fault?.(method, path) ?? answer(method, path);
      if (said === "cut") {
        request.socket.destroy();
        return;
      }
      const { status, body, headers } = said;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const forge = createForge({
    kind: "Gitea",
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    owner: "acme",
    repository: "policy",
    token: () => Promise.resolve(TOKEN),
    clock,
  });
  return Object.assign(fake, {
    forge,
    clock,
    seen,
    pull,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
