// The sandbox's forge: one HTTP server on loopback with GitHub's REST API under /api/v3, the repository over smart HTTP and pages
// for people. What is on disk is a real Git repository; what is in memory is only the pull requests' records.
// Tests and the demo may lose, fail or refuse any request (`setFault`); the forge itself never decides anything for a person.
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import type { Clock, Instant } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import type { PullRecord } from "../../forge/memory/records.ts";
import type { CommitSha } from "../../git/port.ts";
import { createBackend, type Backend, isPush } from "./backend.ts";
import { answerPage } from "./browse.ts";
import { createPlumbing, type GitPerson, isBranchName, type Plumbing } from "./plumbing.ts";
import {
  createRepository,
  type ForgeRepository,
  type ForgeSnapshot,
  type MergeMethod,
  personOf,
  type PushRecord,
  Refusal,
} from "./repository.ts";
import { answerRest } from "./rest.ts";
import type { ForgeAddress } from "./shapes.ts";
import { type Answer, type Caller, errorAnswer, identify, send } from "./wire.ts";

export type { ForgeSnapshot, PushRecord } from "./repository.ts";

/** A request as faults and listeners see it. */
export interface ForgeRequest {
  /** 1 for the server's first request. */
  readonly number: number;
  readonly kind: "api" | "git" | "page";
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** True when it can change something. */
  readonly write: boolean;
  /** Undefined: nobody, or a token that the forge does not know. */
  readonly login: string | undefined;
}

/** What happens to a request: it is served; dropped unserved; served but its reply is lost; refused with a status, unserved. */
export type ForgeFault =
  | "none"
  | "failBefore"
  | "loseReply"
  | { readonly status: number; readonly message?: string; readonly headers?: Readonly<Record<string, string>> };

export interface ForgeRequestEvent extends ForgeRequest {
  readonly outcome: "answered" | "dropped" | "replyLost";
  /** What was (or would have been) answered; 0 when dropped. */
  readonly status: number;
}

export interface SandboxForgeOptions {
  /** Holds OWNER/REPOSITORY.git; made when missing, kept after. */
  readonly directory: string;
  /** Policy time: dates of commits and pull requests. */
  readonly clock: Clock;
  readonly owner: string;
  readonly repository: string;
  /** Token -> login. Every token may read and write; reading needs none. */
  readonly tokens: Readonly<Record<string, string>>;
  /** 0 or omitted: any free one. */
  readonly port?: number;
  /** Whose name the buttons on the pages carry; default "visitor". */
  readonly visitor?: string;
}

export interface SandboxCommit {
  readonly branch: string;
  /** Path -> text, or null to delete. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly message: string;
  /** A login. */
  readonly author: string;
  /** Default: the clock's now. */
  readonly date?: Instant;
}

export interface SandboxForge {
  readonly url: string;
  readonly apiUrl: string;
  readonly gitUrl: string;
  /** The bare repository on disk. */
  readonly gitDirectory: string;
  /** The first commit on main, by a person; an error when main is there already. */
  seed(files: ReadonlyMap<string, string>, message: string, author: string): Promise<CommitSha>;
  /** A person's commit straight to a branch (made from main when missing). */
  commit(commit: SandboxCommit): Promise<CommitSha>;
  /** Moves a branch anywhere, as `git push --force` would. */
  forcePush(branch: string, commit: CommitSha, by?: string): Promise<void>;
  deleteBranch(branch: string, by?: string): Promise<void>;
  /** Merges a branch into another as a person does who pushes from their own machine, past the pull request. */
  pushMerge(from: string, into: string, by: string): Promise<CommitSha>;
  branches(): Promise<ReadonlyMap<string, CommitSha>>;
  pullRequests(): Promise<readonly PullRecord[]>;
  /** A person presses Merge; refuses (405, 409) as the API does. */
  merge(number: number, by: string, method?: MergeMethod): Promise<CommitSha>;
  /** A person closes it unmerged. */
  closePullRequest(number: number, by: string, comment?: string): Promise<void>;
  /** Every move of every branch, oldest first. */
  pushes(): readonly PushRecord[];
  /** Called after each request; answers how to stop listening. */
  onRequest(listener: (event: ForgeRequestEvent) => void): () => void;
  setFault(fault: ((request: ForgeRequest) => ForgeFault) | undefined): void;
  snapshot(): ForgeSnapshot;
  /** Puts the records back; the git directory must be put back by the caller first. */
  restore(snapshot: ForgeSnapshot): Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  readonly at: ForgeAddress;
  readonly git: Plumbing;
  readonly repository: ForgeRepository;
  readonly backend: Backend;
  readonly options: SandboxForgeOptions;
  readonly secret: Buffer;
}

async function answerGit(parts: Parts, request: IncomingMessage, url: URL, caller: Caller): Promise<Answer> {
  const pushing = isPush(request.method ?? "GET", url);
  if (caller.kind === "refused" || (pushing && caller.kind !== "login")) {
    return {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="sandbox forge"', "content-type": "text/plain" },
      body: "Authentication is needed: send a token as the password.\n",
    };
  }
  const login = caller.kind === "login" ? caller.login : undefined;
  // http-backend lets whoever has a name push: readers get none.
  if (!pushing) return await parts.backend.serve(request, url, undefined);
  if (request.method !== "POST") return await parts.backend.serve(request, url, login);
  return await parts.repository.exclusively(login ?? "somebody", () => parts.backend.serve(request, url, login));
}

async function answer(
  parts: Parts,
  kind: ForgeRequest["kind"],
  request: IncomingMessage,
  url: URL,
  caller: Caller,
): Promise<Answer> {
  const { at, repository, secret } = parts;
  try {
    if (kind === "api") return await answerRest({ at, repository, request, url, caller });
    if (kind === "git") return await answerGit(parts, request, url, caller);
    return await answerPage({ at, repository, secret, visitor: parts.options.visitor ?? "visitor" }, request, url);
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message, error.errors);
    return errorAnswer(500, `Server Error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function kindOf(at: ForgeAddress, url: URL): ForgeRequest["kind"] {
  if (url.pathname === "/api/v3" || url.pathname.startsWith("/api/v3/")) return "api";
  return url.pathname.startsWith(`/${at.owner}/${at.repository}.git/`) ? "git" : "page";
}

/** Limits as GitHub reports them with every API answer; this forge never runs out by itself. */
function limitHeaders(clock: Clock): Readonly<Record<string, string>> {
  return {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-used": "1",
    "x-ratelimit-resource": "core",
    "x-ratelimit-reset": String(Math.floor(clock.now() / 1000) + 3600),
  };
}

interface Hooks {
  fault: ((request: ForgeRequest) => ForgeFault) | undefined;
  readonly listeners: Set<(event: ForgeRequestEvent) => void>;
  count: number;
}

async function handle(parts: Parts, hooks: Hooks, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", parts.at.url);
  const method = request.method ?? "GET";
  const kind = kindOf(parts.at, url);
  const caller = identify(request.headers.authorization, parts.options.tokens);
  const write = kind === "git" ? method === "POST" && isPush(method, url) : method !== "GET" && method !== "HEAD";
  const seen: ForgeRequest = {
    number: ++hooks.count,
    kind,
    method,
    path: url.pathname + url.search,
    write,
    login: caller.kind === "login" ? caller.login : undefined,
  };
  const tell = (outcome: ForgeRequestEvent["outcome"], status: number): void => {
    for (const listener of hooks.listeners) listener({ ...seen, outcome, status });
  };
  const fault = hooks.fault?.(seen) ?? "none";
  if (fault === "failBefore") {
    request.socket.destroy();
    return tell("dropped", 0);
  }
  if (typeof fault === "object") {
    request.resume();
    send(
      response,
      errorAnswer(fault.status, fault.message ?? "Injected fault", [], {
        ...limitHeaders(parts.options.clock),
        ...fault.headers,
      }),
    );
    return tell("answered", fault.status);
  }
  const given = await answer(parts, kind, request, url, caller);
  // Told before the reply leaves, so that whoever got a reply can rely on the listeners having seen it.
  tell(fault === "loseReply" ? "replyLost" : "answered", given.status);
  if (fault === "loseReply") request.socket.destroy();
  else send(response, { ...given, headers: { ...extraHeaders(parts, kind, seen.number), ...given.headers } });
}

function extraHeaders(parts: Parts, kind: ForgeRequest["kind"], number: number): Readonly<Record<string, string>> {
  if (kind === "api") return { ...limitHeaders(parts.options.clock), "x-github-request-id": `SANDBOX:${number}` };
  // curl, and so git, silently repeats a request that dies on a kept connection: an injected fault would not be seen.
  return kind === "git" ? { connection: "close" } : {};
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function checkNames(options: SandboxForgeOptions): void {
  for (const [what, name] of [
    ["owner", options.owner],
    ["repository", options.repository],
  ] as const) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name) || name.endsWith(".git")) {
      throw new UserError(
        "RW0701",
        `sandbox forge: ${what} ${JSON.stringify(name)} is not a name that a forge takes`,
        "use letters, digits, dots, dashes and underscores",
      );
    }
  }
}

function personsWork(
  parts: Parts,
): Pick<
  SandboxForge,
  | "seed"
  | "commit"
  | "forcePush"
  | "deleteBranch"
  | "pushMerge"
  | "branches"
  | "pullRequests"
  | "merge"
  | "closePullRequest"
> {
  const { git, repository, options } = parts;
  const author = (login: string): GitPerson => personOf(login);
  const checkBranch = (branch: string): void => {
    if (!isBranchName(branch))
      throw new UserError(
        "RW0702",
        `sandbox forge: ${JSON.stringify(branch)} is not a branch name`,
        "see git-check-ref-format",
      );
  };
  const commit = (wanted: SandboxCommit, onlyFirst: boolean): Promise<CommitSha> => {
    checkBranch(wanted.branch);
    return repository.exclusively(wanted.author, async () => {
      const heads = repository.branches();
      const parent = heads.get(wanted.branch) ?? heads.get("main");
      if (onlyFirst && heads.has("main"))
        throw new UserError(
          "RW0703",
          "sandbox forge: main has commits already",
          "seed an empty directory, or use commit",
        );
      return await git.commit({
        branch: wanted.branch,
        parent,
        files: wanted.files,
        message: wanted.message,
        author: author(wanted.author),
        time: wanted.date ?? options.clock.now(),
      });
    });
  };
  return {
    seed: (files, message, login) => commit({ branch: "main", files, message, author: login }, true),
    commit: (wanted) => commit(wanted, false),
    forcePush: (branch, to, by = "somebody") => {
      checkBranch(branch);
      return repository.exclusively(by, () => git.moveRefs([{ ref: `refs/heads/${branch}`, to, force: true }]));
    },
    deleteBranch: (branch, by = "somebody") => {
      checkBranch(branch);
      return repository.exclusively(by, () => git.moveRefs([{ ref: `refs/heads/${branch}`, to: undefined }]));
    },
    pushMerge: (from, into, by) =>
      repository.exclusively(by, async () => {
        const [head, base] = [repository.branches().get(from), repository.branches().get(into)];
        const tree = head === undefined || base === undefined ? undefined : await git.mergeTree(base, head);
        if (head === undefined || base === undefined || tree === undefined)
          throw new UserError(
            "RW0704",
            `sandbox forge: ${from} cannot be merged into ${into}`,
            "it conflicts, or a branch is missing",
          );
        const now = options.clock.now();
        const tip = await git.commitTree(tree, [base, head], `Merge branch '${from}' into ${into}\n`, {
          author: author(by),
          committer: author(by),
          authorTime: now,
          time: now,
        });
        await git.moveRefs([{ ref: `refs/heads/${into}`, from: base, to: tip }]);
        return tip;
      }),
    branches: () => repository.exclusively("somebody", () => Promise.resolve(new Map(repository.branches()))),
    pullRequests: () => repository.exclusively("somebody", () => Promise.resolve(repository.pulls())),
    merge: (number, by, method = "merge") => repository.exclusively(by, () => repository.merge(number, by, { method })),
    closePullRequest: (number, by, comment) =>
      repository.exclusively(by, async () => {
        if (comment !== undefined) await repository.comment(number, by, comment);
        await repository.change(number, { state: "closed" });
      }),
  };
}

/** Starts a forge on loopback over the repository in `directory` (made when missing). */
export async function startForge(options: SandboxForgeOptions): Promise<SandboxForge> {
  checkNames(options);
  const path = `${options.owner}/${options.repository}.git`;
  const gitDirectory = join(options.directory, options.owner, `${options.repository}.git`);
  await mkdir(join(options.directory, options.owner), { recursive: true });
  const git = createPlumbing(gitDirectory);
  await git.init();
  const repository = createRepository({ git, clock: options.clock, owner: options.owner });
  const backend = await createBackend({ root: options.directory, repository: path, directory: gitDirectory });
  const hooks: Hooks = { fault: undefined, listeners: new Set(), count: 0 };
  let parts: Parts | undefined;
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    if (parts === undefined) return void request.socket.destroy();
    handle(parts, hooks, request, response).catch(() => request.socket.destroy());
  });
  const port = await listen(server, options.port ?? 0);
  const url = `http://127.0.0.1:${port}`;
  parts = {
    at: { url, owner: options.owner, repository: options.repository },
    git,
    repository,
    backend,
    options,
    secret: randomBytes(32),
  };
  return {
    url,
    apiUrl: `${url}/api/v3`,
    gitUrl: `${url}/${path}`,
    gitDirectory,
    ...personsWork(parts),
    pushes: () => repository.pushes(),
    onRequest(listener) {
      hooks.listeners.add(listener);
      return () => void hooks.listeners.delete(listener);
    },
    setFault(fault) {
      hooks.fault = fault;
    },
    snapshot: () => repository.snapshot(),
    restore: (snapshot) => repository.restore(snapshot),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
