// Git and the forge are talked to beside the passes: whoever hangs there holds nothing back.
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { createBeside } from "../../controller/reconcile/beside.ts";

function held<T>(): { readonly promise: Promise<T>; end(value: T): void; fail(error: Error): void } {
  let end: (value: T) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return { promise, end, fail };
}

function rig() {
  const clock = manualClock(0);
  let wakes = 0;
  const beside = createBeside<string>({ clock, patienceMs: 1_000, wake: () => void (wakes += 1) });
  return { clock, beside, wakes: () => wakes };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe("work beside the passes", () => {
  it("answers what ends in time, and wakes nobody for it", async () => {
    const { beside, wakes } = rig();

    await expect(beside(() => Promise.resolve("head"))).resolves.toEqual({ kind: "Done", result: "head" });

    await settle();
    expect(wakes()).toBe(0);
  });

  it("waits no longer than its patience, starts nothing twice, and wakes once when the work has ended", async () => {
    const { clock, beside, wakes } = rig();
    const work = held<string>();
    let starts = 0;
    const start = (): Promise<string> => {
      starts += 1;
      return work.promise;
    };

    for (let pass = 0; pass < 3; pass += 1) {
      const answer = beside(start);
      clock.advance(1_000);
      await expect(answer).resolves.toEqual({ kind: "UnderWay" });
    }
    expect([starts, wakes()]).toEqual([1, 0]);

    work.end("late head");
    await settle();

    expect([starts, wakes()]).toEqual([1, 1]);
    await expect(beside(start)).resolves.toEqual({ kind: "Done", result: "late head" });
    await expect(beside(() => Promise.resolve("next"))).resolves.toEqual({ kind: "Done", result: "next" });
  });

  it("throws what the work throws, in time and late, and starts anew after that", async () => {
    const { clock, beside, wakes } = rig();
    const work = held<string>();

    await expect(beside(() => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
    const answer = beside(() => work.promise);
    clock.advance(1_000);
    await expect(answer).resolves.toEqual({ kind: "UnderWay" });
    work.fail(new Error("reset"));
    await settle();

    expect(wakes()).toBe(1);
    await expect(beside(() => Promise.resolve("unasked"))).rejects.toThrow("reset");
    await expect(beside(() => Promise.resolve("again"))).resolves.toEqual({ kind: "Done", result: "again" });
  });
});
