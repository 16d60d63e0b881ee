// Typed calls on an ApiPort: get, list, create, update, patch, apply, delete, evict, logs. Refusals become `ApiError`.
// It never retries a write: an unknown outcome must reach the caller, who reads the real state first (K2). `update`
// and `delete` insist on a precondition (K1). Only reads wait for a Retry-After, and only a few times (K6).
import type { Clock } from "../clock.ts";
import { isConflict, isNotFound, isOutcomeUnknown, isPdbRefusal, toApiError } from "./api-errors.ts";
import type { Limiter } from "./limiter.ts";
import { createOutdated } from "./outdated.ts";
import { readPages } from "./pages.ts";
import type { ListScope } from "./pages.ts";
import type { ApiError, ApiPort, ApiRequest, ApiResponse, KubeObject } from "./port.ts";
import { apiVersionOf, collectionPath, objectPath, PODS } from "./resources.ts";
import type { ObjectRef, Resource } from "./resources.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this much transport time; the outcome of a write is then unknown. */
  readonly timeoutMs?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  /** The server checks and answers, but stores nothing. */
  readonly dryRun?: boolean | undefined;
  /** Unknown and duplicate fields: refuse, or say so in a header. The server's default is `Warn`. */
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore" | undefined;
}

/** At least one of the two, so that only the object that was looked at is hit. */
export type Preconditions =
  | { readonly uid: string; readonly resourceVersion?: string | undefined }
  | { readonly uid?: string | undefined; readonly resourceVersion: string };

export type DeleteOptions = WriteOptions &
  Preconditions & {
    readonly propagationPolicy?: "Foreground" | "Background" | "Orphan" | undefined;
    readonly gracePeriodSeconds?: number | undefined;
  };

/** One operation of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };

export type Patch =
  | { readonly type: "json"; readonly body: readonly JsonPatchOperation[] }
  /** RFC 7386; lists are replaced. `metadata.uid` or `metadata.resourceVersion` in it act as preconditions. */
  | { readonly type: "merge"; readonly body: object }
  /** Built-in kinds only; custom resources refuse it (415). */
  | { readonly type: "strategic"; readonly body: object };

export interface ListResult<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

export interface LogOptions extends CallOptions {
  readonly container?: string | undefined;
  /** The log is cut after this many bytes. */
  readonly limitBytes?: number | undefined;
  readonly tailLines?: number | undefined;
  /** Of the container's previous run. */
  readonly previous?: boolean | undefined;
}

export interface Client {
  readonly port: ApiPort;
  readonly fieldManager: string;
  /** The object as it is now, or undefined when there is none. */
  get<T extends KubeObject = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | undefined>;
  /** All objects, read in pages, each with its apiVersion and kind (the server leaves them out in lists). */
  list<T extends KubeObject = KubeObject>(
    resource: Resource,
    scope?: ListScope,
    options?: CallOptions & { pageSize?: number },
  ): Promise<ListResult<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** PUT; `metadata.resourceVersion` is required, so that a lost race is a conflict. */
  update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject = KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: Patch,
    options?: WriteOptions & { subresource?: "status" | "scale" },
  ): Promise<T>;
  /** Server-side apply: exactly the fields in `object` become ours. Conflicts are errors unless `force`. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options?: WriteOptions & { force?: boolean; subresource?: "status"; fieldManager?: string },
  ): Promise<T>;
  /** Resolves when the server has accepted it; finalizers may keep the object for a while. `ApiError` 404 if there is none. */
  delete(resource: Resource, ref: ObjectRef, options: DeleteOptions): Promise<void>;
  /** Asks for an eviction of exactly that pod (policy/v1). Accepted is not gone: the pod still has to terminate. */
  evict(pod: ObjectRef, options: WriteOptions & { uid: string; gracePeriodSeconds?: number }): Promise<void>;
  podLog(pod: ObjectRef, options?: LogOptions): Promise<string>;
}

export interface ClientOptions {
  readonly fieldManager: string;
  readonly clock: Clock;
  /** Bounds how often the server is asked; every call waits for it, and for what a Retry-After said to any of them (K6). */
  readonly limiter?: Limiter;
  /** Hears how long a call waited for the limiter. */
  readonly onLimited?: (method: ApiRequest["method"], waitedMs: number) => void;
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

const READ_RETRIES = 3;
/** A server that wants us to stay away longer than this gets its refusal passed on instead. */
const MAX_READ_WAIT_MS = 30_000;
/** Nor does one answer silence the whole client for longer: the Lease of whoever waits runs out, and somebody else should try. */
const MAX_HOLD_MS = 10_000;

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function refOf(object: KubeObject): ObjectRef {
  return { name: object.metadata.name, namespace: object.metadata.namespace };
}

/** The object with the apiVersion and kind of its resource; the server demands them in a body. */
function typed<T extends KubeObject>(resource: Resource, object: T): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/** Sends, and throws what the server refused. A refused read is sent again after its Retry-After; a write never is. */
function createSender(port: ApiPort, { clock, limiter, onLimited }: ClientOptions) {
  async function once(request: ApiRequest): Promise<ApiResponse> {
    if (limiter === undefined) return port.request(request);
    const asked = clock.monotonic();
    await limiter.take(request.signal);
    onLimited?.(request.method, clock.monotonic() - asked);
    return port.request(request);
  }
  /** A server under load wants all of us to stay away, not only this call. A disruption budget speaks of one pod only. */
  function heed(error: ApiError): void {
    const { code, retryAfterMs } = error;
    if (retryAfterMs === undefined || (code !== 429 && code !== 503) || isPdbRefusal(error)) return;
    limiter?.hold(Math.min(retryAfterMs, MAX_HOLD_MS));
  }
  return async function send(request: ApiRequest): Promise<ApiResponse> {
    for (let retries = 0; ; retries += 1) {
      const response = await once(request);
      if (response.status >= 200 && response.status < 300) return response;
      const error = toApiError(response);
      heed(error);
      const wait = error.retryAfterMs;
      const mayWait = request.method === "GET" && (error.code === 429 || error.code === 503) && retries < READ_RETRIES;
      if (!mayWait || wait === undefined || wait > MAX_READ_WAIT_MS) throw error;
      await clock.sleep(wait, request.signal);
    }
  };
}

/** A client for one API server; cheap, holds no state but its limiter and the versions that it knows to be over. */
export function createClient(port: ApiPort, options: ClientOptions): Client {
  const { fieldManager } = options;
  const send = createSender(port, options);
  const outdated = createOutdated(options.clock);

  function call(request: ApiRequest, callOptions: CallOptions | undefined): ApiRequest {
    const { signal, timeoutMs } = callOptions ?? {};
    return { ...request, ...withoutUndefined({ signal, timeoutMs }) } as ApiRequest;
  }

  async function write<T>(request: ApiRequest, writeOptions: (WriteOptions & { fieldManager?: string }) | undefined) {
    const query = {
      fieldManager: writeOptions?.fieldManager ?? fieldManager,
      dryRun: writeOptions?.dryRun === true ? "All" : undefined,
      fieldValidation: writeOptions?.fieldValidation,
      ...request.query,
    };
    return (await send(call({ ...request, query }, writeOptions))).body as T;
  }

  async function put<T extends KubeObject>(
    resource: Resource,
    object: T,
    writeOptions: WriteOptions | undefined,
    subresource?: string,
  ) {
    const version = object.metadata.resourceVersion;
    if (version === undefined) {
      throw new Error(`update of ${resource.kind} "${object.metadata.name}" without metadata.resourceVersion`);
    }
    const own = objectPath(resource, refOf(object));
    if (outdated.isDoubted(own, version)) {
      if (await isReplaced(resource, object)) outdated.note(own, version);
      else outdated.trust(own);
    }
    outdated.refuse(own, version);
    const path = objectPath(resource, refOf(object), subresource);
    try {
      const written = await write<T>({ method: "PUT", path, body: typed(resource, object) }, writeOptions);
      const after = (written as Partial<KubeObject> | null)?.metadata?.resourceVersion;
      // Neither a dry run nor what changes nothing gives a new version.
      if (writeOptions?.dryRun !== true && after !== undefined && after !== version) outdated.note(own, version);
      return written;
    } catch (error) {
      if (isOutcomeUnknown(error)) outdated.doubt(own, version);
      // What could not be looked at is not known.
      if (isConflict(error) && (await isReplaced(resource, object).catch(() => false))) outdated.note(own, version);
      throw error;
    }
  }

  /**
   * Looks whether the version is over. A conflict alone does not say so: a webhook may have answered it. Listed, because that is what a client of
   * caches may do with every kind.
   */
  async function isReplaced(resource: Resource, { metadata }: KubeObject): Promise<boolean> {
    const scope = {
      fieldSelector: `metadata.name=${metadata.name}`,
      ...withoutUndefined({ namespace: metadata.namespace }),
    };
    const { items } = await list(resource, scope);
    return items.every(({ metadata: { resourceVersion } }) => resourceVersion !== metadata.resourceVersion);
  }

  async function* pages(resource: Resource, scope: ListScope, listOptions: CallOptions & { pageSize?: number }) {
    const path = collectionPath(resource, scope.namespace);
    const sendList = async (query: ApiRequest["query"]): Promise<unknown> =>
      (await send(call({ method: "GET", path, ...withoutUndefined({ query }) } as ApiRequest, listOptions))).body;
    yield* readPages(sendList, scope, listOptions.pageSize);
  }

  async function list<T extends KubeObject>(
    resource: Resource,
    scope: ListScope = {},
    listOptions: CallOptions & { pageSize?: number } = {},
  ): Promise<ListResult<T>> {
    const apiVersion = apiVersionOf(resource);
    let items: T[] = [];
    let resourceVersion = "";
    for await (const page of pages(resource, scope, listOptions)) {
      if (page.first) items = [];
      for (const item of page.items) items.push({ ...(item as T), apiVersion, kind: resource.kind });
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  return {
    port,
    fieldManager,
    async get<T extends KubeObject>(resource: Resource, ref: ObjectRef, callOptions?: CallOptions) {
      try {
        return (await send(call({ method: "GET", path: objectPath(resource, ref) }, callOptions))).body as T;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    list,
    create<T extends KubeObject>(resource: Resource, object: T, writeOptions?: WriteOptions) {
      const namespace = object.metadata.namespace;
      if (resource.namespaced && namespace === undefined) {
        throw new Error(`create of ${resource.kind} "${object.metadata.name}" without a namespace`);
      }
      const path = collectionPath(resource, resource.namespaced ? namespace : undefined);
      return write<T>({ method: "POST", path, body: typed(resource, object) }, writeOptions);
    },
    update: (resource, object, writeOptions) => put(resource, object, writeOptions),
    updateStatus: (resource, object, writeOptions) => put(resource, object, writeOptions, "status"),
    patch<T extends KubeObject>(
      resource: Resource,
      ref: ObjectRef,
      patch: Patch,
      patchOptions?: WriteOptions & { subresource?: "status" | "scale" },
    ) {
      const path = objectPath(resource, ref, patchOptions?.subresource);
      const contentType = patchTypes[patch.type];
      return write<T>({ method: "PATCH", path, body: patch.body, contentType }, patchOptions);
    },
    apply<T extends KubeObject>(
      resource: Resource,
      object: T,
      applyOptions?: WriteOptions & { force?: boolean; subresource?: "status"; fieldManager?: string },
    ) {
      const path = objectPath(resource, refOf(object), applyOptions?.subresource);
      // JSON is YAML; the server refuses a body that carries managedFields.
      const { managedFields: _, ...metadata } = object.metadata;
      const body = { ...typed(resource, object), metadata };
      const query = { force: applyOptions?.force === true ? "true" : undefined };
      return write<T>(
        { method: "PATCH", path, body, query, contentType: "application/apply-patch+yaml" },
        applyOptions,
      );
    },
    async delete(resource, ref, deleteOptions) {
      const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds } = deleteOptions;
      const body = withoutUndefined({
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: withoutUndefined({ uid, resourceVersion }),
        propagationPolicy,
        gracePeriodSeconds,
      });
      const query = { dryRun: deleteOptions.dryRun === true ? "All" : undefined };
      await send(call({ method: "DELETE", path: objectPath(resource, ref), body, query }, deleteOptions));
    },
    async evict(pod, evictOptions) {
      const { uid, gracePeriodSeconds } = evictOptions;
      const body = {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: withoutUndefined({ name: pod.name, namespace: pod.namespace }),
        deleteOptions: withoutUndefined({ preconditions: { uid }, gracePeriodSeconds }),
      };
      await write({ method: "POST", path: objectPath(PODS, pod, "eviction"), body }, evictOptions);
    },
    async podLog(pod, logOptions = {}) {
      const query = {
        container: logOptions.container,
        limitBytes: logOptions.limitBytes?.toString(),
        tailLines: logOptions.tailLines?.toString(),
        previous: logOptions.previous === true ? "true" : undefined,
      };
      const { body } = await send(call({ method: "GET", path: objectPath(PODS, pod, "log"), query }, logOptions));
      // A container may print JSON, and a proxy may call it so; the caller always gets the text.
      return typeof body === "string" ? body : JSON.stringify(body);
    },
  };
}
