// What there is to ask for: metrics that the code registers, series that rules record, and which labels each has. Alerts and dashboards are
// held against it.
import type { MetricDefinition } from "../../../controller/metrics.ts";
import { KUBE_METRICS } from "../../../controller/kube/metrics.ts";
import { NODE_METRICS } from "../../../controller/nodes/metrics.ts";
import { FLEET_METRICS } from "../../../controller/reconcile/fleet-metrics.ts";
import { createPrometheus } from "../../../controller/serve/prometheus.ts";
import { NOTIFY_METRICS } from "../../../controller/notify/metrics.ts";
import { WEBHOOK_METRICS } from "../../../controller/serve/webhook.ts";
import { RECORDING_RULES } from "./recording.ts";
import { readExpression } from "./promql.ts";

export interface KnownSeries {
  readonly kind: "counter" | "gauge" | "histogram" | "recorded";
  readonly labels: ReadonlySet<string>;
}

/** What a scrape adds. */
const TARGET = ["job", "instance", "namespace", "pod", "cluster"];

/** Every series that can be asked for, by the name that PromQL has for it. */
export function knownSeries(): ReadonlyMap<string, KnownSeries> {
  const own: readonly MetricDefinition[] = [
    ...FLEET_METRICS,
    ...NODE_METRICS,
    ...KUBE_METRICS,
    ...WEBHOOK_METRICS,
    ...NOTIFY_METRICS,
  ];
  return new Map([
    ...own.flatMap((metric) => seriesOf(metric)),
    // prom-client's own metrics of the process say no labels beforehand; none is grouped by here.
    ...createPrometheus({ process: true })
      .describe()
      .map(({ name, type }): [string, KnownSeries] => [name, { kind: type as "gauge", labels: new Set(TARGET) }]),
    // Prometheus' own, of every target.
    ["up", { kind: "gauge", labels: new Set(TARGET) }] as const,
    ...RECORDING_RULES.map(({ record, expr }): [string, KnownSeries] => [
      record,
      { kind: "recorded", labels: new Set(groupedBy(expr)) },
    ]),
  ]);
}

function seriesOf({ kind, name, labels }: MetricDefinition): readonly (readonly [string, KnownSeries])[] {
  const all = new Set([...labels, ...TARGET]);
  if (kind !== "histogram") return [[name, { kind, labels: all }]];
  return [
    [`${name}_bucket`, { kind, labels: new Set([...all, "le"]) }],
    [`${name}_sum`, { kind, labels: all }],
    [`${name}_count`, { kind, labels: all }],
  ];
}

function groupedBy(expr: string): readonly string[] {
  return readExpression(expr).labels.filter((label) => new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr));
}

/** What an expression asks for that there is not; empty: nothing. */
export function findUnknown(expr: string, known: ReadonlyMap<string, KnownSeries>): readonly string[] {
  const { error, selected } = readExpression(expr);
  if (error !== undefined) return [`not PromQL: ${error}`];
  return selected.flatMap(({ metric, labels }) => {
    const series = known.get(metric);
    if (series === undefined) return [`there is no metric ${metric}`];
    return labels.filter((label) => !series.labels.has(label)).map((label) => `${metric} has no label ${label}`);
  });
}
