// The Gitea adapter against a real Gitea, which takes minutes to build the first time, so it is a suite of its own (`npm run test:gitea`).
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/gitea/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    pool: "forks",
    maxWorkers: 2,
    // Limits for a machine that does other things, too: no test waits for them unless something hangs.
    testTimeout: 600_000,
    hookTimeout: 180_000,
    passWithNoTests: false,
  },
});
