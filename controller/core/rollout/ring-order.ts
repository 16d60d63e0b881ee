// The order of rings: their `after` edges make a directed acyclic graph. Rings on a cycle, or after one that does not
// exist, have no place in it; `validate` names them and the planner shuts them (ReferenceMissing).
import type { Block, RingInForce } from "../model.ts";

/** Rings so that each stands behind all it comes after, ties by name. Rings on a cycle come last, by name. */
export function sortRings(rings: readonly RingInForce[]): readonly RingInForce[] {
  const byName = new Map(rings.map((ring) => [ring.name, ring]));
  const waiting = [...rings].sort((a, b) => (a.name < b.name ? -1 : 1));
  const placed = new Set<string>();
  const sorted: RingInForce[] = [];
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
  return walk(name, (ring) => ring.spec.after ?? [], rings);
}

/** Names of all rings that come after `name`, directly or not. */
export function successorsOf(name: string, rings: readonly RingInForce[]): ReadonlySet<string> {
  return walk(
    name,
    (ring) => rings.filter((other) => other.spec.after?.includes(ring.name)).map((other) => other.name),
    rings,
  );
}

function walk(
  start: string,
  next: (ring: RingInForce) => readonly string[],
  rings: readonly RingInForce[],
): ReadonlySet<string> {
  const byName = new Map(rings.map((ring) => [ring.name, ring]));
  const seen = new Set<string>();
  const queue = [start];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const ring = byName.get(name);
    if (ring === undefined) continue;
    for (const other of next(ring)) {
      if (seen.has(other) || other === start) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}
