// The real controller as a process of its own, under the service account that it has in a cluster.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startProgram } from "./processes.ts";

export interface ControllerOptions {
  /** Text of its kubeconfig. */
  readonly kubeconfig: string;
  /** In the Lease; one that lives on through restarts finds its own Lease and goes on at once. */
  readonly identity: string;
  /** Of its Lease. */
  readonly namespace: string;
  /** Folder of the test. */
  readonly directory: string;
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
  /** The end of what it printed. */
  output(): string;
}

export const LAUNCHER = fileURLToPath(new URL("../../../controller/launch.cjs", import.meta.url));
export const MAIN = fileURLToPath(new URL("../../../controller/main.ts", import.meta.url));

export function createController({ kubeconfig, identity, namespace, directory }: ControllerOptions): Controller {
  const file = join(directory, `${identity}.kubeconfig`);
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  const log = join(directory, `${identity}.log`);
  const data = join(directory, `${identity}.data`);
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
  ];
  let program: Program | undefined;
  return {
    identity,
    get running() {
      return program?.running === true;
    },
    async start() {
      if (program?.running === true) return;
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
    led: () => (existsSync(log) ? readFileSync(log, "utf8").split('"message":"leading"').length - 1 : 0),
    output: () => program?.output() ?? "it was never started",
  };
}
