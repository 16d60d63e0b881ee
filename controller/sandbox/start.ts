// Assembles a running sandbox: clock, API server over HTTP, actors, forge. The demo, `ringward sandbox` and rehearsals start here.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Clock, Instant, Random } from "../clock.ts";
import { UserError } from "../errors.ts";
import { DISRUPTION_LEDGERS, NAMESPACES, POLICY_REPOSITORIES } from "../kube/resources.ts";
import { createClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { timingForRate } from "./actors/timing.ts";
import { createSandboxClock, serveClock, type SandboxClock } from "./clock.ts";
import { createSandboxCluster, type SandboxCluster } from "./cluster.ts";
import { generateFleet } from "./fleet/generate.ts";
import { QUICKSTART_START, quickstartFleet } from "./fleet/quickstart.ts";
import { type SandboxForge, startForge } from "./forge/index.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";
import { productFile } from "../place.ts";

export interface SandboxOptions {
  readonly transport: Clock;
  readonly random: Random;
  /** Port of the API server; 0 takes a free one. */
  readonly port?: number;
  /** Nodes of a generated fleet; left out: the quickstart's. */
  readonly nodes?: number;
  /** Policy folder that the forge serves; left out: no forge. */
  readonly policy?: string;
  /** Policy time against real time. */
  readonly rate: number;
  readonly start?: Instant;
  readonly onError: (source: string, error: unknown) => void;
}

export interface Sandbox {
  readonly clock: SandboxClock;
  readonly cluster: SandboxCluster;
  readonly forge: SandboxForge | undefined;
  readonly apiUrl: string;
  readonly clockUrl: string;
  /** An administrator's. */
  readonly kubeconfig: string;
  /** For a user who has a token. */
  kubeconfigFor(user: string): string;
  readonly workspace: Workspace;
  stop(): Promise<void>;
}

/** The controller's user in the sandbox; every request of its bears it. */
export const CONTROLLER_USER = "system:serviceaccount:ringward-system:ringward-controller";
/** The scripted person of the demo. */
export const PERSON_USER = "ana@example.com";
export const FORGE_OWNER = "example";
export const FORGE_REPOSITORY = "patch-policy";
const CONTROLLER_TOKEN = "sandbox-controller-token";
export const PERSON_TOKEN = "sandbox-person-token";
export const FORGE_BOT = "ringward[bot]";

/** Starts everything on loopback. Throws UserError for a policy folder or a port that cannot be used; nothing is left of it then. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const files = options.policy === undefined ? undefined : await readPolicyFolder(options.policy);
  const workspace = createWorkspace();
  const closers: (() => Promise<unknown> | void)[] = [() => workspace.remove()];
  const stop = async (): Promise<void> => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    return await assemble(options, { files, workspace, closers, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Parts {
  readonly files: ReadonlyMap<string, string> | undefined;
  readonly workspace: Workspace;
  /** What has been started and must be closed, first to last. */
  readonly closers: (() => Promise<unknown> | void)[];
  readonly stop: () => Promise<void>;
}

async function assemble(options: SandboxOptions, { files, workspace, closers, stop }: Parts): Promise<Sandbox> {
  const { transport, random, rate } = options;
  const clock = createSandboxClock({ start: options.start ?? QUICKSTART_START, rate, transport });
  const cluster = await createSandboxCluster({
    clock,
    transportClock: transport,
    random,
    fleet:
      options.nodes === undefined
        ? quickstartFleet()
        : generateFleet({ nodes: options.nodes, podsPerNode: 10, seed: 1 }),
    timing: timingForRate(rate),
    tokens: { [CONTROLLER_TOKEN]: CONTROLLER_USER, [PERSON_TOKEN]: PERSON_USER },
    crds: productFile("crds"),
  });
  const listening = await listenOn(cluster, options.port ?? 0);
  closers.push(() => listening.close());
  const clockServer = await serveClock(clock);
  closers.push(() => clockServer.close());
  const forge = files === undefined ? undefined : await startPolicyForge(files, clock, workspace);
  if (forge !== undefined) closers.push(() => forge.close());
  await cluster.start({ transport, onError: options.onError });
  closers.push(() => cluster.stop());
  return {
    clock,
    cluster,
    forge,
    apiUrl: listening.url,
    clockUrl: clockServer.url,
    kubeconfig: cluster.server.kubeconfig(listening.url),
    kubeconfigFor: (user) => cluster.server.kubeconfig(listening.url, user),
    workspace,
    stop,
  };
}

async function listenOn(
  cluster: SandboxCluster,
  port: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  try {
    return await cluster.server.listen({ host: "127.0.0.1", port });
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    const why = code === "EACCES" ? "may not be used by you" : "is taken";
    throw new UserError("RW0306", `port ${port} ${why}`, "name another with --port, or leave it out for a free one");
  }
}

async function startPolicyForge(
  files: ReadonlyMap<string, string>,
  clock: Clock,
  workspace: Workspace,
): Promise<SandboxForge> {
  const forge = await startForge({
    directory: join(workspace.directory, "forge"),
    clock,
    owner: FORGE_OWNER,
    repository: FORGE_REPOSITORY,
    tokens: { [CONTROLLER_TOKEN]: FORGE_BOT, [PERSON_TOKEN]: "ana" },
  });
  await forge.seed(files, "Patch policy of the demo cluster", "ana");
  return forge;
}

/** All files of a policy folder, by path. */
async function readPolicyFolder(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    return await readFolder(folder);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    const why =
      code === "ENOENT" ? "there is no such folder" : code === "ENOTDIR" ? "it is not a folder" : String(error);
    throw new UserError(
      "RW0307",
      `cannot read the policy in ${folder}: ${why}`,
      "name the folder that holds the policy",
    );
  }
}

async function readFolder(folder: string, base = folder): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    // A checkout's own repository is no policy.
    if (entry.name === ".git") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) for (const [name, text] of await readFolder(path, base)) files.set(name, text);
    else if (entry.isFile()) files.set(relative(base, path).replaceAll("\\", "/"), await readFile(path, "utf8"));
  }
  return files;
}

/** What an administrator installs before the controller: its namespaces, the ledger and the repository. */
export async function installRingward(
  sandbox: Pick<Sandbox, "cluster" | "forge" | "workspace">,
  settings: { readonly mode: "Observe" | "Enforce"; readonly limits: object; readonly clock: Clock },
): Promise<void> {
  const { cluster, forge, workspace } = sandbox;
  const client = createClient(cluster.server, { fieldManager: "helm", clock: settings.clock });
  for (const name of ["ringward-system", "ringward-jobs"]) await client.create(NAMESPACES, { metadata: { name } });
  await client.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: settings.mode, limits: settings.limits },
  } as KubeObject);
  if (forge === undefined) return;
  const tokenFile = workspace.write("forge-token", `${CONTROLLER_TOKEN}\n`);
  await client.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: {
      url: forge.gitUrl,
      branch: "main",
      interval: "5m",
      clusterName: "demo",
      auth: { tokenFile },
      forge: { kind: "GitHub", apiUrl: forge.apiUrl, owner: FORGE_OWNER, repository: FORGE_REPOSITORY, tokenFile },
    },
  } as KubeObject);
}
