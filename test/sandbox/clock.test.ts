// The policy clock: fast, never past the wall, equal in two processes.
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { createPolicyClock, createSandboxClock } from "../../controller/sandbox/clock.ts";

const WALL = Date.parse("2026-01-01T00:00:00Z");
const HOUR = 3_600_000;

describe("the sandbox's clock", () => {
  it("starts in the past and runs at its rate", () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 100 * HOUR, rate: 100, transport });

    transport.advance(60_000);

    expect(clock.now()).toBe(WALL - 100 * HOUR + 100 * 60_000);
    expect(clock.monotonic()).toBe(100 * 60_000);
  });

  it("never passes the wall clock, and goes on with it at 1x", () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - HOUR, rate: 1000, transport });

    transport.advance(HOUR);
    expect(clock.now()).toBe(WALL + HOUR);

    transport.advance(500);
    expect(clock.now()).toBe(WALL + HOUR + 500);
  });

  it("does not go back when the wall clock does", () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 1000, rate: 10, transport });
    transport.advance(10_000);
    const before = clock.now();

    transport.jump(-5_000);

    expect(clock.now()).toBe(before);
  });

  it("refuses to start in the future or to run backwards", () => {
    const transport = manualClock(WALL);

    expect(() => createSandboxClock({ start: WALL + 1, rate: 1, transport })).toThrow(RangeError);
    expect(() => createSandboxClock({ start: WALL, rate: -1, transport })).toThrow(RangeError);
  });

  it("keeps its time when the rate changes", () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 100 * HOUR, rate: 100, transport });
    transport.advance(1000);
    const at = clock.now();

    clock.setRate(10);
    expect(clock.now()).toBe(at);
    transport.advance(1000);
    expect(clock.now()).toBe(at + 10_000);
    clock.setRate(0);
    transport.advance(HOUR);
    expect(clock.now()).toBe(at + 10_000);
  });

  it("sleeps policy time", async () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 100 * HOUR, rate: 100, transport });
    let awake = false;
    const sleeping = clock.sleep(10_000).then(() => (awake = true));

    transport.advance(99);
    await settle();
    expect(awake).toBe(false);

    transport.advance(1);
    await sleeping;
    expect(awake).toBe(true);
  });

  it("re-times sleepers when the rate changes", async () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 100 * HOUR, rate: 1, transport });
    const sleeping = clock.sleep(10_000);

    clock.setRate(1000);
    await settle();
    transport.advance(10);

    await expect(sleeping).resolves.toBeUndefined();
  });

  it("wakes a sleeper whose signal is aborted, with its reason", async () => {
    const transport = manualClock(WALL);
    const clock = createSandboxClock({ start: WALL - 100 * HOUR, rate: 1, transport });
    const stop = new AbortController();
    const sleeping = clock.sleep(10_000, stop.signal);

    stop.abort(new Error("enough"));

    await expect(sleeping).rejects.toThrow("enough");
  });
});

describe("a policy clock in another process", () => {
  it("shows the sandbox's time from the description alone", () => {
    const transport = manualClock(WALL);
    const sandbox = createSandboxClock({ start: WALL - 100 * HOUR, rate: 250, transport });
    transport.advance(777);

    const other = createPolicyClock(sandbox.describe(), transport);

    transport.advance(12_345);
    expect(other.now()).toBe(sandbox.now());
    sandbox.setRate(10);
    other.follow(sandbox.describe());
    transport.advance(1_000);
    expect(other.now()).toBe(sandbox.now());
  });

  it("never passes the wall clock either", () => {
    const transport = manualClock(WALL);
    const clock = createPolicyClock({ epochWall: WALL, epochPolicy: WALL - 1000, rate: 100 }, transport);

    transport.advance(60_000);

    expect(clock.now()).toBe(WALL + 60_000);
  });
});

/** Lets promises that are due run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
