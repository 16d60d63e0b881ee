// The parts that both tools share: windows, selectors, durations.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileCalendar, mayStartAt } from "../../../controller/core/calendar/index.ts";
import { parseGoDuration } from "../../../controller/core/migrate/kured-flags.ts";
import { parseSelector } from "../../../controller/core/migrate/selector.ts";
import { openWindow, parseTimeOfDay } from "../../../controller/core/migrate/time-window.ts";

const DAYS = ["su", "mo", "tu", "we", "th", "fr", "sa"];
const MINUTE = 60_000;
const DAY = 86_400_000;

/** kured's rule, said the other way round: the weekday and the time of day of that very moment, in UTC. */
function isOpen(at: number, days: readonly string[], from: number, until: number): boolean {
  const date = new Date(at);
  const time = at % DAY;
  const within = from < until ? time >= from && time < until : time >= from || time < until;
  return days.includes(DAYS[date.getUTCDay()] ?? "") && within;
}

describe("a window", () => {
  it("is open when kured's is, at every moment of a week, whatever days and times", () => {
    const minute = fc.integer({ min: 0, max: 1439 });
    const text = (at: number): string => `${Math.floor(at / 60)}:${String(at % 60).padStart(2, "0")}`;
    const days = fc.subarray(DAYS, { minLength: 1 });
    fc.assert(
      fc.property(days, minute, minute, fc.integer({ min: 0, max: 7 * 1440 - 1 }), (on, from, until, offset) => {
        fc.pre(from !== until);
        const opened = openWindow({ days: on, start: text(from), end: text(until), timeZone: "UTC" });
        const at = Date.parse("2026-11-22T00:00:00Z") + offset * MINUTE;

        if (opened.kind !== "Windows") throw new Error(JSON.stringify(opened));
        const compiled = compileCalendar({ ...opened.spec, timeZone: "UTC" });
        if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
        expect(mayStartAt([compiled.calendar], at)).toBe(isOpen(at, on, from * MINUTE, until * MINUTE));
      }),
      { numRuns: 400 },
    );
  });

  it("is none by default: every day, 0:00 to 23:59:59", () => {
    expect(openWindow({ days: DAYS, start: "0:00", end: "23:59:59", timeZone: "UTC" })).toEqual({ kind: "Always" });
  });

  it.each([
    [{ days: ["mo", "noday"] }, /not weekdays/],
    [{ days: [""] }, /not weekdays/],
    [{ start: "25:00" }, /"25:00" is no time of day/],
    [{ end: "noon" }, /"noon" is no time of day/],
    [{ start: "9:00", end: "9:00" }, /no time at all/],
    [{ start: "9:00:30" }, /whole minute/],
    [{ timeZone: "Nowhere/Land" }, /no time zone/],
  ])("says what is wrong: %j", (part, message) => {
    const opened = openWindow({ days: ["mo"], start: "9:00", end: "17:00", timeZone: "UTC", ...part });

    expect(opened.kind === "Wrong" ? opened.message : opened).toMatch(message);
  });

  it.each([
    ["15:04", 54_240_000],
    ["0:00", 0],
    ["23:59:59", 86_399_000],
    ["03:04pm", 54_240_000],
    ["12:00am", 0],
    ["12pm", 43_200_000],
    ["15", 54_000_000],
    ["24:00", undefined],
    ["13:00pm", undefined],
    ["1:60", undefined],
  ])("reads the time of day %s", (text, ms) => {
    expect(parseTimeOfDay(text)).toBe(ms);
  });
});

describe("a selector", () => {
  it.each([
    ["a=b", { matchLabels: { a: "b" } }],
    ["a==b,c.io/d=e", { matchLabels: { a: "b", "c.io/d": "e" } }],
    ["a!=b", { matchExpressions: [{ key: "a", operator: "NotIn", values: ["b"] }] }],
    ["a in (b, c)", { matchExpressions: [{ key: "a", operator: "In", values: ["b", "c"] }] }],
    [
      "a notin (b),!c, d",
      {
        matchExpressions: [
          { key: "a", operator: "NotIn", values: ["b"] },
          { key: "c", operator: "DoesNotExist" },
          { key: "d", operator: "Exists" },
        ],
      },
    ],
    ["a=b,a=c", { matchLabels: { a: "b" }, matchExpressions: [{ key: "a", operator: "In", values: ["c"] }] }],
    ["a=", { matchLabels: { a: "" } }],
    ["", undefined],
    ["a in b", undefined],
    ["a=b;c", undefined],
    ["a in (b", undefined],
  ])("%s", (text, selector) => {
    expect(parseSelector(text)).toEqual(selector);
  });
});

describe("a duration of Go", () => {
  it.each([
    ["0", 0],
    ["0s", 0],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["300ms", 300],
    ["90", undefined],
    ["-1s", undefined],
    ["soon", undefined],
  ])("%s", (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });
});
