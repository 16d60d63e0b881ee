// Cron expressions, judged by croner where no clocks jump.
import { Cron as Croner } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../../../controller/core/calendar/cron.ts";
import { compileSchedule } from "../../../controller/core/calendar/schedule.ts";
import { zoneOf } from "../../../controller/core/calendar/zone.ts";
import { at, utc } from "./clocks.ts";

/** The next `count` starts after `from`. */
function starts(expression: string, from: string, count: number, zoneName = "UTC"): (string | undefined)[] {
  const cron = parseCron(expression);
  const zone = zoneOf(zoneName);
  if (typeof cron === "string" || zone === undefined) throw new Error(`${expression}: ${JSON.stringify(cron)}`);
  const schedule = compileSchedule(cron, zone);
  const found: (string | undefined)[] = [];
  let instant: number | undefined = at(from);
  for (let i = 0; i < count && instant !== undefined; i++) {
    instant = schedule.nextStart(instant);
    found.push(utc(instant));
  }
  return found;
}

describe("cron expressions", () => {
  it("understand names, ranges, lists and steps", () => {
    expect(starts("30 1-3/2 * MAR tue,THU", "2026-03-01T00:00:00Z", 4)).toEqual([
      "2026-03-03T01:30:00Z",
      "2026-03-03T03:30:00Z",
      "2026-03-05T01:30:00Z",
      "2026-03-05T03:30:00Z",
    ]);
    expect(starts("0 0 * * 7", "2026-03-01T00:00:00Z", 1)).toEqual(["2026-03-08T00:00:00Z"]);
    expect(starts("*/20 5 * * *", "2026-03-01T00:00:00Z", 3)).toEqual([
      "2026-03-01T05:00:00Z",
      "2026-03-01T05:20:00Z",
      "2026-03-01T05:40:00Z",
    ]);
  });

  it("take either day field when both are restricted", () => {
    expect(starts("0 0 13 * FRI", "2026-11-01T00:00:00Z", 3)).toEqual([
      "2026-11-06T00:00:00Z",
      "2026-11-13T00:00:00Z",
      "2026-11-20T00:00:00Z",
    ]);
  });

  it("know the second Tuesday, the last Friday and the last day of a month", () => {
    expect(starts("0 3 * * TUE#2", "2026-11-01T00:00:00Z", 2)).toEqual([
      "2026-11-10T03:00:00Z",
      "2026-12-08T03:00:00Z",
    ]);
    expect(starts("0 3 * * FRI#L", "2026-11-01T00:00:00Z", 2)).toEqual([
      "2026-11-27T03:00:00Z",
      "2026-12-25T03:00:00Z",
    ]);
    expect(starts("0 3 L * *", "2028-01-31T12:00:00Z", 2)).toEqual(["2028-02-29T03:00:00Z", "2028-03-31T03:00:00Z"]);
  });

  it("find leap days, also across a century that has none", () => {
    expect(starts("0 0 29 2 *", "2096-03-01T00:00:00Z", 2)).toEqual(["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]);
    expect(starts("0 0 * 2 MON#5", "2026-01-01T00:00:00Z", 1)).toEqual(["2044-02-29T00:00:00Z"]);
  });

  it("say what is wrong with them", () => {
    const wrong: [string, RegExp][] = [
      ["", /expected 5 fields.*got 0/],
      ["0 1 * *", /expected 5 fields.*got 4/],
      ["0 0 1 * * *", /got 6/],
      ["@daily", /expected 5 fields/],
      ["60 * * * *", /minute "60": "60" is not in 0-59/],
      ["* 24 * * *", /hour "24"/],
      ["* * 0 * *", /day of month "0"/],
      ["* * 32 * *", /"32" is not in 1-31/],
      ["* * * 13 *", /"13" is not in 1-12 or JAN-DEC/],
      ["* * * * 8", /"8" is not in 0-7 or SUN-SAT/],
      ["* * * * FOO", /day of week "FOO"/],
      ["* * * * FOO#2", /"FOO" is not in/],
      ["* * * * TUE#6", /is not a number/],
      ["* 22-2 * * *", /runs backwards/],
      ["5/15 * * * *", /write "5-59\/15"/],
      ["*/0 * * * *", /a step must be at least 1/],
      ["1,,2 * * * *", /"" is not a number/],
      ["-1 * * * *", /is not a number/],
    ];
    for (const [text, message] of wrong) expect(parseCron(text)).toMatch(message);
  });

  it("agree with croner in a zone without jumps", () => {
    const value = (min: number, max: number): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 3, arbitrary: fc.constant("*") },
        { weight: 3, arbitrary: fc.integer({ min, max }).map(String) },
        fc.integer({ min: 2, max: Math.min(20, max) }).map((step) => `*/${step}`),
        fc
          .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${a},${b}`),
      );
    // croner counts "*/n" in a day field as restricted, cron(5) does not: only compare where it makes no difference.
    const day = value(1, 28).filter((text) => !text.startsWith("*/"));
    const weekday = value(0, 6).filter((text) => !text.startsWith("*/"));
    const expression = fc
      .tuple(value(0, 59), value(0, 23), day, value(1, 12), weekday)
      .map((fields) => fields.join(" "));
    const from = fc
      .integer({ min: at("2000-01-01T00:00:00Z"), max: at("2090-01-01T00:00:00Z") })
      .map((ms) => Math.floor(ms / 1000) * 1000);
    fc.assert(
      fc.property(expression, from, (text, instant) => {
        const theirs = new Croner(text, { timezone: "Asia/Kolkata", paused: true })
          .nextRun(new Date(instant))
          ?.getTime();
        expect(starts(text, new Date(instant).toISOString(), 1, "Asia/Kolkata")).toEqual([utc(theirs)]);
      }),
      { numRuns: 300 },
    );
  });
});
