// What an actor of the sandbox's cluster is, and the two ways to drive actors: rounds in a seeded order (tests, crash
// sweep) and a loop on the clock (demo). An actor does at most one pass over what it owns in a step and keeps nothing in
// memory that `snapshot` does not hand out, so a run can go on from any round. The drivers never hide an error.
import type { Clock, Instant, Random } from "../../clock.ts";
import type { ClusterView } from "./view.ts";

export interface Actor {
  readonly name: string;
  /** Only acts on changes: the loop may skip it while the view stands still. */
  readonly reactive?: boolean;
  /** One pass; answers how many writes it made (heartbeats not counted). */
  step(now: Instant): Promise<number>;
  /** True while it waits for a time that is near (a pull, a reboot, a backoff); heartbeats and resyncs do not count. */
  busy?(now: Instant): boolean;
  /** What it keeps between steps, as JSON; absent if nothing. */
  snapshot?(): unknown;
  restore?(state: unknown): void;
}

export interface RoundResult {
  readonly writes: number;
  readonly errors: readonly { readonly actor: string; readonly error: unknown }[];
}

/**
 * Lets every actor take one step, in an order drawn from `random` (or the given order). A step that fails is reported and
 * the others go on: in a cluster one controller's trouble does not stop the next, and the step is repeated next round.
 */
export async function runRound(actors: readonly Actor[], now: Instant, random?: Random): Promise<RoundResult> {
  let writes = 0;
  const errors: { actor: string; error: unknown }[] = [];
  for (const actor of random === undefined ? actors : shuffled(actors, random)) {
    try {
      writes += await actor.step(now);
    } catch (error) {
      errors.push({ actor: actor.name, error });
    }
  }
  return { writes, errors };
}

/** Fisher and Yates; the list itself stays as it is. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(Math.floor(random.next() * left.length), 1));
  return result;
}

export interface LoopOptions {
  readonly actors: readonly Actor[];
  readonly view: ClusterView;
  /** Policy time: what actors see as now. */
  readonly clock: Clock;
  /** Longest wait between two passes while nothing changes, in policy milliseconds. */
  readonly tick: number;
  /** How often reactive actors look although nothing changed, in policy milliseconds. */
  readonly resync: number;
  readonly signal: AbortSignal;
  readonly onError: (actor: string, error: unknown) => void;
}

const PAUSE_TICKS = 10;

/** Drives actors until the signal: at once after every change, else each tick. Resolves when nothing runs any more. */
export async function runActors(options: LoopOptions): Promise<void> {
  const { actors, view, clock, signal } = options;
  const last = new Map<Actor, { revision: number; at: number }>();
  /** When an actor that failed may try again: an outage must not become a busy loop. */
  const pausedUntil = new Map<Actor, Instant>();
  while (!signal.aborted) {
    let writes = 0;
    for (const actor of actors) {
      const now = clock.now();
      if (now < (pausedUntil.get(actor) ?? 0)) continue;
      const seen = last.get(actor);
      if (actor.reactive === true && seen?.revision === view.revision() && now < seen.at + options.resync) continue;
      const revision = view.revision();
      const result = await runRound([actor], now);
      for (const { error } of result.errors) options.onError(actor.name, error);
      if (result.errors.length === 0) last.set(actor, { revision, at: now });
      else pausedUntil.set(actor, now + options.tick * PAUSE_TICKS);
      writes += result.writes;
      if (signal.aborted) return;
    }
    // Our own writes may have made work for an actor that had its turn; others' changes wake us early.
    if (writes === 0) await waitForChange(options);
    else await view.yielded();
  }
}

async function waitForChange({ view, clock, tick, signal }: LoopOptions): Promise<void> {
  const waking = new AbortController();
  const either = AbortSignal.any([signal, waking.signal]);
  const stopListening = view.onChange(() => waking.abort(new Error("changed")));
  try {
    await clock.sleep(tick, either);
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    stopListening();
  }
}
