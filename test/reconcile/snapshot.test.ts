// Projections that are remembered are those that would be made anew, whatever happened to the cluster in between.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemory } from "../../controller/core/incremental/memory.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import { takeSnapshot, takeSnapshotInSteps } from "../../controller/reconcile/snapshot.ts";
import { generateFleet, materialiseFleet } from "../../controller/sandbox/fleet/generate.ts";

const NOW = Date.parse("2026-03-02T09:00:00Z");
const KEYS = ["nodes", "pods", "deployments", "replicasets", "leases", "nodeStates"] as const;

function makeObjects(): ClusterObjects {
  const lists = Object.fromEntries(CLUSTER_KEYS.map((key): [ClusterKey, KubeObject[]] => [key, []]));
  // Of two keys of one kind the first: Leases are heartbeats.
  const byKind = new Map(CLUSTER_KEYS.toReversed().map((key) => [resourceOf(key).kind, key]));
  for (const object of materialiseFleet(generateFleet({ nodes: 12, podsPerNode: 6, seed: 3, images: 5 }), NOW)) {
    const key = byKind.get(object.kind ?? "");
    if (key !== undefined) lists[key]?.push(object);
  }
  const nodes = lists["nodes"] ?? [];
  lists["nodeStates"] = nodes.map((node) => ({
    metadata: { name: node.metadata.name },
    status: { targetUID: node.metadata.uid },
  }));
  return lists as unknown as ClusterObjects;
}

type Change = (list: readonly KubeObject[], at: number) => readonly KubeObject[];

const CHANGES: Readonly<Record<string, Change>> = {
  gone: (list, at) => list.toSpliced(at, 1),
  again: (list, at) => list.map((one, index) => (index === at ? structuredClone(one) : one)),
  relisted: (list) => structuredClone(list),
  turned: (list, at) => [...list.slice(at), ...list.slice(0, at)],
  labelled: (list, at) =>
    list.map((one, index) =>
      index === at ? { ...one, metadata: { ...one.metadata, labels: { changed: String(at) } } } : one,
    ),
  bad: (list, at) =>
    list.map((one, index) => (index === at ? { ...one, metadata: { ...one.metadata, name: "NOT A NAME" } } : one)),
  joined: (list, at) => {
    const like = list[at];
    if (like === undefined) return list;
    const name = `${like.metadata.name}-${list.length}`;
    return list.toSpliced(at, 0, { ...like, metadata: { ...like.metadata, name, uid: `u-${name}` } });
  },
  ended: (list, at) =>
    list.map((one, index) =>
      index === at ? { ...one, status: { ...(one["status"] as object), phase: "Succeeded" } } : one,
    ),
  orphaned: (list, at) =>
    list.map((one, index) => (index === at ? { ...one, metadata: { ...one.metadata, ownerReferences: [] } } : one)),
  beaten: (list, at) =>
    list.map((one, index) =>
      index === at ? { ...one, spec: { renewTime: new Date(NOW + at * 1_000).toISOString() } } : one,
    ),
};

describe("a snapshot with a memory", () => {
  it("is the snapshot of one without, after any sequence of changes", () => {
    const change = fc.record({
      change: fc.constantFrom(...Object.keys(CHANGES)),
      key: fc.constantFrom(...KEYS),
      pick: fc.nat({ max: 1_000 }),
      leftAfter: fc.option(fc.nat({ max: 20 }), { freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const memory = createMemory();
        let objects = makeObjects();
        takeSnapshot(objects, { version: "v1.36.0", ready: true }, memory);
        for (const { change: name, key, pick, leftAfter } of changes) {
          const list = objects[key];
          const changed = CHANGES[name]?.(list, list.length === 0 ? 0 : pick % list.length) ?? list;
          objects = { ...objects, [key]: changed };
          // One that is not made to its end.
          const left = takeSnapshotInSteps(objects, { version: "v1.36.0", ready: true }, memory);
          for (let step = 0; step < (leftAfter ?? 0); step++) if (left.next().done === true) break;

          expect(takeSnapshot(objects, { version: "v1.36.0", ready: true }, memory)).toEqual(
            takeSnapshot(objects, { version: "v1.36.0", ready: true }),
          );
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("gives the very same assets for objects that are the very same", () => {
    const memory = createMemory();
    const objects = makeObjects();
    const before = takeSnapshot(objects, { version: "v1.36.0", ready: true }, memory);
    const pods = objects.pods.with(3, structuredClone(objects.pods[3] as KubeObject));

    const after = takeSnapshot({ ...objects, pods }, { version: "v1.36.0", ready: true }, memory);

    expect(after.inventory.nodes).toBe(before.inventory.nodes);
    expect(after.stored.nodes).toBe(before.stored.nodes);
    const changed = after.inventory.workloads.filter((one, at) => one !== before.inventory.workloads[at]);
    expect(changed).toHaveLength(1);
  });
});
