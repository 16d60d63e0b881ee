// Records what a real API server answers in JSON and in protobuf about the same objects: fixtures.jsonl.gz.
// `KUBEBUILDER_ASSETS=… node controller/launch.cjs test/kube/protobuf/record.ts`; `npm run test:e2e` prints the folder.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { systemClock } from "../../../controller/clock.ts";
import { createClient } from "../../../controller/kube/client.ts";
import type { BinaryReader, KubeObject, WatchEvent } from "../../../controller/kube/port.ts";
import { PROTOBUF } from "../../../controller/kube/protobuf/index.ts";
import { tableOf } from "../../../controller/kube/protobuf/tables.ts";
import { collectionPath, DEPLOYMENTS, PODS, type Resource, RESOURCES } from "../../../controller/kube/resources.ts";
import type { Transport } from "../../../controller/kube/transport.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { quickstartMachines } from "../../../controller/sandbox/fleet/quickstart.ts";
import { startControlPlane } from "../../e2e/support/control-plane.ts";
import { startKubelets } from "../../e2e/support/kubelets.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import { isMain } from "../../tooling/is-main.ts";
import { WORKLOADS } from "./workloads.ts";

/** Takes the bytes and reads nothing of them. */
function collector(chunks: Uint8Array[]): BinaryReader {
  return {
    mediaType: PROTOBUF,
    async *readList(body) {
      for await (const chunk of body) chunks.push(chunk);
      yield { items: [] };
    },
    // oxlint-disable-next-line require-yield
    async *readWatch(body): AsyncGenerator<WatchEvent, void, undefined> {
      for await (const chunk of body) chunks.push(chunk);
    },
  };
}

async function listBytes(port: Transport, resource: Resource): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const parts = await port.list?.({ path: collectionPath(resource), binary: collector(chunks) });
  if (parts === undefined) throw new Error(`the server gave no protobuf of ${resource.kind}`);
  for await (const _part of parts);
  return Buffer.concat(chunks);
}

type Query = Readonly<Record<string, string>>;

/** What a watch says within a second, and its bytes. */
async function watchFor(port: Transport, resource: Resource, query: Query, isBinary: boolean) {
  const chunks: Uint8Array[] = [];
  const events: WatchEvent[] = [];
  const abort = new AbortController();
  const binary = isBinary ? collector(chunks) : undefined;
  const all = { allowWatchBookmarks: "true", ...query };
  const timer = systemClock.sleep(1_000).then(() => abort.abort());
  try {
    const path = collectionPath(resource);
    for await (const event of port.watch({ path, query: all, signal: abort.signal, binary })) events.push(event);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
  await timer;
  return { events, bytes: Buffer.concat(chunks) };
}

const INITIAL = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" };
/** Long forgotten. */
const EXPIRED = { resourceVersion: "1" };

/** Everything about a kind in both forms; undefined: something moved meanwhile. */
async function recordKind(port: Transport, resource: Resource): Promise<object | undefined> {
  const path = collectionPath(resource);
  const list = async (): Promise<{ readonly metadata: { readonly resourceVersion: string }; items: KubeObject[] }> =>
    (await port.request({ method: "GET", path })).body as never;
  const before = await list();
  const listProtobuf = await listBytes(port, resource);
  const [json, protobuf] = [
    await watchFor(port, resource, INITIAL, false),
    await watchFor(port, resource, INITIAL, true),
  ];
  const [late, lateProtobuf] = [
    await watchFor(port, resource, EXPIRED, false),
    await watchFor(port, resource, EXPIRED, true),
  ];
  const after = await list();
  if (JSON.stringify(before.items) !== JSON.stringify(after.items)) return undefined;
  return {
    kind: resource.kind,
    list: before,
    listProtobuf: listProtobuf.toString("base64"),
    events: [...json.events, ...late.events],
    watchProtobuf: Buffer.concat([protobuf.bytes, lateProtobuf.bytes]).toString("base64"),
  };
}

async function record(): Promise<void> {
  const plane = await startControlPlane();
  const kubelets = await startKubelets(plane, { machines: quickstartMachines(3), catalogue: quickstartCatalogue() });
  try {
    const port = plane.transport("admin");
    const client = createClient(port, { fieldManager: "e2e", clock: systemClock });
    for (const object of WORKLOADS) {
      const resource = RESOURCES.find((one) => one.kind === object.kind);
      if (resource !== undefined) await client.create(resource, object);
    }
    const [web] = WORKLOADS;
    await client.apply(DEPLOYMENTS, web as KubeObject, { fieldManager: "somebody", force: true });
    await waitFor(
      "running pods",
      async () => {
        const { items } = await client.list(PODS);
        return (
          items.filter(({ status }) => (status as { phase?: string }).phase === "Running").length >= 6 || undefined
        );
      },
      { withinMs: 180_000 },
    );
    const lines: string[] = [];
    for (const resource of RESOURCES.filter((one) => tableOf(one) !== undefined)) {
      const what = `a quiet moment of ${resource.kind}`;
      const made = await waitFor(what, () => recordKind(port, resource), { withinMs: 180_000 });
      lines.push(JSON.stringify(made));
    }
    writeFileSync(new URL("fixtures.jsonl.gz", import.meta.url), gzipSync(`${lines.join("\n")}\n`, { level: 9 }));
  } finally {
    await kubelets.stop();
    await plane.stop();
  }
}

if (isMain(import.meta.url)) await record();
