import { expect, it } from "vitest";
import { ageOfSource, showAge } from "../../../controller/core/promotion/evidence-age.ts";

const now = Date.UTC(2026, 0, 10, 12);

it.each([
  [0, "less than an hour ago"],
  [59, "less than an hour ago"],
  [-5, "less than an hour ago"],
  [60, "1h ago"],
  [47 * 60 + 59, "47h ago"],
  [5 * 24 * 60 + 300, "5d ago"],
])("says of what is %d minutes old: %s", (minutes, said) => {
  expect(showAge(now - minutes * 60_000, now)).toBe(said);
});

it("reads the time out of a snapshot's name, and out of nothing else", () => {
  expect(ageOfSource("20260106T000000Z", now)).toBe(" (4d ago)");
  expect(ageOfSource("20261399T000000Z", now)).toBe("");
  expect(ageOfSource("bookworm", now)).toBe("");
});
