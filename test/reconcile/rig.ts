// A small cluster, repository and forge in one process with the real controller in front of them, driven pass by pass: three Ubuntu
// nodes and one Deployment in one Automatic ring, unless a test says otherwise. Everything that the controller sends is kept.
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createValidators } from "../../controller/api/validator.ts";
import { type ManualClock, manualClock, seededRandom } from "../../controller/clock.ts";
import type { FleetLook } from "../../controller/core/metrics/index.ts";
import { createMemoryForge, type MemoryForge } from "../../controller/forge/memory/index.ts";
import { createMemoryRemote, type MemoryRemote } from "../../controller/git/memory.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { EventInput } from "../../controller/kube/events.ts";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import type { ApiPort, KubeObject } from "../../controller/kube/port.ts";
import {
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  JOBS,
  NODE_PATCH_STATES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
  WORKLOAD_PATCH_STATES,
} from "../../controller/kube/resources.ts";
import type { RefusalClass } from "../../controller/nodes/metrics.ts";
import type { Notifier } from "../../controller/notify/notifier.ts";
import { tellFrom } from "../../controller/reconcile/approval-commits.ts";
import type { BesideOptions } from "../../controller/reconcile/beside.ts";
import { type ClusterReader, listing } from "../../controller/reconcile/cluster.ts";
import { type Controller, createController, type PassResult } from "../../controller/reconcile/pass.ts";
import { createPolicyPulls } from "../../controller/reconcile/policy-pulls.ts";
import { createPolicySource, type PolicySource } from "../../controller/reconcile/policy-source.ts";
import { createManifestProposer } from "../../controller/reconcile/manifests/proposer.ts";
import { createPromoter } from "../../controller/reconcile/promotion/promoter.ts";
import { DEFAULT_TIMING, type SandboxTiming } from "../../controller/sandbox/actors/timing.ts";
import type { LoggedRequest } from "../../controller/sandbox/apiserver/index.ts";
import { createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { oldImage, quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { namespaceObject, workloadObjects, type WorkloadRow } from "../../controller/sandbox/fleet/workloads.ts";
import { untried } from "../support/tried.ts";
import {
  checkHistory,
  readGitHistory,
  type Verdict,
  type Violation,
} from "../../controller/sandbox/invariants/index.ts";
import type { MachineSpec } from "../../controller/sandbox/nodes/machines.ts";

const AUTHOR = { name: "Ringward", email: "ringward@rig.invalid" };
export const START = Date.parse("2024-12-16T07:00:00Z");
export const TICK_MS = 5_000;
export const NGINX = "registry.example.com/shop/nginx";
export const OLD_IMAGE = `${NGINX}:1.27.1`;
export const NEW_IMAGE = `${NGINX}:1.27.3`;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Nothing takes longer than a tick. */
export const FAST: SandboxTiming = {
  ...DEFAULT_TIMING,
  imagePull: 0,
  containerStart: 0,
  terminate: 0,
  program: { inventory: 0, prepare: 0, stage: 0, update: 0, reboot: 0, rollback: 0 },
  shutdown: 0,
  reboot: 1_000,
  bootToReady: 0,
  leaseRenew: 240_000,
  leaseDuration: 3_600_000,
  nodeMonitorGrace: 3_600_000,
  nodeStatusReport: 3_600_000,
};

export const WEB: WorkloadRow = {
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  replicas: 2,
  image: OLD_IMAGE,
  labels: { ring: "canary" },
};

export function ringFile(name: string, spec = ""): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: ${name}
spec:
  members:
    nodes:
      selector: { matchLabels: { ring: ${name} } }
    workloads:
      selector: { matchLabels: { ring: ${name} } }
      mode: Patch
  budget: { nodes: 1, workloads: 1 }
  completion: { onEmpty: Pass }
  soak: 10s
${spec === "" ? "" : `${spec.replaceAll(/^/gm, "  ")}\n`}  promotion: Automatic
  levels:
    - baseline: ubuntu-2204
    - baseline: shared-images
`;
}

/** A ring whose entries only people change. */
export function calmRing(name: string, spec = ""): string {
  return ringFile(name, spec).replace("Automatic", "PullRequest");
}

async function quickstart(path: string): Promise<string> {
  return readFile(`${ROOT}examples/quickstart/${path}`, "utf8");
}

export async function basePolicy(): Promise<Record<string, string>> {
  return {
    "baselines/ubuntu-2204.yaml": await quickstart("baselines/ubuntu-2204.yaml"),
    "baselines/shared-images.yaml": await quickstart("baselines/shared-images.yaml"),
    "recipes/apt.yaml": await quickstart("recipes/apt.yaml"),
    "rings/canary.yaml": ringFile("canary"),
  };
}

export function machine(name: string, ring = "canary", labels: Record<string, string> = {}): MachineSpec {
  return {
    name,
    labels: { ring, "topology.kubernetes.io/zone": "zone-a", ...labels },
    image: oldImage("ubuntu"),
  };
}

export interface RigOptions {
  readonly machines?: readonly MachineSpec[];
  readonly workloads?: readonly WorkloadRow[];
  readonly objects?: readonly KubeObject[];
  /** Changes of the base policy; null takes a file away. */
  readonly files?: Readonly<Record<string, string | null>>;
  /** Files of a repository with manifests, `apps` to policy. */
  readonly manifests?: Readonly<Record<string, string>>;
  /** A real one, to render kustomizations with. */
  readonly kubectl?: string;
  readonly helm?: string;
  readonly mode?: "Observe" | "Enforce" | "Stop" | "none";
  /** null: no PolicyRepository. */
  readonly repository?: Readonly<Record<string, unknown>> | null;
  readonly timing?: SandboxTiming;
  /** What a user's process fetched is there for the next one, as on a disk. */
  readonly keepsStores?: boolean;
  /** Users who may come over HTTP, by token. */
  readonly tokens?: Readonly<Record<string, string>>;
}

export interface Rig {
  readonly cluster: SandboxCluster;
  readonly clock: ManualClock;
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
  /** The repository with manifests, and its forge. */
  readonly apps: { readonly remote: MemoryRemote; readonly forge: MemoryForge };
  readonly admin: Client;
  readonly errors: { readonly error: unknown; readonly where: string }[];
  readonly events: EventInput[];
  /** Writes that controllers sent, in order. */
  readonly writes: LoggedRequest[];
  readonly users: Set<string>;
  /** A controller with nothing in its memory. */
  born(user?: string, options?: BornOptions): Born;
  readonly first: Born;
  /** The world goes on: actors take turns, time passes. */
  turn(ms?: number): Promise<void>;
  /** Passes and turns until something is so; throws when it never is. */
  until(what: string, is: () => boolean | Promise<boolean>, most?: number): Promise<void>;
  run(times: number): Promise<void>;
  commit(files: Readonly<Record<string, string | null>>, message?: string, signedBy?: string): string;
  node(name: string): Promise<NodeObject>;
  state(name: string): Promise<Status>;
  workloadState(name: string): Promise<Status>;
  image(name: string): Promise<string | undefined>;
  ring(name?: string): Promise<Status>;
  repository(name?: string): Promise<Status>;
  ledger(): Promise<Status>;
  setMode(mode: "Observe" | "Enforce" | "Stop"): Promise<void>;
  /** Jobs that were let run. */
  jobs(step?: string): Promise<readonly KubeObject[]>;
  /** Jobs that were only made. */
  preparedJobs(): Promise<readonly KubeObject[]>;
  kernel(name: string): string | undefined;
  violations(): Promise<readonly Violation[]>;
  /** A line for each invariant that was broken, and for each of these that was never tried. */
  judge(...wanted: readonly string[]): Promise<readonly string[]>;
}

export interface BornOptions {
  readonly reader?: (reader: ClusterReader) => ClusterReader;
  readonly port?: (port: ApiPort) => ApiPort;
  readonly git?: (git: PolicyGit) => PolicyGit;
  /** Undefined: there is none. */
  readonly forge?: (forge: Forge) => Forge | undefined;
  /** How long passes wait for git and the forge; left out: until they have answered. */
  readonly patience?: BesideOptions;
  readonly inventoryJobs?: number;
  /** Pull requests that change policy are looked at, too. */
  readonly pulls?: boolean;
  /** Told of every plan. */
  readonly measure?: (look: FleetLook) => void;
  /** Told of every eviction that the API server refused. */
  readonly onRefusal?: (reason: RefusalClass) => void;
  readonly notifier?: Notifier;
}

export type NodeObject = KubeObject & { readonly spec?: { readonly unschedulable?: boolean } };

// Statuses are read as a person reads them, without types.
// oxlint-disable-next-line typescript/no-explicit-any
export type Status = Record<string, any>;

export interface Born {
  readonly user: string;
  readonly controller: Controller;
  readonly policy: PolicySource;
  /** Undefined: the pass failed; what it threw is in `errors`. */
  pass(): Promise<PassResult | undefined>;
}

function isSuspended({ spec }: KubeObject): boolean {
  return (spec as { readonly suspend?: boolean } | undefined)?.suspend === true;
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const clock = manualClock(START);
  const { machines = [machine("n1"), machine("n2"), machine("n3")], workloads = [WEB] } = options;
  const cluster = await createSandboxCluster({
    clock,
    random: seededRandom(1),
    crds: `${ROOT}crds`,
    timing: options.timing ?? FAST,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    fleet: {
      machines,
      catalogue: quickstartCatalogue(),
      objects: [
        namespaceObject("shop"),
        namespaceObject("ringward-jobs"),
        ...workloads.flatMap(workloadObjects),
        ...(options.objects ?? []),
      ],
    },
  });
  for (let round = 0; round < 6; round += 1) {
    await cluster.runRound();
    clock.advance(TICK_MS);
  }
  const remote = createMemoryRemote();
  const files = Object.entries({ ...(await basePolicy()), ...options.files }).filter(([, text]) => text !== null);
  remote.people.commitFiles("main", Object.fromEntries(files), { message: "policy", time: START - 86_400_000 });
  const forge = createMemoryForge({ git: remote.people, clock });
  const appsRemote = createMemoryRemote();
  appsRemote.people.commitFiles("main", options.manifests ?? { "README.md": "" }, {
    message: "apps",
    time: START - 86_400_000,
  });
  const apps = { remote: appsRemote, forge: createMemoryForge({ git: appsRemote.people, clock }) };
  const admin = createClient(cluster.server.as("admin"), { fieldManager: "kubectl", clock });
  if (options.mode !== "none")
    await admin.create(DISRUPTION_LEDGERS, {
      metadata: { name: "cluster" },
      spec: { mode: options.mode ?? "Enforce", limits: { nodes: 2, workloads: 2, nodesPerZone: 2 } },
    } as KubeObject);
  if (options.repository !== null)
    await admin.create(POLICY_REPOSITORIES, {
      metadata: { name: "policy" },
      spec: { url: "https://git.invalid/policy.git", clusterName: "rig", interval: "10s", ...options.repository },
    } as KubeObject);

  const errors: { error: unknown; where: string }[] = [];
  const events: EventInput[] = [];
  const writes: LoggedRequest[] = [];
  const users = new Set<string>();
  const stores = new Map<string, Set<CommitSha>>();
  const storeOf = (user: string): Set<CommitSha> => {
    const store = stores.get(user) ?? new Set();
    stores.set(user, store);
    return store;
  };
  cluster.server.onRequest((request) => {
    if (request.write && users.has(request.user)) writes.push(request);
  });
  const validators = createValidators();
  const onError = (error: unknown, where: string): void => void errors.push({ error, where });

  function born(
    user = "ringward",
    {
      reader = (one) => one,
      port: wrap = (one) => one,
      git = (one) => one,
      forge: wrapForge = (one) => one,
      patience,
      inventoryJobs = 20,
      pulls = false,
      measure,
      onRefusal,
      notifier,
    }: BornOptions = {},
  ): Born {
    users.add(user);
    const port = wrap(cluster.server.as(user));
    const client = createClient(port, { fieldManager: "ringward", clock });
    const policy = createPolicySource({
      client,
      validators,
      openGit: (spec) =>
        Promise.resolve(
          git(
            remote.open({
              branch: spec.branch ?? "main",
              author: AUTHOR,
              name: user,
              ...(options.keepsStores === true ? { store: storeOf(user) } : {}),
              // A file stands for the person of its name.
              ...(spec.verification === undefined || spec.verification.mode === "None"
                ? {}
                : { trusted: [basename(spec.verification.allowedSignersFile ?? "")] }),
              ...(spec.commits?.signingKeyFile === undefined ? {} : { signer: basename(spec.commits.signingKeyFile) }),
            }),
          ),
        ),
      openForge: () => Promise.resolve(wrapForge(forge.open({ login: "ringward", name: user }))),
      ...(patience === undefined ? {} : { patience }),
      record: (event) => void events.push(event),
      onError,
    });
    const promoter = createPromoter({
      clock,
      transport: clock,
      listEveryMs: 10_000,
      ...(patience === undefined ? {} : { patience }),
      poke: () => policy.poke(),
      record: (event) => void events.push(event),
      onError,
    });
    const controller = createController(
      {
        client,
        reader: reader(listing(client)),
        policy,
        promoter,
        manifests: createManifestProposer({
          open: ({ branch = "main" }) =>
            Promise.resolve({
              git: git(apps.remote.open({ branch, author: AUTHOR, name: user })),
              forge: wrapForge(apps.forge.open({ login: "ringward", name: user })),
            }),
          kubectl: options.kubectl,
          helm: options.helm,
          directory: join(tmpdir(), "ringward-rig-renderings"),
          clock,
          transport: clock,
          listEveryMs: 10_000,
          ...(patience === undefined ? {} : { patience }),
          poke: () => policy.poke(),
          record: (event) => void events.push(event),
          onError,
        }),
        ...(pulls ? { pulls: createPolicyPulls({ validators, transport: clock, listEveryMs: 10_000, onError }) } : {}),
        ...(measure === undefined ? {} : { measure }),
        ...(onRefusal === undefined ? {} : { onRefusal }),
        ...(notifier === undefined ? {} : { notifier: tellFrom(notifier, validators) }),
        clock,
        record: (event) => void events.push(event),
        onError,
      },
      { concurrency: 2, statusBudget: 1000, inventoryJobs },
    );
    return {
      user,
      controller,
      policy,
      async pass() {
        try {
          return await controller.pass();
        } catch (error) {
          onError(error, "pass");
          return undefined;
        }
      },
    };
  }

  const first = born();
  const read = async (resource: Parameters<Client["get"]>[0], ref: Parameters<Client["get"]>[1]): Promise<Status> =>
    ((await admin.get(resource, ref))?.status ?? {}) as Status;
  /** From what the store, the repository and the forge hold. */
  const verdict = async (): Promise<Verdict> => {
    const history = cluster.server.store.history();
    const git = remote.open({
      branch: "main",
      author: { name: "A Judge", email: "judge@rig.invalid" },
      name: "judge",
    });
    return checkHistory({
      history,
      controllerUsers: users,
      pulls: forge.people.pulls(),
      git: await readGitHistory(git, { isController: (author) => author.startsWith("Ringward "), history }),
    });
  };
  const rig: Rig = {
    cluster,
    clock,
    remote,
    forge,
    apps,
    admin,
    errors,
    events,
    writes,
    users,
    born,
    first,
    async turn(ms = TICK_MS) {
      for (let round = 0; round < 3; round += 1) {
        const { errors: failed } = await cluster.runRound();
        if (failed[0] !== undefined) throw new Error(`actor ${failed[0].actor} failed`, { cause: failed[0].error });
      }
      clock.advance(ms);
    },
    async until(what, is, most = 120) {
      for (let pass = 0; pass < most; pass += 1) {
        if (await is()) return;
        await first.pass();
        if (await is()) return;
        await rig.turn();
      }
      throw new Error(`it never came to be so in ${most} passes: ${what}`);
    },
    async run(times) {
      for (let pass = 0; pass < times; pass += 1) {
        await first.pass();
        await rig.turn();
      }
    },
    commit: (changed, message = "a person's change", signedBy) =>
      remote.people.commitFiles("main", changed, {
        message,
        time: clock.now(),
        ...(signedBy === undefined ? {} : { signedBy }),
      }),
    async node(name) {
      const found = await admin.get<NodeObject>(NODES, { name });
      if (found === undefined) throw new Error(`there is no node ${name}`);
      return found;
    },
    state: (name) => read(NODE_PATCH_STATES, { name }),
    workloadState: (name) => read(WORKLOAD_PATCH_STATES, { namespace: "shop", name: `deployment-${name}` }),
    async image(name) {
      const found = await admin.get(DEPLOYMENTS, { namespace: "shop", name });
      return (found?.spec as Status | undefined)?.["template"]?.spec?.containers?.[0]?.image as string | undefined;
    },
    ring: (name = "canary") => read(ROLLOUT_RINGS, { name }),
    repository: (name = "policy") => read(POLICY_REPOSITORIES, { name }),
    ledger: () => read(DISRUPTION_LEDGERS, { name: "cluster" }),
    async setMode(mode) {
      await admin.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode } } });
    },
    async jobs(step) {
      const { items } = await admin.list(JOBS, { namespace: "ringward-jobs" });
      return items.filter(
        (job) => !isSuspended(job) && (step === undefined || job.metadata.labels?.["ringward.dev/step"] === step),
      );
    },
    async preparedJobs() {
      return (await admin.list(JOBS, { namespace: "ringward-jobs" })).items.filter(isSuspended);
    },
    kernel: (name) => cluster.machines.get(name)?.kernel.running,
    violations: async () => (await verdict()).violations,
    async judge(...wanted) {
      const { violations, occurred } = await verdict();
      return [
        ...violations.map(({ invariant, object, at, message }) => `${invariant} ${object} ${at}: ${message}`),
        ...untried("this run", occurred, wanted),
      ];
    },
  };
  return rig;
}

export const NEW_KERNEL = "5.15.0-125-generic";

/** Everything is patched and nothing is under way. */
export async function isConverged(rig: Rig): Promise<boolean> {
  const { phase } = await rig.ring();
  const { claims = [] } = await rig.ledger();
  return phase === "Done" && (claims as unknown[]).length === 0;
}

/** Where a node's operation stands. */
export async function stepOf(rig: Rig, name: string): Promise<string | undefined> {
  return (await rig.state(name))["operation"]?.step as string | undefined;
}

/** Messages of reasons why rings and targets wait. */
export function reasonsOf(status: Status): readonly string[] {
  return ((status["blockedBy"] ?? []) as { reason: string }[]).map(({ reason }) => reason);
}

/** What a condition says. */
export function conditionOf(
  status: Status,
  type: string,
): { status: string; reason: string; message: string } | undefined {
  return ((status["conditions"] ?? []) as { type: string; status: string; reason: string; message: string }[]).find(
    (condition) => condition.type === type,
  );
}

/** The budget of shop/web spares nobody from the moment on in which n1 is cordoned: no forecast can see that. */
export async function closeAfterCordon(rig: Rig): Promise<void> {
  await rig.until("n1 is cordoned", async () => (await stepOf(rig, "n1")) === "Cordoned");
  await rig.admin.patch(
    POD_DISRUPTION_BUDGETS,
    { namespace: "shop", name: "web" },
    { type: "merge", body: { spec: { minAvailable: null, maxUnavailable: 0 } } },
  );
}
