// A keyed work queue with controller-runtime's semantics: a key waits at most once, is never worked on twice at the same
// time, and if it is added meanwhile it is worked on once more. Failures back off per key (5 ms doubling to 1000 s), and all
// retries together keep to a rate. It must never lose a key and never run hot (K6). What is to be done is read afresh by `process`: the queue holds keys, not events.
import type { Clock } from "../clock.ts";
import { UserError, WaitError } from "../errors.ts";
import { retryDelay } from "./backoff.ts";
import { createLimiter } from "./limiter.ts";

/** `requeueAfterMs` looks again after that time even if nothing happens. */
export type ProcessResult = { readonly requeueAfterMs?: number | undefined } | void;

/** How one pass over a key ended. */
export type Outcome = "done" | "requeued" | "waiting" | "stalled" | "failed";

/** Hooks for the `workqueue_*` metrics of controller-runtime. */
export interface QueueMetrics {
  /** `workqueue_adds_total` and, with the new depth, `workqueue_depth`. */
  added?(depth: number): void;
  /** `workqueue_queue_duration_seconds`. */
  started?(queuedMs: number, depth: number): void;
  /** `workqueue_work_duration_seconds`, `controller_runtime_reconcile_total`. */
  finished?(workedMs: number, outcome: Outcome): void;
  /** `workqueue_retries_total`. */
  retried?(): void;
}

export interface WorkQueueOptions {
  /**
   * Looks at the key's real state and does one step. A `WaitError` comes back at its time, a `UserError` stalls until
   * the key is added again, every other error is tried again with backoff. The signal fires at shutdown.
   */
  readonly process: (key: string, signal: AbortSignal) => Promise<ProcessResult>;
  readonly clock: Clock;
  /** Keys worked on at the same time; 1. */
  readonly concurrency?: number;
  /** Shortest time between the end of a pass over a key and its next one, so that changes of our own making cannot make it hot; 0. */
  readonly restMs?: number;
  /** Milliseconds before a key that failed so many times in a row (from 1) is tried again. */
  readonly backoff?: (failures: number) => number;
  /** Must not throw. */
  readonly onError?: (error: unknown, key: string) => void;
  readonly metrics?: QueueMetrics;
}

export interface WorkQueue {
  /** Puts the key in line unless it is there; during its own pass it is put in line after that. */
  add(key: string): void;
  /** Adds the key after `ms` milliseconds; of several delays the earliest counts. */
  addAfter(key: string, ms: number): void;
  /** Starts the backoff of a key over. A pass without error does so too. */
  forget(key: string): void;
  /** Failures of a key in a row. */
  failures(key: string): number;
  /** Keys in line, not counting those that are delayed or worked on. */
  readonly depth: number;
  /** Keys worked on now, with the monotonic time at which that began. */
  inFlight(): ReadonlyMap<string, number>;
  /** Begins to work; call it when the caches are synced (K3). Keys may be added before. */
  start(): void;
  /** Takes nothing new, drops what waits, and resolves when the running passes have ended. */
  shutdown(): Promise<void>;
}

/** Retries of all keys together: controller-runtime's overall bucket. */
const RETRIES_PER_SECOND = 10;
const RETRY_BURST = 100;
/** Longest delay that a timer can hold; beyond it Node fires at once. Waking early is harmless. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A queue that waits for `start()`. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, metrics } = options;
  const concurrency = options.concurrency ?? 1;
  const restMs = options.restMs ?? 0;
  const backoff = options.backoff ?? retryDelay;
  const retries = createLimiter({ perSecond: RETRIES_PER_SECOND, burst: RETRY_BURST, clock });
  /** Keys that need a pass; a superset of `line`, with keys that became dirty while being worked on. */
  const dirty = new Set<string>();
  /** Keys in line with the time at which they came; a Map keeps the order. */
  const line = new Map<string, number>();
  const working = new Map<string, number>();
  /** Keys that rest after a pass; like those worked on, they are put in line later. */
  const resting = new Set<string>();
  const delayed = new Map<string, { at: number; cancel: AbortController }>();
  const failed = new Map<string, number>();
  const stopping = new AbortController();
  let running = false;
  let onIdle: (() => void) | undefined;

  function add(key: string): void {
    if (stopping.signal.aborted || dirty.has(key)) return;
    dirty.add(key);
    if (!working.has(key) && !resting.has(key)) line.set(key, clock.monotonic());
    metrics?.added?.(line.size);
    dispatch();
  }

  function addAfter(key: string, ms: number): void {
    if (stopping.signal.aborted) return;
    if (!(ms > 0)) return add(key);
    const delay = Math.min(ms, MAX_DELAY_MS);
    const at = clock.monotonic() + delay;
    const known = delayed.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.cancel.abort();
    const entry = { at, cancel: new AbortController() };
    delayed.set(key, entry);
    clock.sleep(delay, entry.cancel.signal).then(
      () => {
        delayed.delete(key);
        add(key);
      },
      () => undefined,
    );
  }

  function dispatch(): void {
    while (running && working.size < concurrency) {
      const next = line.entries().next();
      if (next.done === true) return;
      const [key, since] = next.value;
      line.delete(key);
      dirty.delete(key);
      const now = clock.monotonic();
      working.set(key, now);
      metrics?.started?.(now - since, line.size);
      void pass(key, now);
    }
  }

  /** What a pass that threw means for its key. */
  function afterError(key: string, error: unknown): Outcome {
    options.onError?.(error, key);
    if (error instanceof WaitError) {
      failed.delete(key);
      addAfter(key, error.retryAfterMs);
      return "waiting";
    }
    if (error instanceof UserError) {
      failed.delete(key);
      return "stalled";
    }
    const failures = (failed.get(key) ?? 0) + 1;
    failed.set(key, failures);
    metrics?.retried?.();
    addAfter(key, Math.max(backoff(failures), retries.reserve()));
    return "failed";
  }

  function afterSuccess(key: string, result: ProcessResult): Outcome {
    failed.delete(key);
    const requeueAfterMs = result?.requeueAfterMs;
    if (requeueAfterMs === undefined) return "done";
    // Zero would be a hot loop as soon as a key has nothing to do; it is a mistake of the caller, held to the first backoff step.
    addAfter(key, Math.max(requeueAfterMs, retryDelay(1)));
    return "requeued";
  }

  function rest(key: string): void {
    resting.add(key);
    clock.sleep(restMs, stopping.signal).then(
      () => {
        resting.delete(key);
        if (dirty.has(key)) line.set(key, clock.monotonic());
        dispatch();
      },
      () => undefined,
    );
  }

  async function pass(key: string, started: number): Promise<void> {
    let outcome: Outcome;
    try {
      // Behind an await, so that a `process` that throws at once is caught, and never runs inside the caller's add().
      await Promise.resolve();
      outcome = afterSuccess(key, await options.process(key, stopping.signal));
    } catch (error) {
      outcome = afterError(key, error);
    }
    working.delete(key);
    if (restMs > 0) rest(key);
    else if (dirty.has(key)) line.set(key, clock.monotonic());
    metrics?.finished?.(clock.monotonic() - started, outcome);
    if (working.size === 0 && stopping.signal.aborted) onIdle?.();
    dispatch();
  }

  return {
    add,
    addAfter,
    forget: (key) => void failed.delete(key),
    failures: (key) => failed.get(key) ?? 0,
    get depth() {
      return line.size;
    },
    inFlight: () => new Map(working),
    start() {
      running = !stopping.signal.aborted;
      dispatch();
    },
    async shutdown() {
      running = false;
      if (!stopping.signal.aborted) stopping.abort(new Error("the work queue was shut down"));
      line.clear();
      dirty.clear();
      for (const { cancel } of delayed.values()) cancel.abort();
      delayed.clear();
      if (working.size > 0) await new Promise<void>((resolve) => (onIdle = resolve));
    },
  };
}
