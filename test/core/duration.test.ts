// The documented duration format.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DURATION_PATTERN, LONGEST_DURATION, formatDuration, parseDuration } from "../../controller/core/duration.ts";

describe("durations", () => {
  it("are a whole number and one unit", () => {
    expect(["45s", "90m", "36h", "7d", "0s"].map(parseDuration)).toEqual([
      45_000, 5_400_000, 129_600_000, 604_800_000, 0,
    ]);
  });

  it("are nothing else", () => {
    const texts = [
      "",
      "7",
      "d",
      "1.5h",
      "1h30m",
      "-1h",
      "+1h",
      " 1h",
      "1h ",
      "01h",
      "1H",
      "1w",
      "1ms",
      "1e3s",
      "٣h",
      "3651d",
      "9999999999s",
      "1h\n",
    ];
    expect(texts.filter((text) => parseDuration(text) !== undefined)).toEqual([]);
  });

  it("end at ten years", () => {
    expect([parseDuration("3650d"), parseDuration("87600h"), parseDuration("87601h")]).toEqual([
      LONGEST_DURATION,
      LONGEST_DURATION,
      undefined,
    ]);
  });

  it("are printed in the largest unit that needs no fraction", () => {
    expect([0, 1, 1000, 60_000, 5_400_000, 86_400_000, 129_600_000, 604_800_000, -5].map(formatDuration)).toEqual([
      "0s",
      "1s",
      "1s",
      "1m",
      "90m",
      "1d",
      "36h",
      "7d",
      "0s",
    ]);
  });

  it("survive printing and parsing", () => {
    fc.assert(
      fc.property(fc.nat(LONGEST_DURATION / 1000), (seconds) => {
        const text = formatDuration(seconds * 1000);
        return parseDuration(text) === seconds * 1000 && new RegExp(DURATION_PATTERN).test(text);
      }),
    );
  });
});
