// What every source of answers has to do, real or in memory. A world is told what is so, and is asked.
import { describe, expect, it } from "vitest";
import type { GateAnswer, Sample } from "../../controller/core/gates/readings.ts";
import type { AlertSource, QuerySource } from "../../controller/gates/port.ts";

export interface QueryWorld {
  readonly source: QuerySource;
  /** Makes a query answer so, where the query does not say it itself. */
  readonly set: (query: string, samples: readonly Sample[]) => void;
}

/** Each query in PromQL, and what it answers. */
const QUERIES: readonly (readonly [string, readonly Sample[]])[] = [
  ["vector(0.25)", [{ labels: {}, value: 0.25 }]],
  ["scalar(vector(1e6))", [{ labels: {}, value: 1_000_000 }]],
  ["vector(1) > 2", []],
  ["vector(0) / 0", [{ labels: {}, value: Number.NaN }]],
  ["vector(1) / 0", [{ labels: {}, value: Number.POSITIVE_INFINITY }]],
  ["vector(-1) / 0", [{ labels: {}, value: Number.NEGATIVE_INFINITY }]],
  [
    'label_replace(vector(1), "job", "a\\"b", "", "") or label_replace(vector(2), "job", "c", "", "")',
    [
      { labels: { job: 'a"b' }, value: 1 },
      { labels: { job: "c" }, value: 2 },
    ],
  ],
];

export function queryContract(name: string, open: () => Promise<QueryWorld>): void {
  describe(`${name} answers queries`, () => {
    it.each(QUERIES)("%s", async (query, samples) => {
      const { source, set } = await open();
      set(query, samples);

      expect(await source.query(query)).toEqual({ kind: "Samples", samples });
    });

    it("and refuses what is no query it knows", async () => {
      const { source } = await open();

      expect(await source.query("sum(")).toMatchObject({ kind: "None", why: "Refused" });
    });
  });
}

export interface AlertWorld {
  readonly source: AlertSource;
  readonly fire: (labels: Readonly<Record<string, string>>) => Promise<void>;
  readonly silence: (labels: Readonly<Record<string, string>>) => Promise<void>;
}

export function alertContract(name: string, open: () => Promise<AlertWorld>): void {
  const namesOf = (answer: GateAnswer): readonly string[] =>
    answer.kind === "Alerts" ? answer.firing.map((labels) => labels["alertname"] ?? "").sort() : [answer.kind];

  describe(`${name} knows alerts`, () => {
    it("by every operator, anchored, with labels that are not there empty", async () => {
      const { source, fire } = await open();
      await fire({ alertname: "DiskFull", severity: "critical", team: 'a"b' });
      await fire({ alertname: "DiskSlow", severity: "warning" });
      await fire({ alertname: "Watchdog" });
      const ask = async (name: string, operator: "=" | "!=" | "=~" | "!~", value: string) =>
        namesOf(await source.firing([{ name, operator, value }], undefined));

      expect(await ask("severity", "=", "critical")).toEqual(["DiskFull"]);
      expect(await ask("severity", "!=", "critical")).toEqual(["DiskSlow", "Watchdog"]);
      expect(await ask("alertname", "=~", "Disk.+")).toEqual(["DiskFull", "DiskSlow"]);
      expect(await ask("alertname", "=~", "Disk")).toEqual([]);
      expect(await ask("alertname", "!~", "Disk.*")).toEqual(["Watchdog"]);
      expect(await ask("team", "=", 'a"b')).toEqual(["DiskFull"]);
    });

    it("that are silenced do not count, and the watchdog is heard either way", async () => {
      const { source, fire, silence } = await open();
      await fire({ alertname: "DiskFull", severity: "critical" });
      await fire({ alertname: "Watchdog", severity: "none" });
      const critical = [{ name: "severity", operator: "=", value: "critical" }] as const;
      expect(await source.firing(critical, "Watchdog")).toMatchObject({ firing: [{}], watchdog: true });

      await silence({ alertname: "DiskFull" });
      await silence({ alertname: "Watchdog" });

      expect(await source.firing(critical, "Watchdog")).toMatchObject({ firing: [], watchdog: true });
      expect(await source.firing(critical, "Deadman")).toMatchObject({ firing: [], watchdog: false });
    });
  });
}
