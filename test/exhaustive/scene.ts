// The small cluster that is searched: Ubuntu nodes in one ring or two, a baseline that wants a kernel (cordon, drain, update, reboot), and rings
// that no repository holds, so that policy is objects in the cluster and nothing else. Before the search one controller looks at it in mode
// Observe until it has nothing more to say, people approve the level in every ring, and the ledger's mode becomes Enforce.
import { fileURLToPath } from "node:url";
import { createValidators, type Validators } from "../../controller/api/validator.ts";
import { approveLevel } from "../../controller/cli/act-approve.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  PATCH_BASELINES,
  ROLLOUT_RINGS,
  UPDATE_RECIPES,
  type Resource,
} from "../../controller/kube/resources.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { createController } from "../../controller/reconcile/pass.ts";
import { createPolicySource } from "../../controller/reconcile/policy-source.ts";
import { createPromoter } from "../../controller/reconcile/promotion/promoter.ts";
import type { Actor } from "../../controller/sandbox/actors/actor.ts";
import { createDaemonSetController } from "../../controller/sandbox/actors/daemonset.ts";
import { createDeploymentController } from "../../controller/sandbox/actors/deployment.ts";
import { createDisruptionController } from "../../controller/sandbox/actors/disruption.ts";
import { createJobController } from "../../controller/sandbox/actors/job.ts";
import { createKubelet } from "../../controller/sandbox/actors/kubelet.ts";
import { createNodeLifecycleController } from "../../controller/sandbox/actors/node-lifecycle.ts";
import { createReplicaSetController } from "../../controller/sandbox/actors/replicaset.ts";
import { createScheduler } from "../../controller/sandbox/actors/scheduler.ts";
import type { SandboxTiming } from "../../controller/sandbox/actors/timing.ts";
import { createView, type ClusterView } from "../../controller/sandbox/actors/view.ts";
import { createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { oldImage, quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { NODE_RING_LABEL } from "../../controller/sandbox/fleet/quickstart.ts";
import { namespaceObject } from "../../controller/sandbox/fleet/workloads.ts";
import type { Machines } from "../../controller/sandbox/nodes/machines.ts";
import { START, TICK_MS, TIMING } from "../sweep/pace.ts";
import { createStageClock, createStageRandom, type StageClock, type StageRandom } from "../sweep/stage.ts";

const HOUR = 3_600_000;
const CRDS = fileURLToPath(new URL("../../crds", import.meta.url));

/** No heartbeat comes due while it is searched. */
const SEARCHED: SandboxTiming = {
  ...TIMING,
  leaseRenew: 100 * HOUR,
  leaseDuration: 400 * HOUR,
  nodeMonitorGrace: 400 * HOUR,
  nodeStatusReport: 100 * HOUR,
};

export interface SceneOptions {
  /** How many nodes each ring has; the second ring comes after the first. */
  readonly rings: readonly number[];
  /** Nodes that may be away at once, of each ring and of the cluster. */
  readonly nodesAtOnce: number;
}

export interface SceneActor {
  readonly name: string;
  readonly actor: Actor;
}

export interface Scene {
  readonly options: SceneOptions;
  readonly cluster: SandboxCluster;
  readonly clock: StageClock;
  readonly random: StageRandom;
  readonly validators: Validators;
  readonly nodes: readonly string[];
  readonly rings: readonly string[];
}

const RING_NAMES = ["canary", "early"] as const;
const RECIPE_IMAGE =
  "registry.example.com/ringward/recipe-apt:1.0@sha256:5009a047a11fbd680bb40d2f23cd3fcd626ac2d672c38e16f53bd622c3961534";

/** Builds it, and brings it to the moment at which the search begins. */
export async function createScene(options: SceneOptions): Promise<Scene> {
  const clock = createStageClock(START);
  const random = createStageRandom(1);
  const rings = options.rings.map((_, index) => RING_NAMES[index] ?? `ring-${index}`);
  const machines = options.rings.flatMap((count, ring) =>
    Array.from({ length: count }, (_, index) => ({
      name: `${rings[ring] ?? ""}-${index + 1}`,
      labels: { [NODE_RING_LABEL]: rings[ring] ?? "", "topology.kubernetes.io/zone": "zone-a" },
      image: oldImage("ubuntu"),
    })),
  );
  const fleet = { machines, catalogue: quickstartCatalogue(), objects: [namespaceObject("ringward-jobs")] };
  const cluster = await createSandboxCluster({ clock, random, fleet, crds: CRDS, timing: SEARCHED });
  const scene: Scene = {
    options,
    cluster,
    clock,
    random,
    validators: createValidators(),
    nodes: machines.map(({ name }) => name),
    rings,
  };
  const admin = adminOf(scene);
  await settle(scene);
  await writePolicy(admin, scene);
  const level = await observe(scene, admin);
  for (const ring of rings)
    await approveLevel({ client: admin, now: clock.now(), words: [ring, level], namespace: undefined, reason: "" });
  await observe(scene, admin);
  await admin.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode: "Enforce" } } });
  clock.advance(TICK_MS);
  return scene;
}

export function adminOf({ cluster, clock }: Pick<Scene, "cluster" | "clock">): Client {
  return createClient(cluster.server.as("admin"), { fieldManager: "kubectl", clock });
}

/** Rounds of the cluster's own actors, until none does anything. */
async function settle({ cluster, clock }: Pick<Scene, "cluster" | "clock">): Promise<void> {
  for (let round = 0; round < 40; round += 1) {
    const { writes, errors } = await cluster.runRound();
    const [first] = errors;
    if (first !== undefined) throw new Error(`actor ${first.actor} failed`, { cause: first.error });
    if (writes === 0 && round > 2) return;
    clock.advance(TICK_MS);
  }
  throw new Error("the cluster does not come to rest");
}

async function writePolicy(admin: Client, { rings, options }: Scene): Promise<void> {
  const limits = { nodes: options.nodesAtOnce, workloads: 1, nodesPerZone: options.nodesAtOnce };
  const make = (resource: Resource, name: string, spec: object): Promise<unknown> =>
    admin.create(resource, { metadata: { name }, spec } as KubeObject);
  const step = (name: string, host: string) => ({
    image: RECIPE_IMAGE,
    command: ["/recipe/apt", name],
    host,
    timeout: "30m",
  });
  await make(DISRUPTION_LEDGERS, "cluster", { mode: "Observe", limits });
  await make(UPDATE_RECIPES, "apt", {
    match: { product: { id: "ubuntu" } },
    strategy: "InPlace",
    steps: { update: step("update", "ReadWrite"), reboot: step("reboot", "ReadWrite") },
  });
  await make(PATCH_BASELINES, "ubuntu-2204", {
    target: "Node",
    node: {
      product: { id: "ubuntu", versionId: "22.04" },
      source: { snapshot: "20241212T000000Z" },
      minimum: { kernels: [{ series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" }] },
      recipeRef: { name: "apt" },
      rebootPolicy: "IfRequired",
    },
  });
  for (const [index, name] of rings.entries())
    await make(ROLLOUT_RINGS, name, {
      ...(index === 0 ? {} : { after: [rings[index - 1]] }),
      members: { nodes: { selector: { matchLabels: { [NODE_RING_LABEL]: name } } } },
      budget: { nodes: options.nodesAtOnce, workloads: 1 },
      // Soaking is a sum that a process keeps; here no process remembers anything, so that a pass follows from what it reads.
      soak: "0s",
      levels: [{ baseline: "ubuntu-2204" }],
    });
}

/** Passes of one controller in mode Observe until nothing is written; answers the candidate's name. */
async function observe(scene: Scene, admin: Client): Promise<string> {
  const { cluster, clock } = scene;
  const client = createClient(cluster.server.as("ringward/observer"), { fieldManager: "ringward", clock });
  for (let pass = 0; pass < 20; pass += 1) {
    const before = cluster.server.store.revision();
    const result = await bringUp(scene, client, listing(client), clock).pass();
    await settle(scene);
    if (pass === 0 || cluster.server.store.revision() > before || result.busy) continue;
    const baseline = await admin.get(PATCH_BASELINES, { name: "ubuntu-2204" });
    const { candidate } = (baseline?.status ?? {}) as { readonly candidate?: { readonly level?: string } };
    if (candidate?.level === undefined) throw new Error("the baseline resolves to no level");
    return candidate.level;
  }
  throw new Error("the controller does not come to rest");
}

type Ports = Parameters<typeof createController>[0];

/** The product's controller, whole, without a repository. */
export function bringUp(
  { validators }: Pick<Scene, "validators">,
  client: Client,
  reader: Ports["reader"],
  clock: Ports["clock"],
  onError: Ports["onError"] = () => undefined,
): ReturnType<typeof createController> {
  const nobody = (): never => {
    throw new Error("there is no repository");
  };
  const policy = createPolicySource({
    client,
    validators,
    openGit: nobody,
    openForge: nobody,
    record: () => undefined,
    onError,
  });
  const promoter = createPromoter({
    clock,
    transport: clock,
    listEveryMs: 10_000,
    poke: () => policy.poke(),
    record: () => undefined,
    onError,
  });
  return createController(
    { client, reader, policy, promoter, clock, record: () => undefined, onError },
    { concurrency: 1, statusBudget: 1000, inventoryJobs: 20 },
  );
}

/** The cluster's actors over a view of their own; each machine has a kubelet of its own, and each of them moves alone. */
export function createSceneActors(
  { cluster }: Scene,
  as: (user: string) => ReturnType<SandboxCluster["server"]["as"]>,
): { readonly view: ClusterView; readonly actors: readonly SceneActor[] } {
  const { machines } = cluster;
  const view = createView(as("view"), (name) =>
    as(name === "kubelet" ? "system:nodes" : `system:serviceaccount:kube-system:${name}`),
  );
  const kubelets = machines.specs().map((spec) => {
    const own: Machines = { ...machines, specs: () => [spec] };
    return { name: `kubelet ${spec.name}`, actor: createKubelet(view, own, SEARCHED) };
  });
  const others = [
    createNodeLifecycleController(view, SEARCHED),
    createDeploymentController(view),
    createReplicaSetController(view),
    createDaemonSetController(view),
    createJobController(view, SEARCHED),
    createScheduler(view, SEARCHED),
    createDisruptionController(view),
  ].map((actor) => ({ name: actor.name, actor }));
  return { view, actors: [...others, ...kubelets] };
}
