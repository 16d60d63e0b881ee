// Long work in slices: it ends with what it would end with at once, and the process does other things meanwhile.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { Steps } from "../../controller/core/incremental/steps.ts";
import { createBreath } from "../../controller/breath.ts";
import { inSlices } from "../../controller/reconcile/slices.ts";

/** Keeps the thread busy for 2 ms a step, and says what had happened before each. */
function* work(steps: number, look: () => number): Steps<readonly number[]> {
  const seen: number[] = [];
  for (let step = 0; step < steps; step++) {
    seen.push(look());
    const end = systemClock.monotonic() + 2;
    while (systemClock.monotonic() < end);
    yield;
  }
  return seen;
}

/** Counts the turns that others have. */
function countTurns(): { readonly count: () => number; stop(): void } {
  let turns = 0;
  const ended = new AbortController();
  const count = async (): Promise<void> => {
    for (; ; turns++) await systemClock.sleep(1, ended.signal);
  };
  // It ends by being stopped.
  void count().catch(() => undefined);
  return { count: () => turns, stop: () => ended.abort() };
}

describe("work in slices", () => {
  it("lets timers have their turn, but not after every step", async () => {
    const turns = countTurns();
    const seen = await inSlices(work(100, turns.count), createBreath(systemClock));
    turns.stop();

    expect(seen).toHaveLength(100);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(5);
    expect(new Set(seen).size).toBeLessThan(60);
  });

  it("is done at once without a breath", async () => {
    const turns = countTurns();
    const seen = await inSlices(work(20, turns.count), undefined);
    turns.stop();

    expect(new Set(seen)).toEqual(new Set([0]));
  });

  it("fails as the work does", async () => {
    const failing = (function* (): Steps<never> {
      yield;
      throw new Error("no");
    })();

    await expect(inSlices(failing, createBreath(systemClock))).rejects.toThrow("no");
  });
});
