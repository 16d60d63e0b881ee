// One whole run as a person would ask for it, as a process, with everything real: the promise of the README.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DemoResult } from "../../../controller/sandbox/demo/result.ts";
import { type DemoProcess, startRingward } from "./process.ts";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe("demo --auto-approve -o json", () => {
  let demo: DemoProcess;
  let code: number | null;
  let stdout: string;
  let stderr: string;
  let result: DemoResult;
  let page: { readonly status: number; readonly text: string };
  let clone: string;

  beforeAll(async () => {
    demo = startRingward(["demo", "--auto-approve", "-o", "json"]);
    await demo.saw("a person merges #1");
    // What it printed opens: the page of a pull request, and the repository.
    const base = /pages: +(http:\S+)/.exec(demo.story())?.[1] ?? "";
    const answer = await fetch(`${base}/example/patch-policy/pull/1`);
    page = { status: answer.status, text: await answer.text() };
    const git = /git clone (\S+)/.exec(demo.story())?.[1] ?? "";
    clone = (await promisify(execFile)("git", ["ls-remote", git])).stdout;
    ({ code, stdout, stderr } = await demo.ended);
    result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as DemoResult;
  }, 600_000);
  afterAll(() => {
    demo.child.kill("SIGKILL");
    demo.remove();
  });

  it("ends with everything at its level and exit code 0", () => {
    expect(stderr).toContain("all is well");
    expect({ code, ok: result.ok, violations: result.violations, fault: result.fault }).toEqual({
      code: 0,
      ok: true,
      violations: [],
      fault: null,
    });
    expect(result.nodes).toEqual({ total: 60, compliant: 60, exempt: 0, blocked: [] });
    expect(result.workloads).toEqual({ total: 40, compliant: 40, exempt: 0, blocked: [] });
  });

  it("writes an object with exactly the contract's names, and nothing else on standard output", () => {
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(Object.keys(result)).toEqual([
      "ok",
      "nodes",
      "workloads",
      "rings",
      "pullRequests",
      "violations",
      "fault",
      "elapsedSeconds",
    ]);
    for (const ring of result.rings) {
      expect(Object.keys(ring)).toEqual([
        "name",
        "levels",
        "phase",
        "startedAt",
        "finishedAt",
        "maxInFlight",
        "budget",
      ]);
      expect(ring.startedAt).toMatch(RFC3339);
      expect(ring.finishedAt).toMatch(RFC3339);
      expect(ring.levels).toHaveLength(4);
    }
    for (const pull of result.pullRequests)
      expect(Object.keys(pull)).toEqual(["number", "ring", "baseline", "state", "url"]);
    expect(typeof result.elapsedSeconds).toBe("number");
  });

  it("goes through the rings in their order and never beyond a budget", () => {
    expect(result.rings.map((ring) => ring.name)).toEqual(["canary", "early", "broad"]);
    const starts = result.rings.map((ring) => Date.parse(ring.startedAt ?? ""));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    for (const { name, maxInFlight, budget } of result.rings) {
      expect.soft(maxInFlight.nodes, name).toBeGreaterThan(0);
      expect.soft(maxInFlight.nodes, name).toBeLessThanOrEqual(budget.nodes);
      expect.soft(maxInFlight.workloads, name).toBeGreaterThan(0);
      expect.soft(maxInFlight.workloads, name).toBeLessThanOrEqual(budget.workloads);
    }
  });

  it("asked for approval of every level on early and broad, and of none on canary", () => {
    const asked = result.pullRequests.map(({ ring, baseline }) => `${ring} ${baseline}`).sort();
    const baselines = ["flatcar", "rocky-9", "shared-images", "ubuntu-2204"];
    expect(asked).toEqual(["broad", "early"].flatMap((ring) => baselines.map((baseline) => `${ring} ${baseline}`)));
    expect(new Set(result.pullRequests.map((pull) => pull.state))).toEqual(new Set(["merged"]));
  });

  it("printed addresses that open, with the evidence on the page", () => {
    expect(page.status).toBe(200);
    expect(page.text).toContain("Evidence from the rings before");
    expect(clone).toContain("refs/heads/main");
    expect(new URL(result.pullRequests[0]?.url ?? "").pathname).toBe("/example/patch-policy/pull/1");
  });

  it("leaves no file behind", () => {
    expect(demo.leftovers()).toEqual([]);
  });
});
