// Windows and freezes: R4, with the clocks of several countries.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compileCalendar,
  freezeAt,
  freezesAt,
  mayStartAt,
  nextChange,
  nextStart,
  windowAt,
  windowsAt,
} from "../../../controller/core/calendar/index.ts";
import { at, calendar, utc, windows } from "./clocks.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("a window", () => {
  it("is closed, then open, then past its cutoff, then closed", () => {
    const nightly = windows("UTC", { schedule: "0 1 * * TUE-THU", duration: "4h", cutoff: "30m" });

    expect(windowAt(nightly, at("2026-11-24T00:59:59Z"))).toEqual({
      open: false,
      mayStart: false,
      opensAt: at("2026-11-24T01:00:00Z"),
    });
    const open = {
      open: true,
      since: at("2026-11-24T01:00:00Z"),
      closesAt: at("2026-11-24T05:00:00Z"),
      cutoffAt: at("2026-11-24T04:30:00Z"),
    };
    expect(windowAt(nightly, at("2026-11-24T01:00:00Z"))).toEqual({ ...open, mayStart: true });
    expect(windowAt(nightly, at("2026-11-24T04:29:59Z"))).toEqual({ ...open, mayStart: true });
    expect(windowAt(nightly, at("2026-11-24T04:30:00Z"))).toEqual({ ...open, mayStart: false });
    expect(windowAt(nightly, at("2026-11-24T05:00:00Z"))).toEqual({
      open: false,
      mayStart: false,
      opensAt: at("2026-11-25T01:00:00Z"),
    });
    expect(windowAt(nightly, at("2026-11-26T05:00:00Z"))).toEqual({
      open: false,
      mayStart: false,
      opensAt: at("2026-12-01T01:00:00Z"),
    });
  });

  it("lasts its absolute duration on the night the clocks go back (Europe/Berlin, 25 October 2026)", () => {
    const state = windowAt(
      windows("Europe/Berlin", { schedule: "0 1 * * *", duration: "4h" }),
      at("2026-10-25T02:00:00Z"),
    );

    // 01:00 summer time to 04:00 winter time.
    expect(state).toMatchObject({
      open: true,
      since: at("2026-10-24T23:00:00Z"),
      closesAt: at("2026-10-25T03:00:00Z"),
    });
  });

  it("lasts its absolute duration on the night the clocks go forward", () => {
    const state = windowAt(
      windows("Europe/Berlin", { schedule: "0 1 * * *", duration: "4h" }),
      at("2026-03-29T02:00:00Z"),
    );

    expect(state).toMatchObject({
      open: true,
      since: at("2026-03-29T00:00:00Z"),
      closesAt: at("2026-03-29T04:00:00Z"),
    });
  });

  it("fires once when its hour comes twice, at the first", () => {
    const night = windows("Europe/Berlin", { schedule: "30 2 * * *", duration: "15m" });

    expect(utc(nextStart([night], at("2026-10-24T12:00:00Z")))).toBe("2026-10-25T00:30:00Z");
    expect(utc(nextStart([night], at("2026-10-25T00:45:00Z")))).toBe("2026-10-26T01:30:00Z");
  });

  it("starts at the first instant after a gap (New York, Lord Howe, a whole day on Samoa)", () => {
    const newYork = windows("America/New_York", { schedule: "30 2 * * *", duration: "1h" });
    expect(utc(nextStart([newYork], at("2026-03-08T00:00:00-05:00")))).toBe("2026-03-08T07:00:00Z");
    const lordHowe = windows("Australia/Lord_Howe", { schedule: "15 2 * * *", duration: "1h" });
    expect(utc(nextStart([lordHowe], at("2026-10-03T12:00:00Z")))).toBe("2026-10-03T15:30:00Z");
    const samoa = windows("Pacific/Apia", { schedule: "0 12 30 12 *", duration: "1h" });
    expect(utc(nextStart([samoa], at("2011-12-29T12:00:00Z")))).toBe("2011-12-30T10:00:00Z");
    const beirut = windows("Asia/Beirut", { schedule: "0 0 * * *", duration: "1h" });
    expect(utc(nextStart([beirut], at("2026-03-28T12:00:00Z")))).toBe("2026-03-28T22:00:00Z");
  });

  it("starts once when several of its times fall into one gap", () => {
    const often = windows("America/New_York", { schedule: "*/20 2 * * *", duration: "5m" });

    expect(utc(nextStart([often], at("2026-03-08T06:59:59Z")))).toBe("2026-03-08T07:00:00Z");
    expect(utc(nextStart([often], at("2026-03-08T07:05:00Z")))).toBe("2026-03-09T06:00:00Z");
  });

  it("knows half-hour jumps and quarter-hour zones", () => {
    const lordHowe = windows("Australia/Lord_Howe", { schedule: "45 1 * * *", duration: "1h" });
    expect(windowAt(lordHowe, at("2026-04-04T15:00:00Z"))).toMatchObject({
      open: true,
      since: at("2026-04-04T14:45:00Z"),
      closesAt: at("2026-04-04T15:45:00Z"),
    });
    const kathmandu = windows("Asia/Kathmandu", { schedule: "0 1 * * *", duration: "1h" });
    expect(utc(nextStart([kathmandu], at("2026-04-04T12:00:00Z")))).toBe("2026-04-04T19:15:00Z");
  });

  it("opens on leap days and in the far future", () => {
    const leap = windows("UTC", { schedule: "0 0 29 2 *", duration: "2h" });
    expect(windowAt(leap, at("2096-03-01T00:00:00Z"))).toEqual({
      open: false,
      mayStart: false,
      opensAt: at("2104-02-29T00:00:00Z"),
    });
    const berlin = windows("Europe/Berlin", { schedule: "0 1 * * *", duration: "4h" });
    expect(utc(nextStart([berlin], at("9000-06-01T12:00:00Z")))).toBe("9000-06-01T23:00:00Z");
  });

  it("merges with windows that overlap or touch it", () => {
    const both = windows(
      "UTC",
      { schedule: "0 1 * * *", duration: "2h" },
      { schedule: "0 3 * * *", duration: "1h" },
      { schedule: "30 3 * * *", duration: "1h" },
    );

    for (const time of ["01:00", "02:59", "03:00", "04:15"]) {
      expect(windowAt(both, at(`2026-11-24T${time}:00Z`))).toMatchObject({
        open: true,
        mayStart: true,
        since: at("2026-11-24T01:00:00Z"),
        closesAt: at("2026-11-24T04:30:00Z"),
      });
    }
  });

  it("lets work start again when a later window begins after the cutoff of the first", () => {
    const both = windows(
      "UTC",
      { schedule: "0 1 * * *", duration: "4h", cutoff: "2h" },
      { schedule: "0 4 * * *", duration: "2h", cutoff: "1h" },
    );

    expect(windowAt(both, at("2026-11-24T03:30:00Z"))).toEqual({
      open: true,
      mayStart: false,
      since: at("2026-11-24T01:00:00Z"),
      closesAt: at("2026-11-24T06:00:00Z"),
      cutoffAt: at("2026-11-24T03:00:00Z"),
      startsAgainAt: at("2026-11-24T04:00:00Z"),
    });
    expect(utc(nextChange(both, at("2026-11-24T03:30:00Z")))).toBe("2026-11-24T04:00:00Z");
    expect(windowAt(both, at("2026-11-24T04:00:00Z"))).toMatchObject({
      mayStart: true,
      cutoffAt: at("2026-11-24T05:00:00Z"),
    });
    expect(windowAt(both, at("2026-11-24T05:30:00Z"))).toMatchObject({
      mayStart: false,
      cutoffAt: at("2026-11-24T05:00:00Z"),
    });
  });

  it("that never closes names no close, and asks to be looked at again", () => {
    const always = windows("Europe/Berlin", { schedule: "0 0 * * *", duration: "25h", cutoff: "30m" });
    const now = at("2026-11-24T03:30:00Z");

    expect(windowAt(always, now)).toEqual({ open: true, mayStart: true });
    expect(windowAt(always, now + 500 * DAY)).toEqual({ open: true, mayStart: true });
    expect(nextChange(always, now)).toBeGreaterThan(now);
  });

  it("of a month names its close from its first instant", () => {
    const month = windows("UTC", { schedule: "0 0 1 */2 *", duration: "31d" });

    expect(windowAt(month, at("2026-11-01T00:00:00Z"))).toMatchObject({
      since: at("2026-11-01T00:00:00Z"),
      closesAt: at("2026-12-02T00:00:00Z"),
    });
    expect(windowAt(month, at("2026-12-01T23:59:59Z"))).toMatchObject({
      since: at("2026-11-01T00:00:00Z"),
      closesAt: at("2026-12-02T00:00:00Z"),
    });
  });

  it("is absent: always open", () => {
    expect(windowAt(calendar({ timeZone: "UTC" }), 0)).toEqual({ open: true, mayStart: true });
    expect(nextChange(calendar({ timeZone: "UTC" }), 0)).toBeUndefined();
  });
});

describe("a freeze", () => {
  const frozen = calendar({
    timeZone: "Europe/Berlin",
    windows: [{ schedule: "0 1 * * *", duration: "4h", cutoff: "1h" }],
    freezes: [
      { name: "black-friday", startTime: "2026-11-23T00:00", endTime: "2026-12-01T06:00", reason: "sales" },
      {
        startTime: "2026-12-24T00:00:00Z",
        endTime: "2026-12-27T01:30:00+01:00",
        override: "Expedite",
        reason: "Christmas",
      },
    ],
  });

  it("holds from its start until just before its end, in the calendar's zone", () => {
    expect(freezeAt(frozen, at("2026-11-22T22:59:59Z"))).toEqual({ frozen: false });
    expect(freezeAt(frozen, at("2026-11-22T23:00:00Z"))).toMatchObject({
      frozen: true,
      since: at("2026-11-22T23:00:00Z"),
      until: at("2026-12-01T05:00:00Z"),
      override: "Never",
      freeze: { name: "black-friday", reason: "sales" },
    });
    expect(freezeAt(frozen, at("2026-12-01T05:00:00Z"))).toEqual({ frozen: false });
  });

  it("delays the next start to a window after it", () => {
    expect(utc(nextStart([frozen], at("2026-11-24T12:00:00Z")))).toBe("2026-12-02T00:00:00Z");
    expect(utc(nextStart([frozen], at("2026-12-25T12:00:00Z")))).toBe("2026-12-27T00:30:00Z");
    expect(mayStartAt([frozen], at("2026-11-24T00:30:00Z"))).toBe(false);
  });

  it("is passed by an expedited entry only if it says so", () => {
    expect(utc(nextStart([frozen], at("2026-12-25T00:30:00Z"), { expedite: true }))).toBe("2026-12-25T00:30:00Z");
    expect(mayStartAt([frozen], at("2026-11-24T00:30:00Z"), { expedite: true })).toBe(false);
  });

  it("is never passed by ignoring windows", () => {
    expect(utc(nextStart([frozen], at("2026-11-24T12:00:00Z"), { ignoreWindows: true }))).toBe("2026-12-01T05:00:00Z");
    expect(utc(nextStart([frozen], at("2026-12-02T12:00:00Z"), { ignoreWindows: true }))).toBe("2026-12-02T12:00:00Z");
  });

  it("joins those that follow it, and the more careful override wins", () => {
    const two = calendar({
      timeZone: "UTC",
      freezes: [
        { startTime: "2026-01-02T00:00", endTime: "2026-01-04T00:00", override: "Expedite", reason: "b" },
        { startTime: "2026-01-01T00:00", endTime: "2026-01-03T00:00", reason: "a" },
        { startTime: "2026-01-04T00:00", endTime: "2026-01-05T00:00", override: "Expedite", reason: "c" },
      ],
    });

    expect(freezeAt(two, at("2026-01-02T12:00:00Z"))).toMatchObject({
      override: "Never",
      until: at("2026-01-05T00:00:00Z"),
      since: at("2026-01-01T00:00:00Z"),
      freeze: { reason: "b" },
    });
    expect(freezesAt([two], at("2026-01-03T12:00:00Z"), { expedite: true })).toEqual({ frozen: false });
  });

  it("may begin in a gap and in a doubled hour", () => {
    const spring = calendar({
      timeZone: "America/New_York",
      freezes: [{ startTime: "2026-03-08T02:30", endTime: "2026-11-01T01:30", reason: "x" }],
    });

    expect(utc(nextChange(spring, 0))).toBe("2026-03-08T07:00:00Z");
    expect(utc(nextChange(spring, at("2026-06-01T00:00:00Z")))).toBe("2026-11-01T05:30:00Z");
  });
});

describe("several calendars", () => {
  const early = windows("UTC", { schedule: "0 1 * * *", duration: "1h" });
  const late = windows("UTC", { schedule: "0 5 * * *", duration: "1h" });
  const freezeOnly = calendar({
    timeZone: "UTC",
    freezes: [{ startTime: "2026-01-01T00:00", endTime: "2026-01-02T03:00", reason: "x" }],
  });

  it("unite their windows and all their freezes", () => {
    expect(utc(nextStart([early, late], at("2026-01-05T02:00:00Z")))).toBe("2026-01-05T05:00:00Z");
    expect(utc(nextStart([early, late, freezeOnly], at("2026-01-01T02:00:00Z")))).toBe("2026-01-02T05:00:00Z");
  });

  it("are not restricted by one that has no windows", () => {
    expect(windowsAt([early, freezeOnly], at("2026-01-05T02:00:00Z")).open).toBe(false);
    expect(windowsAt([freezeOnly], at("2026-01-05T02:00:00Z")).open).toBe(true);
    expect(nextStart([], 5)).toBe(5);
  });
});

describe("compiling a calendar", () => {
  it("finds every mistake, with its place", () => {
    const compiled = compileCalendar({
      timeZone: "UTC",
      windows: [
        { schedule: "0 0 31 2 *", duration: "1h" },
        { schedule: "0 0 * * *", duration: "1x", cutoff: "2h" },
        { schedule: "0 0 * * *", duration: "1h", cutoff: "60m" },
        { schedule: "0 0 30,31 2 *", duration: "0s" },
        { schedule: "0 0 * * *", duration: "32d" },
      ],
      freezes: [
        { startTime: "2026-02-30T00:00", endTime: "2026-03-01T24:00", reason: " " },
        { startTime: "2026-02-02T00:00", endTime: "2026-02-02T00:00Z", reason: "x" },
      ],
    });

    expect(compiled.errors?.map(({ path }) => path)).toEqual([
      "windows[0].schedule",
      "windows[1].duration",
      "windows[2].cutoff",
      "windows[3].schedule",
      "windows[3].duration",
      "windows[4].duration",
      "freezes[0].startTime",
      "freezes[0].endTime",
      "freezes[0].reason",
      "freezes[1].endTime",
    ]);
    expect(compiled.errors?.[0]?.message).toContain("would never open");
  });

  it("refuses a zone that does not exist, and a bare offset", () => {
    for (const timeZone of ["Mars/Phobos", "", "+02:00", "Europe/Berlin "]) {
      expect(compileCalendar({ timeZone }).errors?.map(({ path }) => path)).toEqual(["timeZone"]);
    }
  });
});

const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Africa/Casablanca",
  "Pacific/Apia",
  "America/Sao_Paulo",
];
const schedules = [
  "0 1 * * *",
  "30 2 * * *",
  "0 0 * * SUN",
  "*/15 2 * * *",
  "0 23 * * *",
  "0 0 1 * *",
  "15 2 L * *",
  "0 */6 * * *",
  "0 3 * * TUE#2",
];
const durations = [
  ["1h", "0s"],
  ["4h", "30m"],
  ["26h", "1h"],
  ["15m", "5m"],
  ["6h", "0s"],
] as const;

describe("whatever the calendar", () => {
  const window = fc
    .record({ schedule: fc.constantFrom(...schedules), length: fc.constantFrom(...durations) })
    .map(({ schedule, length: [duration, cutoff] }) => ({ schedule, duration, cutoff }));
  const spec = fc.record({
    timeZone: fc.constantFrom(...zones),
    windows: fc.array(window, { minLength: 1, maxLength: 3 }),
  });
  // Around the jumps of the zones above, Samoa's lost day included.
  const instant = fc
    .tuple(
      fc.constantFrom(
        "2026-03-08",
        "2026-03-29",
        "2026-04-05",
        "2026-10-04",
        "2026-10-25",
        "2026-11-01",
        "2011-12-30",
        "2026-02-15",
      ),
      fc.integer({ min: -3 * DAY, max: 3 * DAY }),
    )
    .map(([day, offset]) => at(`${day}T00:00:00Z`) + offset);

  it("nothing changes before nextChange, and something does at it", () => {
    fc.assert(
      fc.property(spec, instant, fc.double({ min: 0, max: 1, noNaN: true }), (one, now, part) => {
        const state = windowAt(calendar(one), now);
        const change = nextChange(calendar(one), now) ?? Number.NaN;

        expect(change).toBeGreaterThan(now);
        for (const between of [now, Math.floor(now + part * (change - 1 - now)), change - 1]) {
          expect(windowAt(calendar(one), between)).toEqual(state);
        }
        // A calendar that does not close in sight only asks to be looked at again.
        const endsInSight = !state.open || state.closesAt !== undefined;
        expect(!endsInSight || !isDeepStrictEqual(windowAt(calendar(one), change), state)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("a calendar that has answered before answers like a new one", () => {
    fc.assert(
      fc.property(spec, fc.array(instant, { minLength: 2, maxLength: 8 }), (one, instants) => {
        const used = calendar(one);
        for (const now of instants) expect(windowAt(used, now)).toEqual(windowAt(calendar(one), now));
      }),
      { numRuns: 60 },
    );
  });

  it("is open exactly while less than its duration has passed since a start", () => {
    fc.assert(
      fc.property(spec, instant, (one, now) => {
        const state = windowAt(calendar(one), now);
        const opens = state.open ? state.since : state.opensAt;
        // Out of sight: a calendar that is open for months.
        fc.pre(opens !== undefined);
        expect(windowAt(calendar(one), opens)).toMatchObject({ open: true, mayStart: true, since: opens });
        expect(windowAt(calendar(one), opens - 1).open).toBe(false);
        const closes = state.open ? state.closesAt : undefined;
        expect(closes !== undefined && windowAt(calendar(one), closes).open).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it("nextStart is the first instant at which work may start", () => {
    fc.assert(
      fc.property(spec, spec, instant, (one, other, now) => {
        const calendars = [calendar(one), calendar(other)];
        const start = nextStart(calendars, now) ?? Number.NaN;
        expect(mayStartAt(calendars, start)).toBe(true);
        const earlier = start > now && (mayStartAt(calendars, start - 1) || mayStartAt(calendars, now));
        expect(earlier).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
