import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStore } from "../../controller/kube/store.ts";
import type { Change } from "../../controller/kube/store.ts";

interface Pod {
  node: string | undefined;
  images: readonly string[];
}

function podStore() {
  return createStore<Pod, "byNode" | "byImage">({
    indexes: { byNode: (pod) => pod.node, byImage: (pod) => pod.images },
  });
}

describe("store", () => {
  it("finds by index, and forgets what an update moved", () => {
    const store = podStore();
    store.upsert({ key: "a/p2", uid: "2", resourceVersion: "1", value: { node: "n1", images: ["x", "y", "x"] } });
    store.upsert({ key: "a/p1", uid: "1", resourceVersion: "2", value: { node: "n1", images: ["x"] } });

    expect(store.byIndex("byNode", "n1")).toHaveLength(2);
    expect(store.byIndex("byImage", "y")).toHaveLength(1);
    store.upsert({ key: "a/p2", uid: "2", resourceVersion: "3", value: { node: "n2", images: [] } });

    expect(store.byIndex("byNode", "n1")).toEqual([{ node: "n1", images: ["x"] }]);
    expect(store.byIndex("byNode", "n2")).toEqual([{ node: "n2", images: [] }]);
    expect(store.byIndex("byImage", "y")).toEqual([]);
  });

  it("tells a delete and an add when an object was replaced under its name", () => {
    const store = createStore<number>();
    const changes: Change<number>[] = [];
    store.onChange((change) => changes.push(change));

    store.upsert({ key: "n", uid: "old", resourceVersion: "1", value: 1 });
    store.upsert({ key: "n", uid: "new", resourceVersion: "2", value: 2 });
    store.remove("n", "old");

    expect(changes).toEqual([
      { type: "added", key: "n", value: 1 },
      { type: "deleted", key: "n", previous: 1 },
      { type: "added", key: "n", value: 2 },
    ]);
    expect(store.get("n")).toBe(2);
  });

  it("keeps its revision when nothing changed", () => {
    const store = createStore<number>();
    store.upsert({ key: "n", uid: "u", resourceVersion: "1", value: 1 });
    const revision = store.revision;

    store.upsert({ key: "n", uid: "u", resourceVersion: "1", value: 1 });
    store.remove("other");

    expect(store.revision).toBe(revision);
  });

  it("tells every listener, although one throws", () => {
    const errors: unknown[] = [];
    const store = createStore<number>({ onError: (error) => errors.push(error) });
    const heard: string[] = [];
    store.onChange(() => {
      throw new Error("bad listener");
    });
    const stop = store.onChange((change) => heard.push(change.key));

    store.upsert({ key: "a", uid: "u", resourceVersion: "1", value: 1 });
    stop();
    store.upsert({ key: "b", uid: "v", resourceVersion: "2", value: 1 });

    expect(heard).toEqual(["a"]);
    expect(errors).toHaveLength(2);
  });

  it("keeps in a sweep what is put again, also where nothing of it changed, and removes the rest", () => {
    const store = createStore<number>();
    const put = (key: string, resourceVersion = "1"): void =>
      store.upsert({ key, uid: `u-${key}`, resourceVersion, value: Number(resourceVersion) });
    ["a", "b", "c", "d"].forEach((key) => put(key));
    const changes: string[] = [];
    store.onChange((change) => changes.push(`${change.type} ${change.key}`));

    store.sweep();
    expect(changes).toEqual([]);
    store.beginSweep();
    put("b");
    put("c", "2");
    put("e");
    expect(store.keys()).toEqual(["a", "b", "c", "d", "e"]);
    store.sweep();

    expect(changes).toEqual(["updated c", "added e", "deleted a", "deleted d"]);
    expect(store.values()).toEqual([1, 2, 1]);
    // One that was never ended is forgotten with the next.
    store.beginSweep();
    put("b");
    store.beginSweep();
    put("c", "2");
    store.sweep();
    expect(store.keys()).toEqual(["c"]);
  });

  it("is the same whatever the order of events, and its indexes are what a scan finds", () => {
    const event = fc.record({
      key: fc.constantFrom("a/1", "a/10", "a/2", "b/1", "a-b/1"),
      uid: fc.constantFrom("u", "v"),
      node: fc.constantFrom("n1", "n2", undefined),
      images: fc.subarray(["x", "y"]),
      removed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const store = podStore();
        const model = new Map<string, Pod>();
        events.forEach(({ key, uid, removed, node, images }, at) => {
          if (removed) {
            store.remove(key);
            model.delete(key);
          } else {
            const value = { node, images };
            store.upsert({ key, uid, resourceVersion: String(at), value });
            model.set(key, value);
          }
        });
        const keys = [...model.keys()].sort();
        expect(store.keys()).toEqual(keys);
        expect(store.values()).toEqual(keys.map((key) => model.get(key)));
        for (const node of ["n1", "n2"]) {
          const scan = keys.map((key) => model.get(key)).filter((pod) => pod?.node === node);
          expect(store.byIndex("byNode", node)).toEqual(scan);
        }
        for (const image of ["x", "y"]) {
          const scan = keys.map((key) => model.get(key)).filter((pod) => pod?.images.includes(image));
          expect(store.byIndex("byImage", image)).toEqual(scan);
        }
      }),
    );
  });
});
