// Port to whoever counts: what a metric is, and how a value is given to it. Rooms define their metrics beside what they measure and receive
// a `Meter`; nothing here or there holds a registry of its own. Names and units follow Prometheus (seconds, `_total`), and those that
// dashboards know already (client-go, controller-runtime) keep them. A label's values must be few: never a pod's name, never a path.

export type MetricKind = "counter" | "gauge" | "histogram";

/** One metric: a constant beside the code that fills it. */
export interface MetricDefinition<K extends MetricKind = MetricKind, L extends string = string> {
  readonly kind: K;
  readonly name: string;
  /** One line for the documentation and the scrape. */
  readonly help: string;
  readonly labels: readonly L[];
  /** Upper bounds, ascending; of a histogram only. */
  readonly buckets?: readonly number[];
}

export type Labels<L extends string> = Readonly<Record<L, string>>;

export interface Counter<L extends string> {
  /** `by` must not be negative. */
  add(labels: Labels<L>, by?: number): void;
}

export interface Gauge<L extends string> {
  set(labels: Labels<L>, value: number): void;
  /** Forgets every label set, and a value without labels; for gauges whose subjects come and go, before they are set anew. */
  clear(): void;
}

export interface Histogram<L extends string> {
  observe(labels: Labels<L>, value: number): void;
  /** Shows the series with nothing in it, where there is none yet: one that begins with an event hides that event from `rate`. */
  begin(labels: Labels<L>): void;
}

/** Makes instruments. The same definition may be asked for many times and gives the same series. */
export interface Meter {
  counter<L extends string>(definition: MetricDefinition<"counter", L>): Counter<L>;
  gauge<L extends string>(definition: MetricDefinition<"gauge", L>): Gauge<L>;
  histogram<L extends string>(definition: MetricDefinition<"histogram", L>): Histogram<L>;
  /** Called before each scrape, which waits for it, to set gauges to what is so now. Must be quick; what it throws is told to nobody. */
  beforeScrape(read: () => void | Promise<void>): void;
}

/** For whoever counts nothing: a command that a person runs. */
export const MUTE_METER: Meter = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined, clear: () => undefined }),
  histogram: () => ({ observe: () => undefined, begin: () => undefined }),
  beforeScrape: () => undefined,
};

export function defineCounter<L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): MetricDefinition<"counter", L> {
  return { kind: "counter", name, help, labels };
}

export function defineGauge<L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): MetricDefinition<"gauge", L> {
  return { kind: "gauge", name, help, labels };
}

export function defineHistogram<L extends string = never>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: readonly L[] = [],
): MetricDefinition<"histogram", L> {
  return { kind: "histogram", name, help, labels, buckets };
}
