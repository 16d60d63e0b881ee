import { describe, expect, it } from "vitest";
import { countTests } from "./vitest-run.ts";

describe("counts of a test run", () => {
  it("count a file that could not be loaded as one failure", () => {
    const report = {
      numPassedTests: 3,
      numFailedTests: 1,
      numTotalTests: 4,
      numPendingTests: 0,
      testResults: [
        { name: "a", status: "failed", assertionResults: [{}, {}] },
        { name: "b", status: "failed", assertionResults: [] },
        { name: "c", status: "passed", assertionResults: [{}] },
      ],
    };
    expect(countTests(report)).toEqual({ passed: 3, failed: 2 });
  });
});
