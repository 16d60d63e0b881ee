// Programs that tests start: output to a file, an end by process id, and nothing left behind when a test fails. What even this process
// could not end (it was killed itself) is found by test/tooling/e2e.ts through the ids that are written down here.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";
import { RUN_FOLDER } from "../../tooling/e2e.ts";

export interface Program {
  readonly pid: number;
  readonly running: boolean;
  /** The end of what it printed, for messages. */
  output(): string;
  /** Asks, waits, and insists after `graceMs`; the process is gone when this resolves. */
  stop(graceMs?: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Where its output goes. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
}

const SHOWN = 4_000;
const GRACE_MS = 15_000;
const living = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a program; rejects when it cannot be started at all. */
export function startProgram({ file, args, log, env = {} }: ProgramOptions): Promise<Program> {
  const output = openSync(log, "a");
  const child = spawn(file, args, { stdio: ["ignore", output, output], env: { ...process.env, ...env } });
  closeSync(output);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => resolve(follow(child, file, log)));
  });
}

function follow(child: ChildProcess, file: string, log: string): Program {
  const pid = child.pid ?? 0;
  const { [RUN_FOLDER]: folder } = process.env;
  const mark = folder === undefined ? undefined : join(folder, String(pid));
  if (mark !== undefined) writeFileSync(mark, file);
  living.add(child);
  let running = true;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      running = false;
      living.delete(child);
      if (mark !== undefined) rmSync(mark, { force: true });
      resolve();
    });
  });
  return {
    pid,
    get running() {
      return running;
    },
    output: () => `${basename(file)} (${log}):\n${readFileSync(log, "utf8").slice(-SHOWN)}`,
    signal: (signal) => void (running && child.kill(signal)),
    ended,
    async stop(graceMs = GRACE_MS) {
      if (!running) return;
      child.kill("SIGTERM");
      // A stopped process hears nothing else.
      child.kill("SIGCONT");
      const insist = new AbortController();
      await Promise.race([ended, systemClock.sleep(graceMs, insist.signal).catch(() => undefined)]);
      insist.abort();
      if (running) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Free ports of the loopback interface, all different. Somebody may take one before it is used: what starts then says so and ends. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
