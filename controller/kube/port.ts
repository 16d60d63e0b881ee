// The port to a Kubernetes API server. Two implementations pass one contract suite: `transport.ts` (HTTP, undici)
// and the sandbox's API server called in process. Everything above (reflector, client, actors) speaks only this.

/** One request. `path` starts with `/api` or `/apis` and has no query. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Lower-case names, for example `accept`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Media type of the body; `application/json` unless a patch type is named. */
  readonly contentType?: string;
  /** Gives up after this many milliseconds of transport time; the outcome of a write is then unknown. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or the text itself for `text/plain` answers such as container logs. Never change it: it may be frozen. */
  readonly body: unknown;
}

/** One line of a watch. `object` of an ERROR event is a `metav1.Status`; of a BOOKMARK only `metadata.resourceVersion` counts. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

/** Where a list stands when all of it was read. */
export interface ListEnd {
  /** The version of the snapshot that the list belongs to. */
  readonly resourceVersion: string;
  /** Where the next page begins, if there is one. */
  readonly continue: string | undefined;
}

/** Objects of a list as they came; the last part says `end`. A list without one was cut. */
export interface ListPart {
  readonly items: readonly KubeObject[];
  readonly end?: ListEnd;
}

/** Reads answers of one kind in another form than JSON, where the server has it. Throws `TransportError`. */
export interface BinaryReader {
  /** As `Accept` names it and `Content-Type` answers. */
  readonly mediaType: string;
  readList(body: AsyncIterable<Uint8Array>): AsyncIterable<ListPart>;
  readWatch(body: AsyncIterable<Uint8Array>): AsyncIterable<WatchEvent>;
}

export type WatchRequest = Pick<ApiRequest, "path" | "query" | "signal" | "headers"> & {
  /** For servers that have more than JSON; a port that does not know it leaves it alone. */
  readonly binary?: BinaryReader | undefined;
};

export type ListRequest = Pick<ApiRequest, "path" | "query" | "signal"> & { readonly binary: BinaryReader };

export interface ApiPort {
  /**
   * Resolves with whatever the server answered, errors included; rejects (`TransportError`) only when no answer came:
   * unless it says `notSent`, a write may have happened.
   */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a watch (`watch=true` is added); ends when the server closes it; throws `ApiError` when it is refused and
   * `TransportError` when the connection breaks, also in the middle of a line. Leaving the loop closes the connection.
   */
  watch(request: WatchRequest): AsyncIterable<WatchEvent>;
  /**
   * Opens a list whose objects are handed over while they come in. Undefined: the server answers with JSON only, and nothing was
   * read. Throws as `watch` does. Ports that speak nothing but JSON lack it.
   */
  list?(request: ListRequest): Promise<AsyncIterable<ListPart> | undefined>;
}

/** A Kubernetes object as it is on the wire, of any kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec?: unknown;
  status?: unknown;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  generateName?: string;
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: "FieldsV1";
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

/** `metav1.Status` of a refused request (Kubernetes API conventions, "Response Status Kind"). */
export interface KubeStatus {
  readonly kind?: "Status";
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly group?: string;
    readonly uid?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** The server refused. `retryAfterMs` is set where it said when to come back. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly status: KubeStatus;
  readonly retryAfterMs: number | undefined;
  constructor(code: number, status: KubeStatus, retryAfterMs?: number) {
    super(status.message ?? `the API server answered ${code}`);
    this.name = "ApiError";
    this.code = code;
    this.reason = status.reason ?? "Unknown";
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * No answer came. `notSent` means that the request cannot have reached the server (refused connection, failed TLS
 * handshake); everything else is `unknown`: a write may or may not have happened, and only a read can tell.
 */
export class TransportError extends Error {
  readonly kind: "timeout" | "aborted" | "connection" | "malformed";
  readonly outcome: "notSent" | "unknown";
  constructor(kind: TransportError["kind"], outcome: TransportError["outcome"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TransportError";
    this.kind = kind;
    this.outcome = outcome;
  }
}
