// A suite's list of what it has to come to is kept: with one message, for what was not tried and for what is no invariant.
import { expect, it } from "vitest";
import { ROLLOUT, untried } from "./tried.ts";

it("says of each invariant that was wanted and never tried that nothing was said of it", () => {
  expect(untried("a suite", ["B3", "R1"], ["B3"])).toEqual([]);
  expect(untried("a suite", new Set(["R1"]), ["B3", "B3"])).toEqual([
    expect.stringMatching(/^a suite: B3 \(nothing is touched .*\) was never tried: its precondition did not occur/),
  ]);
});

it("takes no id that is no invariant of histories", () => {
  expect(untried("a suite", ["B15"], ["B15", "Z1"])).toEqual([
    "a suite: B15 is no invariant that histories are checked for",
    "a suite: Z1 is no invariant that histories are checked for",
  ]);
  expect(untried("a suite", ROLLOUT, ROLLOUT)).toEqual([]);
});
