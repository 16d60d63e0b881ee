// Arranges for the tests of the sandbox's forge: a forge in a temporary folder, plain requests to it, and real git beside it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ManualClock, manualClock } from "../../../controller/clock.ts";
import { type SandboxForge, type SandboxForgeOptions, startForge } from "../../../controller/sandbox/forge/index.ts";

export interface Place {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly forge: SandboxForge;
  /** One API request as `ringward`; `token: null` sends none. */
  readonly api: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;
  /** Runs the machine's git in a folder below the place; rejects with what git said. */
  readonly git: (args: readonly string[], folder?: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown> & { readonly [index: number]: Record<string, unknown> };
  readonly text: string;
}

export const token = "bot-token";

function runGit(cwd: string, home: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.test", "-c", "protocol.version=2"];
    const child = spawn("git", [...identity, ...args], {
      cwd,
      env: {
        ...process.env,
        HOME: home,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(out.trim()) : reject(new Error(`git ${args[0]} failed: ${err}`)),
    );
  });
}

/** A forge with one commit on main. */
export async function startPlace(change: Partial<SandboxForgeOptions> = {}): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "ringward-forge-"));
  const clock = manualClock(Date.UTC(2026, 0, 5, 8));
  const forge = await startForge({
    directory: join(directory, "forge"),
    clock,
    owner: "acme",
    repository: "policies",
    tokens: { [token]: "ringward", "alice-token": "alice" },
    visitor: "alice",
    ...change,
  });
  await forge.seed(
    new Map([
      ["README.md", "policies\n"],
      ["rings/early.yaml", "a: 1\nb: 2\nc: 3\n"],
    ]),
    "Start",
    "alice",
  );
  return {
    directory,
    clock,
    forge,
    async api(method, path, body, headers = {}) {
      const response = await fetch(`${forge.apiUrl}${path.startsWith("/") ? path : `/repos/acme/policies/${path}`}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: (text === "" ? {} : JSON.parse(text)) as Reply["json"],
      };
    },
    git: (args, folder = ".") => runGit(join(directory, folder), directory, args),
    async close() {
      await forge.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The forge's git address with a token in it, as people write it by hand. */
export function gitAddress(place: Place, as: string): string {
  return place.forge.gitUrl.replace("http://", `http://x:${as}@`);
}

/** A branch from main with one file, and an open pull request for it. */
export async function propose(place: Place, branch: string, path: string, text: string): Promise<number> {
  await place.forge.commit({ branch, files: new Map([[path, text]]), message: `Change ${path}`, author: "ringward" });
  const reply = await place.api("POST", "pulls", { head: branch, base: "main", title: `Change ${path}`, body: "Why." });
  if (reply.status !== 201) throw new Error(`no pull request: ${reply.text}`);
  return Number(reply.json["number"]);
}
