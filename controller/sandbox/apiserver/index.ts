// The sandbox's Kubernetes API server: the ApiPort in process and the same thing over real HTTP. It keeps every version of
// every object, can go back to any snapshot, logs every request and can be told to fail. It runs no controllers: schedulers,
// kubelets and the rest are API clients. docs/sandbox.md says what it does and what it does not.
import { ApiError } from "../../kube/port.ts";
import type { ApiPort, ApiRequest, ApiResponse, KubeStatus, WatchEvent } from "../../kube/port.ts";
import type { Answer, Call, Context } from "./context.ts";
import { ConnectionLost, reasonOf } from "./faults.ts";
import type { Fault, FaultHook, LoggedRequest, SeenRequest } from "./faults.ts";
import type { ApiServerOptions, SandboxApiServer } from "./options.ts";
import { createGarbageCollector } from "./garbage-collection.ts";
import { listen as listenHttp } from "./http.ts";
import type { RawRequest } from "./http.ts";
import type { JsonObject } from "./json.ts";
import { nameOf } from "./object.ts";
import { readResourcePath } from "./paths.ts";
import { createRegistry } from "./registry.ts";
import { representation, shapeOf, table } from "./representation.ts";
import { builtinSchema } from "./schema/builtin.ts";
import { isOwnGroup, noResource, serve, watchTarget } from "./serve.ts";
import { Refusal, UNKNOWN_PATH } from "./status.ts";
import { createStorage } from "./storage.ts";
import { ADMIN, anonymous, authenticate, writeKubeconfig } from "./users.ts";
import { openWatch } from "./watch.ts";

export type { ApiServerOptions, SandboxApiServer } from "./options.ts";
export type { Fault, FaultHook, LoggedRequest, SeenRequest } from "./faults.ts";
export { ConnectionLost } from "./faults.ts";
export type { StoreSnapshot, StoredVersion } from "./storage.ts";
export type { Listening } from "./http.ts";

const DEFAULT_HISTORY = 10_000;
const NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** A fresh server with the four namespaces that every cluster has. */
export function createApiServer(options: ApiServerOptions): SandboxApiServer {
  const schema = builtinSchema();
  const storage = createStorage(options.historyLimit ?? DEFAULT_HISTORY);
  const context: Context = {
    clock: options.clock,
    random: options.random,
    schema,
    storage,
    registry: createRegistry(schema, storage),
  };
  const collector = createGarbageCollector(context);
  const transport = options.transportClock ?? options.clock;
  const tokens: Readonly<Record<string, string>> = { ...options.tokens, [`${ADMIN}-token`]: ADMIN };
  const listeners = new Set<(request: LoggedRequest) => void>();
  let fault: FaultHook | undefined;
  let seq = 0;

  function callOf(request: RawRequest | ApiRequest, user: string): Call {
    const headers = request.headers ?? {};
    const query = Object.fromEntries(
      Object.entries(request.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const contentType =
      "contentType" in request && request.contentType !== undefined
        ? request.contentType
        : (headers["content-type"] ?? "application/json");
    return {
      method: request.method,
      path: request.path,
      query,
      headers,
      body: request.body,
      contentType,
      user,
      warnings: [],
    };
  }

  function see(call: Call): SeenRequest {
    seq++;
    return {
      seq,
      user: call.user,
      method: call.method,
      path: call.path,
      query: call.query,
      body: call.body,
      write: call.method !== "GET" && call.query["dryRun"] !== "All",
    };
  }

  function log(seen: SeenRequest, status: number): void {
    for (const listener of [...listeners]) listener({ ...seen, status });
  }

  /**
   * Throws when the connection is to break before anything happens; answers when an error is to be given instead. Only a
   * delay is waited for: everything else is decided, and carried out, within the call.
   */
  function beforehand(seen: SeenRequest, planned: Fault): Answer | Promise<undefined> | undefined {
    if (planned === "failBefore") {
      log(seen, 0);
      throw new ConnectionLost(seen);
    }
    if (typeof planned !== "object") return undefined;
    if ("delayMs" in planned) return transport.sleep(planned.delayMs).then(() => undefined);
    const refusal = new Refusal(
      planned.status,
      planned.reason ?? reasonOf(planned.status),
      "the sandbox was told to answer so",
      planned.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: planned.retryAfterSeconds },
    );
    const headers: Record<string, string> =
      planned.retryAfterSeconds === undefined ? {} : { "retry-after": String(planned.retryAfterSeconds) };
    return { status: planned.status, headers, body: refusal.body };
  }

  async function answer(call: Call): Promise<ApiResponse> {
    const seen = see(call);
    const planned = fault?.(seen) ?? "none";
    const early = beforehand(seen, planned);
    const result = (early instanceof Promise ? await early : early) ?? serve(context, collector, call);
    log(seen, result.status);
    if (planned === "loseReply") throw new ConnectionLost(seen);
    return {
      status: result.status,
      headers: {
        "content-type": typeof result.body === "string" ? "text/plain" : "application/json",
        ...result.headers,
      },
      body: result.body,
    };
  }

  /** The watch begins when it is asked for, not when its first event is; a refusal comes with the first event. */
  function watchAs(
    request: Pick<ApiRequest, "path" | "query" | "signal" | "headers">,
    user: string,
  ): AsyncIterable<WatchEvent> {
    const opened = openAs(request, user).then((events) => events[Symbol.asyncIterator]());
    opened.catch(() => undefined);
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => (await opened).next(),
        return: async () => {
          await (await opened).return?.();
          return { value: undefined, done: true };
        },
      }),
    };
  }

  async function openAs(
    request: Pick<ApiRequest, "path" | "query" | "signal" | "headers">,
    user: string,
  ): Promise<AsyncIterable<WatchEvent>> {
    return open(callOf({ ...request, method: "GET" } as ApiRequest, user), request.signal);
  }

  async function open(call: Call, signal: AbortSignal | undefined): Promise<AsyncIterable<WatchEvent>> {
    const seen = see(call);
    const planned = fault?.(seen) ?? "none";
    const early = beforehand(seen, planned);
    const refused = early instanceof Promise ? await early : early;
    if (refused !== undefined) throw refusedWatch(seen, refused.status, refused.body as JsonObject);
    try {
      const target = watchTarget(context, call.path);
      const group = readResourcePath(call.path)?.group;
      if (target === undefined && group !== undefined && isOwnGroup(context, group)) throw noResource();
      if (target === undefined)
        throw new ApiError(404, {
          kind: "Status",
          status: "Failure",
          message: UNKNOWN_PATH,
          reason: "NotFound",
          code: 404,
        });
      const narrowed =
        target.name === undefined
          ? call
          : { ...call, query: { ...call.query, fieldSelector: `metadata.name=${target.name}` } };
      const shape = shapeOf(call.headers["accept"]);
      const events = openWatch(context, narrowed, target.resource, target.namespace, transport, signal);
      log(seen, 200);
      if (planned === "loseReply") throw new ConnectionLost(seen);
      return shape === "object" ? events : reshaped(events, call, target.resource);
    } catch (error) {
      if (error instanceof Refusal) throw refusedWatch(seen, error.code, error.body);
      throw error;
    }
  }

  function refusedWatch(seen: SeenRequest, status: number, body: JsonObject): ApiError {
    log(seen, status);
    return new ApiError(status, body as KubeStatus);
  }

  /** Events whose objects are tables or metadata alone. */
  async function* reshaped(
    events: AsyncIterable<WatchEvent>,
    call: Call,
    resource: Parameters<typeof table>[2],
  ): AsyncIterable<WatchEvent> {
    let first = true;
    for await (const event of events) {
      const object = event.object as JsonObject;
      if (event.type === "ERROR") yield event;
      else if (shapeOf(call.headers["accept"]) === "table") {
        yield {
          type: event.type,
          object: table(
            context,
            call,
            resource,
            [object],
            { resourceVersion: (object["metadata"] as JsonObject)["resourceVersion"] },
            first,
          ),
        };
        first = false;
      } else
        yield {
          type: event.type,
          object: representation(context, call, resource, { object, status: 200 })?.body ?? object,
        };
    }
  }

  /** Only a fault can make a request last; then the caller's patience counts. What was begun goes on without the caller. */
  async function givingUp(running: Promise<ApiResponse>, request: ApiRequest): Promise<ApiResponse> {
    if (request.timeoutMs === undefined && request.signal === undefined) return running;
    const done = new AbortController();
    const waits: Promise<ApiResponse>[] = [running];
    if (request.timeoutMs !== undefined) {
      waits.push(
        transport.sleep(request.timeoutMs, done.signal).then(() => {
          throw new ConnectionLost(request);
        }),
      );
    }
    if (request.signal !== undefined) {
      waits.push(
        new Promise((_, reject) => {
          request.signal?.addEventListener("abort", () => reject(request.signal?.reason as Error), {
            signal: done.signal,
            once: true,
          });
        }),
      );
    }
    for (const wait of waits) wait.catch(() => undefined);
    return Promise.race(waits).finally(() => done.abort());
  }

  function portFor(user: string): ApiPort {
    return {
      async request(request) {
        request.signal?.throwIfAborted();
        const named = userOf(request.headers) ?? user;
        if (named instanceof Refusal) return { status: named.code, headers: {}, body: named.body };
        const running = answer(callOf(request, named));
        return fault === undefined ? running : givingUp(running, request);
      },
      watch: (request) => watchAs(request, user),
    };
  }

  function userOf(headers: Readonly<Record<string, string>> | undefined): string | Refusal | undefined {
    try {
      return authenticate(tokens, headers ?? {});
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  /** Over HTTP a token is needed for everything but health. */
  function httpUser(request: RawRequest): string | Refusal {
    const user = userOf(request.headers);
    if (user !== undefined) return user;
    if (["/healthz", "/livez", "/readyz", "/version"].includes(request.path)) return "system:anonymous";
    const path = readResourcePath(request.path);
    const resource = path === undefined ? undefined : context.registry.find(path.group, path.version, path.plural);
    const watches = ["true", "1"].includes(request.query["watch"] ?? "");
    return anonymous(request.method, resource, request.path, path?.name, path?.namespace, watches, request.headers);
  }

  for (const name of NAMESPACES) {
    const call: Call = {
      method: "POST",
      path: "/api/v1/namespaces",
      query: {},
      headers: {},
      body: { metadata: { name } },
      contentType: "application/json",
      user: "system:apiserver",
      warnings: [],
    };
    const made = serve(context, collector, { ...call, query: { fieldManager: "kube-apiserver" } });
    if (made.status !== 201)
      throw new Error(`the namespace ${name} could not be made: ${nameOf(made.body as JsonObject)}`);
  }

  const port = portFor(ADMIN);
  const tokenOf = (user: string): string => {
    const found = Object.entries(tokens).find(([, name]) => name === user)?.[0];
    if (found === undefined)
      throw new Error(`the sandbox knows no user ${user}; give it a token with the option "tokens"`);
    return found;
  };
  return {
    ...port,
    as: portFor,
    listen: (given) =>
      listenHttp(
        {
          async request(raw) {
            const user = httpUser(raw);
            return user instanceof Refusal
              ? { status: user.code, headers: {}, body: user.body }
              : answer(callOf(raw, user));
          },
          namesOne: (path) => {
            const read = readResourcePath(path);
            return read?.name !== undefined && read.subresource === undefined;
          },
          async watch(raw, signal) {
            const user = httpUser(raw);
            if (user instanceof Refusal) throw new ApiError(user.code, user.body as KubeStatus);
            return openAs({ path: raw.path, query: raw.query, headers: raw.headers, signal }, user);
          },
        },
        given,
      ),
    kubeconfig: (url, user = ADMIN) => writeKubeconfig(url, tokenOf(user)),
    token: (user = ADMIN) => tokenOf(user),
    store: storage,
    setPodLog: (namespace, name, text) => storage.setPodLog(namespace, name, text),
    onRequest(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setFault(hook) {
      fault = hook;
    },
  };
}
