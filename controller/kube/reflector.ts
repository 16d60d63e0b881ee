// Keeps a store equal to what the API server has of one kind: list, then watch, for ever. It must never go silent
// (K5: a silent watch is given up after two bookmark intervals), never run hot (K6: at most about one try a second), never
// forget its version on an error other than 410, and never call itself synced before one whole list has been read (K3).
// One bad object or handler stops nobody (V4). It uses only the injected clock and random.
import type { Breath } from "../breath.ts";
import type { Clock, Random } from "../clock.ts";
import { isGone, isTooManyRequests, watchError } from "./api-errors.ts";
import { reconnectDelay } from "./backoff.ts";
import { readPages, sendListTo } from "./pages.ts";
import type { ListScope } from "./pages.ts";
import { ApiError, TransportError } from "./port.ts";
import type { ApiPort, BinaryReader, KubeObject, ListEnd, WatchEvent } from "./port.ts";
import { collectionPath } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { keyOf } from "./store.ts";
import type { Store } from "./store.ts";

export interface ReflectorOptions<P> extends ListScope {
  readonly port: ApiPort;
  readonly resource: Resource;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store<P>;
  /** What to keep of an object; undefined if nothing. If it throws, the object is left out of the store and told to `onError`. */
  readonly project: (object: KubeObject) => P | undefined;
  /** Hears of everything that went wrong and was survived. */
  readonly onError?: (error: unknown, context: { resource: Resource; key?: string }) => void;
  /**
   * Reads the kind in another form than JSON where port and server have it: the whole kind in one stream. It is dropped for JSON
   * where they do not, and when what came was malformed.
   */
  readonly binary?: BinaryReader | undefined;
  readonly pageSize?: number;
  /** A watch that is silent for longer is dead. Servers send a bookmark about every minute: 120 s. */
  readonly silenceMs?: number;
  readonly metrics?: ReflectorMetrics;
  /** Taken between two parts of a list; left out: nothing else waits. */
  readonly breath?: Breath | undefined;
  /** After so many failures in a row the time between tries grows no more. For a person who waits in front of a screen; left out: 30 s. */
  readonly backoffSteps?: number | undefined;
  /** Read the initial state as a stream (KEP-3157) where the server can; off for now, because it is not on everywhere. */
  readonly watchList?: boolean;
}

/** Hooks for the `reflector_*` metrics. */
export interface ReflectorMetrics {
  /** A whole list was read; `again`: not the first one. */
  listed(tookMs: number, again: boolean): void;
  watched(): void;
  bookmarked(): void;
  failed(): void;
}

export interface Reflector {
  /** True once one whole list is in the store. */
  isSynced(): boolean;
  /** Resolves with true when synced, with false when stopped before. */
  readonly synced: Promise<boolean>;
  /** The version up to which the store is current, if any. */
  resourceVersion(): string | undefined;
  /** Monotonic time at which the server was last heard of. */
  lastHeard(): number;
  /** A watch is open, or being opened: not known to be cut off. */
  isWatching(): boolean;
  /** What the last try failed with; the next sign of life clears it. */
  lastError(): unknown;
  /** Ends the watch and resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

const SILENCE_MS = 120_000;
/** A watch that lived this long was healthy: its end starts no backoff. */
const HEALTHY_MS = 30_000;
/** How long after its own timeout a server may take to close a watch. */
const GRACE_MS = 30_000;
/** Objects on a page of a stream: few enough for a server that has to ask etcd, many enough not to wait for each. */
const STREAM_PAGE_SIZE = 5000;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** The guard gave a watch up: the connection may be half open, the version is still good. */
class WatchGivenUp extends Error {
  override readonly name = "WatchGivenUp";
}

/** Puts objects into the store, and takes them out. */
function createWriter<P>(options: ReflectorOptions<P>, tell: (error: unknown, key?: string) => void) {
  const { store, project } = options;
  return {
    put(object: KubeObject) {
      const { uid = "", resourceVersion = "" } = object.metadata;
      const key = keyOf(object.metadata);
      const known = store.entry(key);
      // After a relist most objects are unchanged: they need not be projected again.
      if (known?.uid === uid && known.resourceVersion === resourceVersion && resourceVersion !== "")
        return store.upsert(known);
      try {
        const value = project(object);
        if (value === undefined) store.remove(key);
        else store.upsert({ key, uid, resourceVersion, value });
      } catch (error) {
        // Keeping the old projection would show a state that is known to be over.
        store.remove(key);
        tell(error, key);
      }
    },
    remove: (object: KubeObject) => store.remove(keyOf(object.metadata), object.metadata.uid),
  };
}

/** Aborts `target` when nothing was heard for `silenceMs`, or `lifetimeMs` have passed. One sleeper, however many events. */
async function guard(
  clock: Clock,
  heard: () => number,
  limits: { silenceMs: number; lifetimeMs: number },
  target: AbortController,
): Promise<void> {
  const end = clock.monotonic() + limits.lifetimeMs;
  for (;;) {
    const now = clock.monotonic();
    const silentAt = heard() + limits.silenceMs;
    const due = Math.min(silentAt, end);
    if (now >= due) {
      const why = silentAt <= end ? `silent for ${limits.silenceMs} ms` : "past its own timeout";
      return target.abort(new WatchGivenUp(`the watch was ${why}`));
    }
    await clock.sleep(due - now, target.signal);
  }
}

function asObject(event: WatchEvent): KubeObject {
  const object = event.object as Partial<KubeObject> | null;
  if (typeof object !== "object" || object === null || typeof object.metadata !== "object") {
    throw new Error(`a watch event ${event.type} carries something that is not an object`);
  }
  return object as KubeObject;
}

/**
 * How many failures in a row the end of a watch makes. Events are progress: a server that cuts short watches is tried
 * every second or two, not ever more seldom. So is a watch that only fell silent: some servers send no bookmarks.
 */
function nextFailures(failures: number, end: { error: unknown; lived: boolean; events: number }): number {
  if (end.lived && end.events > 0) return 0;
  if (end.events > 0 || end.error instanceof WatchGivenUp) return 1;
  return failures + 1;
}

/** Starts reading at once. See the top of the file for what it promises. */
export function startReflector<P>(options: ReflectorOptions<P>): Reflector {
  const { port, resource, clock, random } = options;
  const path = collectionPath(resource, options.namespace);
  const stopping = new AbortController();
  const tell = (error: unknown, key?: string): void => {
    try {
      options.onError?.(error, key === undefined ? { resource } : { resource, key });
    } catch {
      // Whoever listens to errors must not become one: there is nobody left to tell.
    }
  };
  const writer = createWriter(options, tell);
  let version: string | undefined;
  let synced = false;
  let heard = clock.monotonic();
  let failure: unknown;
  let started: number | undefined;
  let watching = false;
  let useWatchList = options.watchList === true;
  /** A watch has said something other than an error. */
  let spoken = false;
  let toldOfSilence = false;
  let binary = options.binary;
  // The first list may be as old as the server's cache; a later one must not go back behind what was known.
  let isFirst = true;
  let resolveSynced: (value: boolean) => void = () => undefined;
  const syncedPromise = new Promise<boolean>((resolve) => (resolveSynced = resolve));

  /** When (monotonic) the reading of the list began. */
  let listing = heard;
  function finishList(resourceVersion: string): void {
    options.store.sweep();
    options.metrics?.listed(clock.monotonic() - listing, synced);
    version = resourceVersion;
    isFirst = false;
    synced = true;
    failure = undefined;
    resolveSynced(true);
  }

  /** Objects as they come in; false if the port or the server has no such thing. */
  async function listAsStream(): Promise<boolean> {
    if (binary === undefined || port.list === undefined) return false;
    const { labelSelector, fieldSelector } = options;
    // One stream out of the server's cache, or, where that might go back in time, large pages of what is true now.
    const scope = isFirst ? { resourceVersion: "0" } : { limit: String(STREAM_PAGE_SIZE) };
    for (let next: string | undefined; ;) {
      const query = { labelSelector, fieldSelector, ...scope, continue: next };
      const parts = await port.list({ path, query, signal: stopping.signal, binary });
      if (parts === undefined) {
        binary = undefined;
        return false;
      }
      if (next === undefined) options.store.beginSweep();
      let end: ListEnd | undefined;
      for await (const part of parts) {
        heard = clock.monotonic();
        for (const item of part.items) writer.put(item);
        end = part.end ?? end;
        await options.breath?.();
      }
      if (end === undefined) throw new TransportError("connection", "unknown", `LIST ${path}: ended before its end`);
      next = end.continue;
      if (next !== undefined) continue;
      finishList(end.resourceVersion);
      return true;
    }
  }

  async function list(): Promise<void> {
    listing = clock.monotonic();
    if (await listAsStream()) return;
    const send = sendListTo(port, resource, options, stopping.signal);
    for await (const page of readPages(send, options, options.pageSize)) {
      heard = clock.monotonic();
      if (page.first) options.store.beginSweep();
      for (const item of page.items) writer.put(item);
      await options.breath?.();
      if (page.last) finishList(page.resourceVersion);
    }
  }

  /** Takes one event in; throws what an ERROR event says. */
  function take(event: WatchEvent): void {
    heard = clock.monotonic();
    if (event.type === "ERROR") throw watchError(event.object);
    spoken = true;
    const object = asObject(event);
    if (event.type === "BOOKMARK") options.metrics?.bookmarked();
    if (event.type === "DELETED") writer.remove(object);
    else if (event.type !== "BOOKMARK") writer.put(object);
    const resourceVersion = object.metadata.resourceVersion;
    if (version !== undefined) version = resourceVersion ?? version;
    else if (object.metadata.annotations?.[INITIAL_EVENTS_END] === "true" && resourceVersion !== undefined) {
      finishList(resourceVersion);
    }
  }

  /** One watch from `version`, or from the initial state if there is none. */
  async function watchOnce(count: () => void): Promise<void> {
    const timeoutSeconds = 300 + Math.floor(random.next() * 301);
    const initial = version === undefined;
    if (initial) options.store.beginSweep();
    options.metrics?.watched();
    const query = {
      allowWatchBookmarks: "true",
      timeoutSeconds: String(timeoutSeconds),
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      ...(initial ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" } : { resourceVersion: version }),
    };
    const abort = new AbortController();
    const onStop = (): void => abort.abort(stopping.signal.reason);
    stopping.signal.addEventListener("abort", onStop, { once: true });
    if (stopping.signal.aborted) onStop();
    heard = started = clock.monotonic();
    watching = true;
    if (initial) listing = heard;
    const limits = { silenceMs: options.silenceMs ?? SILENCE_MS, lifetimeMs: timeoutSeconds * 1000 + GRACE_MS };
    // Its rejection only says that the watch ended first.
    const guarding = guard(clock, () => heard, limits, abort).catch(() => undefined);
    try {
      for await (const event of port.watch({ path, query, signal: abort.signal, binary })) {
        take(event);
        count();
        failure = undefined;
      }
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      watching = false;
      stopping.signal.removeEventListener("abort", onStop);
      abort.abort();
      await guarding;
    }
  }

  /** Lists if there is no version, then watches once. */
  async function once(count: () => void): Promise<void> {
    if (version === undefined && !useWatchList) await list();
    if (!stopping.signal.aborted) await watchOnce(count);
  }

  /** What an error means for the next try. Only 410 costs the version. */
  function learn(error: unknown): void {
    failure = error;
    options.metrics?.failed();
    if (isGone(error)) version = undefined;
    // JSON says the same, and no strange object may hold up all others.
    if (error instanceof TransportError && error.kind === "malformed") binary = undefined;
    const refused = error instanceof ApiError && error.code >= 400 && error.code < 500;
    // A server without WatchList refuses the parameters: list as usual from now on.
    if (useWatchList && version === undefined && refused && !isTooManyRequests(error) && !isGone(error)) {
      useWatchList = false;
    }
    if (isNews(error)) tell(error);
  }

  /**
   * An API server sends no bookmarks of a kind before it has seen a first event of it (cacher.go, dispatchEvents): where nothing changes,
   * every watch ends in silence. Of a kind without objects that is as it should be; of others it is told once, because something between
   * here and there may swallow watches.
   */
  function isNews(error: unknown): boolean {
    if (!(error instanceof WatchGivenUp) || spoken) return true;
    if (options.store.size === 0 || toldOfSilence) return false;
    toldOfSilence = true;
    return true;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      let events = 0;
      let error: unknown;
      started = undefined;
      try {
        await once(() => (events += 1));
      } catch (thrown) {
        error = thrown;
      }
      if (stopping.signal.aborted) return;
      if (error !== undefined) learn(error);
      const lived = started !== undefined && clock.monotonic() - started >= HEALTHY_MS;
      if (error === undefined && lived) {
        failures = 0;
        continue;
      }
      failures = nextFailures(failures, { error, lived, events });
      const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined;
      await clock
        .sleep(
          reconnectDelay(Math.min(failures, options.backoffSteps ?? failures), random, retryAfterMs),
          stopping.signal,
        )
        .catch(() => undefined);
    }
  }

  const running = run().finally(() => resolveSynced(false));
  return {
    isSynced: () => synced,
    synced: syncedPromise,
    resourceVersion: () => version,
    lastHeard: () => heard,
    isWatching: () => watching,
    lastError: () => failure,
    async stop() {
      stopping.abort(new Error("the reflector was stopped"));
      await running;
    },
  };
}
