// The rules of Grafana's dashboard-linter, as far as they are about dashboards that ask Prometheus, written anew. Each finding names its rule and
// its place; what is meant otherwise here is waived with a reason.
import { readExpression } from "./promql.ts";

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
  readonly datasource: { readonly type: string; readonly uid: string };
}

export interface RenderedPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly mappings: readonly unknown[]; readonly noValue?: string };
  };
}

export interface RenderedVariable {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: { readonly uid: string };
  readonly refresh: number;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly allValue?: string;
}

export interface RenderedDashboard {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly templating: { readonly list: readonly RenderedVariable[] };
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
  readonly panels: readonly RenderedPanel[];
}

export interface Finding {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}

type DashboardRule = (dashboard: RenderedDashboard) => readonly string[];
type PanelRule = (panel: RenderedPanel) => readonly string[];
type TargetRule = (target: Target, panel: RenderedPanel) => readonly string[];

const isTrue = (holds: boolean, what: string): readonly string[] => (holds ? [] : [what]);

const DASHBOARD_RULES: Readonly<Record<string, DashboardRule>> = {
  "uneditable-dashboard-rule": ({ editable }) => isTrue(!editable, "it is editable"),
  "template-datasource-rule": ({ templating }) => {
    const found = templating.list.filter(({ type }) => type === "datasource");
    const [one] = found;
    if (one === undefined || found.length > 1) return [`${found.length} variables of data sources`];
    return isTrue(
      one.name === "datasource" && one.label === "Data source" && one.query === "prometheus",
      "not named as everywhere",
    );
  },
  "template-job-rule": ({ templating }) => checkVariable(templating.list, "job", "Job", ".+"),
  "template-instance-rule": ({ templating }) => checkVariable(templating.list, "instance", "Instance", ".+"),
  "template-cluster-rule": ({ templating }) => checkVariable(templating.list, "cluster", "Cluster", ".*"),
  "template-on-time-change-reload-rule": ({ templating }) =>
    templating.list.flatMap(({ type, name, refresh }) =>
      isTrue(type !== "query" || refresh === 2, `$${name} is not read anew`),
    ),
  "template-label-promql-rule": ({ templating }) =>
    templating.list.flatMap(({ type, query }) => {
      if (type !== "query") return [];
      const text = typeof query === "string" ? query : query.query;
      const selector = /^label_values\((.+), [a-z_]+\)$/.exec(text)?.[1];
      const error = selector === undefined ? "no label_values" : readExpression(selector).error;
      return isTrue(error === undefined, `${text}: ${error}`);
    }),
  "template-used-rule": (dashboard) =>
    dashboard.templating.list.flatMap(({ name }) => {
      const { templating: _, ...rest } = dashboard;
      return isTrue(JSON.stringify(rest).includes(`$${name}`), `$${name} is used nowhere`);
    }),
};

function checkVariable(list: readonly RenderedVariable[], name: string, label: string, all: string): readonly string[] {
  const found = list.find((one) => one.name === name);
  if (found === undefined) return [`there is no $${name}`];
  const { multi, includeAll, allValue, datasource } = found;
  return [
    ...isTrue(found.label === label, `its label is ${found.label}`),
    ...isTrue(datasource?.uid === "$datasource", "it asks another data source"),
    ...isTrue(multi && includeAll && allValue === all, `it takes not several or all (${allValue})`),
  ];
}

const PANEL_RULES: Readonly<Record<string, PanelRule>> = {
  "panel-title-description-rule": ({ title, description = "" }) =>
    isTrue(title !== "" && /^[A-Z].*[.:]$/s.test(description), "it has no title, or no sentence that describes it"),
  "panel-datasource-rule": ({ datasource }) => isTrue(datasource?.uid === "$datasource", "it asks another data source"),
  "panel-units-rule": ({ fieldConfig }) => {
    const { unit = "", mappings = [] } = fieldConfig?.defaults ?? {};
    return isTrue(
      UNITS.has(unit) && (unit !== "none" || mappings.length > 0),
      `${unit} is no unit, or no value has a meaning`,
    );
  },
  "panel-no-targets-rule": ({ targets = [] }) => isTrue(targets.length > 0, "it asks nothing"),
};

/** Of those that Grafana knows, what is used here. */
const UNITS = new Set(["none", "short", "percentunit", "s", "bytes", "ops", "reqps"]);

const TARGET_RULES: Readonly<Record<string, TargetRule>> = {
  "target-promql-rule": ({ expr }) => {
    const { error } = readExpression(expr);
    return isTrue(error === undefined, String(error));
  },
  "target-job-rule": ({ expr }) => missingMatcher(expr, "job"),
  "target-instance-rule": ({ expr }) => missingMatcher(expr, "instance"),
  "target-cluster-rule": ({ expr }) => missingMatcher(expr, "cluster"),
  "target-legend-rule": ({ legendFormat, instant }, { type }) =>
    isTrue(legendFormat !== "" || (instant && type === "table"), "it has no legend"),
  "target-counter-agg-rule": ({ expr }) =>
    readExpression(expr).selected.flatMap(({ metric, within }) =>
      isTrue(
        !/_(total|bucket|sum|count)$/.test(metric) || within.some((name) => COUNTING.has(name)),
        `${metric} is a counter, and neither rate nor increase is around it`,
      ),
    ),
  "target-nameless-zero-rule": ({ expr }) =>
    isTrue(!/\bby \(.* or vector\(0\)/s.test(expr), "a line without a name stands beside those that have one"),
  // Clusters of one repository have rings of the same names.
  "target-cluster-kept-rule": ({ expr }) =>
    [...expr.matchAll(/\bby \(([^)]*\b(?:ring|instance)\b[^)]*)\)/g)].flatMap(([, by = ""]) =>
      isTrue(/\bcluster\b/.test(by), `by (${by}) takes rings of several clusters together`),
    ),
  "target-rate-interval-rule": ({ expr }) =>
    [...expr.matchAll(/\[([^\]]+)\]/g)].flatMap(([, range = ""]) => isTrue(range === "$__rate_interval", `[${range}]`)),
};

const COUNTING = new Set(["rate", "irate", "increase"]);

function missingMatcher(expr: string, label: string): readonly string[] {
  return readExpression(expr).selected.flatMap(({ metric, labels }) =>
    isTrue(labels.includes(label), `${metric} is not asked for by ${label}`),
  );
}

/** Every finding in a dashboard. */
export function lintDashboard(dashboard: RenderedDashboard): readonly Finding[] {
  const of = (rule: string, where: string, found: readonly string[]): readonly Finding[] =>
    found.map((what) => ({ rule, where, what }));
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  return [
    ...Object.entries(DASHBOARD_RULES).flatMap(([rule, judge]) => of(rule, dashboard.uid, judge(dashboard))),
    ...panels.flatMap((panel) => {
      const where = `${dashboard.uid}: ${panel.title}`;
      return [
        ...Object.entries(PANEL_RULES).flatMap(([rule, judge]) => of(rule, where, judge(panel))),
        ...(panel.targets ?? []).flatMap((target) =>
          Object.entries(TARGET_RULES).flatMap(([rule, judge]) =>
            of(rule, `${where} ${target.refId}`, judge(target, panel)),
          ),
        ),
      ];
    }),
  ];
}
