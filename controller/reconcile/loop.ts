// When a pass is made. One key in one work queue: what changes while a pass runs makes one more, a failed one is tried again ever more
// seldom, and between two there is always the pace, so that changes of our own making cannot make it hot (K6). Nobody but a leader makes
// a pass (L3). It is one key and not one for each kind, because the planner looks at everything at once: budgets bind all rings.
import type { Clock, Instant } from "../clock.ts";
import { UserError } from "../errors.ts";
import { isConflict } from "../kube/api-errors.ts";
import { measureQueue, watchQueue } from "../kube/metrics.ts";
import { createWorkQueue } from "../kube/work-queue.ts";
import type { Meter } from "../metrics.ts";
import type { PassResult } from "./pass.ts";

export interface LoopOptions {
  readonly pass: () => Promise<PassResult>;
  readonly leads: () => boolean;
  /** Policy time. */
  readonly clock: Clock;
  readonly transport: Clock;
  /** Longest wait between two passes, policy ms. */
  readonly idleMs: number;
  /** Shortest wait between two passes, transport ms. */
  readonly paceMs: number;
  readonly meter: Meter;
  readonly onError: (error: unknown) => void;
  readonly onPass?: ((result: PassResult) => void) | undefined;
}

/** What is known of the passes of this process. Times are monotonic transport time. */
export interface PassRecord {
  /** When the pass under way began. */
  readonly started: Instant | undefined;
  /** When the last one ended, and what it failed with if it did. */
  readonly ended: Instant | undefined;
  readonly failure: unknown;
  /** What the last one found that did not fail. */
  readonly result: PassResult | undefined;
}

export interface Loop {
  /** Something may have changed: a pass should come soon. */
  wake(): void;
  record(): PassRecord;
  /** Starts no other pass; resolves when the one under way has ended. */
  shutdown(): Promise<void>;
}

/** The name of the queue in metrics, and its only key. */
const CLUSTER = "cluster";
/** A leader looks at least so often, whatever policy time does, transport ms. */
const HEARTBEAT_MS = 60_000;
/** Pause after the first failed pass, and the longest, transport ms. */
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;

/** Starts the loop; the first pass comes with the first `wake`. */
export function startLoop(options: LoopOptions): Loop {
  const { clock, transport, meter } = options;
  let record: PassRecord = { started: undefined, ended: undefined, failure: undefined, result: undefined };
  let idle = new AbortController();

  /** In policy time: a simulated hour must not be slept through. Sooner where something is known to end before. */
  function wakeWhenIdle({ again }: PassResult): void {
    idle = new AbortController();
    const restMs = again === undefined ? options.idleMs : Math.max(0, again - clock.now());
    clock.sleep(Math.min(options.idleMs, restMs), idle.signal).then(
      () => queue.add(CLUSTER),
      () => undefined,
    );
  }

  async function passOnce(): Promise<{ readonly requeueAfterMs?: number }> {
    // Whoever leads again is woken by that.
    if (!options.leads()) return {};
    idle.abort(new Error("a pass begins"));
    record = { ...record, started: transport.monotonic() };
    try {
      const result = await options.pass();
      record = { started: undefined, ended: transport.monotonic(), failure: undefined, result };
      options.onPass?.(result);
      if (!result.busy) wakeWhenIdle(result);
      return { requeueAfterMs: result.busy ? 0 : HEARTBEAT_MS };
    } catch (error) {
      // Somebody was faster: the next pass looks again.
      const failure = isConflict(error) ? undefined : error;
      record = { ...record, started: undefined, ended: transport.monotonic(), failure };
      if (failure === undefined) return { requeueAfterMs: 0 };
      // What a person must mend may be mended where nothing tells us: a mounted file, the other side's settings.
      if (error instanceof UserError) throw new Error(error.message, { cause: error });
      throw error;
    }
  }

  const queue = createWorkQueue({
    process: passOnce,
    clock: transport,
    restMs: options.paceMs,
    backoff: (failures) => Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10)),
    metrics: measureQueue(meter, CLUSTER),
    onError: options.onError,
  });
  watchQueue(meter, CLUSTER, queue, transport);
  queue.start();
  return {
    wake: () => queue.add(CLUSTER),
    record: () => record,
    async shutdown() {
      idle.abort(new Error("the loop was shut down"));
      await queue.shutdown();
    },
  };
}
