// Recipes on real roots, and the image: needs root rights and Debian's packages, so it is a suite of its own (`npm run test:recipes`).
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/recipes/**/*.test.ts", "test/image/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    pool: "forks",
    maxWorkers: 2,
    // Limits for a machine that does other things, too: no test waits for them unless something hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
  },
});
