// The table of alerts: expressions of metrics that the code has, reasons that there are, and pages whose commands exist. That each alert fires
// and stays silent is test/e2e/monitoring/alerts.test.ts.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KINDS } from "../../../controller/api/kinds.ts";
import { describeReason, REASONS } from "../../../controller/api/reasons.ts";
import { alertName } from "./alert.ts";
import { DRAIN_BLOCKERS, RING_REASONS } from "./alerts/rollout.ts";
import { ALERTS, monitoringFiles, RULES_FILE, RUNBOOKS } from "./files.ts";
import { findUnknown, knownSeries } from "./known.ts";
import { readExpression } from "./promql.ts";
import { RECORDING_RULES } from "./recording.ts";

const KNOWN = knownSeries();
const ROOT = new URL("../../..", import.meta.url).pathname;

describe("the reader of expressions", () => {
  it("tells metrics, matchers and the functions around them", () => {
    const { error, selected } = readExpression(
      'sum by (ring) (rate(a_total{ring=~"$ring", job="b"}[$__rate_interval])) > b',
    );

    expect(error).toBeUndefined();
    expect(selected).toEqual([
      { metric: "a_total", labels: ["ring", "job"], within: ["rate"] },
      { metric: "b", labels: [], within: [] },
    ]);
  });

  it("finds what is not PromQL, not there, or not a label of it", () => {
    expect(readExpression("sum by (ring (x)").error).toContain("⟨here⟩");
    expect(findUnknown("rate(", KNOWN)[0]).toContain("not PromQL");
    expect(findUnknown('ringward_mode{mode="Stop"} + made_up{x="y"}', KNOWN)).toEqual(["there is no metric made_up"]);
    expect(findUnknown('ringward_mode{ring="x"}', KNOWN)).toEqual(["ringward_mode has no label ring"]);
  });
});

describe("alerts and recording rules", () => {
  it("ask for nothing that is not there", () => {
    const wrong = [...ALERTS, ...RECORDING_RULES].flatMap(({ expr }) => findUnknown(expr, KNOWN));

    expect(ALERTS.length).toBeGreaterThanOrEqual(12);
    expect(wrong).toEqual([]);
  });

  it("name reasons that there are, of those that need a person", () => {
    const named = ALERTS.flatMap(({ expr }) =>
      [...expr.matchAll(/reason=~?"([^"*]+)"/g)].flatMap(([, text = ""]) => text.split("|")),
    );

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((reason) => !REASONS.some((one) => one === reason))).toEqual([]);
    expect([...RING_REASONS, ...DRAIN_BLOCKERS].filter((reason) => describeReason(reason).care !== "person")).toEqual(
      [],
    );
  });

  it("have a name, a full stop after the summary, a severity, a dashboard and a page of their own", () => {
    const pages = monitoringFiles();

    expect(new Set(ALERTS.map(alertName)).size).toBe(ALERTS.length);
    expect(
      ALERTS.filter((alert) => !/^[A-Z][A-Za-z]+$/.test(alert.name) || !/^[A-Z].*\.$/.test(alert.summary)),
    ).toEqual([]);
    expect(ALERTS.filter(({ summary }) => summary.includes("{{"))).toEqual([]);
    for (const alert of ALERTS)
      for (const heading of ["Meaning", "Impact", "Diagnosis", "Mitigation"])
        expect(pages.get(`${RUNBOOKS}/${alertName(alert)}.md`)).toMatch(new RegExp(`^## ${heading}\n\n\\S`, "m"));
  });

  it("are recorded under names of level, metric and operation", () => {
    expect(RECORDING_RULES.filter(({ record }) => !/^[a-z_]+:ringward_[a-z_]+:[a-z0-9_]+$/.test(record))).toEqual([]);
  });

  it("stand in the file that the chart reads, the very expressions of the table", () => {
    const text = readFileSync(ROOT + RULES_FILE, "utf8");

    expect(text.match(/^ {6}- alert: /gm)).toHaveLength(ALERTS.length);
    expect(ALERTS.filter(({ expr }) => !text.includes(expr.replaceAll("\n", " ").slice(0, 60)))).toEqual([]);
  });
});

describe("runbooks", () => {
  /** Kinds of Kubernetes that pages name, beside ours. */
  const CORE = new Set(["pods", "leases", "nodes", "events", "jobs", "deployments", "poddisruptionbudgets"]);

  it("name kinds that there are in every line of kubectl, and ours by their plural", () => {
    const lines = [...monitoringFiles()].flatMap(([path, text]) =>
      path.endsWith(".md") ? [...text.matchAll(/kubectl [^`\n|]+/g)].map(([line]) => line) : [],
    );
    const kinds = lines.flatMap((line) =>
      [...line.matchAll(/ (?:get|describe|patch) ([a-z,]+)/g)].flatMap(([, names = ""]) => names.split(",")),
    );
    const ours = new Set(KINDS.map(({ plural }) => plural));

    expect(kinds.length).toBeGreaterThan(20);
    expect(kinds.filter((kind) => !ours.has(kind) && !CORE.has(kind))).toEqual([]);
  });
});
