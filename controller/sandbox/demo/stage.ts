// The demo's stage: a sandbox with the quickstart's policy, and the real controller as a process of its own in front of it.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../clock.ts";
import { createClient, type Client } from "../../kube/client.ts";
import { DISRUPTION_LEDGERS } from "../../kube/resources.ts";
import { listing } from "../../reconcile/cluster.ts";
import { CONTROLLER_USER, PERSON_USER, type Sandbox } from "../start.ts";

/** The real controller, as a process that can be killed and started again. */
export interface ControllerProcess {
  start(): void;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL; the process is gone when this resolves. */
  kill(): Promise<void>;
  readonly running: boolean;
}

/** A controller process for a sandbox. Its log goes to `onLog`, a line at a time. */
export function createControllerProcess(sandbox: Sandbox, onLog: (line: string) => void): ControllerProcess {
  const kubeconfig = sandbox.workspace.write("controller.kubeconfig", sandbox.kubeconfigFor(CONTROLLER_USER));
  const launcher = fileURLToPath(new URL("../../launch.cjs", import.meta.url));
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  const args = [launcher, "controller/main.ts", "controller", "--kubeconfig", kubeconfig, "--policy-clock", sandbox.clockUrl];
  // One identity for all its lives: a Lease that our dead predecessor holds is ours. Data survives too, as on a persistent volume.
  args.push("--identity", "ringward-demo", "--data", sandbox.workspace.directory, "--pace", "100");
  return {
    get running() {
      return child !== undefined;
    },
    start() {
      if (child !== undefined) return;
      const started = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      let rest = "";
      started.stderr?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLog(line);
      });
      ended = new Promise((resolve) => {
        started.once("exit", () => {
          if (child === started) child = undefined;
          resolve();
        });
      });
    },
    async stop() {
      child?.kill("SIGTERM");
      await ended;
    },
    async kill() {
      child?.kill("SIGKILL");
      await ended;
    },
  };
}

/** What a person at the demo does with the cluster: reads it, and writes under their own name. */
export interface Person {
  readonly client: Client;
  readonly reader: ReturnType<typeof listing>;
  setMode(mode: "Observe" | "Enforce" | "Stop"): Promise<void>;
}

export function createPerson(sandbox: Sandbox, clock: Clock): Person {
  const client = createClient(sandbox.cluster.server.as(PERSON_USER), { fieldManager: "kubectl", clock });
  return {
    client,
    reader: listing(client, clock),
    async setMode(mode) {
      await client.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode } } });
    },
  };
}
