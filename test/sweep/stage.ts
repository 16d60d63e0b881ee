// The stage of a sweep: cluster, repository, forge, time, chance and the scripted person in one process, all of which can be put back to
// an earlier moment together. It counts every write that a controller sends anywhere, and can end a controller's life at any of them.
import { fileURLToPath } from "node:url";
import { createValidators, type Validators } from "../../controller/api/validator.ts";
import type { Clock, Random } from "../../controller/clock.ts";
import {
  createMemoryForge,
  type Lag,
  type MemoryForge,
  type MemoryForgeSnapshot,
} from "../../controller/forge/memory/index.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { Around } from "../../controller/forge/memory/store.ts";
import { UserError } from "../../controller/errors.ts";
import { createMemoryRemote, type MemoryRemote, type MemorySnapshot } from "../../controller/git/memory.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import type { PassResult } from "../../controller/reconcile/pass.ts";
import type { SandboxTiming } from "../../controller/sandbox/actors/timing.ts";
import { type ClusterSnapshot, createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import type { Fleet } from "../../controller/sandbox/fleet/fleet.ts";
import { type Host, memoryHost } from "./host.ts";
import { mortalForge } from "./mortal.ts";
import { START, TICK_MS, TIMING } from "./pace.ts";
import type { Pulse } from "./soul.ts";

/** Time that can be put back. Nobody sleeps on it: passes and rounds are driven by hand. */
export interface StageClock extends Clock {
  advance(ms: number): void;
  /** The wall clock alone is put forward or back. */
  jump(ms: number): void;
  set(now: number, monotonic?: number): void;
}

export function createStageClock(start: number): StageClock {
  let now = start;
  let monotonic = start;
  const advance = (ms: number): void => {
    now += ms;
    monotonic += ms;
  };
  return {
    now: () => now,
    monotonic: () => monotonic,
    sleep: (ms) => {
      advance(ms);
      return Promise.resolve();
    },
    advance,
    jump(ms) {
      now += ms;
    },
    set(to, ticks = to) {
      now = to;
      monotonic = ticks;
    },
  };
}

/** mulberry32 whose state can be read and put back. */
export interface StageRandom extends Random {
  state: number;
}

export function createStageRandom(seed: number): StageRandom {
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
  /** Left out: nobody wrote to the repository of manifests. */
  readonly apps?: { readonly remote: MemorySnapshot; readonly forge: MemoryForgeSnapshot };
  readonly now: number;
  readonly monotonic: number;
  readonly random: number;
  readonly done: ReadonlySet<string>;
}

/** A repository in memory and its forge. */
export interface House {
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
}

/** What people, or the world around, do once in a run, as soon as its time has come. */
export interface Deed {
  readonly name: string;
  /** Looks at the present; it must not change anything. */
  readonly isDue: (stage: Stage) => boolean;
  readonly act: (stage: Stage) => void | Promise<void>;
}

/** What a run is about: the cluster, its policy, and what people do. */
export interface Scenario {
  readonly fleet: () => Fleet;
  readonly policy: () => Promise<Readonly<Record<string, string>>>;
  readonly limits: { readonly nodes: number; readonly workloads: number; readonly nodesPerZone: number | string };
  /** Before any controller is there. */
  readonly prepare: (stage: Stage) => Promise<void>;
  readonly deeds: readonly Deed[];
  /** How long things take; left out: nothing takes longer than a tick. */
  readonly timing?: SandboxTiming;
  /** More of the PolicyRepository's spec. */
  readonly repository?: object;
  /** What people do with pull requests between two passes; left out: they merge them. */
  readonly answer?: (stage: Stage) => Promise<void>;
  /** What the repository and its forge are like, where a scenario is about them: then all is done beside promotions, too. */
  readonly house?: {
    readonly forge?: "None";
    /** Commits are made by the forge. */
    readonly commits?: boolean;
    /** The tracked branch takes no push. */
    readonly isProtected?: boolean;
    /** Files of the repository of manifests. */
    readonly apps?: Readonly<Record<string, string>>;
  };
  /** The last ring, and how many levels it has when all is done. */
  readonly last: { readonly ring: string; readonly levels: number };
  /** The rings in the order in which they come, where people do things to any of them. */
  readonly rings?: readonly string[];
  /** How many passes on end must be over; left out: one. */
  readonly quietPasses?: number;
  /** Whether all is done that the scenario is about; left out: every ring is done and nothing is asked any more. */
  readonly isDone?: (stage: Stage, plan: PassResult["plan"]) => boolean;
}

export interface Stage {
  readonly cluster: SandboxCluster;
  /** The policy repository where it is in memory, for people of a scenario. */
  readonly house?: House;
  /** The repository of manifests, likewise. */
  readonly apps?: House;
  readonly host: Host;
  readonly clock: StageClock;
  readonly validators: Validators;
  readonly scenario: Scenario;
  /** A person with kubectl. */
  readonly admin: Client;
  /** What the world does between two passes: actors take their turns, the person merges what is open, time goes on. */
  turn(idle?: boolean): Promise<void>;
  /** Lists of the forges answer late: errors are part of that. */
  readonly isLate: boolean;
  /** Deeds of the scenario are left to do. */
  isUndone(): boolean;
}

/** A stage that is in memory alone, so that it can be put back. */
export interface MemoryStage extends Stage, House {
  readonly house: House;
  /** The repository of manifests. */
  readonly apps: House;
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
  readonly isLate?: boolean;
}

/** Cluster and people, without a repository yet. `done` holds what people have done. */
async function setUp({ seed, scenario, clock, tokens, url, forgeSpec }: Setting) {
  const random = createStageRandom(seed);
  const options = { clock, random, fleet: scenario.fleet(), crds: CRDS, timing: scenario.timing ?? TIMING };
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
    spec: {
      url,
      clusterName: "sweep",
      interval: "10s",
      ...(forgeSpec === undefined ? {} : { forge: forgeSpec }),
      ...scenario.repository,
    },
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
  await (stage.scenario.answer ?? mergeAll)(stage);
  stage.clock.advance(idle ? IDLE_MS : TICK_MS);
}

/** People who approve whatever is asked. */
const mergeAll = ({ host }: Stage): Promise<void> => host.mergeOpen();

/** A stage over any host. */
export async function createStageOver(setting: Setting, host: Host): Promise<Stage> {
  return (await assemble(setting, host)).stage;
}

async function assemble(setting: Setting, host: Host, house?: House) {
  const { random, cluster, admin } = await setUp(setting);
  const { scenario, clock } = setting;
  const deeds: Deeds = { done: new Set() };
  const stage: Stage = {
    cluster,
    host,
    scenario,
    admin,
    clock,
    ...(house === undefined ? {} : { house }),
    validators: createValidators(),
    isLate: setting.isLate === true,
    turn: (idle = false) => takeTurn(stage, deeds, idle),
    isUndone: () => scenario.deeds.some((deed) => !deeds.done.has(deed.name)),
  };
  await scenario.prepare(stage);
  return { stage, random, deeds };
}

function createHouse(clock: Clock, files: Readonly<Record<string, string>>, lag: Lag | undefined): House {
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", files, { message: "policy", time: START - 86_400_000 });
  const forge = createMemoryForge({ git: remote.people, clock });
  if (lag !== undefined) forge.setLag(lag);
  return { remote, forge };
}

type HouseSnapshot = Pick<StageSnapshot, "remote" | "forge">;

function snapshotOf({ remote, forge }: House): HouseSnapshot {
  return { remote: remote.snapshot(), forge: forge.snapshot() };
}

function putBack({ remote, forge }: House, snapshot: HouseSnapshot): void {
  remote.restore(snapshot.remote);
  forge.restore(snapshot.forge);
}

/** A stage in memory on which nothing has happened yet but that people set it up. `lag`: how late the forges' lists answer. */
export async function createStage(seed: number, scenario: Scenario, lag?: Lag): Promise<MemoryStage> {
  const clock = createStageClock(START);
  const house = createHouse(clock, await scenario.policy(), lag);
  const apps = createHouse(clock, scenario.house?.apps ?? { "README.md": "" }, lag);
  const setting: Setting = { seed, scenario, clock, url: "https://git.invalid/policy.git", isLate: lag !== undefined };
  const { stage, random, deeds } = await assemble(setting, memoryHost(house.remote, house.forge), house);
  // The very same object: its turns and its snapshots speak of one stage.
  return Object.assign(stage, {
    ...house,
    house,
    apps,
    snapshot: (): StageSnapshot => ({
      cluster: stage.cluster.snapshot(),
      ...snapshotOf(house),
      apps: snapshotOf(apps),
      now: clock.now(),
      monotonic: clock.monotonic(),
      random: random.state,
      done: deeds.done,
    }),
    restore(snapshot: StageSnapshot): void {
      stage.cluster.restore(snapshot.cluster);
      putBack(house, snapshot);
      if (snapshot.apps !== undefined) putBack(apps, snapshot.apps);
      clock.set(snapshot.now, snapshot.monotonic);
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
  /** Undefined: the repository has none. */
  readonly forge: (pulse: Pulse) => Forge | undefined;
  /** The repository of manifests; left out: nobody looks beside promotions. */
  readonly apps?: { readonly git: (branch: string) => PolicyGit; readonly forge: (pulse: Pulse) => Forge };
  /** How the cluster is read; straight from the store unless given. */
  readonly reader?: (client: Client) => ClusterReader;
}

export function portsOf(stage: MemoryStage, user: string): Ports {
  const { house } = stage.scenario;
  const [policy, apps] = [portsTo(stage.house, user), portsTo(stage.apps, user)];
  const git = house?.isProtected === true ? protect(policy.git) : policy.git;
  const commits = house?.commits === true ? policy.commits : undefined;
  return {
    api: stage.cluster.server.as(user),
    git,
    forge: (pulse) => (house?.forge === "None" ? undefined : policy.forge(pulse, commits)),
    ...(house === undefined ? {} : { apps }),
  };
}

interface HousePorts {
  readonly git: (branch: string) => PolicyGit;
  readonly forge: (pulse: Pulse, commits?: Forge["push"]) => Forge;
  /** Commits as a forge makes them by its API: it knows every commit of its own. */
  readonly commits: NonNullable<Forge["push"]>;
}

function portsTo({ remote, forge }: House, user: string): HousePorts {
  const author = { name: "Ringward", email: CONTROLLER_EMAIL };
  const git = (branch: string): PolicyGit => remote.open({ branch, author, name: user });
  return {
    git,
    forge: (pulse, commits) =>
      mortalForge((around: Around) => {
        const client = forge.open({ login: "ringward", name: user, around });
        if (commits === undefined) return client;
        return { ...client, push: (commit) => pulse.write(`commit ${commit.branch}`, () => commits(commit)) };
      }, pulse),
    async commits(commit) {
      const handle = git("main");
      await handle.fetch();
      return handle.push(commit);
    },
  };
}

/** Nobody pushes to the tracked branch. */
function protect(open: (branch: string) => PolicyGit): (branch: string) => PolicyGit {
  return (branch) => {
    const git = open(branch);
    return {
      ...git,
      push: (commit) =>
        commit.branch === branch
          ? Promise.reject(new UserError("RW1117", "the server refuses to move this branch", "open a pull request"))
          : git.push(commit),
    };
  };
}
