// docs/metrics.md: every metric that the controller serves, from the very definitions that it registers.
import { FLEET_COUNTS, FLEET_GAUGES } from "../../../controller/core/metrics/index.ts";
import { KUBE_METRICS } from "../../../controller/kube/metrics.ts";
import type { MetricDefinition } from "../../../controller/metrics.ts";
import { PROCESS_METRICS } from "../../../controller/reconcile/fleet-metrics.ts";
import { NODE_METRICS } from "../../../controller/nodes/metrics.ts";
import { NOTIFY_METRICS } from "../../../controller/notify/metrics.ts";
import { WEBHOOK_METRICS } from "../../../controller/serve/webhook.ts";
import { createPrometheus } from "../../../controller/serve/prometheus.ts";

export function metricsPage(): string {
  const ofProcess = createPrometheus({ process: true })
    .describe()
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${cell(help)} |`);
  return `<!-- Made by \`npm run generate\` from controller/core/metrics/, controller/reconcile/fleet-metrics.ts, controller/nodes/metrics.ts,
controller/kube/metrics.ts, controller/notify/metrics.ts and controller/serve/webhook.ts. Do not edit. -->
# Metrics

What \`ringward controller --metrics-bind-address ADDR\` serves at \`/metrics\`, in Prometheus' text format. [operations](operations.md) says how to
serve it and what to watch. Names that client-go and controller-runtime gave are theirs, so their dashboards fit. Labels are closed sets and the
names of rings and baselines; none holds a node's or a workload's name, or a path.

## The fleet

**Only the leader shows these**, as of its last plan; a process that does not lead shows none of them, and \`leader_election_master_status 0\`. So a
query need not choose a process; take \`max\`, for the few seconds in which two may think that they lead. They are made when they are
asked for. Timestamps keep their distance from now, so that \`time() - x\` is right in the sandbox, too, whose clock stands at another date.

**How many series.** Their number does not depend on how many nodes and workloads there are. 40 rings and 150 pairs of a ring and a baseline have series of
their own; what is beyond is summed up under \`_other\`. \`_none\` are assets in no ring, or in two. Three rings and ten baselines on 5,000 nodes are
fewer than 2,000 series, and no policy makes more than 20,000; tests hold both.

**What they cost.** At 5,000 nodes and 150,000 pods (19,308 targets) a scrape took 35 to 90 ms of CPU, in steps of which the longest took 19 ms, so that
the event loop is free between them; what a pass counts took 1 to 5 ms.

${table(FLEET_GAUGES)}

## What happened

Counted by the process that saw it while it led, from its first pass on: sum them over all processes. What happened while nobody led, or between the last
look of one leader and the first of the next, is counted by nobody; nothing is counted twice.

${table([...FLEET_COUNTS, ...NODE_METRICS])}

## The controller

${table([...PROCESS_METRICS, ...KUBE_METRICS, ...WEBHOOK_METRICS, ...NOTIFY_METRICS])}

## The process

As prom-client counts them, on Linux.

| name | type | meaning |
|---|---|---|
${ofProcess.join("\n")}

${BESIDE_THE_DEMO}`;
}

const BESIDE_THE_DEMO = `## A Prometheus beside the demo

The demo's controller serves its metrics where it is told, and the demo's first lines say where: on this machine only, unless the flag names another address.
Its policy time runs 160 times as fast as the clock, so scrape every second (\`--rate 20\` gives more time to look). With \`prometheus.yml\` in the checkout:

\`\`\`yaml
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [charts/ringward/files/alerts.yaml]
scrape_configs:
  - job_name: ringward
    static_configs: [{ targets: ["127.0.0.1:8080"] }]
\`\`\`

\`\`\`
npm run demo -- --auto-approve --keep --metrics-bind-address 127.0.0.1:8080
\`\`\`

and in another terminal \`prometheus --config.file=prometheus.yml\`. Then \`http://127.0.0.1:9090\` answers, for example, \`sum by (ring) (ringward_rollout_targets_done)\`, and shows the rules. A Grafana with that Prometheus as its
data source takes the dashboards of \`charts/ringward/files/dashboards/\` by import. An alert's \`for\` counts real time, so in so short a run most of them are only
pending. Seen with Debian's Prometheus 2.42.
`;

function table(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.map(
    ({ name, kind, labels, help }) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${cell(help)} |`,
  );
  return ["| name | type | labels | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

/** A page of docs/ that it names becomes a link. */
function cell(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;")
    .replaceAll(/\bdocs\/([\w/-]+)\.md\b/g, "[$1]($1.md)");
}
