// The crash sweep, which runs whole rollouts again and again, so it is a suite of its own (`npm run test:sweep`).
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/sweep/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    pool: "forks",
    maxWorkers: 2,
    // Each test says how long it may take; this is for what is short.
    testTimeout: 90_000,
    hookTimeout: 180_000,
    passWithNoTests: false,
  },
});
