// The demo as a process of its own, in a temporary folder of its own, so that a test sees what it leaves behind.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

export interface DemoProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Resolves once the story on standard error holds this. Rejects when the process ends before. */
  saw(text: string): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** Standard error so far. */
  story(): string;
  /** What lies in its temporary folder. */
  leftovers(): readonly string[];
  remove(): void;
}

/** Starts `ringward ARGS`; `folder` is another demo's, for commands that should find it. */
export function startRingward(args: readonly string[], folder?: string): DemoProcess {
  const own = folder ?? mkdtempSync(join(tmpdir(), "ringward-test-"));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "controller/main.ts", ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: own, KUBECONFIG: "", npm_lifecycle_event: undefined, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    folder: own,
    ended,
    saw: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stderr.includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended before it said ${JSON.stringify(text)}:\n${stderr}`)));
      }),
    story: () => stderr,
    // npm and node keep caches of their own in a temporary folder: they are nobody's leftovers.
    leftovers: () => readdirSync(own).filter((name) => name.startsWith("ringward")),
    remove: () => rmSync(own, { recursive: true, force: true }),
  };
}

/** Runs it to its end. */
export async function runRingward(args: readonly string[], folder?: string): DemoProcess["ended"] {
  const run = startRingward(args, folder);
  const end = await run.ended;
  if (folder === undefined) run.remove();
  return end;
}
