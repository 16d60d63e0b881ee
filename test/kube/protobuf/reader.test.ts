// What Kubernetes' serializers wrote reads as the JSON of the same objects, field by field and after projection; and whatever is cut,
// twisted or invented is an error, never another object.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { projectNode, readHeardAt } from "../../../controller/inventory/project-node.ts";
import { projectPdb } from "../../../controller/inventory/project-pdb.ts";
import { projectPod } from "../../../controller/inventory/project-pod.ts";
import { type ControllerKind, projectWorkload } from "../../../controller/inventory/project-workload.ts";
import { type KubeObject, type ListEnd, TransportError, type WatchEvent } from "../../../controller/kube/port.ts";
import { createListReader } from "../../../controller/kube/protobuf/list-stream.ts";
import { tableOf } from "../../../controller/kube/protobuf/tables.ts";
import type { Table } from "../../../controller/kube/protobuf/table.ts";
import { readWatchEvent, readWatchFrames } from "../../../controller/kube/protobuf/watch-frames.ts";
import { createWords } from "../../../controller/kube/protobuf/words.ts";
import { apiVersionOf, NODES, PODS, type Resource } from "../../../controller/kube/resources.ts";
import { bytesField, envelope, fixedField, metadata, numberField, varint, watchEvent } from "./encoder.ts";
import { type Fixture, pick, readFixtures } from "./fixtures.ts";

const fixtures = readFixtures();
/** Shared as in the controller: one reader must not harm another. */
const WORDS = createWords();

function tableFor(resource: Resource): Table {
  const table = tableOf(resource);
  if (table === undefined) throw new Error(`${resource.kind} has no table`);
  return table;
}

function readList(
  resource: Resource,
  chunks: readonly Uint8Array[],
): { readonly items: readonly KubeObject[]; readonly end: ListEnd } {
  const reader = createListReader(resource, tableFor(resource), WORDS);
  const items = chunks.flatMap((chunk) => reader.push(chunk));
  return { items, end: reader.end() };
}

async function readWatch(resource: Resource, chunks: readonly Uint8Array[]): Promise<readonly WatchEvent[]> {
  const body = (async function* () {
    yield* chunks;
  })();
  const events: WatchEvent[] = [];
  const reading = readWatchFrames(body, (frame) => readWatchEvent(frame, resource, tableFor(resource), WORDS));
  for await (const event of reading) events.push(event);
  return events;
}

function cutAt(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % bytes.length).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
}

/** What a list in JSON comes to: its items have neither apiVersion nor kind. */
function expected({ resource, list }: Fixture): readonly unknown[] {
  return list.items.map((item) => ({
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...pick(item, tableFor(resource)),
  }));
}

function projection(resource: Resource, object: KubeObject): unknown {
  switch (resource.kind) {
    case "Node":
      return projectNode(object);
    case "Pod":
      return projectPod(object);
    case "PodDisruptionBudget":
      return projectPdb(object);
    case "Lease":
      return readHeardAt(object, "");
    default:
      return projectWorkload(resource.kind as ControllerKind, object);
  }
}

describe.each(fixtures.map((fixture) => ({ kind: fixture.resource.kind, fixture })))(
  "protobuf of a $kind",
  ({ fixture }) => {
    const { resource, listBytes, watchBytes, list, events } = fixture;

    it("reads in a list as its JSON does", () => {
      const read = readList(resource, [listBytes]);

      expect(read.items).toEqual(expected(fixture));
      expect(read.end).toEqual({ resourceVersion: expect.stringMatching(/^\d+$/), continue: undefined });
    });

    it("reads in a watch as its JSON does", async () => {
      const read = await readWatch(resource, [watchBytes]);

      expect(read.map((event) => event.type)).toEqual(events.map((event) => event.type));
      for (const [at, event] of read.entries()) {
        const wanted = events[at]?.object;
        // Bookmarks of two watches stand at the versions of their moments.
        if (event.type === "BOOKMARK")
          expect(event.object).toHaveProperty("metadata.resourceVersion", expect.stringMatching(/^\d+$/));
        else
          expect(event.object).toEqual({
            apiVersion: apiVersionOf(resource),
            kind: resource.kind,
            ...pick(wanted, tableFor(resource)),
          });
      }
    });

    it("projects as its JSON does", () => {
      const read = readList(resource, [listBytes]);

      expect(read.items.map((object) => projection(resource, object))).toEqual(
        list.items.map((object) => projection(resource, object)),
      );
    });

    it("reads the same however the bytes are cut into chunks", () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
          expect(readList(resource, cutAt(listBytes, places)).items).toEqual(expected(fixture));
        }),
        { numRuns: 10 },
      );
      const single = Array.from({ length: listBytes.length }, (_, at) => listBytes.subarray(at, at + 1));
      expect(readList(resource, single).items).toEqual(expected(fixture));
    });

    it("is an error wherever the list is cut, and what came before it is right", () => {
      const whole = expected(fixture);
      const step = Math.max(1, Math.floor(listBytes.length / 60));
      // The envelope ends with two empty texts of two bytes each (contentEncoding and contentType): it is whole without them, too.
      for (let length = 0; length < listBytes.length - 4; length += length < 40 ? 1 : step) {
        const reader = createListReader(resource, tableFor(resource), WORDS);
        const items = reader.push(listBytes.subarray(0, length));
        // Not `toEqual`: it takes most of a minute for all of them.
        if (!isDeepStrictEqual(items, whole.slice(0, items.length)))
          throw new Error(`other objects after ${length} bytes`);
        if (!isOver(() => reader.end())) throw new Error(`whole after ${length} of ${listBytes.length} bytes`);
      }
    });

    it("is an error wherever the watch is cut, but between two frames", async () => {
      const borders = new Set<number>([0]);
      for (let at = 0; at < watchBytes.length;) borders.add((at += 4 + watchBytes.readUInt32BE(at)));
      const step = Math.max(1, Math.floor(watchBytes.length / 40));
      for (let length = 1; length < watchBytes.length; length += step) {
        const reading = readWatch(resource, [watchBytes.subarray(0, length)]);
        if (borders.has(length)) await expect(reading).resolves.toBeDefined();
        else await expect(reading).rejects.toThrow(TransportError);
      }
    });

    it("never becomes another kind of failure when bits are flipped", () => {
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, flip) => {
          const bytes = Buffer.from(listBytes);
          const at = place % bytes.length;
          bytes[at] = (bytes[at] as number) ^ flip;
          expectWholeOrRefused(resource, bytes);
        }),
        { numRuns: 30 },
      );
    });
  },
);

/** True if the list is refused as cut. */
function isOver(end: () => ListEnd): boolean {
  try {
    end();
    return false;
  } catch (error) {
    return error instanceof TransportError;
  }
}

/** Whatever the bytes are: objects with names, or `TransportError`. */
function expectWholeOrRefused(resource: Resource, bytes: Uint8Array): void {
  try {
    for (const item of readList(resource, [bytes]).items) expect(item.metadata.name).not.toBe("");
  } catch (error) {
    expect(error).toBeInstanceOf(TransportError);
  }
}

const LIST_HEAD = bytesField(1, bytesField(2, "7"));

function podList(...items: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(envelope("v1", "PodList", [...LIST_HEAD, ...items.flatMap((item) => bytesField(2, item))]));
}

function pod(...more: readonly (readonly number[])[]): readonly number[] {
  return [...bytesField(1, metadata({ name: "a", namespace: "n", uid: "u", resourceVersion: "6" })), ...more.flat()];
}

const PLAIN = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace: "n", uid: "u", resourceVersion: "6" },
};

describe("a protobuf list", () => {
  it("without items is empty, and its version is known", () => {
    expect(readList(PODS, [podList()])).toEqual({ items: [], end: { resourceVersion: "7", continue: undefined } });
  });

  it("says where its next page begins", () => {
    const head = bytesField(1, [...bytesField(2, "7"), ...bytesField(3, "more")]);
    const bytes = Uint8Array.from(envelope("v1", "PodList", head));

    expect(readList(PODS, [bytes]).end).toEqual({ resourceVersion: "7", continue: "more" });
  });

  it("steps over fields that nobody knows, at every depth and of every wire type", () => {
    const unknown = [
      ...numberField(900, 2n ** 64n - 1n),
      ...bytesField(901, [1, 2, 3]),
      ...fixedField(902, 4),
      ...fixedField(536_870_911, 8),
    ];
    const item = [...unknown, ...bytesField(1, [...unknown, ...metadata({ name: "a" }), ...unknown]), ...unknown];
    const raw = [...unknown, ...LIST_HEAD, ...bytesField(2, item), ...unknown];
    const bytes = Uint8Array.from([...envelope("v1", "PodList", raw), ...unknown]);

    expect(readList(PODS, [bytes]).items).toEqual([{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }]);
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(readList(PODS, single).items).toHaveLength(1);
  });

  it("takes the last of two values, and two halves of a message as one, as Go does", () => {
    const twice = [
      ...bytesField(2, bytesField(10, "first")),
      ...bytesField(2, [...bytesField(10, "last"), ...numberField(25, -5)]),
    ];

    expect(readList(PODS, [podList(pod(twice))]).items).toEqual([
      { ...PLAIN, spec: { nodeName: "last", priority: -5 } },
    ]);
  });

  it("keeps a label that is called __proto__ as a label", () => {
    const item = bytesField(1, metadata({ name: "a", labels: { ["__proto__"]: "x", constructor: "y" } }));
    const labels = readList(PODS, [podList(item)]).items[0]?.metadata.labels ?? {};

    expect(Object.entries(labels)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  });

  it.each([
    ["not an envelope", [...Buffer.from('{"kind":"PodList"}')]],
    ["of another kind", envelope("v1", "NodeList", LIST_HEAD)],
    ["of another group", envelope("apps/v1", "PodList", LIST_HEAD)],
    ["without a version", envelope("v1", "PodList", [])],
    ["without its kind before its content", [0x6b, 0x38, 0x73, 0, ...bytesField(2, LIST_HEAD)]],
    ["compressed", [...envelope("v1", "PodList", LIST_HEAD), ...bytesField(3, "gzip")]],
    ["twice in one envelope", [...envelope("v1", "PodList", LIST_HEAD), ...bytesField(2, LIST_HEAD)]],
    ["with an item that has no name", podList([])],
    ["with an item that is a number", envelope("v1", "PodList", [...LIST_HEAD, ...numberField(2, 1)])],
    ["with a name that is a number", podList(bytesField(1, numberField(1, 5)))],
    ["with a group", podList([...pod(), 0x0b, 0x0c])],
    ["with field number 0", podList([...pod(), 0x02, 0x00])],
    ["with a varint of eleven bytes", podList([...pod(), 0x40, ...Array.from({ length: 11 }, () => 0x80), 0])],
    ["with a number of 65 bits", podList([...pod(), 0x40, ...Array.from({ length: 9 }, () => 0xff), 2])],
    ["with a string longer than its object", podList([...pod(), ...varint(15 * 8 + 2), ...varint(2 ** 40)])],
    [
      "with an item longer than the list",
      envelope("v1", "PodList", [...LIST_HEAD, ...varint(2 * 8 + 2), ...varint(900)]),
    ],
    [
      "with a time that is none",
      podList(bytesField(1, [...metadata({ name: "a" }), ...bytesField(8, numberField(1, 2n ** 62n))])),
    ],
  ])("%s is refused", (_, bytes) => {
    expect(() => readList(PODS, [Uint8Array.from(bytes)])).toThrow(TransportError);
  });

  it("does not wait for an object of a gigabyte", () => {
    const raw = [...LIST_HEAD, ...varint(2 * 8 + 2), ...varint(2 ** 30)];
    const head = [0x6b, 0x38, 0x73, 0, ...bytesField(1, [...bytesField(1, "v1"), ...bytesField(2, "PodList")])];
    const bytes = Uint8Array.from([...head, ...varint(2 * 8 + 2), ...varint(2 ** 41), ...raw]);
    const reader = createListReader(PODS, tableFor(PODS), WORDS);

    expect(() => reader.push(bytes)).toThrow(/1073741824 bytes/);
  });

  it("is an object or an error, and ends, for any bytes at all", () => {
    const start = envelope("v1", "PodList", LIST_HEAD).slice(0, 22);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, begun) => {
        expectWholeOrRefused(PODS, begun ? Uint8Array.from([...start, ...noise]) : noise);
        expectWholeOrRefused(PODS, podList([...pod(), ...noise]));
      }),
      { numRuns: 500 },
    );
  });

  it("reads any text as it is, whether it occurs often or not", () => {
    const text = fc.string({ unit: "binary", maxLength: 250 });
    const words = createWords();
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
        for (const one of [...texts, ...texts]) {
          const bytes = Buffer.from(`<${one}>`, "utf8");
          expect(words.read(bytes, 1, bytes.length - 1)).toBe(bytes.toString("utf8", 1, bytes.length - 1));
        }
      }),
    );
  });
});

describe("a protobuf watch", () => {
  const node = envelope("v1", "Node", bytesField(1, metadata({ name: "a", resourceVersion: "9" })));

  it.each([
    ["an event of no known type", watchEvent("EXPLODED", node)],
    ["an event without an object", [0, 0, 0, 7, ...bytesField(1, "ADDED")]],
    ["an object of another kind", watchEvent("ADDED", envelope("v1", "Pod", bytesField(1, metadata({ name: "a" }))))],
    ["an object without a name", watchEvent("ADDED", envelope("v1", "Node", []))],
    ["an error that is no status", watchEvent("ERROR", node)],
    ["a line of JSON", [...Buffer.from('{"type":"ADDED","object":{}}\n')]],
    ["a frame of four gigabytes", [0xff, 0xff, 0xff, 0xff, 1, 2, 3]],
  ])("refuses %s", async (_, bytes) => {
    await expect(readWatch(NODES, [Uint8Array.from(bytes)])).rejects.toThrow(TransportError);
  });

  it("reads a bookmark without a name, and events that share a chunk", async () => {
    const bookmark = envelope("v1", "Node", bytesField(1, metadata({ resourceVersion: "12" })));
    const bytes = Uint8Array.from([...watchEvent("MODIFIED", node), ...watchEvent("BOOKMARK", bookmark)]);

    expect(await readWatch(NODES, [bytes])).toEqual([
      { type: "MODIFIED", object: { apiVersion: "v1", kind: "Node", metadata: { name: "a", resourceVersion: "9" } } },
      { type: "BOOKMARK", object: { apiVersion: "v1", kind: "Node", metadata: { resourceVersion: "12" } } },
    ]);
  });
});
