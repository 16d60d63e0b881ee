// Talk with git and the forge beside the passes: a server that hangs must not hold back targets that are under way (V1, A8). A pass waits
// for an answer only so long as its patience lasts; what comes later is there for the next pass, which it wakes. One piece of work of a kind
// at a time, so a slow server is never asked twice.
import type { Clock } from "../clock.ts";

export type Beside<Result> =
  /** It ended in time. */
  | { readonly kind: "Done"; readonly result: Result }
  /** It goes on; `wake` is called when it has ended, and the next call answers with its result. */
  | { readonly kind: "UnderWay" };

export interface BesideOptions {
  /** Transport time. */
  readonly clock: Clock;
  /** How long a pass waits, ms. */
  readonly patienceMs: number;
  /** A pass should come: work that a pass did not wait for has ended. */
  readonly wake: () => void;
}

/**
 * Runs `start`'s work beside its callers. While work of an earlier call is under way, or has ended unseen, that one's end is answered instead of new work being
 * started. Throws what the work throws.
 */
export function createBeside<Result>(
  options: BesideOptions,
): (start: () => Promise<Result>) => Promise<Beside<Result>> {
  let underWay: Work<Result> | undefined;
  return async (start) => {
    const work = (underWay ??= follow(options, start()));
    const timer = new AbortController();
    const late = (): Beside<Result> => ({ kind: "UnderWay" });
    const patience = options.clock.sleep(options.patienceMs, timer.signal).then(late, late);
    try {
      const heard = await Promise.race([work.end, patience]);
      if (heard.kind === "UnderWay") work.late = true;
      else underWay = undefined;
      return heard;
    } catch (error) {
      underWay = undefined;
      throw error;
    } finally {
      timer.abort(new Error("answered"));
    }
  };
}

interface Work<Result> {
  readonly end: Promise<Beside<Result>>;
  /** Whether a pass went on without it. */
  late: boolean;
}

function follow<Result>(options: BesideOptions, running: Promise<Result>): Work<Result> {
  const end = running.then((result): Beside<Result> => ({ kind: "Done", result }));
  const work = { end, late: false };
  const wake = (): void => {
    if (work.late) options.wake();
  };
  // Whoever asks next hears how it ended; nobody has to.
  end.then(wake, wake);
  return work;
}
