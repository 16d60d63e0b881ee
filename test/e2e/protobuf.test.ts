// Every object that a real API server holds reads the same in protobuf as in JSON, in lists and in watches, and in the stores of
// reflectors that the controller runs. Objects are compared field by field along the tables, and after projection.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { ApiPort, KubeObject, WatchEvent } from "../../controller/kube/port.ts";
import { protobufReader } from "../../controller/kube/protobuf/index.ts";
import { tableOf } from "../../controller/kube/protobuf/tables.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import {
  collectionPath,
  DEPLOYMENTS,
  LEASES,
  NODES,
  PODS,
  type Resource,
  RESOURCES,
} from "../../controller/kube/resources.ts";
import { createStore, keyOf } from "../../controller/kube/store.ts";
import { createTransport, type RequestRecord, type Transport } from "../../controller/kube/transport.ts";
import { shareNothing } from "../../controller/inventory/sharing.ts";
import { CLUSTER_KEYS, type ClusterKey, resourceOf } from "../../controller/reconcile/cluster-kinds.ts";
import { keepersOf } from "../../controller/reconcile/kept.ts";
import { quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { quickstartMachines } from "../../controller/sandbox/fleet/quickstart.ts";
import { pick } from "../kube/protobuf/fixtures.ts";
import { WORKLOADS } from "../kube/protobuf/workloads.ts";
import { type ControlPlane, startControlPlane } from "./support/control-plane.ts";
import { type Kubelets, startKubelets } from "./support/kubelets.ts";
import { waitFor } from "./support/waiting.ts";

const LIMIT = { withinMs: 180_000 };
const KINDS = RESOURCES.filter((resource) => tableOf(resource) !== undefined);

async function listProtobuf(port: ApiPort, resource: Resource): Promise<Map<string, KubeObject>> {
  const binary = protobufReader(resource);
  const parts =
    binary === undefined
      ? undefined
      : await port.list?.({ path: collectionPath(resource), query: { resourceVersion: "0" }, binary });
  if (parts === undefined) throw new Error(`the server gave no protobuf of ${resource.kind}`);
  const found = new Map<string, KubeObject>();
  let ended = false;
  for await (const part of parts) {
    for (const item of part.items) found.set(keyOf(item.metadata), item);
    ended = part.end !== undefined;
  }
  expect(ended).toBe(true);
  return found;
}

/** The two forms of one object at one version. Leases and statuses move on between two lists: such pairs prove nothing. */
function pairs(
  json: Iterable<KubeObject>,
  protobuf: ReadonlyMap<string, KubeObject>,
): readonly (readonly [KubeObject, KubeObject])[] {
  return [...json].flatMap((one) => {
    const other = protobuf.get(keyOf(one.metadata));
    if (other === undefined || other.metadata.resourceVersion !== one.metadata.resourceVersion) return [];
    return [[one, other] as const];
  });
}

function fieldsOf(resource: Resource, object: KubeObject): object {
  return pick(object, tableOf(resource) ?? []);
}

function bare({ apiVersion: _apiVersion, kind: _kind, ...object }: KubeObject): object {
  return object;
}

/** Events of a watch from a version on, until the signal. */
async function follow(
  port: ApiPort,
  resource: Resource,
  from: string,
  isBinary: boolean,
  signal: AbortSignal,
): Promise<readonly WatchEvent[]> {
  const events: WatchEvent[] = [];
  const query = { resourceVersion: from, timeoutSeconds: "120" };
  const binary = isBinary ? protobufReader(resource) : undefined;
  try {
    for await (const event of port.watch({ path: collectionPath(resource), query, signal, binary })) events.push(event);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return events;
}

describe("protobuf of a real API server", () => {
  let plane: ControlPlane;
  let kubelets: Kubelets;
  let client: Client;
  let port: Transport;

  beforeAll(async () => {
    plane = await startControlPlane();
    kubelets = await startKubelets(plane, { machines: quickstartMachines(3), catalogue: quickstartCatalogue() });
    port = plane.transport("admin");
    client = createClient(port, { fieldManager: "e2e", clock: systemClock });
    for (const object of WORKLOADS) {
      const resource = RESOURCES.find((one) => one.kind === object.kind);
      if (resource === undefined) throw new Error(object.kind);
      await client.create(resource, object);
    }
    // An applied image: only such managedFields are read.
    const [web] = WORKLOADS;
    await client.apply(DEPLOYMENTS, web as KubeObject, { fieldManager: "somebody", force: true });
    await waitFor(
      "six running pods",
      async () => {
        const { items } = await client.list(PODS);
        return (
          items.filter(({ status }) => (status as { phase?: string }).phase === "Running").length >= 6 || undefined
        );
      },
      LIMIT,
    );
  });

  afterAll(async () => {
    await kubelets?.stop();
    await plane?.stop();
  });

  it.each(KINDS.map((resource) => ({ kind: resource.kind, resource })))(
    "lists of $kind read as their JSON",
    async ({ resource }) => {
      const compared = await waitFor(
        "one version of the objects in both forms",
        async () => {
          const protobuf = await listProtobuf(port, resource);
          const { items } = await client.list(resource);
          const found = pairs(items, protobuf);
          // Heartbeats move while two lists are read; everything else stands still by then.
          return found.length > 0 && (resource === LEASES || found.length === items.length) ? found : undefined;
        },
        LIMIT,
      );
      const key = CLUSTER_KEYS.find((one): one is ClusterKey => resourceOf(one) === resource);
      const keep = key === undefined ? undefined : keepersOf(shareNothing)[key];

      for (const [json, protobuf] of compared) {
        expect(bare(protobuf)).toEqual(fieldsOf(resource, json));
        expect(keep?.(protobuf)).toEqual(keep?.(json));
      }
    },
  );

  it("watches say the same in both forms, while pods are replaced", async () => {
    const abort = new AbortController();
    const versions = await Promise.all(KINDS.map(async (resource) => (await client.list(resource)).resourceVersion));
    const watches = KINDS.map((resource, at) => {
      const from = versions[at] ?? "";
      return {
        resource,
        json: follow(port, resource, from, false, abort.signal),
        protobuf: follow(port, resource, from, true, abort.signal),
      };
    });
    for (const { metadata } of (await client.list(PODS, { labelSelector: "app=web" })).items)
      await client.delete(PODS, metadata, { uid: metadata.uid ?? "", gracePeriodSeconds: 0 });
    await client.patch(NODES, { name: "ubuntu-01" }, { type: "merge", body: { spec: { unschedulable: true } } });
    await waitFor(
      "new pods",
      async () => {
        const { items } = await client.list(PODS, { labelSelector: "app=web" });
        const running = items.filter(({ status }) => (status as { phase?: string }).phase === "Running");
        return running.length === 2 || undefined;
      },
      LIMIT,
    );
    await systemClock.sleep(1_000);
    abort.abort();

    const types = new Set<string>();
    for (const { resource, json, protobuf } of watches) {
      const [left, right] = [await json, await protobuf];
      const common = Math.min(left.length, right.length);
      for (let at = 0; at < common; at += 1) {
        const object = right[at]?.object as KubeObject;
        types.add(`${resource.kind} ${right[at]?.type}`);
        expect(right[at]?.type).toBe(left[at]?.type);
        expect(bare(object)).toEqual(fieldsOf(resource, left[at]?.object as KubeObject));
      }
    }
    for (const seen of ["Pod ADDED", "Pod MODIFIED", "Pod DELETED", "Node MODIFIED", "Deployment MODIFIED"])
      expect(types).toContain(seen);
  });

  it.each([{ watchList: false }, { watchList: true }])(
    "a reflector (WatchList: $watchList) comes to the same store, and the server speaks protobuf to it",
    async ({ watchList }) => {
      const records: RequestRecord[] = [];
      const own = createTransport({
        kubeconfig: plane.kubeconfig("admin"),
        clock: systemClock,
        userAgent: "e2e",
        onRequest: (record) => records.push(record),
      });
      const [protobuf, json] = [true, false].map((isBinary) => {
        const store = createStore<KubeObject>();
        const reflector = startReflector<KubeObject>({
          port: own,
          resource: PODS,
          clock: systemClock,
          random: seededRandom(1),
          store,
          binary: isBinary ? protobufReader(PODS) : undefined,
          project: (object) => object,
          watchList,
        });
        return { store, reflector };
      });
      try {
        expect(await protobuf?.reflector.synced).toBe(true);
        expect(await json?.reflector.synced).toBe(true);
        expect(protobuf?.store.keys()).toEqual(json?.store.keys());
        expect(protobuf?.store.size).toBeGreaterThanOrEqual(6);
        for (const key of json?.store.keys() ?? []) {
          const whole = json?.store.get(key);
          const read = protobuf?.store.get(key);
          expect(read).not.toHaveProperty("metadata.managedFields");
          if (whole !== undefined && read !== undefined) expect(bare(read)).toEqual(fieldsOf(PODS, whole));
        }
      } finally {
        await protobuf?.reflector.stop();
        await json?.reflector.stop();
        await own.close();
      }
      expect(records.every(({ code }) => code === "200" || code === "<error>")).toBe(true);
    },
  );
});
