// What is searched, scope by scope. Each is searched to its end; a scope that did not end would be too large, and a failure.
import { ACTS } from "./acts.ts";
import type { SceneOptions } from "./scene.ts";

export interface Scope {
  readonly name: string;
  readonly scene: SceneOptions;
  /** Controllers, each of which believes that it leads. */
  readonly leaders: number;
  /** Crashes (before or after a write) and lost answers, of all controllers together. */
  readonly faults: number;
  /** One of these is done once. */
  readonly acts: readonly string[];
  /** How often the caches of a controller stand still for a while. */
  readonly stale: number;
  /** `Interleaved`: each step of an actor of the cluster is a move. `AtOnce`: they are faster than everybody else, one after the other. */
  readonly cluster: "Interleaved" | "AtOnce";
  /** Each read of an object is a move of its own; else reads are part of the move before. */
  readonly readsMove: boolean;
}

const CALM = { faults: 0, acts: [], stale: 0, readsMove: false } as const;
const ONE_NODE: SceneOptions = { rings: [1], nodesAtOnce: 1 };
const TWO_RINGS: SceneOptions = { rings: [2, 1], nodesAtOnce: 2 };
const ALL_ACTS = Object.keys(ACTS);
/** One node, one controller, and every order of what the cluster's actors do. */
const close = { ...CALM, scene: ONE_NODE, leaders: 1, cluster: "Interleaved" } as const;
/** One node, and every order of two controllers. */
const pair = { ...CALM, scene: ONE_NODE, leaders: 2, cluster: "AtOnce" } as const;
/** Two rings of two nodes and one, two of which may be away at once. */
const wide = { ...CALM, scene: TWO_RINGS, leaders: 1, cluster: "AtOnce" } as const;

export const SCOPES: readonly Scope[] = [
  { ...close, name: "one node, every step of the cluster" },
  { ...close, name: "one node, every step of the cluster, a fault", faults: 1 },
  { ...close, name: "one node, every step of the cluster, stale caches", stale: 1 },
  { ...close, name: "one node, every step of the cluster, every read", readsMove: true },
  {
    ...pair,
    name: "one controller, a person, a fault and stale caches",
    leaders: 1,
    faults: 1,
    acts: ALL_ACTS,
    stale: 1,
  },
  { ...pair, name: "one controller, a person", leaders: 1, acts: ALL_ACTS },
  { ...pair, name: "two controllers" },
  { ...pair, name: "two controllers, a fault", faults: 1 },
  { ...pair, name: "two controllers, stale caches", stale: 1 },
  { ...pair, name: "two controllers, a fault and stale caches", faults: 1, stale: 1 },
  { ...pair, name: "two controllers, every read", readsMove: true },
  {
    ...pair,
    name: "two controllers, two rings, a fault and stale caches",
    scene: { rings: [1, 1], nodesAtOnce: 1 },
    faults: 1,
    stale: 1,
  },
  {
    ...wide,
    name: "two controllers, two rings, three nodes, one at a time",
    leaders: 2,
    scene: { ...TWO_RINGS, nodesAtOnce: 1 },
  },
  { ...wide, name: "two rings, three nodes, a fault", faults: 1 },
  { ...wide, name: "two rings, three nodes, stale caches", stale: 1 },
  { ...wide, name: "two rings, three nodes, a fault and stale caches", faults: 1, stale: 1 },
  { ...wide, name: "two rings, three nodes, a person", acts: ALL_ACTS },
];
