// How other commands find a demo: one place, which the first demo that runs keeps.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { announceDemo, createWorkspace, findDemo } from "../../../controller/sandbox/workspace.ts";

const demo = { kubeconfig: "/k", forge: "http://127.0.0.1:1/api/v3", url: "http://127.0.0.1:1", pid: process.pid };
/** More than any process id of Linux. */
const DEAD = 2 ** 22 + 1;

describe("the place of a running demo", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ringward-test-"));
    vi.stubEnv("TMPDIR", folder);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(text: string): void {
    const place = join(folder, `ringward-${userInfo().uid}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "ringward-demo.json"), text);
  }

  it("is found while it runs, and gone without a trace when it leaves", () => {
    expect(findDemo()).toBeUndefined();
    const leave = announceDemo(demo);
    expect(findDemo()).toEqual(demo);
    leave?.();
    expect(findDemo()).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is kept by the first: a second demo neither takes it nor takes it away", () => {
    const leave = announceDemo(demo);
    expect(announceDemo({ ...demo, url: "http://127.0.0.1:2" })).toBeUndefined();
    expect(findDemo()).toEqual(demo);
    leave?.();
  });

  it.each([
    ["of a process that is gone", JSON.stringify({ ...demo, pid: DEAD })],
    ["that is half a file", '{"kubeconfig": "/k", "pi'],
    ["without a forge", JSON.stringify({ kubeconfig: "/k", pid: process.pid })],
  ])("a record %s is nobody's: the next demo takes the place", (_, text) => {
    write(text);
    expect(findDemo()).toBeUndefined();
    expect(announceDemo(demo)).toBeDefined();
    expect(findDemo()).toEqual(demo);
  });

  it("leaves what another demo wrote meanwhile", () => {
    const leave = announceDemo(demo);
    write(JSON.stringify({ ...demo, pid: process.ppid }));
    leave?.();
    expect(findDemo()?.pid).toBe(process.ppid);
  });

  it("keeps the files of a run to their owner, and removes them", () => {
    const workspace = createWorkspace();
    const path = workspace.write("kubeconfig", "text");
    expect(path.startsWith(folder)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(workspace.directory).mode & 0o777).toBe(0o700);
    workspace.remove();
    expect(existsSync(workspace.directory)).toBe(false);
  });
});
