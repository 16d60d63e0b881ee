// A cluster with Ringward in it: control plane, fleet, forge with the policy, what an administrator installs, and the controller as a
// process. Tests let things happen to it; `verdict` then judges by etcd, the audit log, the repository and the forge.
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock, systemRandom } from "../../../controller/clock.ts";
import { installManifests, renderManifests } from "../../../controller/install/export.ts";
import { ACCOUNT, DEFAULT_NAMESPACE } from "../../../controller/install/manifest.ts";
import { type Client, createClient } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { startReflector } from "../../../controller/kube/reflector.ts";
import { DISRUPTION_LEDGERS, findResource, NODES, POLICY_REPOSITORIES } from "../../../controller/kube/resources.ts";
import { createStore } from "../../../controller/kube/store.ts";
import { CLAIM_MARK } from "../../../controller/nodes/mark.ts";
import { listing } from "../../../controller/reconcile/cluster.ts";
import { REQUESTED_AT } from "../../../controller/api/policy-repository.ts";
import { type Facts, readFacts } from "../../../controller/sandbox/demo/facts.ts";
import { amendTracked, type FaultStage, readTracked } from "../../../controller/sandbox/demo/stage.ts";
import { applyFleet } from "../../../controller/sandbox/fleet/apply.ts";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { type SandboxForge, startForge } from "../../../controller/sandbox/forge/index.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type Controller, createController, LAUNCHER, MAIN } from "./controller.ts";
import { type Recording, recordChanges } from "./etcd.ts";
import { kubectlOn } from "./kubectl.ts";
import { type Kubelets, startKubelets } from "./kubelets.ts";
import { judge, type Outcome } from "./verdict.ts";
import { waitFor } from "./waiting.ts";

export const SERVICE_ACCOUNT = { namespace: DEFAULT_NAMESPACE, name: ACCOUNT } as const;
/** Where the quickstart's recipes have their images. */
const RECIPE_IMAGES = "registry.example.com/ringward";
export const CONTROLLER_USER = `system:serviceaccount:${SERVICE_ACCOUNT.namespace}:${SERVICE_ACCOUNT.name}`;
/** The scripted person's login on the forge. */
export const PERSON = "ana";
const VERSION = "v1.36.3";
const CONTROLLER_TOKEN = "e2e-forge-controller";
const FORGE = { owner: "example", repository: "patch-policy" } as const;

export interface Scene extends FaultStage {
  readonly plane: ControlPlane;
  readonly kubelets: Kubelets;
  readonly forge: SandboxForge;
  readonly controller: Controller;
  /** Another controller beside the first, with its own name (also in the Lease); not started yet. */
  addController(name: string, options?: AddOptions): Promise<Controller>;
  /** What the cluster looks like now, planned by somebody else than the controller. */
  look(): Promise<Facts>;
  setMode(mode: "Observe" | "Enforce" | "Stop"): Promise<void>;
  /** As `ringward reconcile` does: the controller need not wait for its interval. */
  poke(): Promise<void>;
  /** Runs a command of `ringward` as the person; answers what it printed. Throws when it does not end with 0. */
  ringward(...args: readonly string[]): Promise<string>;
  /** Stops the controllers and judges everything that happened. */
  verdict(): Promise<Outcome>;
  stop(): Promise<void>;
}

export interface AddOptions {
  /** Address of the API server for it, where that is a proxy. */
  readonly server?: string;
  /** Its name in the Lease, where that is another's: both then take the Lease for their own. */
  readonly identity?: string;
  /** Where it serves /metrics: an address for --metrics-bind-address. */
  readonly metrics?: string;
}

export interface SceneOptions {
  readonly fleet: Fleet;
  readonly policy: ReadonlyMap<string, string>;
  readonly limits: object;
  /** How long the minute of the troubles' scripts is, ms; left out: a second. */
  readonly minute?: number;
}

/** Starts it all; the controller itself is not started yet. Nothing is left when this fails. */
export async function startScene(options: SceneOptions): Promise<Scene> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await assemble(options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  { fleet, policy, limits, minute = 1_000 }: SceneOptions,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Scene> {
  const plane = await startControlPlane();
  closers.push(() => plane.stop());
  const recording = await recordChanges(plane.etcdUrl);
  closers.push(() => recording.stop());
  const client = createClient(plane.transport("person"), { fieldManager: "kubectl", clock: systemClock });
  const forge = await startPolicyForge(plane.directory, policy);
  closers.push(() => forge.close());
  await install(plane);
  await applyFleet(plane.transport("admin"), fleet);
  await configure(client, { forge, limits, directory: plane.directory });
  const kubelets = await startKubelets(plane, fleet);
  closers.push(() => kubelets.stop());
  const controllers: Controller[] = [];
  closers.push(() => Promise.all(controllers.map((controller) => controller.kill())));
  const addController = async (name: string, { server, identity, metrics }: AddOptions = {}): Promise<Controller> => {
    const controller = createController({
      kubeconfig: await plane.serviceAccountKubeconfig(SERVICE_ACCOUNT.namespace, SERVICE_ACCOUNT.name, server),
      name,
      identity: identity ?? name,
      directory: plane.directory,
      namespace: SERVICE_ACCOUNT.namespace,
      metrics,
    });
    controllers.push(controller);
    return controller;
  };
  const reader = listing(client);
  const poke = async (): Promise<void> => {
    const body = { metadata: { annotations: { [REQUESTED_AT]: new Date(systemClock.now()).toISOString() } } };
    await client.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
  };
  await untilReady(client, fleet);
  const personFile = join(plane.directory, "person.kubeconfig");
  await writeFile(personFile, plane.kubeconfig("person"), { mode: 0o600 });
  return {
    plane,
    kubelets,
    forge,
    client,
    controller: await addController("ringward-e2e"),
    addController,
    look: async () => readFacts(await reader.read(), systemClock.now(), VERSION),
    async setMode(mode) {
      await client.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode } } });
    },
    poke,
    async ringward(...args) {
      const { stdout } = await promisify(execFile)(process.execPath, [LAUNCHER, MAIN, ...args], {
        env: { ...process.env, KUBECONFIG: personFile },
      });
      return stdout;
    },
    machines: kubelets.machines,
    minute,
    rewrite: async () => {
      const head = await amendTracked(forge);
      await poke();
      return head;
    },
    async edit(path, change, message) {
      const before = await readTracked(forge, path);
      await forge.commit({ branch: "main", files: new Map([[path, change(before)]]), message, author: PERSON });
      await poke();
    },
    onCordon(listener) {
      const store = createStore<KubeObject>();
      store.onChange((change) => {
        const isOurs = change.type === "updated" && isCordoned(change.value) && !isCordoned(change.previous);
        if (isOurs && change.value.metadata.annotations?.[CLAIM_MARK] !== undefined)
          listener(change.value.metadata.name);
      });
      const reflector = startReflector<KubeObject>({
        port: client.port,
        resource: NODES,
        clock: systemClock,
        random: systemRandom,
        store,
        project: (object) => object,
        onError: () => undefined,
      });
      closers.push(() => reflector.stop());
    },
    async verdict() {
      await Promise.all(controllers.map((controller) => controller.stop()));
      await recording.caughtUp();
      return judgeScene({ plane, recording, forge });
    },
    stop,
  };
}

function isCordoned({ spec }: KubeObject): boolean {
  return (spec as { readonly unschedulable?: boolean } | undefined)?.unschedulable === true;
}

async function startPolicyForge(directory: string, policy: ReadonlyMap<string, string>): Promise<SandboxForge> {
  const forge = await startForge({
    directory: join(directory, "forge"),
    clock: systemClock,
    ...FORGE,
    tokens: { [CONTROLLER_TOKEN]: "ringward[bot]", "e2e-forge-person": PERSON },
  });
  await forge.seed(policy, "Patch policy of the cluster", PERSON);
  return forge;
}

/** What an administrator installs before the controller: what `ringward install --export` prints, with the real kubectl. */
async function install(plane: ControlPlane): Promise<void> {
  const kubectl = await kubectlOn(plane, plane.kubeconfig("admin"));
  const settings = { namespace: DEFAULT_NAMESPACE, recipeImages: [RECIPE_IMAGES] };
  try {
    await kubectl.run(["apply", "-f", "-"], renderManifests(installManifests(settings), "yaml"));
  } finally {
    kubectl.close();
  }
}

/** Ledger and repository, once their definitions are served. */
async function configure(
  client: Client,
  { forge, limits, directory }: { readonly forge: SandboxForge; readonly limits: object; readonly directory: string },
): Promise<void> {
  await mkdir(join(directory, "secrets"));
  const tokenFile = join(directory, "secrets", "forge-token");
  await writeFile(tokenFile, `${CONTROLLER_TOKEN}\n`, { mode: 0o600 });
  const objects: readonly KubeObject[] = [
    {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "DisruptionLedger",
      metadata: { name: "cluster" },
      spec: { mode: "Observe", limits },
    },
    {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "PolicyRepository",
      metadata: { name: "policy" },
      spec: {
        url: forge.gitUrl,
        branch: "main",
        interval: "5s",
        clusterName: "e2e",
        auth: { tokenFile },
        forge: { kind: "GitHub", apiUrl: forge.apiUrl, ...FORGE, tokenFile },
      },
    },
  ];
  for (const object of objects) {
    const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
    if (resource === undefined) throw new Error(`${object.kind} is not known`);
    await waitFor(
      `the API server to serve ${object.kind}`,
      async () => {
        const path = `/apis/${object.apiVersion}/${resource.plural}`;
        const { status } = await client.port.request({ method: "GET", path });
        return status === 200 ? true : undefined;
      },
      { withinMs: 60_000 },
    );
    await client.create(resource, object);
  }
}

/** Every node Ready and untainted, every pod running: a cluster as it is on the day before. */
async function untilReady(client: Client, fleet: Fleet): Promise<void> {
  let state = "";
  await waitFor(
    "a cluster at rest",
    async () => {
      const { nodes, pods, deployments, statefulsets } = await listing(client).read();
      const ready = nodes.filter((node) => JSON.stringify(node.status).includes('"KubeletReady"'));
      const tainted = nodes.filter((node) => JSON.stringify(node.spec).includes('"taints"'));
      const waiting = pods.filter(
        (pod) => (pod.status as { readonly phase?: string } | undefined)?.phase !== "Running",
      );
      const short = [...deployments, ...statefulsets].filter(({ spec, status }) => {
        const { replicas = 1 } = spec as { readonly replicas?: number };
        return (status as { readonly readyReplicas?: number } | undefined)?.readyReplicas !== replicas;
      });
      state = `${ready.length} of ${fleet.machines.length} nodes Ready, ${tainted.length} tainted, ${waiting.length} of ${pods.length} pods not running, ${short.length} workloads short`;
      const done = ready.length === fleet.machines.length && tainted.length + waiting.length + short.length === 0;
      return done ? true : undefined;
    },
    { withinMs: 240_000, everyMs: 500 },
    () => state,
  );
}

function judgeScene(scene: {
  readonly plane: ControlPlane;
  readonly recording: Recording;
  readonly forge: SandboxForge;
}): Promise<Outcome> {
  const { plane, recording, forge } = scene;
  return judge({
    changes: recording.changes,
    auditLog: plane.auditLog,
    directory: plane.directory,
    forge,
    controllerUsers: new Set([CONTROLLER_USER]),
  });
}
