// The real controller as a process of its own, under the service account that it has in a cluster.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startProgram } from "./processes.ts";

export interface ControllerOptions {
  /** Text of its kubeconfig. */
  readonly kubeconfig: string;
  /** Of its files. */
  readonly name: string;
  /** In the Lease; one that lives on through restarts finds its own Lease and goes on at once. */
  readonly identity: string;
  /** Of its Lease. */
  readonly namespace: string;
  /** Folder of the test. */
  readonly directory: string;
  /** Address on which it serves /metrics; undefined: nowhere. */
  readonly metrics?: string | undefined;
}

export interface Controller {
  readonly identity: string;
  readonly running: boolean;
  start(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** SIGKILL; gone when it resolves. */
  kill(): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** How often it became the leader, in all its lives. */
  led(): number;
  /** Whether it leads now, by its own word. */
  leads(): boolean;
  /** The end of what it printed. */
  output(): string;
}

/** What it says when it begins and when it ceases to lead. */
const LEADING = '"message":"leading"';
const NOT_LEADING = '"message":"not leading"';

export const LAUNCHER = fileURLToPath(new URL("../../../controller/launch.cjs", import.meta.url));
export const MAIN = fileURLToPath(new URL("../../../controller/main.ts", import.meta.url));

export function createController(options: ControllerOptions): Controller {
  const { kubeconfig, name, identity, namespace, directory, metrics } = options;
  const file = join(directory, `${name}.kubeconfig`);
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  const log = join(directory, `${name}.log`);
  const data = join(directory, `${name}.data`);
  mkdirSync(data, { mode: 0o700 });
  const args = [
    LAUNCHER,
    MAIN,
    "controller",
    "--kubeconfig",
    file,
    "--identity",
    identity,
    "--data",
    data,
    "--namespace",
    namespace,
    // The forge of these tests is on this machine.
    "--allow-insecure",
    ...(metrics === undefined ? [] : ["--metrics-bind-address", metrics]),
  ];
  let program: Program | undefined;
  /** Length of the log when this life began. */
  let born = 0;
  const printed = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
  return {
    identity,
    get running() {
      return program?.running === true;
    },
    async start() {
      if (program?.running === true) return;
      born = printed().length;
      program = await startProgram({ file: process.execPath, args, log });
    },
    async stop() {
      await program?.stop();
    },
    async kill() {
      program?.signal("SIGKILL");
      await program?.ended;
    },
    freeze: () => program?.signal("SIGSTOP"),
    thaw: () => program?.signal("SIGCONT"),
    led: () => printed().split(LEADING).length - 1,
    leads() {
      const life = printed().slice(born);
      return program?.running === true && life.lastIndexOf(LEADING) > life.lastIndexOf(NOT_LEADING);
    },
    output: () => program?.output() ?? "it was never started",
  };
}
