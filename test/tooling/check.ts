// `npm run check`: everything that can be said about the sources without running them, as one command. Each check runs even
// when another failed, and the last line counts them: `N passed, N failed`. `npm run check -- NAME` runs one.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../controller/clock.ts";
import { findStale } from "./generate.ts";
import { isMain } from "./is-main.ts";
import { completeLock, type Lockfile } from "./lock.ts";
import { judgeRooms } from "./rooms.ts";
import { findTracks, tracksOfMachine } from "./tidy.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Check {
  readonly name: string;
  readonly about: string;
  /** What is wrong, one line each; empty: nothing. */
  readonly run: () => readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: "format", about: "oxfmt", run: () => tool("oxfmt", ["--check", "."]) },
  { name: "lint", about: "oxlint, with types", run: () => tool("oxlint", ["--deny-warnings"]) },
  { name: "rooms", about: "who imports whom", run: () => judgeRooms(ROOT) },
  { name: "types", about: "tsc", run: () => tool("tsc", ["--noEmit", "-p", "."]) },
  { name: "unused", about: "knip", run: () => tool("knip", ["--no-progress"]) },
  {
    name: "generated",
    about: "generated files are up to date",
    run: () => {
      const stale = findStale(ROOT);
      return stale.length === 0 ? [] : [...stale, "what to do: npm run generate"];
    },
  },
  { name: "lock", about: "npm ci accepts package-lock.json", run: checkLock },
  {
    name: "tidy",
    about: "no machine paths, no registry addresses",
    run: () => findTracks(ROOT, tracksOfMachine(ROOT)),
  },
];

/** Runs a tool of node_modules/.bin; its output is the complaint when it fails. */
function tool(name: string, args: readonly string[]): string[] {
  return command(join(ROOT, "node_modules", ".bin", name), args, ROOT);
}

function command(file: string, args: readonly string[], cwd: string): string[] {
  const result = spawnSync(file, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.error !== undefined) return [`${file} cannot be run: ${result.error.message}`];
  if (result.status === 0) return [];
  const output = `${result.stdout}${result.stderr}`.trimEnd();
  return [output === "" ? `${file} ended with ${String(result.status ?? result.signal)}` : output];
}

/** The lock is complete for every platform, names no host, and `npm ci` takes it, looking at nothing but the two files. */
function checkLock(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lockfile;
  const addresses = Object.values(lock.packages).filter((entry) => entry.resolved !== undefined).length;
  const missing = completeLock(lock);
  const findings = [
    ...missing.map((name) => `package-lock.json lacks ${name}`),
    ...(addresses === 0 ? [] : [`package-lock.json holds ${addresses} addresses ("resolved")`]),
  ];
  const folder = mkdtempSync(join(tmpdir(), "ringward-lock-"));
  try {
    for (const name of ["package.json", "package-lock.json"]) cpSync(join(ROOT, name), join(folder, name));
    findings.push(...command("npm", ["ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund"], folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return findings.length === 0 ? [] : [...findings, "what to do: npm run lock"];
}

/** Runs the checks named in `wanted` (all when empty) and prints each as it ends. Returns the exit code. */
function runChecks(wanted: readonly string[]): number {
  const unknown = wanted.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `there is no check "${unknown.join('", "')}" (there are ${CHECKS.map(({ name }) => name).join(", ")})\n`,
    );
    return 2;
  }
  let failed = 0;
  const checks = CHECKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  for (const check of checks) {
    const start = systemClock.monotonic();
    const findings = check.run();
    if (findings.length > 0) failed++;
    const seconds = ((systemClock.monotonic() - start) / 1000).toFixed(1);
    process.stdout.write(
      `${findings.length === 0 ? "ok    " : "FAILED"} ${check.name} (${check.about}), ${seconds} s\n`,
    );
    for (const finding of findings) process.stdout.write(`${finding.replaceAll(/^/gm, "       ")}\n`);
  }
  process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) process.exitCode = runChecks(process.argv.slice(2));
