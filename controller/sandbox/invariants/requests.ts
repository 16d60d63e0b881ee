// Requests of a controller, as the API server logged them: each mutation names what it was meant for (K1), none comes before every kind was
// read (K3) or is made from what the controller itself has overwritten (K4), and none is sent again and again (K6).
import type { LoggedRequest, StoredVersion } from "../apiserver/index.ts";
import { at, listAt, textAt } from "./readings.ts";

/** A logged request with the time and the store's revision after it. */
export interface TimedRequest extends LoggedRequest {
  readonly time: number;
  readonly revision: number;
}

type Tell = (time: number, object: string, message: string) => void;

/** Every mutation carries a uid or resourceVersion, or creates a named object, or applies its own fields. Answers whether there was any. */
export function checkPreconditions(requests: readonly TimedRequest[], users: ReadonlySet<string>, tell: Tell): boolean {
  let met = false;
  for (const request of requests) {
    if (!request.write || !users.has(request.user)) continue;
    met = true;
    if (!isBound(request))
      tell(request.time, request.path, `${request.method} without a precondition on uid or resourceVersion`);
  }
  return met;
}

function isBound({ method, path, query, body }: LoggedRequest): boolean {
  switch (method) {
    case "POST":
      if (path.endsWith("/eviction")) return textAt(body, "deleteOptions", "preconditions", "uid") !== undefined;
      return textAt(body, "metadata", "name") !== undefined && at(body, "metadata", "generateName") === undefined;
    case "PUT":
      return textAt(body, "metadata", "resourceVersion") !== undefined;
    case "DELETE":
      return (
        textAt(body, "preconditions", "uid") !== undefined ||
        textAt(body, "preconditions", "resourceVersion") !== undefined
      );
    case "PATCH":
      if (Array.isArray(body))
        return listAt({ body }, "body").some(
          (one) =>
            at(one, "op") === "test" &&
            ["/metadata/uid", "/metadata/resourceVersion"].includes(textAt(one, "path") ?? ""),
        );
      // Server-side apply names its own fields, and `force` is only taken of objects that are ours.
      if (query["force"] !== undefined) return true;
      return (
        textAt(body, "metadata", "resourceVersion") !== undefined ||
        textAt(body, "metadata", "uid") !== undefined ||
        isEvent(path)
      );
    default:
      return true;
  }
}

/** Events are best effort by contract: nothing is decided from them. */
function isEvent(path: string): boolean {
  return path.startsWith("/apis/events.k8s.io/");
}

/** Kinds that decisions rest on: nothing may be written before all of them were read. */
const READ_FIRST = [
  "/api/v1/nodes",
  "/api/v1/pods",
  "/apis/apps/v1/deployments",
  "/apis/apps/v1/statefulsets",
  "/apis/apps/v1/daemonsets",
  "/apis/policy/v1/poddisruptionbudgets",
  "/apis/ringward.dev/v1alpha1/rolloutrings",
  "/apis/ringward.dev/v1alpha1/disruptionledgers",
  "/apis/ringward.dev/v1alpha1/nodepatchstates",
  "/apis/ringward.dev/v1alpha1/workloadpatchstates",
];

/** The first write of each user comes after its lists (or watches). A Lease and events decide nothing. */
export function checkSynced(requests: readonly TimedRequest[], users: ReadonlySet<string>, tell: Tell): boolean {
  const missing = new Map([...users].map((user) => [user, new Set(READ_FIRST)]));
  const judged = new Set<string>();
  for (const request of requests) {
    const left = missing.get(request.user);
    if (left === undefined || judged.has(request.user)) continue;
    if (!request.write) {
      if (request.status === 200) left.delete(request.path);
      continue;
    }
    if (isEvent(request.path) || request.path.startsWith("/apis/coordination.k8s.io/")) continue;
    judged.add(request.user);
    if (left.size > 0)
      tell(request.time, request.path, `${request.user} wrote before it had read ${[...left].join(", ")}`);
  }
  return judged.size > 0;
}

/** Over HTTP a body is logged as it came, as text. */
function readBody(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** What `recordRequests` needs of a server. */
export interface RequestSource {
  onRequest(listener: (request: LoggedRequest) => void): () => void;
  readonly store: { revision(): number };
}

/** Logs the requests of some users from now on. `stop` ends it. */
export function recordRequests(
  server: RequestSource,
  clock: { now(): number },
  users: ReadonlySet<string>,
): { readonly requests: readonly TimedRequest[]; readonly stop: () => void } {
  const requests: TimedRequest[] = [];
  const stop = server.onRequest((request) => {
    if (users.has(request.user))
      requests.push({ ...request, body: readBody(request.body), time: clock.now(), revision: server.store.revision() });
  });
  return { requests, stop };
}

/** `/api/v1/nodes/n1/status` -> `nodes/n1`; undefined: it is no object. */
function keyOf(path: string): string | undefined {
  const match =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)\/([^/]+)(?:\/(?:status|eviction))?$/.exec(
      path,
    );
  const [, group, namespace, plural, name] = match ?? [];
  if (plural === undefined || name === undefined) return undefined;
  const resource = group === undefined ? plural : `${plural}.${group}`;
  return namespace === undefined ? `${resource}/${name}` : `${resource}/${namespace}/${name}`;
}

/** The resourceVersion that a write says it was made from. */
function expectedVersion({ method, body }: LoggedRequest): number | undefined {
  const text =
    method === "PATCH" && Array.isArray(body)
      ? body
          .filter((one) => at(one, "op") === "test" && textAt(one, "path") === "/metadata/resourceVersion")
          .map((one) => textAt(one, "value"))[0]
      : method === "DELETE"
        ? textAt(body, "preconditions", "resourceVersion")
        : textAt(body, "metadata", "resourceVersion");
  const version = Number(text ?? Number.NaN);
  return Number.isSafeInteger(version) ? version : undefined;
}

/** The version that a user's own last write to each object gave, as the log of its requests and the history together say. */
function ownVersions(history: readonly StoredVersion[]): ReadonlyMap<string, readonly number[]> {
  const own = new Map<string, number[]>();
  for (const { user, key, revision } of history) {
    const versions = own.get(`${user} ${key}`);
    if (versions === undefined) own.set(`${user} ${key}`, [revision]);
    else versions.push(revision);
  }
  return own;
}

/**
 * No write is made from an older version of an object than the writer's own last one, longer than it takes to hear of that (K4). Only what it
 * had been answered before counts, so a write that was under way does not.
 */
export function checkFresh({ requests, history, users, settleMs }: RequestsInput, tell: Tell): boolean {
  const own = ownVersions(history.filter(({ user }) => users.has(user)));
  /** `user key` -> version of its last write that was answered. */
  const known = new Map<string, { readonly version: number; readonly time: number }>();
  let met = false;
  for (const request of requests) {
    const key = request.write && users.has(request.user) ? keyOf(request.path) : undefined;
    if (key === undefined) continue;
    const who = `${request.user} ${key}`;
    const last = known.get(who);
    const expected = expectedVersion(request);
    if (last !== undefined && expected !== undefined) {
      met = true;
      if (expected < last.version && request.time - last.time > settleMs)
        tell(
          request.time,
          request.path,
          `${request.method} from version ${expected}, and its own last write gave ${last.version}`,
        );
    }
    if (request.status < 200 || request.status >= 300) continue;
    const version = own.get(who)?.findLast((revision) => revision <= request.revision);
    if (version !== undefined) known.set(who, { version, time: request.time });
  }
  return met;
}

/** So often the very same write may be refused in a row. */
const MOST_REFUSED = 3;

/**
 * No write that was refused is sent again and again as it was (K6), and a controller writes no faster than it may, where that is known. An
 * eviction that a budget refuses waits for that budget.
 */
export function checkPace({ requests, users, mostWritesPerSecond }: RequestsInput, tell: Tell): boolean {
  const refused = new Map<string, { readonly same: string; readonly count: number }>();
  let met = false;
  const times = new Map<string, number[]>();
  for (const request of requests) {
    if (!request.write || !users.has(request.user)) continue;
    met = true;
    if (mostWritesPerSecond !== undefined) judgePace(request, times, mostWritesPerSecond, tell);
    const object = `${request.user} ${request.path.replace(/\/(?:status|eviction)$/, "")}`;
    if (request.status < 400 || request.status >= 500 || request.status === 429) {
      refused.delete(object);
      continue;
    }
    const same = `${request.method} ${JSON.stringify(request.body)}`;
    const before = refused.get(object);
    const count = before?.same === same ? before.count + 1 : 1;
    refused.set(object, { same, count });
    if (count === MOST_REFUSED + 1)
      tell(
        request.time,
        request.path,
        `${request.method} was answered ${request.status} and sent again as it was, ${count} times`,
      );
  }
  return met;
}

/** Over the last ten seconds, so that a burst may be. */
function judgePace({ user, time, path }: TimedRequest, times: Map<string, number[]>, most: number, tell: Tell): void {
  const window = times.get(user) ?? [];
  times.set(user, window);
  window.push(time);
  while (time - (window[0] ?? time) > WINDOW_MS) window.shift();
  if (window.length !== Math.floor((most * WINDOW_MS) / 1000) + 1) return;
  tell(time, path, `${user} wrote ${window.length} times in ${WINDOW_MS / 1000} s, ${most} a second allowed`);
}

const WINDOW_MS = 10_000;

export interface RequestsInput {
  readonly requests: readonly TimedRequest[];
  readonly history: readonly StoredVersion[];
  readonly users: ReadonlySet<string>;
  readonly settleMs: number;
  /** Of the time that the log is in; left out: only repeats are judged. */
  readonly mostWritesPerSecond?: number | undefined;
}
