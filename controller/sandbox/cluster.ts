// A whole cluster in one process: the API server, our custom resource definitions, a fleet, and the actors that make it live.
// Two ways to run it: `runRound` (deterministic, for tests and the crash sweep) and `start`/`stop` (on the clock, for the demo).
// The actors are plain API clients: given another port they run against that server instead.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { load } from "js-yaml";
import { seededRandom } from "../clock.ts";
import type { Clock, Random } from "../clock.ts";
import type { ApiPort, KubeObject } from "../kube/port.ts";
import { runActors, runRound } from "./actors/actor.ts";
import type { Actor, RoundResult } from "./actors/actor.ts";
import { createDaemonSetController } from "./actors/daemonset.ts";
import { createDeploymentController } from "./actors/deployment.ts";
import { createDisruptionController } from "./actors/disruption.ts";
import { createJobController } from "./actors/job.ts";
import { createKubelet } from "./actors/kubelet.ts";
import { createNodeLifecycleController } from "./actors/node-lifecycle.ts";
import { createReplicaSetController } from "./actors/replicaset.ts";
import { createScheduler } from "./actors/scheduler.ts";
import { createStatefulSetController } from "./actors/statefulset.ts";
import { DEFAULT_TIMING } from "./actors/timing.ts";
import type { SandboxTiming } from "./actors/timing.ts";
import { createView } from "./actors/view.ts";
import type { ClusterView } from "./actors/view.ts";
import { createApiServer } from "./apiserver/index.ts";
import type { SandboxApiServer, StoreSnapshot } from "./apiserver/index.ts";
import { serveClock } from "./clock.ts";
import type { SandboxClock } from "./clock.ts";
import { applyFleet } from "./fleet/apply.ts";
import type { Fleet } from "./fleet/fleet.ts";
import { createMachines } from "./nodes/machines.ts";
import type { Machines } from "./nodes/machines.ts";

export interface SandboxClusterOptions {
  /** Policy time: object times and everything that actors do. */
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: Fleet;
  readonly timing?: SandboxTiming;
  /** Real time: watch timeouts and bookmarks of the server. `clock` unless given. */
  readonly transportClock?: Clock;
  /** Other users of the server, by bearer token. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Folder with CustomResourceDefinitions to install; none if absent. */
  readonly crds?: string;
}

export interface SandboxCluster {
  readonly server: SandboxApiServer;
  readonly port: ApiPort;
  readonly view: ClusterView;
  /** Where troubles are switched on and off. */
  readonly machines: Machines;
  /** Reads the cluster once and lets every actor take one step, in a seeded order. */
  runRound(): Promise<RoundResult>;
  /** True if something will change by itself soon: a pull, a reboot, a pod that waits to be bound. */
  busy(): boolean;
  /** Runs the actors on the clock until `stop`. `transport` is real time: it paces reconnects only. */
  start(options: StartOptions): Promise<void>;
  stop(): Promise<void>;
  /** Serves the API on loopback (port 0: a free one), and the policy clock beside it if it is a sandbox's. */
  listen(port?: number): Promise<SandboxAddress>;
  /** Everything that the cluster is at this moment, between two rounds; can be put back any number of times. */
  snapshot(): ClusterSnapshot;
  restore(snapshot: ClusterSnapshot): void;
}

export interface StartOptions {
  readonly transport: Clock;
  readonly onError: (source: string, error: unknown) => void;
}

export interface SandboxAddress {
  /** The API server's. */
  readonly url: string;
  /** What kubectl and the controller need: one context with the admin's token. */
  readonly kubeconfig: string;
  /** Where another process reads the policy clock; undefined for a clock that cannot be described. */
  readonly clockUrl: string | undefined;
  close(): Promise<void>;
}

export interface ClusterSnapshot {
  readonly store: StoreSnapshot;
  readonly machines: unknown;
  readonly actors: Readonly<Record<string, unknown>>;
  readonly round: number;
}

/** The controllers, scheduler and kubelets of a cluster, as actors over one view. */
export function createActors(view: ClusterView, machines: Machines, timing: SandboxTiming): readonly Actor[] {
  return [
    createNodeLifecycleController(view, timing),
    createDeploymentController(view),
    createReplicaSetController(view),
    createStatefulSetController(view),
    createDaemonSetController(view),
    createJobController(view, timing),
    createScheduler(view, timing),
    createKubelet(view, machines, timing),
    createDisruptionController(view),
  ];
}

/** A server with its definitions and the fleet's objects in it. Nothing moves until a round is run or it is started. */
export async function createSandboxCluster(options: SandboxClusterOptions): Promise<SandboxCluster> {
  const { clock, random, fleet, timing = DEFAULT_TIMING } = options;
  // Drawn once, so that a round's order depends on its number alone and a restored run takes the same turns.
  const seed = Math.floor(random.next() * 2 ** 32);
  const { transportClock = clock, tokens = {} } = options;
  const server = createApiServer({ clock, random, transportClock, tokens });
  const definitions = options.crds === undefined ? [] : await readDefinitions(options.crds);
  await applyFleet(server.as("kubernetes-admin"), { objects: [...definitions, ...fleet.objects] });
  const machines = createMachines(fleet.machines, fleet.catalogue);
  const view = createView(server, (actor) => server.as(userOf(actor)));
  const actors = createActors(view, machines, timing);
  let round = 0;
  let seen: number | undefined;
  let running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  return {
    server,
    port: server,
    view,
    machines,
    async runRound() {
      // Where nothing was stored since the last look there is nothing to see.
      if (server.store.revision() !== seen) await view.refresh();
      seen = server.store.revision();
      round += 1;
      return runRound(actors, clock.now(), seededRandom(seed + round));
    },
    busy: () => actors.some((actor) => actor.busy?.(clock.now()) === true),
    async start({ transport, onError }) {
      if (running !== undefined) throw new Error("the sandbox's cluster is running already");
      const abort = new AbortController();
      await view.follow({ clock: transport, random, onError: (error) => onError("watch", error) });
      const { tick, resync } = timing;
      running = { abort, done: runActors({ actors, view, clock, tick, resync, signal: abort.signal, onError }) };
    },
    async stop() {
      running?.abort.abort(new Error("the sandbox's cluster was stopped"));
      await running?.done;
      running = undefined;
      await view.stop();
    },
    async listen(wanted = 0) {
      const api = await server.listen({ port: wanted, host: "127.0.0.1" });
      const clockServer = isSandboxClock(clock) ? await serveClock(clock) : undefined;
      return {
        url: api.url,
        kubeconfig: server.kubeconfig(api.url),
        clockUrl: clockServer?.url,
        async close() {
          await Promise.all([api.close(), clockServer?.close()]);
        },
      };
    },
    snapshot: () => ({
      store: server.store.snapshot(),
      machines: machines.snapshot(),
      actors: Object.fromEntries(actors.map((actor) => [actor.name, actor.snapshot?.()])),
      round,
    }),
    restore(snapshot) {
      server.store.restore(snapshot.store);
      view.reset();
      seen = undefined;
      machines.restore(snapshot.machines);
      for (const actor of actors) if (actor.restore !== undefined) actor.restore(snapshot.actors[actor.name]);
      round = snapshot.round;
    },
  };
}

function isSandboxClock(clock: Clock): clock is SandboxClock {
  return "describe" in clock;
}

/** The names that these controllers have in a real cluster, so that a history reads like an audit log. */
function userOf(actor: string): string {
  if (actor === "scheduler") return "system:kube-scheduler";
  return actor === "kubelet" ? "system:nodes" : `system:serviceaccount:kube-system:${actor}`;
}

async function readDefinitions(folder: string): Promise<readonly KubeObject[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort();
  return Promise.all(files.map(async (name) => load(await readFile(join(folder, name), "utf8")) as KubeObject));
}
