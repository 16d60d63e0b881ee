// Two controllers, one of which leads, in the middle of a rollout: told to stop, the leader hands over at once; killed, it is followed when
// its Lease has run out. What each serves at /metrics is the catalogue in code.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { KUBE_METRICS } from "../../controller/kube/metrics.ts";
import { NODE_METRICS } from "../../controller/nodes/metrics.ts";
import { FLEET_METRICS } from "../../controller/reconcile/fleet-metrics.ts";
import { createPrometheus } from "../../controller/serve/prometheus.ts";
import type { Controller } from "./support/controller.ts";
import { rolloutPolicy, smallFleet } from "./support/policy.ts";
import { freePorts } from "./support/processes.ts";
import { playRollout } from "./support/rollout.ts";
import { CONTROLLER_USER, type Scene, startScene } from "./support/scene.ts";
import type { Outcome } from "./support/verdict.ts";
import { waitFor } from "./support/waiting.ts";

/** About 2 s, the period of the other's tries, where nothing else runs. */
const HAND_OVER_MS = 5_000;
/** The Lease's 15 s and a try. */
const FAIL_OVER_MS = 20_000;

describe("two controllers", () => {
  let scene: Scene;
  let controllers: readonly [Controller, Controller];
  let addresses: readonly string[];

  beforeAll(async () => {
    scene = await startScene({
      fleet: smallFleet(),
      policy: rolloutPolicy({ soak: "2s", drainTimeout: "2m" }),
      limits: { nodes: 8, workloads: 8, nodesPerZone: 4 },
    });
    addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
    controllers = [
      await scene.addController("first", { metrics: addresses[0] ?? "" }),
      await scene.addController("second", { metrics: addresses[1] ?? "" }),
    ];
  });

  afterAll(() => scene.stop());

  const scrape = async (at: number): Promise<string> => (await fetch(`http://${addresses[at]}/metrics`)).text();

  const toLead = (controller: Controller): Promise<true> =>
    waitFor(`${controller.identity} to lead`, () => controller.leads() || undefined, { withinMs: 60_000, everyMs: 20 });

  it("serve the catalogue of metrics, and one of them says that it leads", async () => {
    const [first, second] = controllers;
    await first.start();
    await toLead(first);
    await second.start();
    await waitFor("the follower to serve", () => scrape(1).catch(() => undefined), { withinMs: 60_000 });

    const catalogue = [
      ...[...KUBE_METRICS, ...FLEET_METRICS, ...NODE_METRICS].map(({ name, kind }) => `${name} ${kind}`),
      ...createPrometheus({ process: true })
        .describe()
        .map(({ name, type }) => `${name} ${type}`),
    ];
    await waitFor("the leader's first plan", async () => (await scrape(0)).includes("\nringward_mode{") || undefined, {
      withinMs: 60_000,
    });
    for (const at of [0, 1]) {
      const text = await scrape(at);
      const served = [...text.matchAll(/^# TYPE (\S+ \S+)$/gm)].map(([, line]) => line);
      expect(new Set(served)).toEqual(new Set(catalogue));
      expect(text).toContain(`leader_election_master_status{name="ringward-controller"} ${1 - at}\n`);
      expect(/^ringward_mode\{/m.test(text)).toBe(at === 0);
    }
  });

  it("change places in the middle of a rollout, in seconds when told to and within the Lease when killed", async () => {
    const [first, second] = controllers;
    const handOver = { ends: 0, leads: 0 };
    const failOver = { ends: 0, leads: 0 };
    await scene.setMode("Enforce");

    const seconds = await playRollout(scene, {
      async step(facts) {
        if (facts.claims.length === 0) return;
        if (handOver.ends === 0) {
          handOver.ends = systemClock.now();
          const ended = first.stop();
          await toLead(second);
          handOver.leads = systemClock.now();
          await ended;
          await first.start();
          // Somebody has to be there to follow.
          await waitFor("the follower to serve", () => scrape(0).catch(() => undefined), { withinMs: 60_000 });
        } else if (failOver.ends === 0) {
          failOver.ends = systemClock.now();
          await second.kill();
          await toLead(first);
          failOver.leads = systemClock.now();
        }
      },
      over: () => failOver.leads > 0,
    });
    const outcome = await scene.verdict();

    const acts = [handOver, failOver].map((change) => firstAct(outcome, change.leads) - change.ends);
    process.stdout.write(
      `hand-over in ${handOver.leads - handOver.ends} ms, fail-over in ${failOver.leads - failOver.ends} ms; ` +
        `first write of the next leader after ${acts.join(" and ")} ms; ${seconds} s in all\n`,
    );
    expect(handOver.leads - handOver.ends).toBeLessThan(HAND_OVER_MS);
    expect(failOver.leads - failOver.ends).toBeLessThan(FAIL_OVER_MS);
    expect(acts[1]).toBeLessThan(FAIL_OVER_MS);
    expect(outcome.violations).toEqual([]);
    expect(outcome.unexplained).toEqual([]);
  });
});

/** When a controller first wrote something else than its Lease at or after this time, by etcd and the audit log. */
function firstAct({ history }: Outcome, from: number): number {
  const act = history.find(
    ({ resource, user, time }) => user === CONTROLLER_USER && resource !== "leases.coordination.k8s.io" && time >= from,
  );
  return act?.time ?? Number.POSITIVE_INFINITY;
}
