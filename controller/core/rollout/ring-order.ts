// The order of rings: their `after` edges make a directed acyclic graph. Rings on a cycle, or after one that does not
// exist, have no place in it; `validate` names them and the planner shuts them (ReferenceMissing).
import type { RolloutRingSpec } from "../../api/rollout-ring.ts";
import type { Block, RingInForce } from "../model.ts";

/** What the order of a ring depends on. */
interface OrderedRing {
  readonly name: string;
  readonly spec: Pick<RolloutRingSpec, "after">;
}

/** Rings so that each stands behind all it comes after, ties by name. Rings on a cycle come last, by name. */
export function sortRings<Ring extends OrderedRing>(rings: readonly Ring[]): readonly Ring[] {
  const byName = new Map(rings.map((ring) => [ring.name, ring]));
  const waiting = [...rings].sort((a, b) => (a.name < b.name ? -1 : 1));
  const placed = new Set<string>();
  const sorted: Ring[] = [];
  for (;;) {
    const next = waiting.findIndex((ring) =>
      (ring.spec.after ?? []).every((name) => placed.has(name) || !byName.has(name)),
    );
    if (next < 0) break;
    const [ring] = waiting.splice(next, 1);
    if (ring === undefined) break;
    placed.add(ring.name);
    sorted.push(ring);
  }
  return [...sorted, ...waiting];
}

/** Why a ring that comes after itself by way of others may start nothing: none of them is the first. */
export function cyclesIn(ring: RingInForce, rings: readonly RingInForce[]): readonly Block[] {
  const before = predecessorsOf(ring.name, rings);
  const cycle = [...before].filter((name) => predecessorsOf(name, rings).has(ring.name)).sort();
  if (cycle.length === 0 && ring.spec.after?.includes(ring.name) !== true) return [];
  return [
    {
      reason: "ReferenceMissing",
      message: `after: rings ${[ring.name, ...cycle].join(", ")} come after one another, so none of them is the first`,
    },
  ];
}

/** Names of all rings that `name` comes after, directly or not. Cycles end the walk. */
export function predecessorsOf(name: string, rings: readonly RingInForce[]): ReadonlySet<string> {
  const { before, after } = graphOf(rings);
  return recall(after, name, () => walk(name, (ring) => before.get(ring) ?? []));
}

/** Names of all rings that come after `name`, directly or not. */
export function successorsOf(name: string, rings: readonly RingInForce[]): ReadonlySet<string> {
  const { next, until } = graphOf(rings);
  return recall(until, name, () => walk(name, (ring) => next.get(ring) ?? []));
}

/** The edges of one list of rings, and what was found out about them: every plan asks the same of each ring, and of each before it. */
interface Graph {
  /** By ring: those that it names in `after`. */
  readonly before: ReadonlyMap<string, readonly string[]>;
  /** By ring: those that name it. */
  readonly next: ReadonlyMap<string, readonly string[]>;
  /** Answers of predecessorsOf and of successorsOf. */
  readonly after: Map<string, ReadonlySet<string>>;
  readonly until: Map<string, ReadonlySet<string>>;
}

const graphs = new WeakMap<readonly RingInForce[], Graph>();

function graphOf(rings: readonly RingInForce[]): Graph {
  const known = graphs.get(rings);
  if (known !== undefined) return known;
  const before = new Map(rings.map((ring) => [ring.name, ring.spec.after ?? []]));
  const next = new Map<string, string[]>();
  for (const [name, edges] of before) {
    for (const edge of edges) {
      const followers = next.get(edge);
      if (followers === undefined) next.set(edge, [name]);
      else followers.push(name);
    }
  }
  const graph: Graph = { before, next, after: new Map(), until: new Map() };
  graphs.set(rings, graph);
  return graph;
}

function recall(
  known: Map<string, ReadonlySet<string>>,
  name: string,
  find: () => ReadonlySet<string>,
): ReadonlySet<string> {
  const answer = known.get(name) ?? find();
  known.set(name, answer);
  return answer;
}

function walk(start: string, edgesOf: (ring: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const queue = [start];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const other of edgesOf(name)) {
      if (seen.has(other) || other === start) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}
