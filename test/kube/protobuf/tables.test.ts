// A projection that reads a field which its table does not name would work in every test over JSON and see nothing in a real cluster.
// So whatever code reads of watched objects is watched itself here: it gets an object that writes down every path that is asked for.
import { describe, expect, it } from "vitest";
import { shareNothing } from "../../../controller/inventory/sharing.ts";
import type { Client } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Resource } from "../../../controller/kube/resources.ts";
import { tableOf } from "../../../controller/kube/protobuf/tables.ts";
import type { Table } from "../../../controller/kube/protobuf/table.ts";
import { removeAbandonedJobs } from "../../../controller/reconcile/abandoned-jobs.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
} from "../../../controller/reconcile/cluster-kinds.ts";
import { keepersOf } from "../../../controller/reconcile/kept.ts";
import { takeSnapshot } from "../../../controller/reconcile/snapshot.ts";
import { readFixtures } from "./fixtures.ts";

/** The object itself, but every field that somebody looks for ends in `paths`: `spec.containers[].image`. */
function spied(value: unknown, at: string, paths: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const place = (key: string): string =>
    Array.isArray(value) ? (/^\d+$/.test(key) ? `${at}[]` : "") : at === "" ? key : `${at}.${key}`;
  const note = (key: string | symbol): void => {
    if (typeof key === "string" && !Array.isArray(value)) paths.add(place(key));
  };
  return new Proxy(value, {
    get(target, key, receiver): unknown {
      note(key);
      const found: unknown = Reflect.get(target, key, receiver);
      return typeof key === "string" ? spied(found, place(key), paths) : found;
    },
    has(target, key) {
      note(key);
      return Reflect.has(target, key);
    },
    getOwnPropertyDescriptor(target, key) {
      note(key);
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
}

/** Whether a table has the field of a path; what is inside of maps and of JSON, and what lists have themselves, is not fields. */
function names(table: Table, path: readonly string[]): boolean {
  const [first = "", ...rest] = path;
  const name = first.replace("[]", "");
  return table.some((field) => {
    if (field === undefined) return false;
    if (field.kind === "inline") return names(field.table, path);
    if (field.name !== name) return false;
    return rest.length === 0 || (field.kind !== "message" && field.kind !== "list") || names(field.table, rest);
  });
}

const API_SERVER = { version: "v1.36.0", ready: true };
const KEPT = CLUSTER_KEYS.filter((key) => tableOf(resourceOf(key)) !== undefined);
const fixtures = readFixtures();
const NOTHING = Object.fromEntries(CLUSTER_KEYS.map((key) => [key, []])) as unknown as ClusterObjects;

function itemsOf(resource: Resource): readonly KubeObject[] {
  const items = fixtures.find((one) => one.resource === resource)?.list.items ?? [];
  // Valid names, so that nothing is refused before it is read; and both what is ours and what is not.
  return items.flatMap((item) =>
    ["n", "ringward-jobs"].map((namespace) => ({
      ...item,
      metadata: { ...item.metadata, name: "node-a", uid: "u", namespace },
    })),
  );
}

/** Everything that a pass does with one watched object. */
async function readAll(key: ClusterKey, object: KubeObject): Promise<void> {
  keepersOf(shareNothing)[key]?.(object);
  // Leases are read for nodes.
  const nodes = key === "nodes" ? [] : [{ metadata: { name: "node-a", uid: "u" } }];
  takeSnapshot({ ...NOTHING, nodes, [key]: [object] }, API_SERVER);
  if (key !== "jobs") return;
  const client = { delete: () => Promise.resolve() } as unknown as Client;
  await removeAbandonedJobs({ client, now: 0, jobs: [object], claims: new Set(), onError: () => undefined });
}

describe("the table of a kind that is read as protobuf", () => {
  it("is there for all that is not Ringward's own", () => {
    expect(KEPT).toEqual(CLUSTER_KEYS.filter((key) => resourceOf(key).group !== "ringward.dev"));
  });

  it.each(KEPT)("names all that is read of %s", async (key) => {
    const resource = resourceOf(key);
    const paths = new Set<string>();
    for (const item of itemsOf(resource)) await readAll(key, spied(item, "", paths) as KubeObject);

    const read = [...paths].filter((path) => path !== "apiVersion" && path !== "kind");
    expect(read.length).toBeGreaterThan(3);
    expect(read.filter((path) => !names(tableOf(resource) ?? [], path.split(".")))).toEqual([]);
  });
});
