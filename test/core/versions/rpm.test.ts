// rpm's order: rows that rpm's documentation of versions, tilde and caret gives, and epochs and releases.
import { describe, expect, it } from "vitest";
import { isVersion } from "../../../controller/core/versions/index.ts";
import { expectAscending, expectMalformed, expectRows } from "./rows.ts";

describe("rpm versions", () => {
  it("orders segments as rpmvercmp does", () => {
    const count = expectRows(
      "rpm",
      `
      1.0 = 1.0
      1.0 < 2.0
      2.0.1 > 2.0
      2.0.1a > 2.0.1
      5.5p1 < 5.5p2
      5.5p10 > 5.5p1
      10xyz < 10.1xyz
      xyz10 < xyz10.1
      xyz.4 < 8
      xyz.4 < 2
      5.5p2 < 5.6p1
      5.6p1 < 6.5p1
      6.0.rc1 > 6.0
      10b2 > 10a1
      10a2 < 10b2
      1.0a < 1.0aa
      10.0001 = 10.1
      10.0001 < 10.0039
      4.999.9 < 5.0
      20101121 < 20101122
      2_0 = 2.0
      a+ = a_
      +a = _a
      +_ = _+
      + = _
      1.0. = 1.0
      1b.fc17 < 1.fc17      # a number is newer than a word
      1g.fc17 > 1.fc17
      1.1.α = 1.1.β         # what is not ASCII only separates
      1.1.αα = 1.1.β
      1.1.α < 1.1.a
      FC5 < fc4
      2a < 2.0
      1.0 > 1.fc4
      3.0.0_fc < 3.0.0.fc.1
      `,
    );
    expect(count).toBeGreaterThan(30);
  });

  it("sorts a tilde before the end and a caret between the end and anything else", () => {
    expectAscending("rpm", [
      "1.0~~",
      "1.0~rc1~git123",
      "1.0~rc1",
      "1.0~rc1^git1",
      "1.0~rc2",
      "1.0",
      "1.0^git1~pre",
      "1.0^git1",
      "1.0^git2",
      "1.0a",
      "1.0.1",
    ]);
    expectAscending("rpm", ["1.0", "1.0^", "1.0^20160101", "1.0^20160101^git1", "1.0^20160102", "1.0.1", "1.01"]);
    expectRows("rpm", "1.0~rc1 < 1.0arc1\n1.0^ = 1.0^");
  });

  it("lets the epoch decide first, and counts a missing one as 0", () => {
    expectRows(
      "rpm",
      `
      0:1 = 1
      :1 = 1
      01:2 = 1:2
      0:1~1 < 1:2
      3:1~1 > 1:2
      13 < 14:2
      13:5 > 004:2
      130:5 > 004:2
      1~1 < 1:2
      a:1 < b:1             # only digits are an epoch
      a:1 < a:2
      1.m+e2:1 < 4.m+e1:1
      99999999999999999999:1 > 99999999999999999998:2
      `,
    );
  });

  it("compares releases by the same rules, and sorts a version without release before the same with one", () => {
    expectRows(
      "rpm",
      `
      1-123 > 1-2
      1-1 < 1-2
      1 < 1-1
      1 < 1-0
      1 < 1-
      1- = 1-
      1-123 > 1-1.el7
      2 > 1-9
      0:3.10.0-229.el7 < 0:3.10.0-229.1.2.ael7b
      0:2.4.21-9.EL < 0:2.4.21-9.0.1.EL
      0:3.10.0-229.1.2.ael7b < 0:3.10.0-229.4.2.ael7b
      1-1. = 1-1
      1-1.a < 1-1.e
      1-1.4 > 1-1.3
      5.14.0-362.8.1.el9_3 < 5.14.0-362.18.1.el9_3
      5.14.0-362.24.1.el9_3 < 5.14.0-427.13.1.el9_4
      1:3.0.7-24.el9 < 1:3.0.7-25.el9_3
      +2- > +1-
      `,
    );
  });

  it("never orders an empty version or one with blanks or control characters", () => {
    expectMalformed("rpm", ["", "1:", "-1", "1:-1", "1 0", " 1", "1\t", "1\u0000", "1\n"], "1.0");
  });

  it("lets a policy require only what rpm would build", () => {
    expect(["1.0-", "-1", "α", "1.0-1-2", "~1", "1:1:1", "1/2"].filter((text) => isVersion("rpm", text))).toEqual([]);
    expect(["1.0", "2:1.0~rc1-3.el9_3", "1.0^git1-1"].every((text) => isVersion("rpm", text))).toBe(true);
  });
});
