// `npm test`: makes sure that the tools which tests drive are there, runs every test, and ends with one line
// `N passed, N failed`. It fails when no test ran: a suite that found nothing has proved nothing.
// `npm test -- test/core` runs a part; further arguments go to vitest.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { isMain } from "./is-main.ts";
import { kubectlPath } from "./kubectl.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** What vitest's JSON reporter says, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numTotalTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

/** The counts, a file that could not even be loaded being one failure. */
export function countTests(report: Report): { readonly passed: number; readonly failed: number } {
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}

/** Runs a program with our output; resolves with its exit code. */
function run(file: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}` },
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

async function runTests(args: readonly string[]): Promise<number> {
  try {
    process.stdout.write(`kubectl: ${await kubectlPath()}\n`);
  } catch (error) {
    process.stdout.write(
      `kubectl cannot be fetched, and tests need it: ${(error as Error).message}\n0 passed, 1 failed\n`,
    );
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "ringward-tests-"));
  const file = join(folder, "report.json");
  try {
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const options = [
      "--config",
      "test/vitest.config.ts",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ];
    const code = await run(process.execPath, [vitest, "run", ...options, ...args]);
    if (!existsSync(file)) {
      process.stdout.write(`vitest ended with ${code} and without a report\n0 passed, 1 failed\n`);
      return 1;
    }
    return conclude(JSON.parse(readFileSync(file, "utf8")) as Report, code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function conclude(report: Report, code: number): number {
  const { passed, failed } = countTests(report);
  if (passed + failed === 0) process.stdout.write("no test ran\n");
  // Errors outside of tests (an unhandled rejection) fail the run without failing a test.
  const outside = code !== 0 && failed === 0 ? 1 : 0;
  if (outside > 0) process.stdout.write(`vitest ended with ${code} although no test failed: see above\n`);
  process.stdout.write(`${passed} passed, ${failed + outside} failed\n`);
  return passed > 0 && failed + outside === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) process.exitCode = await runTests(process.argv.slice(2));
