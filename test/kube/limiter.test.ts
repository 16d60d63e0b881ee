import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { createLimiter } from "../../controller/kube/limiter.ts";
import { settle } from "./support.ts";

describe("limiter", () => {
  it("lets the burst through and spaces the rest", async () => {
    const clock = manualClock(0);
    const limiter = createLimiter({ perSecond: 10, burst: 3, clock });
    const taken: number[] = [];

    for (let call = 0; call < 6; call += 1) void limiter.take().then(() => taken.push(clock.monotonic()));
    for (let step = 0; step < 40; step += 1) {
      await settle(1);
      clock.advance(10);
    }

    expect(taken).toEqual([0, 0, 0, 100, 200, 300]);
  });

  it("never grants more than burst + rate × time, whatever the arrivals", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }), (gaps) => {
        const clock = manualClock(0);
        const limiter = createLimiter({ perSecond: 5, burst: 4, clock });
        const grants: number[] = [];
        for (const gap of gaps) {
          clock.advance(gap);
          if (limiter.tryTake()) grants.push(clock.monotonic());
        }
        for (let from = 0; from < grants.length; from += 1) {
          for (let to = from; to < grants.length; to += 1) {
            const elapsed = (grants[to] as number) - (grants[from] as number);
            expect(to - from + 1).toBeLessThanOrEqual(4 + (elapsed * 5) / 1000 + 1e-6);
          }
        }
      }),
    );
  });

  it("is not opened by a jump of the wall clock", () => {
    const clock = manualClock(0);
    const limiter = createLimiter({ perSecond: 1, burst: 1, clock });

    expect(limiter.tryTake()).toBe(true);
    clock.jump(3_600_000);

    expect(limiter.tryTake()).toBe(false);
  });

  it("lets nothing through while it is held, not even who was in line, and no burst after", async () => {
    const clock = manualClock(0);
    const limiter = createLimiter({ perSecond: 10, burst: 3, clock });
    const taken: number[] = [];
    const take = (): void => void limiter.take().then(() => taken.push(clock.monotonic()));
    for (let call = 0; call < 4; call += 1) take();
    await settle();
    expect(taken).toEqual([0, 0, 0]);

    limiter.hold(1000);
    expect(limiter.tryTake()).toBe(false);
    for (let call = 0; call < 3; call += 1) take();
    for (let step = 0; step < 150; step += 1) {
      clock.advance(10);
      await settle(2);
    }

    expect(taken.slice(3)).toEqual([1000, 1000, 1100, 1200]);
  });

  it("stops waiting when aborted", async () => {
    const limiter = createLimiter({ perSecond: 1, burst: 1, clock: manualClock(0) });
    const abort = new AbortController();
    await limiter.take();

    const waiting = limiter.take(abort.signal);
    abort.abort(new Error("enough"));

    await expect(waiting).rejects.toThrow("enough");
  });
});
