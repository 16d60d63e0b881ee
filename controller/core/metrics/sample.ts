// What a gauge shows, and what a counter or histogram is told. A value that is a time is kept as an instant of policy time, so that whoever
// shows it can say how far away it is at that moment, however old the plan is.
import type { Instant } from "../../clock.ts";
import type { MetricDefinition } from "../../metrics.ts";

export type SampleValue =
  | { readonly value: number }
  /** Shown as a timestamp. */
  | { readonly at: Instant }
  /** Shown as an age. */
  | { readonly since: Instant };

export type Sample = SampleValue & {
  readonly metric: MetricDefinition<"gauge">;
  readonly labels: Readonly<Record<string, string>>;
};

/** A counter grows by `value`; a histogram observes it. Undefined: the series begins, with nothing in it. */
export interface Observation {
  readonly metric: MetricDefinition<"counter"> | MetricDefinition<"histogram">;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | undefined;
}

type LabelsOf<M extends { readonly labels: readonly string[] }> = Readonly<Record<M["labels"][number], string>>;

/** A sample that has exactly the metric's labels. */
export function sample<M extends MetricDefinition<"gauge">>(
  metric: M,
  labels: LabelsOf<M>,
  value: number | SampleValue,
): Sample {
  return { metric, labels, ...(typeof value === "number" ? { value } : value) };
}

/** The same of a counter or histogram. */
export function observe<M extends Observation["metric"]>(
  metric: M,
  labels: LabelsOf<M>,
  value: number | undefined,
): Observation {
  return { metric, labels, value };
}

/** Sums by label set: what is counted one by one becomes one sample for each. */
export interface Tally<L extends string> {
  add(labels: Readonly<Record<L, string>>, by?: number): void;
  readonly entries: () => readonly (readonly [Readonly<Record<L, string>>, number])[];
}

export function createTally<L extends string>(): Tally<L> {
  const sums = new Map<string, { readonly labels: Readonly<Record<L, string>>; sum: number }>();
  return {
    add(labels, by = 1) {
      const key = Object.values(labels).join("\n");
      const known = sums.get(key);
      if (known === undefined) sums.set(key, { labels, sum: by });
      else known.sum += by;
    },
    entries: () => [...sums.values()].map(({ labels, sum }) => [labels, sum] as const),
  };
}
