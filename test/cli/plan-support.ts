// Runs read commands in this process and keeps what they print; makes dumps and policies in folders that go away again.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import type { Surroundings } from "../../controller/cli/output.ts";

export const ROOT = new URL("../..", import.meta.url).pathname;
export const POLICY = join(ROOT, "examples/policy-small");
export const DUMP = join(ROOT, "examples/dump-small");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

/** Far from the dump's time, so that nothing depends on now. */
export function surroundings(more: Partial<Surroundings> = {}): Surroundings {
  return {
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    env: {},
    terminal: false,
    clock: manualClock(Date.parse("2027-03-01T00:00:00Z")),
    random: seededRandom(1),
    user: "ana",
    host: "laptop",
    demoFolder: join(tmpdir(), "ringward-no-demo-here"),
    ...more,
  };
}

/** Runs a command as its own process would see it. */
export async function run(command: Command, args: readonly string[], more: Partial<Surroundings> = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const stdout = { write: (text: string) => (out += text) };
  const stderr = { write: (text: string) => (err += text) };
  const code = await command(args, surroundings({ stdout, stderr, ...more }));
  return { code, out, err };
}

const made: string[] = [];

/** A folder of its own, removed after the tests; a copy of `from` where given. */
export function makeFolder(from?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "ringward-test-"));
  made.push(folder);
  if (from !== undefined) cpSync(from, folder, { recursive: true });
  return folder;
}

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
