import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { command as controller } from "../../controller/cli/controller.ts";
import { command as sandbox } from "../../controller/cli/sandbox.ts";
import { runRingward, startRingward } from "../sandbox/demo/process.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ringward-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("sandbox", () => {
  it.each([
    [["--nodes", "x"], "--nodes x"],
    [["--nodes", "0"], "from 1 to 5000"],
    [["--port", "99999"], "--port 99999"],
    [["--port", ""], "--port is empty"],
    [["--rate", "0"], "--rate 0"],
    [["--nope"], "ringward sandbox --help says more"],
    [["something"], "something is not understood"],
    [["--policy", "/nonexistent/policy"], "there is no such folder"],
  ])("refuses %j and says what to do", async (args, text) => {
    await expect(sandbox(args)).rejects.toThrow(text);
  });

  it("says that a port is taken, and leaves nothing behind", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const own = folder();
    const { code, stderr } = await runRingward(["sandbox", "--port", String(port)], own);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `ringward sandbox: port ${port} is taken (name another with --port, or leave it out for a free one) [RW0306]\n`,
    });
    expect(startRingward(["version"], own).leftovers()).toEqual([]);
  });

  it("serves the policy as a repository until it is stopped, without a checkout's own .git", async () => {
    const policy = folder();
    writeFileSync(join(policy, "ring.yaml"), "a: b\n");
    writeFileSync(join(policy, ".git"), "gitdir: elsewhere\n");
    const run = startRingward(["sandbox", "--policy", policy]);
    onTestFinished(() => {
      run.child.kill("SIGKILL");
      run.remove();
    });
    await run.saw("git ");
    const api = /forge +(http:\S+)/.exec(run.story())?.[1] ?? "";
    const answer = await fetch(`${api}/api/v3/repos/example/patch-policy/pulls`);
    expect(answer.status).toBe(200);
    run.child.kill("SIGTERM");
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    const kubeconfig = /^export KUBECONFIG=(\S+)\n$/.exec(stdout)?.[1] ?? "";
    expect(kubeconfig).toContain(run.folder);
    expect(existsSync(kubeconfig)).toBe(false);
    expect(run.leftovers()).toEqual([]);
  });
});

describe("controller", () => {
  it.each([
    [["--pace", "x"], "--pace x"],
    [["--nope"], "ringward controller --help says more"],
    [["something"], "something is not understood"],
  ])("refuses %j and says what to do", async (args, text) => {
    await expect(controller(args)).rejects.toThrow(text);
  });
});
