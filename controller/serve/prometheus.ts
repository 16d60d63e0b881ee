// The Meter over prom-client, and what a scrape gets. One registry for each call: nothing is global. Standard metrics of the process (memory,
// CPU, event loop, garbage collection) are prom-client's own.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Meter, MetricDefinition } from "../metrics.ts";

export interface Prometheus {
  readonly meter: Meter;
  readonly contentType: string;
  /** The text of one scrape. */
  scrape(): Promise<string>;
  /** What is registered, in the order in which it came. */
  describe(): readonly { readonly name: string; readonly help: string; readonly type: string }[];
}

/** An empty registry; `process`: with the metrics of this process. */
export function createPrometheus(options: { readonly process: boolean }): Prometheus {
  const registry = new Registry();
  const made = new Map<string, unknown>();
  const begun = new Set<string>();
  const readers: (() => void | Promise<void>)[] = [];

  function once<T>(definition: MetricDefinition, make: () => T): T {
    const known = made.get(definition.name);
    if (known !== undefined) return known as T;
    const metric = make();
    made.set(definition.name, metric);
    return metric;
  }
  const common = ({ name, help, labels }: MetricDefinition) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  const meter: Meter = {
    counter(definition) {
      const counter = once(definition, () => new Counter(common(definition)));
      return { add: (labels, by = 1) => counter.inc({ ...labels }, by) };
    },
    gauge(definition) {
      const gauge = once(definition, () => new Gauge(common(definition)));
      const clear = (): void => {
        gauge.reset();
        // Without labels it would say 0, and nobody knows whether that is so.
        if (definition.labels.length === 0) gauge.remove();
      };
      return { set: (labels, value) => gauge.set({ ...labels }, value), clear };
    },
    histogram(definition) {
      const histogram = once(
        definition,
        () => new Histogram({ ...common(definition), buckets: [...(definition.buckets ?? [])] }),
      );
      const names = definition.labels;
      return {
        observe(labels, value) {
          begun.add(keyOf(definition, names, labels));
          histogram.observe({ ...labels }, value);
        },
        begin(labels) {
          const key = keyOf(definition, names, labels);
          // prom-client would set one that has counted back to nothing.
          if (begun.has(key)) return;
          begun.add(key);
          histogram.zero({ ...labels });
        },
      };
    },
    beforeScrape: (read) => void readers.push(read),
  };
  if (options.process) collectDefaultMetrics({ register: registry });
  return {
    meter,
    contentType: registry.contentType,
    async scrape() {
      for (const read of readers) {
        try {
          await read();
        } catch {
          // One reader's mistake must not cost the scrape; its gauge keeps its last value.
        }
      }
      return registry.metrics();
    },
    describe: () =>
      registry.getMetricsAsArray().map((metric) => {
        const { name, help, type } = metric as unknown as { name: string; help: string; type: unknown };
        return { name, help, type: String(type) };
      }),
  };
}

function keyOf({ name }: MetricDefinition, names: readonly string[], labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, ...names.map((label) => labels[label])]);
}
