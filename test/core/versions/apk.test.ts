// Alpine's order: rows that its package documentation and its repositories give.
import { describe, expect, it } from "vitest";
import { expectAscending, expectEqualToItself, expectMalformed, expectRows } from "./rows.ts";

describe("apk versions", () => {
  it("orders as apk does", () => {
    const count = expectRows(
      "apk",
      `
      2.34 > 0.1.0_alpha
      0.1.0_alpha = 0.1.0_alpha
      0.1.0_alpha2 > 0.1.0_alpha
      0.1.0_alpha_pre2 < 0.1.0_alpha
      1.0.4-r3 < 1.0.4-r4
      1-r1 = 1-r01
      1.1 > 1.1_alpha1
      1.3_alpha < 1.3_alpha2
      2.3.0b-r1 < 2.3.0b-r2
      0.12.3 > 0.12
      0.13_beta5 > 0.9.12
      3.1_p16 < 3.1_p17
      1.06-r6 < 006
      006 > 1.0.0
      0.21 > 0.3.7-r3
      2.20.3 < 2.31
      1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
      1.3.1-r0 > 1.3-r0
      1.3_pre1-r1 < 1.3.2
      1.0_p10-r0 > 1.0_p9-r0
      1.36.1_rc2-r3 < 1.36.1-r0
      1.2.9.1-r1 > 1.2.9.1
      02.08.01b < 4.77
      0.1_p1_pre2 < 0.1_p1
      1_git20240101 < 1_git20240102
      1.2~abc < 1.2~abd
      `,
    );
    expect(count).toBeGreaterThan(25);
  });

  it("sorts suffixes alpha, beta, pre, rc, none, cvs, svn, git, hg, p", () => {
    expectAscending("apk", [
      "1_alpha",
      "1_beta",
      "1_pre",
      "1_rc",
      "1_rc1",
      "1",
      "1_cvs",
      "1_svn",
      "1_git",
      "1_hg",
      "1_p",
      "1_p1",
    ]);
  });

  it("sorts more numbers after letters after suffixes after hashes after revisions after nothing", () => {
    expectAscending("apk", [
      "1.0",
      "1.0-r0",
      "1.0-r1",
      "1.0~ab",
      "1.0~ab-r0",
      "1.0_p",
      "1.0a",
      "1.0a-r9",
      "1.0b",
      "1.0.0",
    ]);
  });

  it("compares later numbers with a leading zero as fractions, the first one never", () => {
    expectAscending("apk", ["1.0", "1.00", "1.01", "1.010", "1.02", "1.1", "1.2", "1.10"]);
    expectRows("apk", "01 = 1\n010.1 > 9.1");
  });

  it("keeps the order of Alpine's published patch numbers after p", () => {
    expectRows(
      "apk",
      "6.0.3p1-r0 < 6.0.3p1-r1\n6.0.3p1 < 6.0.3p2\n1.8.31-r1 < 1.8.31p1-r1\n1.8.31p1-r1 < 1.9.0-r1\n6.6.2p1 > 6.6.2_p1\n5.1p9 < 5.1p10",
    );
  });

  it("accepts what apk accepts", () => {
    expectEqualToItself("apk", [
      "1.2",
      "0.1_pre2",
      "0.1_pre2~1234abcd",
      "0.1_p1_pre2",
      "0.1_alpha1_pre2",
      "0.1_git20240101_pre1",
      "1-r0",
    ]);
  });

  it("never orders an invalid version, also where the difference comes earlier", () => {
    expectMalformed(
      "apk",
      [
        ..."|0.1bc|0.1bc1|0.1a1|0.1a.1|0.1_pre2~|0.1_pre2~1234xbcd|0.1_pre2~1234abcd_pre1|0.1_pre2-r1~1234xbcd".split(
          "|",
        ),
        ..."0.1_foobar|0.1_foobar1|0.1-pre1.1|0.1-r|0.1-r2_pre1|0.1-r2_p3_pre1|0.1-r2-r3|0.1-r2.1|.1|a|_pre1|-r1".split(
          "|",
        ),
        ..."0.1_|0.1_-r0|0.1__alpha|0.1_1_alpha|1..2|1.|1.2A|v1.0|1.0 |1.0+1|1:1.0".split("|"),
      ],
      "9999",
    );
  });
});
