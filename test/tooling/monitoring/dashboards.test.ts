// The dashboards that the chart ships, as they stand there: every expression is PromQL, asks for metrics and labels that the code has, and obeys the
// rules of Grafana's dashboard-linter. That they show something is test/e2e/monitoring/panels.test.ts.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../../controller/api/reasons.ts";
import { FLEET_METRICS } from "../../../controller/reconcile/fleet-metrics.ts";
import { ALERTS } from "./files.ts";
import { alertName } from "./alert.ts";
import { dashboardFiles, DASHBOARDS } from "./dashboards/index.ts";
import { findUnknown, knownSeries } from "./known.ts";
import { type Finding, lintDashboard, type RenderedDashboard } from "./lint.ts";
import { readExpression } from "./promql.ts";
import { metricsPage } from "../pages/metrics.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const RENDERED = [...dashboardFiles().keys()].map(
  (path) => JSON.parse(readFileSync(ROOT + path, "utf8")) as RenderedDashboard,
);
const EXPRESSIONS = RENDERED.flatMap(({ panels, annotations }) => [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...annotations.list.flatMap(({ expr }) => expr ?? []),
]);

/** Findings that are meant, each with its reason. */
const WAIVED: readonly { readonly rule: string; readonly where: RegExp; readonly why: string }[] = [
  {
    rule: "template-instance-rule",
    where: /^ringward-(fleet|rollout)/,
    why: "only the leader tells of the fleet, and which process that is changes",
  },
  { rule: "target-instance-rule", where: /^ringward-(fleet|rollout)/, why: "the same" },
  {
    rule: "target-rate-interval-rule",
    where:
      /^ringward-(fleet|rollout): (Mean time|Time to patch|Windows that ended|Failures|Updates|Drains [AB]|Reboots|Approvals|Promotions|Rollouts of a ring)/,
    why: "patching is counted in days: minutes of it are nothing",
  },
];

const isWaived = ({ rule, where }: Finding): boolean =>
  WAIVED.some((one) => one.rule === rule && one.where.test(where));

describe("the chart's dashboards", () => {
  it("are three, of schema 39 or newer, each under a uid of its own and with Ringward's tag", () => {
    expect(RENDERED.map(({ uid }) => uid)).toEqual(["ringward-fleet", "ringward-rollout", "ringward-controller"]);
    expect(RENDERED.map(({ uid }) => uid)).toEqual(DASHBOARDS.map(({ uid }) => uid));
    expect(RENDERED.filter(({ schemaVersion, tags }) => schemaVersion < 39 || !tags.includes("ringward"))).toEqual([]);
  });

  it("ask for metrics and labels that the code has, in PromQL", () => {
    const known = knownSeries();

    expect(EXPRESSIONS.length).toBeGreaterThan(60);
    expect(EXPRESSIONS.flatMap((expr) => findUnknown(expr, known))).toEqual([]);
  });

  it("obey the linter's rules, but for what is waived with a reason", () => {
    const findings = RENDERED.flatMap(lintDashboard);

    expect(findings.filter((finding) => !isWaived(finding))).toEqual([]);
    expect(
      WAIVED.filter(({ rule, where }) => !findings.some((one) => one.rule === rule && where.test(one.where))),
    ).toEqual([]);
  });

  it("have panels that do not lie over each other, each with an id of its own", () => {
    for (const { uid, panels } of RENDERED) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
      );
      expect(new Set(cells).size, uid).toBe(cells.length);
      expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    }
  });

  it("name alerts that there are, and show every metric that is of the fleet", () => {
    const named = RENDERED.flatMap(({ panels }) =>
      panels.flatMap(({ description = "" }) => description.match(/Ringward[A-Z][A-Za-z]+/g) ?? []),
    );
    const shown = new Set(
      EXPRESSIONS.flatMap((expr) =>
        readExpression(expr).selected.map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, "")),
      ),
    );

    expect(named.filter((name) => !ALERTS.some((alert) => alertName(alert) === name))).toEqual([]);
    expect(FLEET_METRICS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });

  it("use reasons that there are", () => {
    const reasons = EXPRESSIONS.flatMap((expr) => [...expr.matchAll(/reason="([^"]+)"/g)].map(([, name]) => name));

    expect(reasons.filter((reason) => !REASONS.some((one) => one === reason))).toEqual([]);
  });
});

describe("the linter", () => {
  const [good] = RENDERED;
  if (good === undefined) throw new Error("there are no dashboards");
  const withPanel = (change: object): RenderedDashboard => ({
    ...good,
    panels: good.panels.map((panel, index) => (index === 1 ? { ...panel, ...change } : panel)),
  });
  const withExpr = (expr: string): RenderedDashboard => {
    const [target] = good.panels[1]?.targets ?? [];
    return withPanel({ targets: [{ ...target, expr }] });
  };
  const rules = (dashboard: RenderedDashboard): ReadonlySet<string> =>
    new Set(
      lintDashboard(dashboard)
        .filter((finding) => !isWaived(finding))
        .map(({ rule }) => rule),
    );

  it.each([
    ["panel-units-rule", withPanel({ fieldConfig: { defaults: { mappings: [] } } })],
    ["panel-title-description-rule", withPanel({ description: "" })],
    ["panel-no-targets-rule", withPanel({ targets: [] })],
    ["panel-datasource-rule", withPanel({ datasource: { type: "prometheus", uid: "mine" } })],
    ["target-promql-rule", withExpr('sum(ringward_mode{job=~"$job", cluster=~"$cluster"}')],
    ["target-job-rule", withExpr('sum(ringward_mode{cluster=~"$cluster"})')],
    ["target-cluster-rule", withExpr('sum(ringward_mode{job=~"$job"})')],
    ["target-counter-agg-rule", withExpr('sum(ringward_updates_total{job=~"$job", cluster=~"$cluster"})')],
    ["target-rate-interval-rule", withExpr('rate(ringward_updates_total{job=~"$job", cluster=~"$cluster"}[5m])')],
    [
      "target-cluster-kept-rule",
      withExpr('max by (ring, kind) (ringward_budget_used{job=~"$job", cluster=~"$cluster"})'),
    ],
    ["uneditable-dashboard-rule", { ...good, editable: true }],
    ["template-job-rule", { ...good, templating: { list: [] } }],
    ["template-datasource-rule", { ...good, templating: { list: [] } }],
  ] as const)("finds a breach of %s", (rule, dashboard) => {
    expect([...rules(good)]).toEqual([]);
    expect([...rules(dashboard)]).toContain(rule);
  });
});

describe("docs/metrics.md", () => {
  it("has a row for every metric that can be asked for", () => {
    const page = metricsPage();
    const names = [...knownSeries()].flatMap(([name, { kind }]) =>
      kind === "recorded" || name === "up"
        ? []
        : [kind === "histogram" ? name.replace(/_(bucket|sum|count)$/, "") : name],
    );

    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });
});
