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
import type { ApiPort } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { type ClusterSnapshot, createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { REFERENCE, type Scenario, START, TICK_MS, TIMING } from "./scenario.ts";

/** Time that can be put back. Nobody sleeps on it: passes and rounds are driven by hand. */
export interface StageClock extends Clock {
  advance(ms: number): void;
  set(now: number): void;
}

function createStageClock(start: number): StageClock {
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
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
  readonly clock: StageClock;
  readonly validators: Validators;
  readonly scenario: Scenario;
  /** A person with kubectl. */
  readonly admin: Client;
  snapshot(): StageSnapshot;
  restore(snapshot: StageSnapshot): void;
  /** What the world does between two passes: actors take their turns, the person merges what is open, time goes on. */
  turn(idle?: boolean): Promise<void>;
  /** Deeds of the scenario are left to do. */
  isUndone(): boolean;
}

export const CONTROLLER_EMAIL = "ringward@sweep.invalid";
const CRDS = fileURLToPath(new URL("../../crds", import.meta.url));

/** A stage on which nothing has happened yet but that people set it up. */
export async function createStage(seed = 1, scenario: Scenario = REFERENCE): Promise<Stage> {
  const clock = createStageClock(START);
  const random = createStageRandom(seed);
  const cluster = await createSandboxCluster({ clock, random, fleet: scenario.fleet(), crds: CRDS, timing: TIMING });
  for (let round = 0; round < 6; round += 1) {
    await cluster.runRound();
    clock.advance(TICK_MS);
  }
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", await scenario.policy(), { message: "policy", time: START - 86_400_000 });
  const forge = createMemoryForge({ git: remote.people, clock });
  const admin = createClient(cluster.server.as("admin"), { fieldManager: "kubectl", clock });
  await admin.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce", limits: scenario.limits },
  });
  await admin.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: { url: "https://git.invalid/policy.git", clusterName: "sweep", interval: "10s" },
  });
  let done: ReadonlySet<string> = new Set();
  const stage: Stage = {
    cluster,
    remote,
    scenario,
    admin,
    forge,
    clock,
    validators: createValidators(),
    snapshot: () => ({
      cluster: cluster.snapshot(),
      remote: remote.snapshot(),
      forge: forge.snapshot(),
      now: clock.now(),
      random: random.state,
      done,
    }),
    restore(snapshot) {
      cluster.restore(snapshot.cluster);
      remote.restore(snapshot.remote);
      forge.restore(snapshot.forge);
      clock.set(snapshot.now);
      random.state = snapshot.random;
      done = snapshot.done;
    },
    async turn(idle = false) {
      for (const deed of scenario.deeds) {
        if (done.has(deed.name) || !deed.isDue(stage)) continue;
        done = new Set([...done, deed.name]);
        await deed.act(stage);
      }
      for (let round = 0; round < 3; round += 1) {
        const { errors } = await cluster.runRound();
        const [first] = errors;
        if (first !== undefined) throw new Error(`actor ${first.actor} failed`, { cause: first.error });
      }
      mergeOpen(forge);
      clock.advance(idle ? IDLE_MS : TICK_MS);
    },
    isUndone: () => scenario.deeds.some((deed) => !done.has(deed.name)),
  };
  await scenario.prepare(stage);
  return stage;
}

/** Where nobody does anything time goes faster, but never past a heartbeat. */
const IDLE_MS = 200_000;

/** The person approves everything; what conflicts waits until it was made anew. */
function mergeOpen(forge: MemoryForge): void {
  for (const pull of forge.people.pulls()) {
    if (pull.state !== "open") continue;
    try {
      forge.people.merge(pull.number, "ana");
    } catch (error) {
      if (!String(error).includes("conflict")) throw error;
    }
  }
}

/** What a controller reaches the world through. */
export interface Ports {
  readonly api: ApiPort;
  readonly git: (branch: string) => PolicyGit;
  readonly forge: () => Forge;
}

export function portsOf(stage: Stage, user: string): Ports {
  return {
    api: stage.cluster.server.as(user),
    git: (branch) => stage.remote.open({ branch, author: { name: "Ringward", email: CONTROLLER_EMAIL }, name: user }),
    forge: () => stage.forge.open({ login: "ringward", name: user }),
  };
}
