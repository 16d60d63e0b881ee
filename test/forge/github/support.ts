// Arranges for the tests of the GitHub adapter: the sandbox's forge with a token and an App, clients of it, and a clock that never sleeps.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { manualClock } from "../../../controller/clock.ts";
import {
  type Account,
  createAppAccount,
  createForge,
  type Forge,
  type ForgeCall,
} from "../../../controller/forge/index.ts";
import { commitRules } from "../../../controller/git/commit-rules.ts";
import { type ForgeRequestEvent, type SandboxForge, startForge } from "../../../controller/sandbox/forge/index.ts";
import { type HurriedClock, hurriedClock } from "../hurried-clock.ts";
import { watchWire } from "./openapi/wire.ts";

export const token = "ghp_0123456789abcdefABCDEF";
export const appId = 7;
export const installationId = 4711;

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** As GitHub hands it out: PKCS#1. */
export const appKey = privateKey;

export interface GitHubPlace {
  readonly sandbox: SandboxForge;
  readonly clock: HurriedClock;
  readonly calls: ForgeCall[];
  /** Every request that the forge saw. */
  readonly seen: ForgeRequestEvent[];
  /** `tokens`: what the token's file holds, one after the other. */
  forge(change?: { readonly tokens?: readonly string[] }): Forge;
  account(change?: { readonly installationId?: number; readonly key?: string; readonly appId?: number }): Account;
  /** A forge as the App, which commits through the API. */
  appForge(account?: Account): Forge;
  /** Operations that were asked for. */
  used(): ReadonlySet<string>;
  /** Fails where anything on the wire was not as GitHub describes it. */
  close(): Promise<void>;
}

/** One after the other, the last for ever. */
function nextOf(tokens: readonly string[]): () => Promise<string> {
  let next = 0;
  return () => Promise.resolve(tokens[Math.min(next++, tokens.length - 1)] ?? "");
}

/** A forge with one commit on main. */
export async function startGitHub(): Promise<GitHubPlace> {
  const directory = await mkdtemp(join(tmpdir(), "ringward-forge-"));
  const clock = hurriedClock();
  const calls: ForgeCall[] = [];
  const seen: ForgeRequestEvent[] = [];
  const sandbox = await startForge({
    directory,
    clock: manualClock(Date.UTC(2026, 0, 5, 8)),
    owner: "acme",
    repository: "policies",
    tokens: { [token]: "ringward" },
    apps: [{ appId, slug: "ringward-app", installationId, publicKey }],
  });
  const wire = watchWire(sandbox.apiUrl);
  await sandbox.seed(new Map([["README.md", "policies\n"]]), "Start", "alice");
  sandbox.onRequest((event) => seen.push(event));
  const common = {
    owner: "acme",
    repository: "policies",
    clock,
    onRequest: (call: ForgeCall) => void calls.push(call),
  };
  const account: GitHubPlace["account"] = (change = {}) =>
    createAppAccount({
      apiUrl: sandbox.apiUrl,
      appId: change.appId ?? appId,
      installationId: change.installationId ?? installationId,
      privateKey: () => Promise.resolve(change.key ?? appKey),
      repositories: ["policies"],
      clock,
      onRequest: common.onRequest,
    });
  return {
    sandbox,
    clock,
    calls,
    seen,
    account,
    forge: (change = {}) =>
      createForge({
        kind: "GitHub",
        ...common,
        apiUrl: sandbox.apiUrl,
        token: nextOf(change.tokens ?? [token]),
      }),
    appForge: (given) =>
      createForge({
        kind: "GitHub",
        ...common,
        apiUrl: sandbox.apiUrl,
        account: given ?? account(),
        commits: { branch: "main", rules: commitRules },
      }),
    used: () => wire.used(),
    async close() {
      wire.stop();
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
      expect(wire.violations()).toEqual([]);
    },
  };
}
