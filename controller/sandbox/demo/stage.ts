// The demo's stage: a sandbox with the quickstart's policy, the real controller as a process of its own in front of it, and a person.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "../../clock.ts";
import type { CommitSha } from "../../git/port.ts";
import { type Client, createClient } from "../../kube/client.ts";
import { DISRUPTION_LEDGERS, POLICY_REPOSITORIES } from "../../kube/resources.ts";
import { type ClusterReader, listing } from "../../reconcile/cluster.ts";
import { REQUESTED_AT } from "../../api/policy-repository.ts";
import { type BindAddress, formatAddress } from "../../serve/bind-address.ts";
import type { SandboxForge } from "../forge/index.ts";
import type { Machines } from "../nodes/machines.ts";
import { recordRequests, type TimedRequest } from "../invariants/index.ts";
import { CONTROLLER_USER, PERSON_USER, type Sandbox } from "../start.ts";
import { launcher } from "../../place.ts";

/** Login of the person on the forge. */
export const PERSON_LOGIN = "ana";

/** The real controller, as a process that can be killed and started again. */
export interface ControllerProcess {
  start(): void;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL; the process is gone when this resolves. */
  kill(): Promise<void>;
  readonly running: boolean;
  /** Set where it ended without being asked to: how, and the last that it said. */
  readonly died: string | undefined;
}

/** What a script of troubles needs of a stage: also a real control plane has it. */
export interface FaultStage {
  readonly machines: Machines;
  readonly forge: Pick<SandboxForge, "branches">;
  /** The person's. */
  readonly client: Client;
  /** How long the scripts' minute is, policy ms. */
  readonly minute: number;
  /** The person changes one file of the policy on the tracked branch. */
  edit(path: string, change: (text: string) => string, message: string): Promise<void>;
  /** The person amends the last commit of the tracked branch and force-pushes it; answers the new head. */
  rewrite(): Promise<CommitSha>;
  /** Tells of each node that the controller cordons, in that moment: before its pods are asked to go. */
  onCordon(listener: (node: string) => void): void;
}

export interface Stage extends FaultStage {
  readonly sandbox: Sandbox;
  readonly forge: SandboxForge;
  readonly controller: ControllerProcess;
  /** Reads the whole cluster. */
  readonly reader: ClusterReader;
  readonly seed: number;
  /** Every request of the controller so far. */
  readonly requests: readonly TimedRequest[];
  setMode(mode: "Observe" | "Enforce" | "Stop"): Promise<void>;
}

const MINUTE_MS = 60_000;
/** Lines of the controller's log that are shown when it dies. */
const LAST_WORDS = 12;

export interface StageOptions {
  readonly seed: number;
  /** Where the controller serves its metrics. */
  readonly metrics: BindAddress | undefined;
  /** Each line that the controller prints. */
  readonly onLog: (line: string) => void;
}

/** A stage over a started sandbox with a forge. */
export function createStage(
  sandbox: Sandbox,
  forge: SandboxForge,
  clock: Clock,
  { seed, metrics, onLog }: StageOptions,
): Stage {
  const client = createClient(sandbox.cluster.server.as(PERSON_USER), { fieldManager: "kubectl", clock });
  return {
    sandbox,
    machines: sandbox.cluster.machines,
    minute: MINUTE_MS,
    forge,
    controller: createControllerProcess(sandbox, metrics, onLog),
    client,
    reader: listing(client),
    seed,
    requests: recordRequests(sandbox.cluster.server, sandbox.clock, new Set([CONTROLLER_USER])).requests,
    async setMode(mode) {
      await client.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode } } });
    },
    async edit(path, change, message) {
      const before = await readTracked(forge, path);
      await forge.commit({ branch: "main", files: new Map([[path, change(before)]]), message, author: PERSON_LOGIN });
      // As `ringward reconcile` does: do not wait for the interval.
      const body = { metadata: { annotations: { [REQUESTED_AT]: new Date(sandbox.clock.now()).toISOString() } } };
      await client.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
    },
    rewrite: () => amendTracked(forge),
    onCordon(listener) {
      sandbox.cluster.server.onRequest((request) => {
        const node = request.user === CONTROLLER_USER ? cordonedBy(request) : undefined;
        if (node !== undefined) listener(node);
      });
    },
  };
}

/** The node that a request cordons; undefined: it cordons none. */
export function cordonedBy({ method, path, body }: Pick<TimedRequest, "method" | "path" | "body">): string | undefined {
  if (method !== "PATCH" || !path.startsWith("/api/v1/nodes/")) return undefined;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return /"op":"add","path":"\/spec\/unschedulable"/.test(text) ? path.slice("/api/v1/nodes/".length) : undefined;
}

/** Plumbing on the forge's repository, as the person's own git would do it. */
async function git(forge: SandboxForge, args: readonly string[], dates: object = {}): Promise<string> {
  const identity = {
    ...dates,
    GIT_AUTHOR_NAME: PERSON_LOGIN,
    GIT_AUTHOR_EMAIL: "ana@example.invalid",
    GIT_COMMITTER_NAME: PERSON_LOGIN,
    GIT_COMMITTER_EMAIL: "ana@example.invalid",
  };
  const { stdout } = await promisify(execFile)("git", ["--git-dir", forge.gitDirectory, ...args], {
    env: { ...process.env, ...identity },
  });
  return stdout;
}

/** A file of the tracked branch, as it is now. */
export function readTracked(forge: SandboxForge, path: string): Promise<string> {
  return git(forge, ["show", `main:${path}`]);
}

/** Amends the last commit of the tracked branch as a person's rebase does, and force-pushes it; answers the new head. */
export async function amendTracked(forge: SandboxForge): Promise<CommitSha> {
  const [tree, parent] = (await git(forge, ["rev-parse", "main^{tree}", "main^1"])).trim().split("\n");
  // A rebase keeps the dates of what it rewrites: the approval in it was given when it was given.
  const [authored, committed] = (await git(forge, ["show", "-s", "--format=%aI%n%cI", "main"])).trim().split("\n");
  const dates = { GIT_AUTHOR_DATE: authored, GIT_COMMITTER_DATE: committed };
  const commit = (
    await git(forge, ["commit-tree", tree ?? "", "-p", parent ?? "", "-m", "The same, but rebased"], dates)
  ).trim() as CommitSha;
  await forge.forcePush("main", commit, PERSON_LOGIN);
  return commit;
}

function createControllerProcess(
  sandbox: Sandbox,
  metrics: BindAddress | undefined,
  onLog: (line: string) => void,
): ControllerProcess {
  const kubeconfig = sandbox.workspace.write("controller.kubeconfig", sandbox.kubeconfigFor(CONTROLLER_USER));
  const args = [
    launcher(),
    "controller",
    "--kubeconfig",
    kubeconfig,
    "--policy-clock",
    sandbox.clockUrl,
    // The sandbox's forge is on this machine.
    "--allow-insecure",
  ];
  // One identity for all its lives: a Lease that our dead predecessor holds is ours. Its data survive too, as on a persistent volume.
  args.push("--identity", "ringward-demo", "--data", sandbox.workspace.directory, "--pace", "50");
  // Its day lasts nine minutes: what is a generous rate for an API server that lives in real time would be the slowest part of the show.
  args.push("--kube-api-qps", "1000", "--kube-api-burst", "1000");
  if (metrics !== undefined) args.push("--metrics-bind-address", formatAddress(metrics));
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let died: string | undefined;
  let asked = false;
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    asked = true;
    child?.kill(signal);
    await ended;
  };
  return {
    get died() {
      return died;
    },
    get running() {
      return child !== undefined;
    },
    start() {
      if (child !== undefined) return;
      const started = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      child = started;
      asked = false;
      const said: string[] = [];
      forwardLines(started, (line) => {
        said.push(line);
        if (said.length > LAST_WORDS) said.shift();
        onLog(line);
      });
      ended = new Promise((resolve) => {
        // "close" and not "exit": then its last words have arrived.
        started.once("close", (code, signal) => {
          if (child === started) child = undefined;
          if (!asked) died = [`the controller ended by itself (${signal ?? `exit code ${code}`})`, ...said].join("\n");
          resolve();
        });
      });
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function forwardLines(child: ChildProcess, onLog: (line: string) => void): void {
  let rest = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLog(line);
  });
}
