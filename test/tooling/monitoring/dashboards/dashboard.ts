// A dashboard for Grafana: Classic JSON, schema 39, a fixed uid, linked to the others by their tag. Panels are laid out in rows from left to right.
import { DATASOURCE, type PanelSpec, renderPanel } from "./panel.ts";

export interface DashboardRow {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

export interface Dashboard {
  readonly uid: "ringward-fleet" | "ringward-rollout" | "ringward-controller";
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly DashboardRow[];
}

/** A variable that lists the values of a label. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly query: string;
  /** What "All" matches: `.+`, or `.*` where a scrape may not have the label. */
  readonly all: ".+" | ".*";
}

/** Series of the controllers that are chosen. */
export const CHOSEN = `job=~"$job", cluster=~"$cluster"`;
/** Of the rings that are chosen. */
export const CHOSEN_RINGS = `${CHOSEN}, ring=~"$ring"`;

export const CLUSTER: Variable = {
  name: "cluster",
  label: "Cluster",
  query: "label_values(ringward_build_info, cluster)",
  all: ".*",
};
export const JOB: Variable = {
  name: "job",
  label: "Job",
  query: 'label_values(ringward_build_info{cluster=~"$cluster"}, job)',
  all: ".+",
};
export const INSTANCE: Variable = {
  name: "instance",
  label: "Instance",
  query: 'label_values(ringward_build_info{job=~"$job", cluster=~"$cluster"}, instance)',
  all: ".+",
};
export const RING: Variable = {
  name: "ring",
  label: "Ring",
  query: 'label_values(ringward_ring_phase{job=~"$job", cluster=~"$cluster"}, ring)',
  all: ".+",
};

const TAG = "ringward";

/** As Grafana imports it. */
export function renderDashboard({
  uid,
  title,
  description,
  variables,
  rows,
}: Dashboard): Readonly<Record<string, unknown>> {
  return {
    uid,
    title: `Ringward / ${title}`,
    description,
    tags: [TAG],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: "utc",
    refresh: "1m",
    time: { from: "now-24h", to: "now" },
    timepicker: {},
    weekStart: "",
    fiscalYearStartMonth: 0,
    liveNow: false,
    links: [
      {
        type: "dashboards",
        title: "Ringward",
        tags: [TAG],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: "external link",
        tooltip: "",
        url: "",
      },
    ],
    annotations: { list: [BUILT_IN, POLICY_CHANGES] },
    templating: { list: [DATASOURCE_VARIABLE, ...variables.map(renderVariable)] },
    panels: layOut(rows),
  };
}

const BUILT_IN = {
  builtIn: 1,
  datasource: { type: "grafana", uid: "-- Grafana --" },
  enable: true,
  hide: true,
  iconColor: "rgba(0, 211, 255, 1)",
  name: "Annotations & Alerts",
  type: "dashboard",
};
const POLICY_CHANGES = {
  datasource: DATASOURCE,
  enable: true,
  expr: `changes(ringward_policy_commit_timestamp_seconds{${CHOSEN}}[2m]) > 0`,
  iconColor: "blue",
  name: "Policy merged",
  step: "1m",
  titleFormat: "Policy merged",
  textFormat: "Another commit of the policy repository is in force.",
};
const DATASOURCE_VARIABLE = {
  name: "datasource",
  label: "Data source",
  type: "datasource",
  query: "prometheus",
  regex: "",
  hide: 0,
  includeAll: false,
  multi: false,
  options: [],
  refresh: 1,
  current: { selected: false, text: "default", value: "default" },
  skipUrlSync: false,
};

function renderVariable({ name, label, query, all }: Variable): object {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    definition: query,
    query: { qryType: 1, query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
    // When the time range changes.
    refresh: 2,
    regex: "",
    sort: 1,
    hide: 0,
    multi: true,
    includeAll: true,
    allValue: all,
    current: { selected: true, text: ["All"], value: ["$__all"] },
    options: [],
    skipUrlSync: false,
  };
}

const WIDTH = 24;

function layOut(rows: readonly DashboardRow[]): readonly object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    placed.push({
      id: placed.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: WIDTH, x: 0, y },
    });
    y += 1;
    let [x, height] = [0, 0];
    for (const panel of panels) {
      if (x + panel.width > WIDTH) [x, y, height] = [0, y + height, 0];
      placed.push(renderPanel(panel, { id: placed.length + 1, x, y }));
      x += panel.width;
      height = Math.max(height, panel.height ?? 8);
    }
    y += height;
  }
  return placed;
}
