import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { UserError, WaitError } from "../../controller/errors.ts";
import { retryDelay } from "../../controller/kube/backoff.ts";
import { measureQueue, watchQueue } from "../../controller/kube/metrics.ts";
import { createWorkQueue } from "../../controller/kube/work-queue.ts";
import type { Outcome } from "../../controller/kube/work-queue.ts";
import { createPrometheus } from "../../controller/serve/prometheus.ts";
import { settle } from "./support.ts";

describe("work queue", () => {
  it("works on a key once, however often it was added", async () => {
    const passes: string[] = [];
    const queue = createWorkQueue({
      clock: manualClock(0),
      process: (key) => Promise.resolve(void passes.push(key)),
    });

    queue.add("a");
    queue.add("a");
    queue.add("b");
    expect(queue.depth).toBe(2);
    queue.start();
    await settle();

    expect(passes).toEqual(["a", "b"]);
    expect(queue.depth).toBe(0);
  });

  it("works on a key once more when it was added during its own pass", async () => {
    let passes = 0;
    let release: () => void = () => undefined;
    const queue = createWorkQueue({
      clock: manualClock(0),
      concurrency: 4,
      process: () => {
        passes += 1;
        return new Promise<void>((resolve) => (release = resolve));
      },
    });
    queue.start();
    queue.add("a");
    await settle();

    queue.add("a");
    queue.add("a");
    await settle();
    expect(passes).toBe(1);
    release();
    await settle();

    expect(passes).toBe(2);
    release();
    await settle();
    expect(passes).toBe(2);
    expect(queue.inFlight().size).toBe(0);
  });

  it("backs off per key from 5 ms to 1000 s, and a success starts over", async () => {
    const clock = manualClock(0);
    const at: number[] = [];
    let fail = true;
    const queue = createWorkQueue({
      clock,
      process: () => {
        at.push(clock.monotonic());
        return fail ? Promise.reject(new Error("no")) : Promise.resolve();
      },
    });
    queue.start();
    queue.add("a");
    await settle();

    for (let step = 0; step < 12; step += 1) {
      clock.advance(retryDelay(queue.failures("a")));
      await settle();
    }

    const gaps = at.slice(1).map((time, index) => time - (at[index] as number));
    expect(gaps).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240]);
    fail = false;
    clock.advance(retryDelay(13));
    await settle();
    expect(queue.failures("a")).toBe(0);
  });

  it("comes back when told, and a wait is no failure", async () => {
    const clock = manualClock(0);
    const outcomes: Outcome[] = [];
    const answers: (() => Promise<{ requeueAfterMs: number } | undefined>)[] = [
      () => Promise.resolve({ requeueAfterMs: 1000 }),
      () => Promise.reject(new WaitError("budget", 2000)),
      () => Promise.reject(new UserError("RW0000", "a person must act")),
      () => Promise.resolve(undefined),
    ];
    const queue = createWorkQueue({
      clock,
      process: () => answers.shift()?.() ?? Promise.resolve(),
      metrics: { finished: (_, outcome) => outcomes.push(outcome) },
    });
    queue.start();
    queue.add("a");
    await settle();
    clock.advance(999);
    await settle();
    expect(outcomes).toEqual(["requeued"]);
    clock.advance(1);
    await settle();
    clock.advance(2000);
    await settle();
    expect(outcomes).toEqual(["requeued", "waiting", "stalled"]);
    expect(queue.failures("a")).toBe(0);

    clock.advance(10_000_000);
    await settle();
    expect(outcomes).toHaveLength(3);
    queue.add("a");
    await settle();

    expect(outcomes).toEqual(["requeued", "waiting", "stalled", "done"]);
  });

  it("keeps the earliest of several delays", async () => {
    const clock = manualClock(0);
    const at: number[] = [];
    const queue = createWorkQueue({ clock, process: () => Promise.resolve(void at.push(clock.monotonic())) });
    queue.start();

    queue.addAfter("a", 5000);
    queue.addAfter("a", 1000);
    queue.addAfter("a", 3000);
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000);
      await settle();
    }

    expect(at).toEqual([1000]);
  });

  it("holds a requeue after zero to the first backoff step, so that an idle key cannot run hot", async () => {
    const clock = manualClock(0);
    let passes = 0;
    const queue = createWorkQueue({
      clock,
      process: () => {
        passes += 1;
        return Promise.resolve({ requeueAfterMs: 0 });
      },
    });
    queue.start();
    queue.add("a");
    await settle();

    expect(passes).toBe(1);
  });

  it("survives a delay longer than a timer can hold", async () => {
    const clock = manualClock(0);
    let passes = 0;
    const queue = createWorkQueue({ clock, process: () => Promise.resolve(void (passes += 1)) });
    queue.start();

    queue.addAfter("a", 1e13);
    clock.advance(1000);
    await settle();
    expect(passes).toBe(0);
    clock.advance(2 ** 31);
    await settle();

    expect(passes).toBe(1);
  });

  it("waits at shutdown for what runs, drops what waits, and tells the running pass", async () => {
    const clock = manualClock(0);
    const passes: string[] = [];
    let told = false;
    const queue = createWorkQueue({
      clock,
      process: (key, signal) => {
        passes.push(key);
        return new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => {
            told = true;
            setImmediate(resolve);
          });
        });
      },
    });
    queue.start();
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 10);
    await settle();

    await queue.shutdown();
    queue.add("d");
    clock.advance(1000);
    await settle();

    expect(told).toBe(true);
    expect(passes).toEqual(["a"]);
    expect(queue.inFlight().size).toBe(0);
  });

  it("lets a key rest after a pass, however often it is added, and other keys meanwhile", async () => {
    const clock = manualClock(0);
    const at: [string, number][] = [];
    const queue = createWorkQueue({
      clock,
      restMs: 100,
      process: (key) => Promise.resolve(void at.push([key, clock.monotonic()])),
    });
    queue.start();
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    queue.add("b");
    await settle();
    clock.advance(99);
    await settle();
    expect(at).toEqual([
      ["a", 0],
      ["b", 0],
    ]);

    clock.advance(1);
    await settle();
    expect(at.at(-1)).toEqual(["a", 100]);
    clock.advance(1_000);
    await settle();
    expect(at).toHaveLength(3);
  });

  it("keeps the retries of all keys together to a rate", async () => {
    const clock = manualClock(0);
    let passes = 0;
    const queue = createWorkQueue({
      clock,
      concurrency: 400,
      backoff: () => 5,
      process: () => {
        passes += 1;
        return Promise.reject(new Error("no"));
      },
    });
    queue.start();
    for (let key = 0; key < 400; key += 1) queue.add(`k${key}`);
    await settle();
    expect(passes).toBe(400);

    for (let step = 0; step < 1_000; step += 1) {
      clock.advance(5);
      await settle(2);
    }

    // 100 at once, then ten a second for five seconds; one for each edge.
    expect(passes - 400).toBeGreaterThan(140);
    expect(passes - 400).toBeLessThanOrEqual(152);
  });

  it("tells metrics of everything that it does, under the names of controller-runtime", async () => {
    const clock = manualClock(0);
    const prometheus = createPrometheus({ process: false });
    let open: () => void = () => undefined;
    const queue = createWorkQueue({
      clock,
      metrics: measureQueue(prometheus.meter, "cluster"),
      process: async (key) => {
        if (key === "bad") throw new Error("no");
        if (key === "stuck") await new Promise<void>((resolve) => (open = resolve));
      },
    });
    watchQueue(prometheus.meter, "cluster", queue, clock);
    queue.add("good");
    queue.add("bad");
    queue.add("stuck");
    clock.advance(2_000);
    queue.start();
    await settle();
    clock.advance(4);
    await settle();

    const text = await prometheus.scrape();
    expect(text).toContain('workqueue_adds_total{name="cluster"} 3');
    expect(text).toContain('workqueue_depth{name="cluster"} 0');
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="cluster"} 6');
    expect(text).toContain('workqueue_retries_total{name="cluster"} 1');
    expect(text).toContain('workqueue_longest_running_processor_seconds{name="cluster"} 0.004');
    expect(text).toContain('controller_runtime_reconcile_total{controller="cluster",result="success"} 1');
    expect(text).toContain('controller_runtime_reconcile_errors_total{controller="cluster"} 1');
    expect(text).toContain('controller_runtime_active_workers{controller="cluster"} 1');
    open();
    await settle();
    expect(await prometheus.scrape()).toContain('controller_runtime_active_workers{controller="cluster"} 0');
  });

  it("never loses a key, never works on one twice at once, and keeps to its concurrency and its rest", async () => {
    const key = fc.constantFrom("a", "b", "c", "d");
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), key }),
      fc.record({ do: fc.constant("addAfter" as const), key, ms: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ do: fc.constant("finish" as const), nth: fc.nat(7), fails: fc.boolean() }),
      fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ do: fc.constant("forget" as const), key }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0, 7),
        fc.array(step, { maxLength: 60 }),
        async (concurrency, restMs, steps) => {
          const clock = manualClock(0);
          const open: { key: string; resolve: () => void; reject: (error: Error) => void }[] = [];
          /** Keys that were added since their last pass began: each must get another pass. */
          const owed = new Set<string>();
          // Collected, because the queue would take a failed expectation in `process` for a failed pass.
          const violations: string[] = [];
          const ended = new Map<string, number>();
          const queue = createWorkQueue({
            clock,
            concurrency,
            restMs,
            process: (started) => {
              if (clock.monotonic() - (ended.get(started) ?? -restMs) < restMs) violations.push(`${started} too soon`);
              if (open.some((pass) => pass.key === started)) violations.push(`${started} twice at once`);
              if (open.length >= concurrency) violations.push(`${open.length + 1} at once`);
              owed.delete(started);
              return new Promise<void>((resolve, reject) => open.push({ key: started, resolve, reject }));
            },
          });
          queue.start();
          const finish = (nth: number, fails: boolean): void => {
            const [pass] = open.splice(nth % Math.max(1, open.length), 1);
            if (pass === undefined) return;
            ended.set(pass.key, clock.monotonic());
            if (fails) owed.add(pass.key);
            if (fails) pass.reject(new Error("no"));
            else pass.resolve();
          };
          for (const one of steps) {
            if (one.do === "add") {
              owed.add(one.key);
              queue.add(one.key);
            } else if (one.do === "addAfter") {
              owed.add(one.key);
              queue.addAfter(one.key, one.ms);
            } else if (one.do === "finish") finish(one.nth, one.fails);
            else if (one.do === "forget") queue.forget(one.key);
            else clock.advance(one.ms);
            await settle(2);
          }
          // Everything calms down: whatever is still owed must come.
          for (let round = 0; round < 60 && (owed.size > 0 || open.length > 0); round += 1) {
            finish(0, false);
            clock.advance(1_000_000);
            await settle(2);
          }
          expect(violations).toEqual([]);
          expect([...owed]).toEqual([]);
          expect(queue.depth).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("retry delay", () => {
  it("grows with every failure up to 1000 s", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (failures) => {
        expect(retryDelay(failures)).toBeLessThanOrEqual(retryDelay(failures + 1));
        expect(retryDelay(failures)).toBeGreaterThanOrEqual(5);
        expect(retryDelay(failures)).toBeLessThanOrEqual(1_000_000);
      }),
    );
    expect(retryDelay(1)).toBe(5);
    expect(retryDelay(19)).toBe(1_000_000);
  });
});
