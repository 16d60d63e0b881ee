// docs/metrics.md: every metric that the controller serves, from the very definitions that it registers.
import { KUBE_METRICS } from "../../../controller/kube/metrics.ts";
import { WEBHOOK_METRICS } from "../../../controller/serve/webhook.ts";
import { createPrometheus } from "../../../controller/serve/prometheus.ts";

export function metricsPage(): string {
  const own = [...KUBE_METRICS, ...WEBHOOK_METRICS].map(
    ({ name, kind, labels, help }) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${cell(help)} |`,
  );
  const ofProcess = createPrometheus({ process: true })
    .describe()
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${cell(help)} |`);
  return `<!-- Made by \`npm run generate\` from controller/kube/metrics.ts and controller/serve/webhook.ts. Do not edit. -->
# Metrics

What \`ringward controller --metrics-bind-address ADDR\` serves at \`/metrics\`, in Prometheus' text format. [operations](operations.md) says how to
serve it and what to watch. Names that client-go and controller-runtime gave are theirs, so their dashboards fit. No label holds an object's name or a path.

## The controller

| name | type | labels | meaning |
|---|---|---|---|
${own.join("\n")}

## The process

As prom-client counts them, on Linux.

| name | type | meaning |
|---|---|---|
${ofProcess.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
