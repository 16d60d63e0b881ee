// A demo that nobody helps: it gives up, and says whom it waited for.
import { describe, expect, it } from "vitest";
import { type DemoResult, exitCode } from "../../../controller/sandbox/demo/result.ts";
import { runDemo } from "../../../controller/sandbox/demo/run.ts";
import { createStory } from "../../../controller/sandbox/demo/story.ts";

describe("a demo without a terminal and without a scripted person", () => {
  it("gives up after its time, exits with 2 and names the pull requests that wait", async () => {
    let told = "";
    const asked: number[] = [];
    const result = await runDemo(
      {
        autoApprove: false,
        fault: undefined,
        seed: 1,
        rate: 240,
        // Its ten minutes are over as soon as somebody is waited for.
        givesUp(elapsedMs) {
          asked.push(elapsedMs);
          return told.includes("pull request #1 waits");
        },
        keep: false,
        metrics: undefined,
        cli: "ringward",
        signal: new AbortController().signal,
      },
      () =>
        createStory(
          { write: (text) => (told += text), live: false, width: () => 120, paint: (_, text) => text },
          () => "",
        ),
    );
    if (result === undefined) throw new Error("it was not stopped, so there is a verdict");
    expect(result).toMatchObject({ ok: false, violations: [], fault: null });
    const open = result.pullRequests.filter((pull) => pull.state === "open");
    expect(open[0]).toMatchObject({ number: 1, ring: "early" });
    expect(open[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/example\/patch-policy\/pull\/1$/);
    expect(exitCode(result, false)).toBe(2);
    expect(exitCode(result, true)).toBe(1);
    expect(asked.at(-1)).toBeGreaterThan(asked[0] ?? Number.NaN);
    // Canary is done without anybody's approval, early has not begun.
    expect(result.rings.map(({ startedAt }) => startedAt === null)).toEqual([false, true, true]);
  }, 300_000);
});

describe("the exit code", () => {
  const waiting = {
    ok: false,
    violations: [],
    fault: null,
    pullRequests: [{ number: 1, ring: "early", baseline: "flatcar", state: "open", url: "" }],
  } as unknown as DemoResult;

  it("is 0 only where all is well, and 2 only where nothing but people is missing", () => {
    expect(exitCode({ ...waiting, ok: true }, false)).toBe(0);
    expect(exitCode(waiting, false)).toBe(2);
    expect(exitCode({ ...waiting, pullRequests: [] }, false)).toBe(1);
    const violation = { invariant: "B1", object: "cluster", at: "", message: "" };
    expect(exitCode({ ...waiting, violations: [violation] }, false)).toBe(1);
    expect(exitCode({ ...waiting, fault: { name: "", promise: "", observed: "", ok: false } }, false)).toBe(1);
  });
});
