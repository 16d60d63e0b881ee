// Requests of a controller, as the API server logged them: each mutation names what it was meant for (K1), and none comes before every
// kind was read (K3).
import type { LoggedRequest } from "../apiserver/index.ts";
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
