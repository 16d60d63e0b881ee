// Watches: what happened after a revision, in order and without gaps, as seen through the request's selection. An object that
// leaves the selection is DELETED. Events wait in the watch's own queue and are delivered on microtasks; the only timers are
// the given clock's. A restored snapshot ends every watch, as a restarted server would.
import type { Clock } from "../../clock.ts";
import type { WatchEvent } from "../../kube/port.ts";
import type { Call, Context } from "./context.ts";
import { fromStorage } from "./conversions.ts";
import type { JsonObject } from "./json.ts";
import { readSelection } from "./list.ts";
import { withMetadata } from "./object.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { checkListQuery, versionFault } from "./request-options.ts";
import { expired } from "./status.ts";
import type { StoredVersion } from "./storage.ts";

const BOOKMARK_EVERY_MS = 60_000;

interface Plan {
  readonly from: number;
  readonly initial: readonly JsonObject[];
  readonly endOfInitial: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number | undefined;
}

function readPlan(
  context: Context,
  call: Call,
  resource: Resource,
  namespace: string | undefined,
  matches: (object: JsonObject) => boolean,
): Plan {
  const text = call.query["resourceVersion"] ?? "";
  const sendInitial = call.query["sendInitialEvents"] === "true";
  if (text !== "" && !/^\d+$/u.test(text)) throw versionFault(text, 500);
  const seconds = Number(call.query["timeoutSeconds"] ?? "0");
  const bookmarks = call.query["allowWatchBookmarks"] === "true";
  const all = sendInitial || (call.query["sendInitialEvents"] !== "false" && (text === "" || text === "0"));
  const prefix = resource.namespaced && namespace !== undefined ? `${namespace}/` : "";
  return {
    from: all ? context.storage.revision() : Number(text === "" || text === "0" ? context.storage.revision() : text),
    initial: all
      ? context.storage
          .list(resource.storage, prefix)
          .map(([, object]) => object)
          .filter(matches)
      : [],
    endOfInitial: sendInitial && bookmarks,
    bookmarks,
    timeoutMs: seconds > 0 ? seconds * 1000 : undefined,
  };
}

/** The event a stored version is for a watch with this selection, or undefined when it concerns nothing selected. */
function eventOf(
  resource: Resource,
  version: StoredVersion,
  matches: (object: JsonObject) => boolean,
): WatchEvent | undefined {
  const object = version.object as unknown as JsonObject;
  const previous = version.previous as unknown as JsonObject | undefined;
  const now = version.type !== "DELETED" && matches(object);
  const before = previous !== undefined && matches(previous);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: fromStorage(resource, object) };
  if (!before || previous === undefined) return undefined;
  // The state that was last seen in the selection, at the version in which it left.
  return {
    type: "DELETED",
    object: fromStorage(resource, withMetadata(previous, { resourceVersion: String(version.revision) })),
  };
}

/** Opens a watch. What is wrong with the request is thrown here, before any event. */
export function openWatch(
  context: Context,
  call: Call,
  resource: Resource,
  namespace: string | undefined,
  clock: Clock,
  signal?: AbortSignal,
): AsyncIterable<WatchEvent> {
  checkListQuery(call, true);
  const matches = readSelection(call, resource);
  const plan = readPlan(context, call, resource, namespace, matches);
  const prefix = `${resource.storage}/${resource.namespaced && namespace !== undefined ? `${namespace}/` : ""}`;
  const queue: WatchEvent[] = plan.initial.map((object) => ({ type: "ADDED", object: fromStorage(resource, object) }));
  const bookmark = (annotations?: JsonObject): WatchEvent => ({
    type: "BOOKMARK",
    object: {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(Math.max(plan.from, context.storage.revision())),
        ...(annotations === undefined ? {} : { annotations }),
      },
    },
  });
  if (plan.endOfInitial) queue.push(bookmark({ "k8s.io/initial-events-end": "true" }));
  let ended = signal?.aborted ?? false;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  if (plan.from < context.storage.compactedRevision()) {
    const refusal = expired(`too old resource version: ${plan.from} (${context.storage.compactedRevision()})`);
    queue.push({ type: "ERROR", object: refusal.body });
    ended = true;
  }
  const accept = (version: StoredVersion): void => {
    if (version.resource !== resource.storage || !version.key.startsWith(prefix) || version.revision <= plan.from)
      return;
    const event = eventOf(resource, version, matches);
    if (event === undefined) return;
    queue.push(event);
    notify();
  };
  if (!ended) for (const version of context.storage.since(plan.from)) accept(version);
  const end = (): void => {
    ended = true;
    notify();
  };
  const stop = new AbortController();
  const closers = [context.storage.subscribe(accept), context.storage.onRestore(end)];
  const close = (): void => {
    for (const closer of closers) closer();
    signal?.removeEventListener("abort", end);
    stop.abort();
  };
  signal?.addEventListener("abort", end, { once: true });
  if (plan.timeoutMs !== undefined && !ended) void clock.sleep(plan.timeoutMs, stop.signal).then(end, () => undefined);
  if (plan.bookmarks && !ended)
    void sendBookmarks(clock, stop.signal, () => {
      queue.push(bookmark());
      notify();
    });

  return {
    [Symbol.asyncIterator]() {
      return {
        async next(): Promise<IteratorResult<WatchEvent>> {
          for (;;) {
            const event = queue.shift();
            if (event !== undefined && !(signal?.aborted ?? false)) return { value: event, done: false };
            if (ended || (signal?.aborted ?? false)) {
              close();
              return { value: undefined, done: true };
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
        async return(): Promise<IteratorResult<WatchEvent>> {
          ended = true;
          close();
          return { value: undefined, done: true };
        },
      };
    },
  };
}

async function sendBookmarks(clock: Clock, signal: AbortSignal, send: () => void): Promise<void> {
  for (;;) {
    try {
      await clock.sleep(BOOKMARK_EVERY_MS, signal);
    } catch {
      return;
    }
    if (signal.aborted) return;
    send();
  }
}
