// What is made of the table of alerts and of the dashboards: a plain Prometheus rule file (the chart puts it into a PrometheusRule), a page for
// each alert, and dashboards for Grafana. Path from the checkout's root -> content.
import { stringify } from "yaml";
import { type Alert, type AlertGroup, alertName } from "./alert.ts";
import { CONTROLLER_ALERTS } from "./alerts/controller.ts";
import { POLICY_ALERTS } from "./alerts/policy.ts";
import { ROLLOUT_ALERTS } from "./alerts/rollout.ts";
import { dashboardFiles } from "./dashboards/index.ts";
import { RECORDING_RULES } from "./recording.ts";

export const ALERT_GROUPS: readonly AlertGroup[] = [
  { name: "ringward.controller", alerts: CONTROLLER_ALERTS },
  { name: "ringward.policy", alerts: POLICY_ALERTS },
  { name: "ringward.rollout", alerts: ROLLOUT_ALERTS },
];
export const ALERTS: readonly Alert[] = ALERT_GROUPS.flatMap(({ alerts }) => alerts);
export const RULES_FILE = "charts/ringward/files/alerts.yaml";
export const RUNBOOKS = "docs/runbooks";

export function monitoringFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...dashboardFiles(),
    [RULES_FILE, rulesFile()],
    [`${RUNBOOKS}/README.md`, runbookIndex()],
    ...ALERTS.map((alert) => [`${RUNBOOKS}/${alertName(alert)}.md`, runbook(alert)] as const),
  ]);
}

/** Where an alert's page stands, from the root of the repository. */
function runbookOf(alert: Alert): string {
  return `${RUNBOOKS}/${alertName(alert)}.md`;
}

function rulesFile(): string {
  const head =
    "# Made by `npm run generate` from test/tooling/monitoring/. Do not edit.\n# Rules for Prometheus; runbook_url is a path in Ringward's repository.\n";
  const groups = [
    { name: "ringward.rules", rules: RECORDING_RULES },
    ...ALERT_GROUPS.map(({ name, alerts }) => ({ name, rules: alerts.map(ruleOf) })),
  ];
  return head + stringify({ groups }, { lineWidth: 0 });
}

function ruleOf(alert: Alert): object {
  return {
    alert: alertName(alert),
    expr: alert.expr,
    ...(alert.for === "0m" ? {} : { for: alert.for }),
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert),
  };
}

/** As Prometheus has them, before labels and value are filled in. */
export function annotationsOf(alert: Alert): Readonly<Record<string, string>> {
  return {
    summary: alert.summary,
    description: alert.description,
    runbook_url: runbookOf(alert),
    dashboard_url: `/d/${alert.dashboard}`,
  };
}

const MADE = "<!-- Made by `npm run generate` from test/tooling/monitoring/alerts/. Do not edit. -->";

function runbook(alert: Alert): string {
  return `${MADE}
# ${alertName(alert)}

${alert.summary}

| severity | for | dashboard |
|---|---|---|
| ${alert.severity} | ${alert.for} | \`${alert.dashboard}\` |

\`\`\`promql
${alert.expr}
\`\`\`

## Meaning

${alert.meaning}

## Impact

${alert.impact}

## Diagnosis

${alert.diagnosis}

## Mitigation

${alert.mitigation}

[All alerts](README.md), [all reasons](../reasons.md)
`;
}

function runbookIndex(): string {
  const rows = ALERT_GROUPS.flatMap(({ alerts }) =>
    alerts.map(
      (alert) =>
        `| [${alertName(alert)}](${alertName(alert)}.md) | ${alert.severity} | ${alert.for} | ${alert.summary} |`,
    ),
  );
  const recorded = RECORDING_RULES.map(({ record, expr }) => `| \`${record}\` | \`${expr.replaceAll("|", "\\|")}\` |`);
  return `${MADE}
# Alerts

What \`charts/ringward/files/alerts.yaml\` holds: a plain rule file for Prometheus, which the chart puts into a PrometheusRule. Each alert has a page
that says what it means and what to do. The pages' commands take the names that the chart gives (namespace \`ringward-system\`, Deployment
\`ringward-controller\`), and \`ringward\` asks the cluster of \`$KUBECONFIG\`. The metrics are explained in [metrics](../metrics.md).

Every alert is tested with \`promtool test rules\`: that it fires, with these labels and texts, and that it does not. A \`cluster\` label that your scrapes add is kept, so one
Prometheus may watch many clusters; but \`RingwardControllerAbsent\` is about all that Prometheus sees.

\`runbook_url\` is a path in this repository. The chart makes it an address where \`metrics.prometheusRule.docsUrl\` says where docs/ are served; else put yours before it:
\`sed 's#runbook_url: docs/#runbook_url: https://HOST/docs/#' charts/ringward/files/alerts.yaml\`.

| alert | severity | for | what |
|---|---|---|---|
${rows.join("\n")}

## Recording rules

| name | expression |
|---|---|
${recorded.join("\n")}
`;
}
