// End-to-end tests: each file has a control plane of its own, so one file after the other on two cores.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    pool: "forks",
    maxWorkers: 1,
    // Limits for a machine that does other things, too: no test waits for them unless something hangs.
    testTimeout: 1_200_000,
    hookTimeout: 900_000,
    passWithNoTests: false,
  },
});
