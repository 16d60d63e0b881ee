// How every process of ours starts, in the launcher's own process and in one that it spawns: without a way to change prototypes through
// `__proto__`, and without a debugger that a signal could open.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";

const LAUNCH = new URL("../../controller/launch.cjs", import.meta.url).pathname;

/** Says who it is and what it is, and ends when it is told to. */
const SCRIPT = `
  process.stdin.on("data", () => process.exit(7));
  const parsed = JSON.parse('{"__proto__": {"polluted": true}}');
  const copy = {};
  for (const key of Object.keys(parsed)) copy[key] = parsed[key];
  process.stdout.write(JSON.stringify({ pid: process.pid, has: "__proto__" in {}, polluted: copy.polluted === true }) + "\\n");
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringward-launch-"));
  writeFileSync(join(folder, "script.mjs"), SCRIPT);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Started {
  readonly pid: number;
  readonly has: boolean;
  readonly polluted: boolean;
}

async function start(spawned: boolean): Promise<{
  readonly launcher: number;
  readonly started: Started;
  readonly said: () => string;
  readonly end: () => Promise<number | null>;
}> {
  const child = spawn(process.execPath, [LAUNCH, join(folder, "script.mjs")], {
    env: { ...process.env, RINGWARD_FORCE_SPAWN: spawned ? "1" : "" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let out = "";
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.endsWith("\n")) resolve();
    });
    child.once("close", () => reject(new Error(`it ended: ${said}`)));
  });
  return {
    launcher: child.pid ?? 0,
    started: JSON.parse(out) as Started,
    said: () => said,
    end: () => {
      child.stdin.end("end\n");
      return ended;
    },
  };
}

describe.each([
  ["in the launcher's process", false],
  ["in a process that it spawns", true],
])("a program %s", (_where, spawned) => {
  it("has no __proto__", async () => {
    const { started, launcher, end } = await start(spawned);

    expect(await end()).toBe(7);
    expect(started.pid === launcher).toBe(!spawned);
    expect(started).toMatchObject({ has: false, polluted: false });
  });

  it("opens no debugger when it gets SIGUSR1, and works on", async () => {
    const { started, launcher, said, end } = await start(spawned);

    for (const pid of new Set([started.pid, launcher])) process.kill(pid, "SIGUSR1");
    await systemClock.sleep(500);

    expect(await end()).toBe(7);
    expect(said()).toBe("");
  });
});
