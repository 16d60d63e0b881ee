// `npm run test:gitea`: finds or builds a real Gitea, runs the tests of its adapter against it, and ends with one line `N passed, N failed`.
// `npm run test:gitea -- test/gitea/contract.test.ts` runs a part; further arguments go to vitest.
import { findGitea } from "./gitea.ts";
import { isMain } from "./is-main.ts";
import { runVitest } from "./vitest-run.ts";

async function runTests(args: readonly string[]): Promise<number> {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const { program, staticRoot, found } = await findGitea(process.env, tell);
    tell(`gitea: ${found}`);
    const env = { RINGWARD_GITEA: program, RINGWARD_GITEA_STATIC: staticRoot };
    return await runVitest({ config: "test/gitea/vitest.config.ts", args, env });
  } catch (error) {
    tell(`${(error as Error).message}\n0 passed, 1 failed`);
    return 1;
  }
}

if (isMain(import.meta.url)) process.exitCode = await runTests(process.argv.slice(2));
