// etcd over its JSON gateway: compaction, and every version of every object that was ever stored (api/etcdserverpb/rpc.proto).
// The API server is asked for nothing here: what is read is what was stored, also while it is down.
import { request } from "undici";
import { systemClock } from "../../../controller/clock.ts";

/** One change of one key. */
export interface StoredChange {
  /** The object's resourceVersion. */
  readonly revision: number;
  /** `/registry/pods/NAMESPACE/NAME`. */
  readonly key: string;
  /** JSON; undefined: deleted. */
  readonly value: string | undefined;
  /** When it was seen here, ms since the epoch. */
  readonly seen: number;
}

interface WireChange {
  readonly type?: "DELETE";
  readonly kv: { readonly key: string; readonly mod_revision: string; readonly value?: string };
}

async function call(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await request(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`etcd answered ${answer.statusCode} to ${path}: ${text}`);
  return JSON.parse(text);
}

/** Forgets every version but the present ones: watches from earlier revisions end with 410. */
export async function compact(url: string): Promise<void> {
  await call(url, "/v3/kv/compaction", { revision: String(await currentRevision(url)), physical: true });
}

/** The revision of the last change. */
export async function currentRevision(url: string): Promise<number> {
  const answer = (await call(url, "/v3/kv/range", { key: base64("/") })) as {
    readonly header: { readonly revision: string };
  };
  return Number(answer.header.revision);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export interface Recording {
  /** In the order of revisions. */
  readonly changes: readonly StoredChange[];
  /** Resolves when everything that was stored before this call is here. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Heartbeats and news that nobody judges by. */
const SKIPPED = ["/registry/leases/", "/registry/events/"];
/** A key beside the API server's: when it arrives, so has everything before it. */
const MARKER = "/e2e-marker";
const FROM = "/";
const TO = "0";

/** Records every change from the first revision on (or from `revision`) until `stop`. Fails loudly when etcd ends the watch. */
export async function recordChanges(url: string, revision = 1): Promise<Recording> {
  const abort = new AbortController();
  const changes: StoredChange[] = [];
  const markers = new Map<string, () => void>();
  let reject: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, refuse) => (reject = refuse));
  failed.catch(() => undefined);
  const create = { create_request: { key: base64(FROM), range_end: base64(TO), start_revision: String(revision) } };
  const answer = await request(`${url}/v3/watch`, {
    method: "POST",
    body: JSON.stringify(create),
    signal: abort.signal,
    bodyTimeout: 0,
  });
  const done = (async () => {
    for await (const line of lines(answer.body)) {
      for (const change of readChanges(line)) {
        const key = Buffer.from(change.kv.key, "base64").toString();
        const value = change.kv.value === undefined ? undefined : Buffer.from(change.kv.value, "base64").toString();
        if (key === MARKER) markers.get(value ?? "")?.();
        if (!key.startsWith("/registry/") || SKIPPED.some((prefix) => key.startsWith(prefix))) continue;
        const stored = change.type === "DELETE" ? undefined : value;
        changes.push({ revision: Number(change.kv.mod_revision), key, value: stored, seen: systemClock.now() });
      }
    }
    throw new Error("etcd ended the watch of its history");
  })().catch((error: unknown) => {
    if (!abort.signal.aborted) reject(error);
  });
  let count = 0;
  return {
    changes,
    async caughtUp() {
      const name = `${process.pid}-${(count += 1)}`;
      const arrived = new Promise<void>((resolve) => markers.set(name, resolve));
      await call(url, "/v3/kv/put", { key: base64(MARKER), value: base64(name) });
      await Promise.race([arrived, failed]);
      markers.delete(name);
    },
    async stop() {
      abort.abort();
      await done;
    },
  };
}

/** The events of one line of a watch. Throws when etcd cancelled it. */
function readChanges(line: string): readonly WireChange[] {
  const { result, error } = JSON.parse(line) as {
    readonly result?: { readonly events?: readonly WireChange[]; readonly canceled?: boolean };
    readonly error?: unknown;
  };
  if (result === undefined || result.canceled === true)
    throw new Error(`etcd refused the watch: ${JSON.stringify(error ?? result)}`);
  return result.events ?? [];
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]).toString();
      parts = [];
      from = end + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}
