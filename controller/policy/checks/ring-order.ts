// `after` must be a DAG: rings of a cycle wait for each other for ever.
import type { Finding } from "../finding.ts";
import { type CheckContext, error, warning } from "./context.ts";

/** Every ring of a cycle is told, with the way around from itself. */
export function checkRingOrder(context: CheckContext): readonly Finding[] {
  const after = new Map(context.rings.map((ring) => [ring.name, ring.spec.after ?? []]));
  const cycles = findCycles(after);
  return context.rings.flatMap((ring) => {
    const cycle = cycles.get(ring.name);
    if (cycle === undefined) return [];
    const next = cycle[1] ?? ring.name;
    const index = Math.max(0, (ring.spec.after ?? []).indexOf(next));
    const message = `rings wait for each other: ${[...cycle, ring.name].join(" after ")}`;
    return [error(ring, ["spec", "after", index], "RingCycle", message, "remove one of these")];
  });
}

/** One shortest cycle through each ring that lies on one, beginning with the ring. */
function findCycles(after: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const components = componentsOf(after);
  const cycles = new Map<string, readonly string[]>();
  for (const component of components) {
    if (component.length < 2) continue;
    const inside = new Set(component);
    for (const start of component) {
      const cycle = wayBack(start, after, inside);
      if (cycle !== undefined) cycles.set(start, cycle);
    }
  }
  return cycles;
}

/** Breadth first from `start` to itself, within one strongly connected component. */
function wayBack(
  start: string,
  after: ReadonlyMap<string, readonly string[]>,
  inside: ReadonlySet<string>,
): readonly string[] | undefined {
  const from = new Map<string, string>();
  let edge = [start];
  while (edge.length > 0) {
    const next: string[] = [];
    for (const name of edge) {
      for (const target of after.get(name) ?? []) {
        if (target === start) return traceTo(name, start, from);
        if (!inside.has(target) || from.has(target)) continue;
        from.set(target, name);
        next.push(target);
      }
    }
    edge = next;
  }
  return undefined;
}

function traceTo(end: string, start: string, from: ReadonlyMap<string, string>): readonly string[] {
  const path = [end];
  for (let at = end; at !== start;) {
    at = from.get(at) ?? start;
    path.push(at);
  }
  return path.reverse();
}

/** Strongly connected components (Tarjan's algorithm, with a stack of its own: a chain of 10,000 rings must not overflow ours). */
function componentsOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const components: string[][] = [];
  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const work: { name: string; next: number }[] = [{ name: root, next: 0 }];
    while (work.length > 0) {
      const frame = work.at(-1);
      if (frame === undefined) break;
      const { name } = frame;
      if (frame.next === 0) {
        order.set(name, order.size);
        low.set(name, order.get(name) ?? 0);
        open.push(name);
        isOpen.add(name);
      }
      const target = (graph.get(name) ?? [])[frame.next++];
      if (target !== undefined) {
        if (!graph.has(target)) continue;
        if (!order.has(target)) work.push({ name: target, next: 0 });
        else if (isOpen.has(target)) low.set(name, Math.min(low.get(name) ?? 0, order.get(target) ?? 0));
        continue;
      }
      work.pop();
      const parent = work.at(-1)?.name;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(name) ?? 0));
      if (low.get(name) === order.get(name)) components.push(closeComponent(name, open, isOpen));
    }
  }
  return components;
}

function closeComponent(name: string, open: string[], isOpen: Set<string>): string[] {
  const component: string[] = [];
  for (;;) {
    const member = open.pop();
    if (member === undefined) return component;
    isOpen.delete(member);
    component.push(member);
    if (member === name) return component;
  }
}

/** The same predecessor twice says nothing. */
export function checkRepeatedAfter(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring) =>
    (ring.spec.after ?? []).flatMap((name, index, list) =>
      list.indexOf(name) === index
        ? []
        : [warning(ring, ["spec", "after", index], "RepeatedName", `ring "${name}" stands here twice`, "remove one")],
    ),
  );
}
