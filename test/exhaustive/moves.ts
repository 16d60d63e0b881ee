// What can happen next in a world. Each move is one step of one party: a controller begins a pass or gets one request answered, an actor of the
// cluster takes its step, a person acts, a cache falls behind or catches up, something goes wrong. Time goes on only when nothing else can
// happen, so every order of what can happen at one time is tried.
import { createClient } from "../../controller/kube/client.ts";
import type { ApiResponse } from "../../controller/kube/port.ts";
import { LEASES } from "../../controller/kube/resources.ts";
import { microTimestamp } from "../../controller/sandbox/actors/template.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import type { ClusterView } from "../../controller/sandbox/actors/view.ts";
import { nameWrite } from "../sweep/write-kind.ts";
import { type Act, ACTS } from "./acts.ts";
import { createEffects, type Effect, type Effects } from "./effects.ts";
import { beginTrace, createPasses, extend, isWrite, type Passes, type Trace } from "./leader.ts";
import { createSceneActors, type Scene, type SceneActor } from "./scene.ts";
import type { Scope } from "./scopes.ts";
import { type CountedServer, createCountedServer } from "./server.ts";
import { createWorlds, type Kept, type Leader, newChecker, type Waiting, type World, type Worlds } from "./world.ts";

export interface Move {
  /** It does not keep the time from going on. */
  readonly optional: boolean;
  /** Where something comes of it nothing else is tried in this world. */
  readonly urgent?: boolean;
  /** Undefined: nothing came of it. */
  readonly run: (world: World) => Promise<Moved | undefined>;
}

export interface Moved {
  readonly world: World;
  /** What happened, for people. */
  readonly say: () => string;
  /** Nothing will come of it unless something else happens: time may go on. */
  readonly still?: boolean;
  readonly problems: readonly string[];
}

export interface Game {
  readonly scene: Scene;
  readonly scope: Scope;
  readonly worlds: Worlds;
  readonly start: World;
  readonly passes: Passes;
  /** Invariants whose precondition occurred in some world. */
  readonly occurred: ReadonlySet<string>;
  /** What can be tried in a world, whether or not something comes of it. */
  moves(world: World): readonly Move[];
  /** Nothing else can happen: time goes on, or what keeps the rollout from its end is made good. */
  wait(world: World): Promise<Moved>;
}

interface Asked {
  readonly waiting: Waiting | undefined;
  readonly slips: readonly string[];
}

interface Parts {
  readonly scene: Scene;
  readonly scope: Scope;
  readonly server: CountedServer;
  readonly worlds: Worlds;
  readonly effects: Effects;
  readonly passes: Passes;
  readonly view: ClusterView;
  readonly actors: readonly SceneActor[];
  /** Steps of actors from which nothing came, by all that they depend on. */
  readonly idle: Set<string>;
  /** What passes come to by reading alone. */
  readonly asked: Map<string, Asked>;
  /** What the actors' view holds. */
  viewed: number | undefined;
}

export async function createGame(scene: Scene, scope: Scope): Promise<Game> {
  const server = createCountedServer(scene);
  const worlds = createWorlds(scene, server);
  const { view, actors } = createSceneActors(scene, (user) => server.as(user));
  const passes = createPasses(scene);
  const effects = createEffects(scene, worlds);
  const parts: Parts = {
    scene,
    scope,
    server,
    worlds,
    effects,
    passes,
    view,
    actors,
    idle: new Set(),
    asked: new Map(),
    viewed: undefined,
  };
  // The cluster's own actors have come to rest; these remember what they can see.
  for (let round = 0; round < 4; round += 1)
    for (const { actor } of actors) {
      await view.refresh();
      await actor.step(scene.clock.now());
    }
  const start: World = {
    ...worlds.take(),
    idle: 0,
    leaders: Array.from({ length: scope.leaders }, () => ({ waiting: undefined, stale: undefined })),
    left: { faults: scope.faults, acts: scope.acts.length === 0 ? 0 : 1, stale: scope.stale },
    trouble: undefined,
    memories: actors.map((actor) => worlds.memoryOf(actor)),
    judge: worlds.keepChecker(newChecker(scene)),
  };
  return {
    scene,
    scope,
    worlds,
    start,
    passes,
    occurred: effects.occurred,
    moves: (world) => [
      ...actors.map((_, place) => moveActor(parts, place)),
      ...world.leaders.flatMap((leader, place) => movesOfLeader(parts, world, leader, place)),
      ...(world.left.acts > 0
        ? scope.acts.flatMap((name) => [moveAct(parts, name, false), moveAct(parts, name, true)])
        : []),
    ],
    wait: (world) => wait(parts, world),
  };
}

type Change = Partial<Pick<World, "idle" | "leaders" | "left" | "trouble" | "memories">>;

const NOTHING: Pick<Moved, "problems"> = { problems: [] };

/** The world after an effect, with what the checks say of what was stored. */
function arrive({ effects }: Parts, before: World, effect: Effect<unknown>, change: Change, say: () => string): Moved {
  const { judge, problems } = effects.judge(before, effect);
  const idle = effect.fresh.length > 0 ? 0 : before.idle;
  return { world: { ...before, ...effect.after, idle, ...change, judge }, say, problems };
}

// -------------------------------------------------------------------------------------------------------- actors

function moveActor(parts: Parts, place: number): Move {
  const { worlds, view, actors, idle, effects } = parts;
  const actor = actors[place] as SceneActor;
  return {
    optional: false,
    urgent: parts.scope.cluster === "AtOnce",
    async run(world) {
      const memory = world.memories[place] as Kept<unknown>;
      const seen = worlds.builtin(world.store);
      const key = `${place} ${seen} ${world.machines.id} ${memory.id} ${world.now}`;
      if (idle.has(key)) return undefined;
      const effect = await effects.of(world, `actor ${place} ${memory.id}`, async () => {
        if (parts.viewed !== seen) {
          view.reset();
          await view.refresh();
        }
        actor.actor.restore?.(memory.value);
        parts.viewed = undefined;
        await actor.actor.step(world.now);
        return worlds.memoryOf(actor);
      });
      const after = effect.answer;
      if (effect.fresh.length === 0) parts.viewed = seen;
      if (effect.fresh.length === 0 && after === memory && effect.after.machines === world.machines) {
        idle.add(key);
        return undefined;
      }
      const memories = world.memories.map((other, index) => (index === place ? after : other));
      return arrive(parts, world, effect, { memories }, () => `${actor.name}: ${sayVersions(effect.fresh)}`);
    },
  };
}

const VERB = { ADDED: "creates", MODIFIED: "changes", DELETED: "removes" } as const;

function sayVersions(versions: readonly StoredVersion[]): string {
  return versions.length === 0 ? "takes note" : versions.map(({ type, key }) => `${VERB[type]} ${key}`).join(", ");
}

// --------------------------------------------------------------------------------------------------- controllers

/** So many passes begin with caches that stand still; the watches of the product notice by and by. */
const STALE_PASSES = 2;

type Fortune = "done" | "dies before" | "dies after" | "loses the answer";
const MISFORTUNES: readonly Fortune[] = ["dies before", "dies after", "loses the answer"];

function movesOfLeader(parts: Parts, { leaders, left }: World, leader: Leader, place: number): readonly Move[] {
  // Two that are in the same place are alike: only one of them is moved.
  if (leaders.findIndex((other) => isAlike(other, leader)) !== place) return [];
  if (leader.waiting === undefined) {
    const moves: Move[] = [];
    if ((leader.stale?.passes ?? 0) < STALE_PASSES)
      moves.push({ optional: false, run: (world) => beginPass(parts, world, place) });
    if (leader.stale !== undefined)
      moves.push({ optional: false, run: (world) => setCaches(parts, world, place, false) });
    else if (left.stale > 0) moves.push({ optional: true, run: (world) => setCaches(parts, world, place, true) });
    return moves;
  }
  const send = (fortune: Fortune): Move => ({
    optional: fortune !== "done",
    run: (world) => goOn(parts, world, place, fortune),
  });
  const { request } = leader.waiting;
  return [send("done"), ...(left.faults > 0 && isWrite(request) ? MISFORTUNES.map(send) : [])];
}

function isAlike(one: Leader, other: Leader): boolean {
  return (
    one.waiting?.trace.key === other.waiting?.trace.key &&
    one.stale?.caches === other.stale?.caches &&
    one.stale?.passes === other.stale?.passes
  );
}

function replaceLeader(world: World, place: number, change: Partial<Leader>): readonly Leader[] {
  return world.leaders.map((other, index) => (index === place ? { ...other, ...change } : other));
}

async function beginPass(parts: Parts, world: World, place: number): Promise<Moved | undefined> {
  const { worlds, scope } = parts;
  const before = world.leaders[place]?.stale;
  const caches = before?.caches ?? worlds.cachesOf(world.store);
  const stale = before === undefined ? undefined : { caches, passes: before.passes + 1 };
  const trace = beginTrace(caches.value, String(caches.id), world.now);
  const { waiting, slips } = await ask(parts, world, trace, scope.readsMove);
  if (waiting === undefined && slips.length === 0) return undefined;
  const still = scope.readsMove && (await ask(parts, world, trace, false)).waiting === undefined;
  return {
    world: { ...world, leaders: replaceLeader(world, place, { waiting, stale }) },
    say: () => `controller ${place} begins a pass, and is about to ${sayWaiting(waiting)}`,
    still,
    problems: slips.map(sayFault),
  };
}

const sayFault = (slip: string): string => `V4 an error that nobody foresaw: ${slip}`;

/** A pass goes on until it is about to write, or to read where reads are moves of their own. */
async function ask(parts: Parts, world: World, begun: Trace, readsMove: boolean): Promise<Asked> {
  const key = `${begun.key} ${world.store.id} ${String(readsMove)}`;
  const known = parts.asked.get(key);
  if (known !== undefined) return known;
  const found = await askOnce(parts, world, begun, readsMove);
  parts.asked.set(key, found);
  return found;
}

async function askOnce(parts: Parts, world: World, begun: Trace, readsMove: boolean): Promise<Asked> {
  for (let trace = begun; ;) {
    const next = await parts.passes.next(trace);
    if (next.kind === "Done") return { waiting: undefined, slips: next.slips };
    const { request, asked } = next;
    if (isWrite(request) || (readsMove && isOfObject(request.path)))
      return { waiting: { trace, request, asked }, slips: [] };
    const { answer } = await send(parts, world, next);
    trace = extend(trace, asked, answer);
  }
}

/** What the server says of itself never changes here. */
function isOfObject(path: string): boolean {
  return path.startsWith("/api");
}

/** All controllers write under one name: they are alike. */
function send(
  { effects, server }: Parts,
  world: World,
  { request, asked }: Omit<Waiting, "trace">,
): Promise<Effect<ApiResponse>> {
  return effects.of(world, asked, () => server.as("ringward/0").request(request));
}

async function goOn(parts: Parts, world: World, place: number, fortune: Fortune): Promise<Moved | undefined> {
  const waiting = world.leaders[place]?.waiting;
  if (waiting === undefined) return undefined;
  const left = fortune === "done" ? world.left : { ...world.left, faults: world.left.faults - 1 };
  const over = { left, leaders: replaceLeader(world, place, { waiting: undefined }) };
  const what = (): string => `controller ${place}: ${sayWaiting(waiting)}`;
  if (fortune === "dies before")
    return { ...NOTHING, world: { ...world, ...over }, say: () => `${what()} is not sent: it dies before` };
  const effect = await send(parts, world, waiting);
  const done = (): string => `${what()}${sayAnswer(effect.answer)}`;
  if (fortune === "dies after") return arrive(parts, world, effect, over, () => `${done()}; it dies`);
  const answer = fortune === "loses the answer" ? "lost" : effect.answer;
  const moved = arrive(parts, world, effect, over, done);
  const { waiting: next, slips } = await ask(
    parts,
    moved.world,
    extend(waiting.trace, waiting.asked, answer),
    parts.scope.readsMove,
  );
  return {
    world: { ...moved.world, leaders: replaceLeader(world, place, { waiting: next }) },
    say: () =>
      `${done()}${answer === "lost" ? "; the answer is lost" : ""}; ${next === undefined ? "its pass is over" : `next ${sayWaiting(next)}`}`,
    problems: [...moved.problems, ...slips.map(sayFault)],
  };
}

function sayWaiting(waiting: Waiting | undefined): string {
  if (waiting === undefined) return "end";
  const { request } = waiting;
  return request.method === "GET" ? `GET ${request.path}` : nameWrite(request);
}

function sayAnswer({ status, body }: ApiResponse): string {
  return status < 300 ? "" : ` (${status} ${String((body as { readonly message?: unknown }).message)})`;
}

/** Its caches stand still from now on, or show the present again. */
function setCaches({ worlds }: Parts, world: World, place: number, stands: boolean): Promise<Moved> {
  const stale = stands ? { caches: worlds.cachesOf(world.store), passes: 0 } : undefined;
  const left = stands ? { ...world.left, stale: world.left.stale - 1 } : world.left;
  return Promise.resolve({
    ...NOTHING,
    world: { ...world, left, leaders: replaceLeader(world, place, { stale }) },
    say: () => `the caches of controller ${place} ${stands ? "fall behind" : "catch up"}`,
  });
}

// -------------------------------------------------------------------------------------------------- people, time

/** A moment in which a controller that begins a pass from now on knows what was done before. */
const MOMENT_MS = 1_000;

/**
 * A person acts in the middle of everything; within one instant the checks take it that a controller could not know. Where no controller is in
 * a pass a moment goes by as well, and then it must know.
 */
function moveAct(parts: Parts, name: string, seen: boolean): Move {
  const act = ACTS[name] as Act;
  return {
    optional: true,
    async run(world) {
      if (seen && world.leaders.some(({ waiting, stale }) => (waiting ?? stale) !== undefined)) return undefined;
      const effect = await parts.effects.of(world, name, () => act.does(parts.scene, parts.server));
      if (!effect.answer) return undefined;
      const left = { ...world.left, acts: world.left.acts - 1 };
      const trouble = act.undo === undefined ? undefined : name;
      const moved = arrive(parts, world, effect, { left, trouble }, () => `somebody ${name}`);
      return seen ? { ...moved, world: { ...moved.world, now: moved.world.now + MOMENT_MS } } : moved;
    },
  };
}

/** So many waits, and whoever made trouble makes it good. */
const PATIENCE = 2;

/** So much policy time goes on when nothing else can happen, the longer the less came of it. */
const WAITS_MS = [5_000, 5_000, 60_000, 600_000, 3_600_000, 86_400_000];
export const MOST_WAITS = WAITS_MS.length;

async function wait(parts: Parts, world: World): Promise<Moved> {
  const { scene, server, effects } = parts;
  const { trouble } = world;
  if (trouble !== undefined && world.idle >= PATIENCE) {
    const effect = await effects.of(world, `undo ${trouble}`, () => ACTS[trouble]?.undo?.(scene, server));
    return arrive(
      parts,
      world,
      effect,
      { idle: 0, trouble: undefined },
      () => `it is made good that somebody ${trouble}`,
    );
  }
  const ms = WAITS_MS[world.idle] ?? 86_400_000;
  const gone = { ...world, now: world.now + ms };
  const effect = await effects.of(gone, "heartbeats", () => (ms < HEARTBEAT_MS ? undefined : beat(parts, gone.now)));
  return arrive(parts, gone, effect, { idle: world.idle + 1 }, () => `${ms / 1000} s go by`);
}

/** In so much time each kubelet has renewed its Lease. */
const HEARTBEAT_MS = 60_000;

async function beat({ scene, server }: Parts, now: number): Promise<void> {
  const client = createClient(server.as("system:nodes"), { fieldManager: "kubelet", clock: scene.clock });
  const body = { spec: { renewTime: microTimestamp(now) } };
  for (const name of scene.nodes)
    await client.patch(LEASES, { name, namespace: "kube-node-lease" }, { type: "merge", body });
}
