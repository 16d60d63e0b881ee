// The coverage-guided loop as `npm run fuzz` runs it, in a process of its own and for a few seconds: every parser's coverage grows beyond what noise
// reaches, every function of the table runs, and nothing is found. A planted parser shows that the loop finds its way to a bug.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { PARSERS } from "./parsers.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
}

async function run(file: string, args: readonly string[]): Promise<Ended> {
  const words = ["--disable-warning=ExperimentalWarning", file, ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT, maxBuffer: 16 << 20 });
    return { code: 0, lines: stdout.split("\n") };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, lines: `${stdout}${stderr}`.split("\n") };
  }
}

describe("npm run fuzz", () => {
  it("grows over every parser, and finds nothing", async () => {
    const { code, lines } = await run("test/tooling/fuzz.ts", ["--runs", "60", "--seed", "1", "--dry"]);
    const told = lines.filter((line) => / executions, blocks: /.test(line));

    expect(lines.filter((line) => /FOUND|NO GROWTH|IDLE|input:/.test(line))).toEqual([]);
    expect(told.map((line) => line.split(" ")[0])).toEqual(PARSERS.map(({ name }) => name));
    expect(lines.at(-2)).toMatch(/^\d{3,} executions, \d{4,} blocks covered, 0 failures$/);
    expect(code).toBe(0);
  }, 300_000);

  it("finds a bug behind three steps, shrinks it, and says how to see it", async () => {
    const { code, lines } = await run("test/fuzz/support/planted.ts", []);

    expect(lines).toContain("FOUND: throws Error: reached (no place)");
    expect(lines).toContain('INPUT: "key: [!"');
    expect(lines).toContain("NO GROWTH of the blind one: true");
    expect(code).toBe(0);
  });
});
