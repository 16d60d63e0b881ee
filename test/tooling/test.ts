// `npm test`: makes sure that the tools which tests drive are there, runs every test but the end-to-end ones, and ends with one line
// `N passed, N failed`. `npm test -- test/core` runs a part; further arguments go to vitest.
import { isMain } from "./is-main.ts";
import { kubectlPath } from "./kubectl.ts";
import { runVitest } from "./vitest-run.ts";

async function runTests(args: readonly string[]): Promise<number> {
  try {
    process.stdout.write(`kubectl: ${await kubectlPath()}\n`);
  } catch (error) {
    process.stdout.write(
      `kubectl cannot be fetched, and tests need it: ${(error as Error).message}\n0 passed, 1 failed\n`,
    );
    return 1;
  }
  return runVitest({ config: "test/vitest.config.ts", args });
}

if (isMain(import.meta.url)) process.exitCode = await runTests(process.argv.slice(2));
