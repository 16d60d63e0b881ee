// Every decision of a simulated run, drawn one after the other and kept: a run is its list of draws, so it replays exactly, and a list with
// some draws made calm is a simpler run. Zero is always the calm answer: nothing goes wrong, and who waits longest goes next.
import { seededRandom } from "../../controller/clock.ts";

export interface Chance {
  /** One of 0 … n-1. */
  below(n: number): number;
  /** Whether something happens that happens once in so many times; never, where that is 0. */
  oneIn(times: number): boolean;
  /** One of them by its weight; the first is the calm one. */
  among(weights: readonly number[]): number;
  /** What was drawn so far. */
  readonly drawn: readonly number[];
}

/** Draws from a seed: equal seeds draw the same. */
export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed);
  return drawing((weights) => {
    let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
    const index = weights.findIndex((weight) => (left -= weight) < 0);
    return Math.max(0, index);
  });
}

/** Draws what a list says, and is calm when it ends. */
export function replay(list: readonly number[]): Chance {
  let next = 0;
  return drawing((weights) => {
    const wanted = list[next] ?? 0;
    next += 1;
    // The run before was another one: what it chose may not be there now.
    return wanted < weights.length && weights[wanted] !== 0 ? wanted : 0;
  });
}

function drawing(choose: (weights: readonly number[]) => number): Chance {
  const drawn: number[] = [];
  const among = (weights: readonly number[]): number => {
    const index = choose(weights);
    drawn.push(index);
    return index;
  };
  return {
    drawn,
    among,
    below: (n) => (n <= 1 ? 0 : among(Array.from({ length: n }, () => 1))),
    oneIn: (times) => times > 0 && among([times - 1, 1]) === 1,
  };
}
