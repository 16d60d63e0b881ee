import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { run } from "../../controller/cli/run.ts";
import { freePorts } from "../e2e/support/processes.ts";
import { type DemoProcess, runRingward, startRingward } from "../sandbox/demo/process.ts";

function begin(...args: readonly string[]): DemoProcess {
  const demo = startRingward(["demo", ...args]);
  onTestFinished(() => {
    demo.child.kill("SIGKILL");
    demo.remove();
  });
  return demo;
}

/** In this process: its exit code, and what it says. */
async function runHere(...args: readonly string[]) {
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      said[stream] += String(text);
      return true;
    });
  try {
    return { code: await run(args), ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

describe("wrong use ends with 2 and says what to do", () => {
  it.each([
    [["demo", "--seed", "x"], "--seed x"],
    [["demo", "--seed=-1"], "--seed -1"],
    [["demo", "--rate", "0"], "--rate 0"],
    [["demo", "--timeout", "5"], "90s or 10m"],
    [["demo", "--metrics-bind-address", "8080"], "write :8080, 127.0.0.1:8080"],
    [["demo", "--metrics-bind-address", "127.0.0.1:0"], "give a port, as in 127.0.0.1:8080"],
    [["demo", "--fault", "flood"], "one of failing-node, blocked-pdb, crash, freeze, rewrite-history"],
    [["demo", "-o", "yaml"], "-o json"],
    [["demo", "-o", "wide"], "-o json"],
    [["demo", "--nope"], "Unknown option '--nope' (ringward demo --help says more)"],
    [["demo", "dance"], "dance"],
    [["demo", "merge"], "demo merge N"],
    [["demo", "merge", "abc"], "abc is not the number of a pull request"],
    [["demo", "merge", "1", "--forge", "http://127.0.0.1:9"], "no forge answers"],
  ])("%j", async (args, text) => {
    const { code, stdout, stderr } = await runHere(...args);
    expect(stderr).toContain(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("says so when there is no demo to merge or mend for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const words of [["merge", "1"], ["mend"]]) {
      const { code, stderr } = await runRingward(["demo", ...words], folder);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: "ringward demo: no demo is running (start one with: ringward demo) [RW0305]\n",
      });
    }
  });

  it("prints its help on standard output", async () => {
    const { code, stdout, stderr } = await runHere("demo", "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("--fault NAME");
  });
});

describe("a demo that runs", () => {
  it("is found by other commands, takes a person's merge, and leaves nothing behind on Ctrl-C", async () => {
    const demo = begin();
    await demo.saw("pull request #1 waits for you");
    expect(demo.story()).toMatch(
      /http:\/\/127\.0\.0\.1:\d+\/example\/patch-policy\/pull\/1 +or: ringward demo merge 1\n/,
    );
    const status = await runRingward(["status"], demo.folder);
    expect(status.stdout).toContain("canary");
    expect(status.stdout).toContain("Enforce");
    const why = await runRingward(["why", "node/ubuntu-05"], demo.folder);
    expect(why.stdout).toContain("WaitingForApproval");
    const missing = await runRingward(["demo", "merge", "99"], demo.folder);
    expect(missing).toMatchObject({ code: 1, stderr: "" });
    expect(missing.stdout).toContain("there is no #99 (waiting: #1");
    const merged = await runRingward(["demo", "merge", "1"], demo.folder);
    expect(merged).toMatchObject({ code: 0, stderr: "" });
    expect(merged.stdout).toMatch(/^merged #1: early: /);
    expect((await runRingward(["demo", "merge", "1"], demo.folder)).stdout).toMatch(/^#1 is merged already/);
    // Another demo's forge, or a sandbox's, is named by the address that was printed.
    const [pages = ""] = /(?<=pages: +)http:\S+/.exec(demo.story()) ?? [];
    for (const address of [pages, `${pages}/`, `${pages}/api/v3`])
      expect((await runRingward(["demo", "merge", "1", "--forge", address], tmpdir())).stdout).toMatch(/^#1 is merged/);
    const mended = await runRingward(["demo", "mend"], demo.folder);
    expect(mended).toMatchObject({
      code: 0,
      stdout: "PodDisruptionBudget payments/ledger spares one pod now\n",
      stderr: "",
    });
    demo.child.kill("SIGINT");
    const { code, stdout, stderr } = await demo.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("stopped");
    // In a log there are no control codes.
    expect(stderr).not.toContain("\u001b");
    expect(demo.leftovers()).toEqual([]);
  }, 300_000);

  it("serves its controller's metrics on this machine only, and says where", async () => {
    const [port = 0] = await freePorts(1);
    const demo = begin("--metrics-bind-address", `:${port}`);
    await demo.saw(`scrape:    http://127.0.0.1:${port}/metrics\n`);
    const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await vi.waitFor(async () => expect(await scrape()).toMatch(/^ringward_ring_members\{.*ring="canary".*\} [1-9]/m), {
      timeout: 60_000,
      interval: 500,
    });
    const elsewhere = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    for (const { address, family, internal } of elsewhere)
      if (family === "IPv4" && !internal)
        await expect(fetch(`http://${address}:${port}/metrics`)).rejects.toThrow("fetch failed");

    const second = begin("--metrics-bind-address", `127.0.0.1:${port}`);
    const { code, stderr } = await second.ended;
    expect(code).toBe(2);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(
      `ringward demo: the controller did not start: --metrics-bind-address 127.0.0.1:${port}: the port is taken (name another, or end whoever listens there) [RW0309]`,
    );
    expect(second.leftovers()).toEqual([]);
    demo.child.kill("SIGINT");
    expect((await demo.ended).code).toBe(130);
  }, 180_000);

  it("that comes to no end in its time offers a slower clock", async () => {
    const demo = begin("--auto-approve", "--timeout", "1s");
    const { code, stderr } = await demo.ended;

    expect(code).toBe(1);
    expect(stderr).toContain("NOT all is well");
    expect(stderr).toMatch(/a slow or busy machine +ringward demo --auto-approve --rate 30\n/);
    expect(demo.leftovers()).toEqual([]);
  }, 180_000);

  it("ends at once on Ctrl-C and leaves nothing behind", async () => {
    const demo = begin();
    await demo.saw("the controller starts");
    demo.child.kill("SIGINT");
    const { code, stderr } = await demo.ended;
    expect(code).toBe(130);
    expect(stderr).toContain("stopped");
    expect(demo.leftovers()).toEqual([]);
  }, 180_000);
});
