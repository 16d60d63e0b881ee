// A sweep over steps: each blow at steps that are spread over the whole rollout, all of them with RINGWARD_SWEEP=full; what came of it, in lines for
// people. A blow that never came, or never met a target that was claimed, is an error: it said nothing.
import { systemClock } from "../../controller/clock.ts";
import type { Prepared } from "../simulate/run.ts";
import { readExtent } from "./extent.ts";
import { type Blow, strikeAt } from "./step.ts";

export interface StepSweep {
  /** Lines that say what is wrong. */
  readonly bad: readonly string[];
  readonly occurred: ReadonlySet<string>;
}

/** Steps for each blow: spread evenly, and no two blows share theirs where there are enough. */
export function spread(steps: number, blows: number, each: number): readonly (readonly number[])[] {
  const all = Math.min(each, steps);
  return Array.from({ length: blows }, (_, blow) =>
    Array.from({ length: all }, (_unused, turn) => Math.floor(((turn + (blow + 0.5) / blows) * steps) / all)),
  );
}

/** So often a blow is tried elsewhere. */
const MOST_MORE = 3;

/** `each`: steps tried of each blow in a sample. `perFull`: the others are met by what comes again. */
export async function sweepSteps(
  name: string,
  prepared: Prepared,
  blows: readonly Blow[],
  each: number,
): Promise<StepSweep> {
  const begun = systemClock.monotonic();
  const { writes } = prepared.reference;
  const occurred = new Set<string>();
  const bad: string[] = [];
  let [runs, came, met, passes] = [0, 0, 0, 0];
  const tried = new Set<number>();
  const plan = spread(writes.length, blows.length, readExtent().steps(each, writes.length));
  for (const [index, blow] of blows.entries()) {
    let [mine, mineMet] = [0, 0];
    // What comes again is at every step when it has begun at each of the first ones.
    const steps =
      blow.every === undefined || blow.most !== undefined
        ? (plan[index] ?? [])
        : readExtent().starts(each, blow.every, index);
    const left = [...steps];
    for (let at = left.shift(), more = 0; at !== undefined; at = left.shift()) {
      const struck = await strikeAt(prepared, at, blow);
      runs += 1;
      tried.add(at);
      mine += struck.blows;
      mineMet += struck.inFlight;
      passes += struck.passes;
      for (const id of struck.occurred) occurred.add(id);
      for (const problem of struck.problems.slice(0, 5))
        bad.push(`${blow.name} at write ${at} (${writes[at]?.name ?? ""}; ${struck.said}): ${problem}`);
      // One that met nobody in change comes again elsewhere: a few steps of a long rollout may all be in its pauses.
      if (left.length === 0 && mineMet === 0 && more < MOST_MORE) {
        more += 1;
        left.push((at + Math.floor((writes.length * 2) / 7)) % writes.length);
      }
    }
    if (mine === 0) bad.push(`${blow.name}: it never came at ${steps.join(", ")}`);
    else if (mineMet === 0) bad.push(`${blow.name}: it never came while a target was claimed, so it says little`);
    came += mine;
    met += mineMet;
  }
  const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
  process.stdout.write(
    `sweep of ${name}: ${writes.length} steps, ${blows.length} kinds of trouble, ${runs} runs that began at ${tried.size} of the steps, trouble ${came} times (${met} with targets in flight), ${passes} passes, ${seconds} s\n`,
  );
  return { bad, occurred };
}
