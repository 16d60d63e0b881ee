// How a benchmark is measured and said: a row has a goal, a figure and a verdict, and a miss carries its reason. Figures are the
// median of several runs (or a high percentile where the goal is one). Never rounds a miss into a hit.
import { systemClock } from "../../controller/clock.ts";

/** A goal: the figure must stay at or below `most`, or at or above `least`. */
export type Goal = { readonly most: number } | { readonly least: number };

export interface Row {
  readonly what: string;
  readonly unit: "ms" | "/s" | "MB" | "KB" | "×" | "in a minute" | "writes";
  /** Undefined: there is none; the figure is for the reader. */
  readonly goal: Goal | undefined;
  readonly measured: number;
  /** How the figure came about, and the reason of a miss. */
  readonly note: string;
}

export type Verdict = "held" | "missed" | "no goal";

export function judge({ goal, measured }: Pick<Row, "goal" | "measured">): Verdict {
  if (goal === undefined) return "no goal";
  const held = "most" in goal ? measured <= goal.most : measured >= goal.least;
  return held ? "held" : "missed";
}

/** Milliseconds of processor time that this thread has used; other programs on the machine do not lengthen it. */
export function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds that each of `runs` calls took, in order. */
export async function timeRuns(runs: number, call: (run: number) => unknown): Promise<readonly number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = systemClock.monotonic();
    await call(run);
    times.push(systemClock.monotonic() - start);
  }
  return times;
}

/** Like `timeRuns`, in processor time of this thread; only for what runs in it alone. */
export function timeThread(runs: number, call: (run: number) => unknown): readonly number[] {
  return Array.from({ length: runs }, (_, run) => {
    const start = threadTime();
    call(run);
    return threadTime() - start;
  });
}

/** The value that `share` (0 to 1) of the numbers do not exceed. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("no numbers to take a percentile of");
  return value;
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

export function showFigure(value: number, unit: Row["unit"]): string {
  if (unit === "×") return `${value.toFixed(2)} ×`;
  const text = value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(value >= 10 ? 0 : 1);
  return unit === "/s" ? `${text} a second` : `${text} ${unit}`;
}

export function showGoal({ goal, unit }: Pick<Row, "goal" | "unit">): string {
  if (goal === undefined) return "–";
  return "most" in goal ? `≤ ${showFigure(goal.most, unit)}` : `≥ ${showFigure(goal.least, unit)}`;
}
