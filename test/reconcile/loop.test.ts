// When passes are made, and what probes are told of them. Time is a test's own; passes end when it says so.
import { describe, expect, it, onTestFinished } from "vitest";
import { type ManualClock, manualClock } from "../../controller/clock.ts";
import { UserError } from "../../controller/errors.ts";
import { ApiError } from "../../controller/kube/port.ts";
import { livenessChecks, readinessChecks, STUCK_MS } from "../../controller/reconcile/health.ts";
import { type Loop, startLoop } from "../../controller/reconcile/loop.ts";
import type { PassResult } from "../../controller/reconcile/pass.ts";
import { answerChecks } from "../../controller/serve/health.ts";
import { createPrometheus, type Prometheus } from "../../controller/serve/prometheus.ts";
import { settle } from "../kube/support.ts";

const PACE = 100;
const IDLE = 30_000;
type End = { readonly busy: boolean; readonly again?: number; readonly policy?: PassResult["policy"] } | Error;

interface Bench {
  readonly loop: Loop;
  readonly policy: ManualClock;
  readonly transport: ManualClock;
  /** Transport times at which passes began. */
  readonly began: number[];
  readonly errors: unknown[];
  readonly prometheus: Prometheus;
  leads: boolean;
  /** How passes end; none: they hang. */
  end: (() => End) | undefined;
  finish(end: End): Promise<void>;
  go(ms: number, step?: number): Promise<void>;
}

function setUp(): Bench {
  const [policy, transport] = [manualClock(0), manualClock(0)];
  const open: ((end: End) => void)[] = [];
  const prometheus = createPrometheus({ process: false });
  const bench: Bench = {
    policy,
    transport,
    prometheus,
    began: [],
    errors: [],
    leads: true,
    end: () => ({ busy: false }),
    async finish(end) {
      open.shift()?.(end);
      await settle(4);
    },
    async go(ms, step = PACE / 2) {
      await settle(4);
      for (let past = 0; past < ms; past += step) {
        transport.advance(step);
        await settle(4);
      }
    },
    loop: startLoop({
      leads: () => bench.leads,
      clock: policy,
      transport,
      idleMs: IDLE,
      paceMs: PACE,
      meter: prometheus.meter,
      onError: (error) => bench.errors.push(error),
      async pass() {
        bench.began.push(transport.monotonic());
        const end = bench.end?.() ?? (await new Promise<End>((resolve) => open.push(resolve)));
        if (end instanceof Error) throw end;
        return { busy: end.busy, again: end.again, policy: end.policy } as PassResult;
      },
    }),
  };
  onTestFinished(async () => {
    const ending = bench.loop.shutdown();
    await bench.finish({ busy: false });
    await ending;
  });
  return bench;
}

describe("the loop of passes", () => {
  it("makes one pass for a hundred changes, one more for those that come meanwhile, and keeps its pace", async () => {
    const bench = setUp();
    bench.end = undefined;
    for (let change = 0; change < 100; change += 1) bench.loop.wake();
    await settle();
    expect(bench.began).toEqual([0]);

    for (let change = 0; change < 100; change += 1) bench.loop.wake();
    await bench.go(1_000);
    expect(bench.began).toEqual([0]);
    await bench.finish({ busy: false });
    await bench.go(PACE - 50);
    expect(bench.began).toEqual([0]);
    await bench.go(50);
    expect(bench.began).toEqual([0, 1_100]);
    await bench.finish({ busy: false });
    await bench.go(10_000);
    expect(bench.began).toHaveLength(2);
  });

  it("goes on at its pace while something is under way, and looks again when policy time has passed or a minute", async () => {
    const bench = setUp();
    let left = 3;
    bench.end = () => ({ busy: (left -= 1) > 0 });
    bench.loop.wake();
    await bench.go(5_000);
    expect(bench.began).toEqual([0, 100, 200]);

    // Simulated time runs faster.
    bench.policy.advance(IDLE);
    await settle();
    expect(bench.began).toHaveLength(4);

    // The pass at 200 had asked for it.
    await bench.go(55_000, 500);
    expect(bench.began).toHaveLength(4);
    await bench.go(300);
    expect(bench.began).toHaveLength(5);
  });

  it("looks again when something that was waited for ends by itself", async () => {
    const bench = setUp();
    const soon = bench.policy.now() + 5_000;
    bench.end = () => ({ busy: false, ...(bench.began.length === 1 ? { again: soon } : {}) });
    bench.loop.wake();
    await settle();
    bench.policy.advance(4_999);
    await bench.go(1_000);
    expect(bench.began).toHaveLength(1);
    bench.policy.advance(1);
    await bench.go(1_000);
    expect(bench.began).toHaveLength(2);
    bench.policy.advance(IDLE - 1);
    await bench.go(1_000);
    expect(bench.began).toHaveLength(2);
  });

  it("tries a failed pass again ever more seldom, up to half a minute, whoever's fault it was", async () => {
    const bench = setUp();
    bench.end = () => (bench.began.length % 2 === 0 ? new Error("no") : new UserError("RW0000", "mend it"));
    bench.loop.wake();
    await bench.go(100_000, 250);

    const gaps = bench.began.slice(1).map((at, index) => at - (bench.began[index] ?? 0));
    expect(gaps.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(bench.errors).toHaveLength(bench.began.length);
    const text = await bench.prometheus.scrape();
    expect(text).toContain(`controller_runtime_reconcile_errors_total{controller="cluster"} ${bench.began.length}`);
  });

  it("takes a lost race for no failure", async () => {
    const bench = setUp();
    let races = 2;
    bench.end = () => (races-- > 0 ? new ApiError(409, { code: 409, reason: "Conflict" }) : { busy: false });
    bench.loop.wake();
    await bench.go(2_000);

    expect(bench.began).toEqual([0, 100, 200]);
    expect(bench.errors).toEqual([]);
  });

  it("makes no pass while it does not lead, and one when it leads again (L3)", async () => {
    const bench = setUp();
    bench.leads = false;
    bench.loop.wake();
    await bench.go(120_000, 1_000);
    expect(bench.began).toEqual([]);

    bench.leads = true;
    bench.loop.wake();
    await settle();
    expect(bench.began).toHaveLength(1);
  });
});

describe("what probes are told", () => {
  function probes(bench: Bench) {
    const state = { pending: ["pods"] as string[], stopping: false };
    const parts = {
      clock: bench.transport,
      reader: { pending: () => state.pending as never },
      election: { isLeader: () => bench.leads, holder: () => "other-1" },
      loop: bench.loop,
      stopping: () => state.stopping,
    };
    const [live, ready] = [livenessChecks(parts), readinessChecks(parts)];
    return {
      state,
      live: () => answerChecks("healthz", live),
      ready: () => answerChecks("readyz", ready),
    };
  }

  it("is alive while passes end, and not when one hangs; whoever waits for a cache or a Lease does not hang", async () => {
    const bench = setUp();
    bench.end = undefined;
    const { state, live } = probes(bench);
    bench.loop.wake();
    await bench.go(2 * STUCK_MS, STUCK_MS / 10);
    expect(live().status).toBe(200);

    state.pending = [];
    expect(live().status).toBe(200);
    bench.leads = false;
    await bench.go(2 * STUCK_MS, STUCK_MS / 10);
    expect(live().status).toBe(200);
    bench.leads = true;
    expect(live().status).toBe(200);
    await bench.go(STUCK_MS + 1_000, 1_000);
    expect(live()).toMatchObject({ status: 503 });
    expect(live().body).toContain("[-]passes failed: one runs for ");
    await bench.finish({ busy: false });
    expect(live().status).toBe(200);
  });

  it("is ready when the caches are synced and the policy was read, and says why it is not", async () => {
    const bench = setUp();
    const { state, ready } = probes(bench);
    expect(ready()).toMatchObject({ status: 503 });
    expect(ready().body).toContain("[-]caches failed: not synced yet: pods\n[-]policy failed: not read yet\n");

    state.pending = [];
    bench.end = () => new Error("the API server answered 403");
    bench.loop.wake();
    await settle();
    expect(ready()).toMatchObject({ status: 503 });
    expect(ready().body).toContain("not read yet, the last pass failed: the API server answered 403");

    // Read or not, it says what it found: ending the process would mend no repository.
    bench.end = () => ({
      busy: false,
      policy: { kind: "Stalled", reason: "RepositoryStale", message: "the token has run out" },
    });
    await bench.go(1_000);
    expect(ready()).toMatchObject({ status: 200 });
    expect(ready().body).toContain("[+]policy ok: RepositoryStale: the token has run out\n");

    state.stopping = true;
    expect(ready()).toMatchObject({ status: 503 });
    expect(ready().body).toContain("[-]running failed: the controller is stopping");
  });

  it("is ready as a follower, and names the leader", () => {
    const bench = setUp();
    bench.leads = false;
    const { state, ready } = probes(bench);
    state.pending = [];

    expect(ready()).toMatchObject({ status: 200 });
    expect(ready().body).toContain("[+]policy ok: not read here: other-1 leads");
  });
});
