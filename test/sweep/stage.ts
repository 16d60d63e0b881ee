// The stage of a sweep: cluster, repository, forge, time, chance and the scripted person in one process, all of which can be put back to
// an earlier moment together. It counts every write that a controller sends anywhere, and can end a controller's life at any of them.
import { fileURLToPath } from "node:url";
import { createValidators, type Validators } from "../../controller/api/validator.ts";
import type { Clock, Random } from "../../controller/clock.ts";
import { createMemoryForge, type MemoryForge, type MemoryForgeSnapshot } from "../../controller/forge/memory/index.ts";
import type { Forge } from "../../controller/forge/port.ts";
import { createMemoryRemote, type MemoryRemote, type MemorySnapshot } from "../../controller/git/memory.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { type ClusterSnapshot, createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { type Host, memoryHost } from "./host.ts";
import { REFERENCE, type Scenario, START, TICK_MS, TIMING } from "./scenario.ts";

/** Time that can be put back. Nobody sleeps on it: passes and rounds are driven by hand. */
export interface StageClock extends Clock {
  advance(ms: number): void;
  set(now: number): void;
}

export function createStageClock(start: number): StageClock {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    advance(ms) {
      now += ms;
    },
    set(to) {
      now = to;
    },
  };
}

/** mulberry32 whose state can be read and put back. */
interface StageRandom extends Random {
  state: number;
}

function createStageRandom(seed: number): StageRandom {
  const random: StageRandom = {
    state: seed >>> 0,
    next() {
      random.state = (random.state + 0x6d2b79f5) >>> 0;
      let t = random.state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    },
  };
  return random;
}

export interface StageSnapshot {
  readonly cluster: ClusterSnapshot;
  readonly remote: MemorySnapshot;
  readonly forge: MemoryForgeSnapshot;
  readonly now: number;
  readonly random: number;
  readonly done: ReadonlySet<string>;
}

export interface Stage {
  readonly cluster: SandboxCluster;
  readonly host: Host;
  readonly clock: StageClock;
  readonly validators: Validators;
  readonly scenario: Scenario;
  /** A person with kubectl. */
  readonly admin: Client;
  /** What the world does between two passes: actors take their turns, the person merges what is open, time goes on. */
  turn(idle?: boolean): Promise<void>;
  /** Deeds of the scenario are left to do. */
  isUndone(): boolean;
}

/** A stage that is in memory alone, so that it can be put back. */
export interface MemoryStage extends Stage {
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
  snapshot(): StageSnapshot;
  restore(snapshot: StageSnapshot): void;
}

export const CONTROLLER_EMAIL = "ringward@sweep.invalid";
const CRDS = fileURLToPath(new URL("../../crds", import.meta.url));

export interface Setting {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly clock: StageClock;
  /** Bearer tokens of users, where the server is reached over HTTP. */
  readonly tokens?: Readonly<Record<string, string>>;
  readonly url: string;
  /** The forge that PolicyRepository names. */
  readonly forgeSpec?: object;
}

/** Cluster and people, without a repository yet. `done` holds what people have done. */
async function setUp({ seed, scenario, clock, tokens, url, forgeSpec }: Setting) {
  const random = createStageRandom(seed);
  const options = { clock, random, fleet: scenario.fleet(), crds: CRDS, timing: TIMING };
  const cluster = await createSandboxCluster(tokens === undefined ? options : { ...options, tokens });
  for (let round = 0; round < 6; round += 1) {
    await cluster.runRound();
    clock.advance(TICK_MS);
  }
  const admin = createClient(cluster.server.as("admin"), { fieldManager: "kubectl", clock });
  await admin.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce", limits: scenario.limits },
  });
  await admin.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: { url, clusterName: "sweep", interval: "10s", ...(forgeSpec === undefined ? {} : { forge: forgeSpec }) },
  });
  return { random, cluster, admin };
}

interface Deeds {
  done: ReadonlySet<string>;
}

async function takeTurn(stage: Stage, deeds: Deeds, idle: boolean): Promise<void> {
  for (const deed of stage.scenario.deeds) {
    if (deeds.done.has(deed.name) || !deed.isDue(stage)) continue;
    deeds.done = new Set([...deeds.done, deed.name]);
    await deed.act(stage);
  }
  for (let round = 0; round < 3; round += 1) {
    const { writes, errors } = await stage.cluster.runRound();
    const [first] = errors;
    if (first !== undefined) throw new Error(`actor ${first.actor} failed`, { cause: first.error });
    if (writes === 0) break;
  }
  await stage.host.mergeOpen();
  stage.clock.advance(idle ? IDLE_MS : TICK_MS);
}

/** A stage over any host. */
export async function createStageOver(setting: Setting, host: Host): Promise<Stage> {
  return (await assemble(setting, host)).stage;
}

async function assemble(setting: Setting, host: Host) {
  const { random, cluster, admin } = await setUp(setting);
  const { scenario, clock } = setting;
  const deeds: Deeds = { done: new Set() };
  const stage: Stage = {
    cluster,
    host,
    scenario,
    admin,
    clock,
    validators: createValidators(),
    turn: (idle = false) => takeTurn(stage, deeds, idle),
    isUndone: () => scenario.deeds.some((deed) => !deeds.done.has(deed.name)),
  };
  await scenario.prepare(stage);
  return { stage, random, deeds };
}

/** A stage in memory on which nothing has happened yet but that people set it up. */
export async function createStage(seed = 1, scenario: Scenario = REFERENCE): Promise<MemoryStage> {
  const clock = createStageClock(START);
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", await scenario.policy(), { message: "policy", time: START - 86_400_000 });
  const forge = createMemoryForge({ git: remote.people, clock });
  const setting: Setting = { seed, scenario, clock, url: "https://git.invalid/policy.git" };
  const { stage, random, deeds } = await assemble(setting, memoryHost(remote, forge));
  // The very same object: its turns and its snapshots speak of one stage.
  return Object.assign(stage, {
    remote,
    forge,
    snapshot: (): StageSnapshot => ({
      cluster: stage.cluster.snapshot(),
      remote: remote.snapshot(),
      forge: forge.snapshot(),
      now: clock.now(),
      random: random.state,
      done: deeds.done,
    }),
    restore(snapshot: StageSnapshot): void {
      stage.cluster.restore(snapshot.cluster);
      remote.restore(snapshot.remote);
      forge.restore(snapshot.forge);
      clock.set(snapshot.now);
      random.state = snapshot.random;
      deeds.done = snapshot.done;
    },
  });
}

/** Where nobody does anything time goes faster, but never past a heartbeat. */
const IDLE_MS = 200_000;

/** What a controller reaches the world through. */
export interface Ports {
  readonly api: ApiPort;
  readonly git: (branch: string) => PolicyGit | Promise<PolicyGit>;
  readonly forge: () => Forge;
  /** How the cluster is read; straight from the store unless given. */
  readonly reader?: (client: Client) => ClusterReader;
}

export function portsOf(stage: MemoryStage, user: string): Ports {
  return {
    api: stage.cluster.server.as(user),
    git: (branch) => stage.remote.open({ branch, author: { name: "Ringward", email: CONTROLLER_EMAIL }, name: user }),
    forge: () => stage.forge.open({ login: "ringward", name: user }),
  };
}
