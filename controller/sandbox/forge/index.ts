// The sandbox's forge: one HTTP server on loopback with GitHub's REST API under /api/v3, the repository over smart HTTP and pages
// for people. What is on disk is a real Git repository; what is in memory is only the pull requests' records.
// Tests and the demo may lose, fail or refuse any request (`setFault`); the forge itself never decides anything for a person.
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Clock, systemClock } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import { createApps, type SandboxApp } from "./apps.ts";
import { createBackend } from "./backend.ts";
import { createPeople, type SandboxPeople } from "./people.ts";
import { createPlumbing } from "./plumbing.ts";
import { createRepository, type ForgeSnapshot, type PushRecord } from "./repository.ts";
import { type ForgeFault, type ForgeRequest, type ForgeRequestEvent, handle, type Hooks, type Parts } from "./serve.ts";

export type { SandboxCommit, SandboxPeople } from "./people.ts";
export type { ForgeFault, ForgeRequest, ForgeRequestEvent } from "./serve.ts";
export type { ForgeSnapshot, PushRecord } from "./repository.ts";

export interface SandboxForgeOptions {
  /** Holds OWNER/REPOSITORY.git; made when missing, kept after. */
  readonly directory: string;
  /** Policy time: dates of commits and pull requests. */
  readonly clock: Clock;
  readonly owner: string;
  readonly repository: string;
  /** Token -> login. Every token may read and write; reading needs none. */
  readonly tokens: Readonly<Record<string, string>>;
  /** GitHub Apps that are installed here. */
  readonly apps?: readonly SandboxApp[];
  /** 0 or omitted: any free one. */
  readonly port?: number;
  /** Whose name the buttons on the pages carry; default "visitor". */
  readonly visitor?: string;
}

export interface SandboxForge extends SandboxPeople {
  readonly url: string;
  readonly apiUrl: string;
  readonly gitUrl: string;
  /** The bare repository on disk. */
  readonly gitDirectory: string;
  /** Every move of every branch, oldest first. */
  pushes(): readonly PushRecord[];
  /** Called after each request; answers how to stop listening. */
  onRequest(listener: (event: ForgeRequestEvent) => void): () => void;
  setFault(fault: ((request: ForgeRequest) => ForgeFault) | undefined): void;
  /** Ends every token of an App now. */
  revokeAppTokens(): void;
  snapshot(): ForgeSnapshot;
  /** Puts the records back; the git directory must be put back by the caller first. */
  restore(snapshot: ForgeSnapshot): Promise<void>;
  close(): Promise<void>;
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

/** Starts a forge on loopback over the repository in `directory` (made when missing). */
export async function startForge(options: SandboxForgeOptions): Promise<SandboxForge> {
  checkNames(options);
  const path = `${options.owner}/${options.repository}.git`;
  const gitDirectory = join(options.directory, options.owner, `${options.repository}.git`);
  await mkdir(join(options.directory, options.owner), { recursive: true });
  const git = createPlumbing(gitDirectory);
  await git.init();
  const repository = createRepository({ git, clock: options.clock, owner: options.owner });
  const backend = await createBackend({ root: options.directory, directory: gitDirectory });
  const apps = createApps(options.apps ?? [], systemClock);
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
    repository,
    backend,
    clock: options.clock,
    tokens: options.tokens,
    apps,
    visitor: options.visitor ?? "visitor",
    secret: randomBytes(32),
  };
  return {
    url,
    apiUrl: `${url}/api/v3`,
    gitUrl: `${url}/${path}`,
    gitDirectory,
    ...createPeople({ git, repository, clock: options.clock }),
    pushes: () => repository.pushes(),
    onRequest(listener) {
      hooks.listeners.add(listener);
      return () => void hooks.listeners.delete(listener);
    },
    setFault(fault) {
      hooks.fault = fault;
    },
    revokeAppTokens: () => apps.revoke(),
    snapshot: () => repository.snapshot(),
    restore: (snapshot) => repository.restore(snapshot),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
