// End-to-end tests: each file has a control plane of its own. They wait more than they compute, so two files run at a time on two cores,
// the longest first.
import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Minutes each, longest first; what is not here takes seconds. */
const LONG = ["faults", "crashes", "outages", "rollout", "people", "failover", "panels", "chart"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONG.indexOf(basename(moduleId, ".test.ts"));
      return at === -1 ? LONG.length : at;
    };
    return files.toSorted((a, b) => place(a) - place(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Limits for a machine that does other things, too: no test waits for them unless something hangs.
    testTimeout: 1_200_000,
    hookTimeout: 900_000,
    passWithNoTests: false,
  },
});
