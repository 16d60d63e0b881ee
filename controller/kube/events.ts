// Records events.k8s.io/v1 events: what people see in `kubectl describe`. Best effort by contract: recording returns at
// once, a failed write harms nobody, and a storm costs a bounded number of writes (K6): equal events become one with a
// `series`, an object that produces ever new ones runs out of tokens. Nothing may be decided from events.
import type { Clock, Random } from "../clock.ts";
import { createLimiter } from "./limiter.ts";
import type { Limiter } from "./limiter.ts";
import type { Client } from "./client.ts";
import { microTime } from "./micro-time.ts";
import { isNotFound } from "./api-errors.ts";
import type { KubeObject } from "./port.ts";
import { EVENTS } from "./resources.ts";

/** What the controller's events say they come from. */
export const REPORTING_CONTROLLER = "ringward.dev/controller";

/** `v1.ObjectReference`: the object that an event is about. */
export interface ObjectReference {
  readonly apiVersion?: string | undefined;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface EventInput {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference | undefined;
  readonly type: "Normal" | "Warning";
  /** From the closed enum of reasons; CamelCase. */
  readonly reason: string;
  /** What was done or tried; CamelCase. */
  readonly action: string;
  /** One line for people; cut at 1024 bytes. */
  readonly note: string;
}

export interface EventRecorder {
  /** Takes the event and returns; it is written later, combined with equal ones, or dropped under load. */
  record(event: EventInput): void;
  /** Events that were not written: for want of tokens, for a full queue, or because the write failed. */
  dropped(): number;
  /** Resolves when everything recorded so far was written or dropped. */
  flush(): Promise<void>;
  /** Writes what waits, for at most `timeoutMs` (5 s), and takes nothing new. */
  stop(timeoutMs?: number): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: Client;
  /** Its wall clock stamps the events; its monotonic clock bounds the rate. */
  readonly clock: Clock;
  readonly random: Random;
  /** Who reports, such as `ringward.dev/controller`. */
  readonly reportingController: string;
  /** Which process, such as the pod's name. */
  readonly reportingInstance: string;
  /** Must not throw. */
  readonly onError?: (error: unknown, event: EventInput) => void;
}

export interface EventObject extends KubeObject {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: ObjectReference;
  related?: ObjectReference;
  note: string;
  type: string;
  series?: { count: number; lastObservedTime: string };
}

/** An equal event after this long is a new one (client-go's events broadcaster: 6 minutes). */
const SERIES_IDLE_MS = 6 * 60_000;
/** A series is written at most this often. */
const SERIES_WRITE_MS = 60_000;
/** Per regarding object and reason: so many at once, then one each five minutes (client-go's spam filter has 25). */
const SOURCE_BURST = 10;
const SOURCE_PER_SECOND = 1 / 300;
const QUEUE_LIMIT = 1000;
const MAX_KNOWN = 4096;
const NOTE_BYTES = 1024;

/** Cuts at a whole character; the API server counts bytes. */
function cutNote(note: string): string {
  if (Buffer.byteLength(note) <= NOTE_BYTES) return note;
  const bytes = Buffer.from(note).subarray(0, NOTE_BYTES - 3);
  return `${bytes.toString("utf8").replace(/\uFFFD+$/u, "")}…`;
}

interface Series {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastObserved: number;
  /** Monotonic times. */
  seenAt: number;
  writtenAt: number;
  queued: boolean;
}

/** Oldest entries go first once a map is full: memory stays bounded whatever is recorded. */
function bound<V>(map: Map<string, V>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_KNOWN) return;
    map.delete(key);
  }
}

function seriesKey({ regarding, related, type, reason, action, note }: EventInput): string {
  return JSON.stringify([regarding, related ?? null, type, reason, action, note]);
}

/** A recorder that writes one event at a time, in order. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, random } = options;
  const known = new Map<string, Series>();
  const sources = new Map<string, Limiter>();
  const queue: { event: EventInput; write: () => Promise<void> }[] = [];
  const stopping = new AbortController();
  let stopped = false;
  let dropped = 0;
  let draining: Promise<void> | undefined;

  function eventName(event: EventInput): string {
    const suffix = [0, 0]
      .map(() =>
        Math.floor(random.next() * 2 ** 32)
          .toString(16)
          .padStart(8, "0"),
      )
      .join("");
    // A DNS subdomain of at most 253 characters, as the regarded object's own name is.
    return `${event.regarding.name.slice(0, 253 - 17).replace(/(?<![-.])[-.]+$/, "")}.${suffix}`;
  }

  /** Whether this object may report this reason now. */
  function mayReport(event: EventInput): boolean {
    const { kind, namespace, name } = event.regarding;
    const key = JSON.stringify([kind, namespace, name, event.reason]);
    let limiter = sources.get(key);
    if (limiter === undefined) {
      limiter = createLimiter({ perSecond: SOURCE_PER_SECOND, burst: SOURCE_BURST, clock });
      sources.set(key, limiter);
      bound(sources);
    }
    return limiter.tryTake();
  }

  function enqueue(event: EventInput, write: () => Promise<void>): boolean {
    if (queue.length >= QUEUE_LIMIT) {
      dropped += 1;
      return false;
    }
    queue.push({ event, write });
    draining ??= drain();
    return true;
  }

  async function drain(): Promise<void> {
    // Behind an await, so that record() never waits for, nor throws what, a client does at once.
    await Promise.resolve();
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await next.write();
      } catch (error) {
        dropped += 1;
        options.onError?.(error, next.event);
      }
    }
    draining = undefined;
  }

  async function flush(): Promise<void> {
    while (draining !== undefined) await draining;
  }

  async function createEvent(event: EventInput, series: Series): Promise<void> {
    const { regarding, related, type, reason, action } = event;
    const object: EventObject = {
      metadata: { name: series.name, namespace: series.namespace },
      eventTime: microTime(series.lastObserved),
      reportingController: options.reportingController,
      reportingInstance: options.reportingInstance,
      action,
      reason,
      regarding,
      ...(related === undefined ? {} : { related }),
      note: cutNote(event.note),
      type,
    };
    await client.create(EVENTS, object, { signal: stopping.signal });
  }

  async function writeSeries(event: EventInput, series: Series): Promise<void> {
    series.queued = false;
    series.writtenAt = clock.monotonic();
    const body = { series: { count: series.count, lastObservedTime: microTime(series.lastObserved) } };
    const ref = { name: series.name, namespace: series.namespace };
    try {
      await client.patch(EVENTS, ref, { type: "merge", body }, { signal: stopping.signal });
    } catch (error) {
      // The server keeps events for an hour only: the next equal one starts anew.
      if (!isNotFound(error)) throw error;
      known.delete(seriesKey(event));
    }
  }

  /** Another event equal to one that was written: count it, and write the count now and then. */
  function extend(event: EventInput, series: Series): void {
    const now = clock.monotonic();
    series.count += 1;
    series.seenAt = now;
    series.lastObserved = clock.now();
    if (series.queued || (series.count > 2 && now - series.writtenAt < SERIES_WRITE_MS)) return;
    series.queued = enqueue(event, () => writeSeries(event, series));
  }

  function begin(event: EventInput): void {
    if (!mayReport(event)) {
      dropped += 1;
      return;
    }
    const now = clock.monotonic();
    const namespace = event.regarding.namespace ?? "default";
    const series: Series = {
      name: eventName(event),
      namespace,
      count: 1,
      lastObserved: clock.now(),
      seenAt: now,
      writtenAt: now,
      queued: false,
    };
    if (!enqueue(event, () => createEvent(event, series))) return;
    const key = seriesKey(event);
    known.delete(key);
    known.set(key, series);
    bound(known);
  }

  return {
    record(event) {
      if (stopped) return;
      const series = known.get(seriesKey(event));
      if (series !== undefined && clock.monotonic() - series.seenAt < SERIES_IDLE_MS) extend(event, series);
      else begin(event);
    },
    dropped: () => dropped,
    flush,
    async stop(timeoutMs = 5000) {
      stopped = true;
      const timer = new AbortController();
      const giveUp = clock.sleep(timeoutMs, timer.signal).then(
        () => stopping.abort(new Error("the event recorder was stopped")),
        () => undefined,
      );
      await Promise.race([flush(), giveUp]);
      timer.abort();
      await flush();
    },
  };
}
