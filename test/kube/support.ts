// Support for the tests of the Kubernetes client layer: turns of the event loop instead of sleeps, and a scripted API
// server in process. It stores and watches like a server of one resource, and a test may answer any request itself.
import { ApiError, TransportError } from "../../controller/kube/port.ts";
import type { ApiPort, ApiRequest, ApiResponse, KubeObject, WatchEvent } from "../../controller/kube/port.ts";

/** Lets everything run that needs no time to pass. */
export async function settle(turns = 30): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Turns the event loop until the condition holds; fails the test when it never does. */
export async function until(condition: () => boolean, what = "the condition"): Promise<void> {
  for (let turn = 0; turn < 200_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${what} never came true`);
}

export function answer(status: number, body: unknown, headers: Record<string, string> = {}): ApiResponse {
  return { status, headers, body };
}

export function refusal(code: number, reason: string, extra: object = {}): ApiResponse {
  return answer(code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: reason, ...extra });
}

export interface OpenWatch {
  readonly query: Readonly<Record<string, string | undefined>>;
  send(event: WatchEvent): void;
  /** The server closes it properly. */
  end(): void;
  /** The connection breaks. */
  cut(): void;
}

/** What a test makes of a request: an answer, an error (no answer came), or undefined for the usual behaviour. */
export type Script = (request: ApiRequest) => ApiResponse | Error | undefined;

export interface ScriptedApi extends ApiPort {
  readonly requests: ApiRequest[];
  readonly watches: OpenWatch[];
  script: Script;
  /** Answers a watch request: an error to throw, or undefined to open it. */
  watchScript: (query: Readonly<Record<string, string | undefined>>) => Error | undefined;
  /** The stored object, as a server would have it. */
  put(collection: string, object: KubeObject): KubeObject;
  remove(collection: string, name: string): void;
  object(path: string): KubeObject | undefined;
}

function createStream(query: OpenWatch["query"], signal: AbortSignal | undefined) {
  const events: (WatchEvent | Error | undefined)[] = [];
  let wake: () => void = () => undefined;
  const push = (event: WatchEvent | Error | undefined): void => {
    events.push(event);
    wake();
  };
  signal?.addEventListener("abort", () => push(new TransportError("aborted", "unknown", "aborted")), { once: true });
  async function* stream(): AsyncGenerator<WatchEvent, void, undefined> {
    for (;;) {
      if (signal?.aborted) throw new TransportError("aborted", "unknown", "aborted");
      if (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const event = events.shift();
      if (event === undefined) return;
      if (event instanceof Error) throw event;
      yield event;
    }
  }
  const open: OpenWatch = {
    query,
    send: push,
    end: () => push(undefined),
    cut: () => push(new TransportError("connection", "unknown", "connection reset")),
  };
  return { open, stream };
}

/** An API server of flat collections: get, list (in pages), create, put, merge patch and delete, with resource versions. */
export function scriptedApi(): ScriptedApi {
  const objects = new Map<string, KubeObject>();
  let version = 100;
  let uids = 0;

  function store(path: string, object: KubeObject): KubeObject {
    version += 1;
    const uid = objects.get(path)?.metadata.uid ?? object.metadata.uid ?? `uid-${(uids += 1)}`;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version) } };
    objects.set(path, stored);
    return stored;
  }

  function list(request: ApiRequest): ApiResponse {
    const all = [...objects].filter(([path]) => path.startsWith(`${request.path}/`)).map(([, object]) => object);
    const start = Number(request.query?.["continue"] ?? 0);
    const end = start + Number(request.query?.["limit"] ?? all.length);
    const metadata = { resourceVersion: String(version), ...(end < all.length ? { continue: String(end) } : {}) };
    return answer(200, { kind: "List", metadata, items: all.slice(start, end) });
  }

  function write(request: ApiRequest): ApiResponse {
    const body = request.body as KubeObject;
    if (request.method === "POST") {
      const path = `${request.path}/${body.metadata.name}`;
      return objects.has(path) ? refusal(409, "AlreadyExists") : answer(201, store(path, body));
    }
    const known = objects.get(request.path);
    if (known === undefined) return refusal(404, "NotFound");
    if (request.method === "DELETE") {
      objects.delete(request.path);
      return answer(200, { kind: "Status", status: "Success" });
    }
    if (request.method === "PATCH")
      return answer(200, store(request.path, { ...known, ...body, metadata: known.metadata }));
    const expected = body.metadata.resourceVersion;
    if (expected !== known.metadata.resourceVersion) return refusal(409, "Conflict");
    return answer(200, store(request.path, body));
  }

  const api: ScriptedApi = {
    requests: [],
    watches: [],
    script: () => undefined,
    watchScript: () => undefined,
    async request(request) {
      api.requests.push(request);
      await Promise.resolve();
      const scripted = api.script(request);
      if (scripted instanceof Error) throw scripted;
      if (scripted !== undefined) return scripted;
      if (request.method !== "GET") return write(request);
      const object = objects.get(request.path);
      if (object !== undefined) return answer(200, object);
      const isCollection = /\/(v1|v1alpha1)\/[a-z]+$|\/namespaces\/[^/]+\/[a-z]+$/.test(request.path);
      return isCollection ? list(request) : refusal(404, "NotFound");
    },
    async *watch(request) {
      const query = { ...request.query };
      await Promise.resolve();
      const refused = api.watchScript(query);
      const { open, stream } = createStream(query, request.signal);
      api.watches.push(open);
      if (refused !== undefined) throw refused;
      yield* stream();
    },
    put: (collection, object) => store(`${collection}/${object.metadata.name}`, object),
    remove: (collection, name) => void objects.delete(`${collection}/${name}`),
    object: (path) => objects.get(path),
  };
  return api;
}

export function gone(): ApiError {
  return new ApiError(410, { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
}
