// Runs vitest over one config and ends with the one line that CI adds up: `N passed, N failed`. Nothing ran is a failure: a suite that
// found nothing has proved nothing.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

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

export interface VitestRun {
  /** Path from the root. */
  readonly config: string;
  /** Further arguments to vitest: files, `-t NAME`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Looks around after the tests have ended; what it finds is a failure each. */
  readonly after?: () => Promise<readonly string[]>;
}

/** Runs the tests; answers the exit code. */
export async function runVitest({ config, args, env = {}, after }: VitestRun): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ringward-tests-"));
  const file = join(folder, "report.json");
  try {
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const options = ["--config", config, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const code = await run(process.execPath, [vitest, "run", ...options, ...args], env);
    const left = (await after?.()) ?? [];
    for (const line of left) process.stdout.write(`${line}\n`);
    if (!existsSync(file)) {
      process.stdout.write(`vitest ended with ${code} and without a report\n0 passed, 1 failed\n`);
      return 1;
    }
    return conclude(JSON.parse(readFileSync(file, "utf8")) as Report, code, left.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a program with our output; resolves with its exit code. */
function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`;
    const child = spawn(file, args, { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env, PATH: path } });
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

function conclude(report: Report, code: number, left: number): number {
  const { passed, failed } = countTests(report);
  if (passed + failed === 0) process.stdout.write("no test ran\n");
  // Errors outside of tests (an unhandled rejection) fail the run without failing a test.
  const outside = code !== 0 && failed === 0 ? 1 : 0;
  if (outside > 0) process.stdout.write(`vitest ended with ${code} although no test failed: see above\n`);
  process.stdout.write(`${passed} passed, ${failed + outside + left} failed\n`);
  return passed > 0 && failed + outside + left === 0 ? 0 : 1;
}
