// One vitest project for everything; heavy suites run in their own process (pool forks) so that no state is shared.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    // Suites of their own: test/sweep takes minutes (`npm run test:sweep`), test/e2e needs a real control plane (`npm run test:e2e`), test/gitea a real
    // Gitea (`npm run test:gitea`), test/recipes root rights and roots (`npm run test:recipes`).
    exclude: [
      "**/node_modules/**",
      "dist/**",
      "test/sweep/**",
      "test/e2e/**",
      "test/gitea/**",
      "test/recipes/**",
      "test/image/**",
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 180_000,
    passWithNoTests: false,
  },
});
