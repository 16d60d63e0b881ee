// What an alert is: one entry of the table from which charts/ringward/files/alerts.yaml and docs/runbooks/ are made.

export interface Alert {
  /** Without the prefix `Ringward`. */
  readonly name: string;
  readonly severity: "critical" | "warning" | "info";
  /** PromQL. */
  readonly expr: string;
  readonly for: string;
  /** One sentence that holds for every instance. */
  readonly summary: string;
  /** With the instance's labels and value, as Prometheus' templates have it. */
  readonly description: string;
  /** uid of the dashboard to look at. */
  readonly dashboard: "ringward-fleet" | "ringward-rollout" | "ringward-controller";
  /** The runbook: what has happened, what it does to people, how to see why, and what to do. Markdown. */
  readonly meaning: string;
  readonly impact: string;
  readonly diagnosis: string;
  readonly mitigation: string;
}

export interface RecordingRule {
  /** `level:metric:operations`. */
  readonly record: string;
  readonly expr: string;
}

export interface AlertGroup {
  readonly name: string;
  readonly alerts: readonly Alert[];
}

/** The full name of an alert. */
export function alertName({ name }: Pick<Alert, "name">): string {
  return `Ringward${name}`;
}
