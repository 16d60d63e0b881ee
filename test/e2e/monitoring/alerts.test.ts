// The rules that the chart ships, held by Debian's promtool: their syntax, and for every alert that it fires as its case says and that it does not.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { alertName } from "../../tooling/monitoring/alert.ts";
import { ALERTS, annotationsOf, RULES_FILE } from "../../tooling/monitoring/files.ts";
import { debianProgram } from "../../tooling/debian-program.ts";
import type { AlertCase } from "./alert-case.ts";
import { ALERT_CASES } from "./alert-cases.ts";

const run = promisify(execFile);
const ROOT = new URL("../../..", import.meta.url).pathname;
const RULES = join(ROOT, RULES_FILE);

let promtool = "";
let folder = "";

beforeAll(async () => {
  promtool = await debianProgram("prometheus", "promtool");
  folder = await mkdtemp(join(tmpdir(), "ringward-alerts-"));
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What promtool prints; it ends with an error where a test fails. */
async function testRules({ alert, every = "1m" }: AlertCase, tests: readonly object[]): Promise<string> {
  const file = join(folder, `${alert}.yaml`);
  await writeFile(file, stringify({ rule_files: [RULES], evaluation_interval: every, tests }));
  const { stdout } = await run(promtool, ["test", "rules", file]).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

function seriesOf(series: Readonly<Record<string, string>>, every = "1m"): object {
  return {
    interval: every,
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
  };
}

function firing({ alert, every, fires, at, labels, says, also = [] }: AlertCase): readonly object[] {
  const found = ALERTS.find((one) => alertName(one) === alert);
  if (found === undefined) throw new Error(`there is no alert ${alert}`);
  return [{ fires, alerts: [{ labels, says }] }, ...also].map(({ fires: series, alerts }, index) => ({
    name: `${alert} fires (${index})`,
    ...seriesOf(series, every),
    alert_rule_test: [
      {
        alertname: alert,
        eval_time: at,
        exp_alerts: alerts.map((one) => ({
          exp_labels: { severity: found.severity, ...one.labels },
          exp_annotations: { ...annotationsOf(found), description: one.says },
        })),
      },
    ],
  }));
}

/** It is pending from the minute on at which its condition holds, and fires when that has lasted, to the minute. */
function timely({ alert, every = "1m", fires, holds }: AlertCase): object {
  const found = ALERTS.find((one) => alertName(one) === alert);
  const [step, lasts] = [minutesOf(every), minutesOf(found?.for ?? "0m")];
  // Groups are evaluated in no order: of a series that another group records, an alert sees this look's value or the last one's.
  const late = found?.expr.includes(":ringward_") === true ? step : 0;
  const ask = (minute: number, state: string, count: number): object => ({
    expr: `count(ALERTS{alertname="${alert}"${state}})`,
    eval_time: `${minute}m`,
    exp_samples: count === 0 ? [] : [{ labels: "{}", value: count }],
  });
  const isFiring = ', alertstate="firing"';
  return {
    name: `${alert} fires in time`,
    ...seriesOf(fires, every),
    promql_expr_test: [
      ...(holds < step ? [] : [ask(holds - step, "", 0)]),
      ask(holds + late, "", 1),
      ...(lasts < step ? [] : [ask(holds + lasts - step, isFiring, 0)]),
      ask(holds + lasts + late, isFiring, 1),
    ],
  };
}

const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440 };
function minutesOf(duration: string): number {
  const [, number = "0", unit = "m"] = /^(\d+)([mhd])$/.exec(duration) ?? [];
  return Number(number) * (MINUTES[unit] ?? 0);
}

function silent({ alert, every, at, silent: all }: AlertCase): readonly object[] {
  return all.map((series, index) => ({
    name: `${alert} stays silent (${index})`,
    ...seriesOf(series, every),
    alert_rule_test: [{ alertname: alert, eval_time: at, exp_alerts: [] }],
  }));
}

describe("the chart's rules", () => {
  it("are rules, to promtool", async () => {
    const { stdout } = await run(promtool, ["check", "rules", "--lint=all", "--lint-fatal", RULES]);

    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });

  it("have a case for every alert", () => {
    expect(ALERT_CASES.map(({ alert }) => alert).toSorted()).toEqual(ALERTS.map(alertName).toSorted());
    expect(ALERT_CASES.filter(({ silent: all }) => all.length === 0)).toEqual([]);
  });

  it.each(ALERT_CASES)("$alert fires as its case says and when it says, and stays silent otherwise", async (one) => {
    const printed = await testRules(one, [...firing(one), timely(one), ...silent(one)]);

    expect(printed).toContain("SUCCESS");
  });

  it("would not pass a case that is wrong", async () => {
    const [one] = ALERT_CASES;
    if (one === undefined) throw new Error("there are no cases");

    await expect(testRules(one, firing({ ...one, says: "something else" }))).rejects.toThrow("something else");
    await expect(testRules(one, [timely({ ...one, holds: one.holds + 1 })])).rejects.toThrow("FAILED");
    await expect(testRules(one, silent({ ...one, silent: [one.fires] }))).rejects.toThrow("FAILED");
  });
});
