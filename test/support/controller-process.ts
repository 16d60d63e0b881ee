// The real controller as a process of its own over a sandbox's cluster, at the sandbox's time.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CONTROLLER_USER, type Sandbox } from "../../controller/sandbox/start.ts";

export interface ControllerProcess {
  /** How it ended, if nobody stopped it. */
  died(): string | undefined;
  /** All that it printed. */
  said(): string;
  stop(): Promise<void>;
}

export interface ControllerSettings {
  readonly identity: string;
  /** Folder for its data. */
  readonly data: string;
  readonly flags?: readonly string[];
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

const LAUNCHER = fileURLToPath(new URL("../../controller/launch.cjs", import.meta.url));
const MAIN = fileURLToPath(new URL("../../controller/main.ts", import.meta.url));

export function startController(sandbox: Sandbox, settings: ControllerSettings): ControllerProcess {
  const { identity, data, flags = [], env = {} } = settings;
  const kubeconfig = sandbox.workspace.write("controller.kubeconfig", sandbox.kubeconfigFor(CONTROLLER_USER));
  const args = [LAUNCHER, MAIN, "controller", "--kubeconfig", kubeconfig, "--policy-clock", sandbox.clockUrl];
  // The sandbox's forge is on this machine, and its API server lives faster than in real time.
  args.push("--allow-insecure", "--kube-api-qps", "1000", "--kube-api-burst", "1000", "--pace", "50");
  args.push("--identity", identity, "--data", data, ...flags);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  let stopping = false;
  return {
    died: () =>
      child.exitCode === null || stopping
        ? undefined
        : `the controller ended by itself (${child.exitCode}): ${said.slice(-3000)}`,
    said: () => said,
    async stop() {
      stopping = true;
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}
