// `npm run test:e2e`: finds or builds a real control plane, runs the end-to-end tests against it, and ends with one line
// `N passed, N failed`. A process of a test that outlives the run is a failure, and is ended.
// `npm run test:e2e -- test/e2e/smoke.test.ts` runs a part; further arguments go to vitest.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findAssets } from "./controlplane.ts";
import { isMain } from "./is-main.ts";
import { kubectlPath } from "./kubectl.ts";
import { runVitest } from "./vitest-run.ts";

/** Folder in which the tests' processes leave their ids (test/e2e/support/processes.ts). */
export const RUN_FOLDER = "RINGWARD_E2E_RUN";

async function runTests(args: readonly string[]): Promise<number> {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  let folder: string;
  try {
    const assets = await findAssets(process.env, tell);
    folder = assets.folder;
    tell(`control plane: ${assets.found}\nassets: ${folder}\nkubectl: ${await kubectlPath()}`);
  } catch (error) {
    tell(`${(error as Error).message}\n0 passed, 1 failed`);
    return 1;
  }
  const run = mkdtempSync(join(tmpdir(), "ringward-e2e-"));
  try {
    return await runVitest({
      config: "test/e2e/vitest.config.ts",
      args,
      env: { KUBEBUILDER_ASSETS: folder, [RUN_FOLDER]: run },
      after: async () => endSurvivors(run),
    });
  } finally {
    rmSync(run, { recursive: true, force: true });
  }
}

/** Processes that the tests started and that still live. Each file is named by a process id and holds its command. */
function endSurvivors(run: string): readonly string[] {
  const names = readdirSync(run).filter((name) => /^\d+$/.test(name));
  return names.flatMap((name) => {
    const pid = Number(name);
    const command = readFileSync(join(run, name), "utf8");
    if (!isRunning(pid, command)) return [];
    process.kill(pid, "SIGKILL");
    return [`left behind by a test, and ended now: ${command} (${pid})`];
  });
}

/** The id may belong to somebody else by now: the command line must begin as it did. */
function isRunning(pid: number, command: string): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return line.startsWith(command);
  } catch {
    return false;
  }
}

if (isMain(import.meta.url)) process.exitCode = await runTests(process.argv.slice(2));
