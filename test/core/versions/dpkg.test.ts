// Debian's order: rows that the Policy's text, dpkg's manual and Debian's archive give.
import { describe, expect, it } from "vitest";
import { isVersion } from "../../../controller/core/versions/index.ts";
import { expectAscending, expectEqualToItself, expectMalformed, expectRows } from "./rows.ts";

describe("dpkg versions", () => {
  it("orders as dpkg's manual and its own tests do", () => {
    const count = expectRows(
      "dpkg",
      `
      1.0-1 < 2.0-2
      2.2~rc-4 < 2.2-1
      2.2-1 > 2.2~rc-4
      1.0000-1 = 1.0-1
      1 = 0:1
      0 = 0:0-0
      0 = 0-0
      00 = 0
      0-0 = 00-00
      2:2.5 > 1:7.5
      1:0foo > 0foo
      0:0foo = 0foo
      0foo-0 = 0foo
      0foo > 0fo
      0foo-0 < 0foo+
      0foo~1 < 0foo
      0foo~foo+Bar < 0foo~foo+bar
      0foo~~ < 0foo~
      1~ < 1
      12345+that-really-is-some-ver-0 < 12345+that-really-is-some-ver-10
      0foo-0 < 0foo-01
      0foo.bar > 0foobar
      0foo.bar > 0foo1bar
      0foo.bar > 0foo0bar
      0foo1bar-1 < 0foobar-1
      0foo2.0 > 0foo2
      0foo2.0.0 < 0foo2.10.0
      0foo2.0 < 0foo2.0.0
      0foo2.1 < 0foo2.10
      1.09 = 1.9
      1.0.8+nmu1 > 1.0.8
      3.11 > 3.10+nmu1
      0.9j-20080306-4 > 0.9i-20070324-2
      1.2.0~b7-1 > 1.2.0~b6-1
      1.011-1 > 1.06-2
      0.0.9+dfsg1-1 > 0.0.8+dfsg1-3
      4.6.99+svn6582-1 > 4.6.99+svn6496-1
      53 > 52
      0.9.9~pre122-1 > 0.9.9~pre111-1
      2:2.3.2-2+lenny2 > 2:2.3.2-2
      1:3.8.1-1 > 3.8.GA-1
      1.0.1+gpl-1 > 1.0.1-2
      1a < 1000a
      0-1 < 0-2
      0:0-0-0 < 0:0-0-1
      0:0:0-0 < 0:0:1-0
      1:0:0:0-0 > 0:0:0:0-0
      1.2.3 = 1.2.3-0
      1.0-1~bpo12+1 < 1.0-1
      1.0-1+deb12u1 > 1.0-1
      1.0-1+deb12u1 < 1.0-1+deb12u2
      1.0-1ubuntu0.22.04.1 < 1.0-1ubuntu0.22.04.10
      1.0-1ubuntu1 < 1.0-1+deb9u1     # letters sort before all other characters
      5.15.0-101.111 < 5.15.0-102.112
      1:9.18.24-1~deb12u1 < 1:9.18.24-1
      a < b                           # dpkg warns about a version without leading digit, and orders it
      0 < a
      `,
    );
    expect(count).toBeGreaterThan(50);
  });

  it("sorts a tilde before the end, letters after it, and everything else last", () => {
    expectAscending("dpkg", ["1~~", "1~~a", "1~", "1~1", "1", "1A", "1Z", "1a", "1z", "1+", "1.", "1.1"]);
  });

  it("compares numbers of any length and ignores their leading zeros", () => {
    expectRows("dpkg", `1.${"9".repeat(60)} < 1.1${"0".repeat(60)}\n1.${"0".repeat(60)}7 = 1.7`);
  });

  it("trims blanks around a version, as dpkg does", () => {
    expectEqualToItself("dpkg", ["  1.0-1", "1.0-1 ", "\t1.0-1 "]);
  });

  it("never orders what Debian Policy forbids or dpkg refuses", () => {
    expectMalformed(
      "dpkg",
      ["", " ", "0:", ":1", "a:0-0", "A:0-0", "-1:0-1", "1-1:0", "-0", "0:-0", "1.0-", "0 0-1", "0:0-0:0", "1:2:3-0:0"],
      "1.0",
    );
    expectMalformed("dpkg", ["2147483648:1", "999999999999999999999999:0-1", "1.ü", "1\u0000", "1\n"], "1.0");
    expectMalformed(
      "dpkg",
      [..."!#@$%&/|\\<>()[]{};,_=*^'\""].flatMap((c) => [`0:0${c}a-0`, `0:0-0${c}`]),
      "1.0",
    );
  });

  it("accepts the largest epoch that dpkg accepts", () => {
    expectRows("dpkg", "2147483647:0 > 2147483646:9");
  });

  it("does not let a policy require a version without a leading digit", () => {
    expect(["latest", "abc", "1:x1"].filter((text) => isVersion("dpkg", text))).toEqual([]);
    expect(["1.0", "1:1.0-1", "0~rc1"].every((text) => isVersion("dpkg", text))).toBe(true);
  });
});
