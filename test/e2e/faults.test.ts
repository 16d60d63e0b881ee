// The demo's troubles on a real control plane, in the demo's own scripts; their minute is a second here. Killing the controller is in
// crashes.test.ts.
import { afterEach, describe, expect, it } from "vitest";
import type { Facts } from "../../controller/sandbox/demo/facts.ts";
import type { Fault } from "../../controller/sandbox/demo/fault.ts";
import { blockedPdb } from "../../controller/sandbox/demo/faults/blocked-pdb.ts";
import { failingNode } from "../../controller/sandbox/demo/faults/failing-node.ts";
import { freeze } from "../../controller/sandbox/demo/faults/freeze.ts";
import { rewriteHistory } from "../../controller/sandbox/demo/faults/rewrite-history.ts";
import { type PolicyTimes, rolloutPolicy, smallFleet } from "./support/policy.ts";
import { playRollout } from "./support/rollout.ts";
import { type Scene, startScene } from "./support/scene.ts";

const USUAL: PolicyTimes = { soak: "2s", drainTimeout: "2m" };

/** The promise was kept, and no invariant was broken. */
const KEPT = { ok: true, violations: [], unexplained: [] };

describe("the demo's troubles on a real control plane end as promised", () => {
  let scene: Scene | undefined;

  afterEach(async () => {
    await scene?.stop();
    scene = undefined;
  });

  /** What came of it: the script's own word on its promise, and the verdict on the history. */
  async function play(fault: Fault, times: PolicyTimes = USUAL, minute = 1_000): Promise<object> {
    scene = await startScene({
      minute,
      fleet: smallFleet(),
      policy: rolloutPolicy(times),
      limits: { nodes: 8, workloads: 8, nodesPerZone: 4 },
    });
    const stage = scene;
    let last: Facts | undefined;
    await stage.controller.start();
    await fault.prepare?.(stage);
    await stage.setMode("Enforce");
    const seconds = await playRollout(stage, {
      holds: fault,
      step: async (facts) => {
        last = facts;
        if ((await fault.step(stage, facts)) !== undefined) await stage.poke();
      },
      over: (facts) => fault.result(facts).ok,
      describe: (facts) => fault.result(facts).observed,
    });
    const outcome = await stage.verdict();

    const { ok, observed } = fault.result(last);
    process.stdout.write(`${fault.name}: ${seconds} s; ${observed}\n`);
    return { ok, observed, violations: outcome.violations, unexplained: outcome.unexplained };
  }

  it("a node that never comes back halts its ring", async () => {
    // It must have failed before the others of its ring have soaked: later rings may start what is soaked.
    expect(await play(failingNode(), { ...USUAL, rebootTimeout: "30s", canarySoak: "120s" })).toMatchObject(KEPT);
  });

  it("a budget that allows nothing makes a drain back out", async () => {
    expect(await play(blockedPdb(), { ...USUAL, drainTimeout: "20s" })).toMatchObject(KEPT);
  });

  it("a freeze in the middle stops what has not begun", async () => {
    // It must be long enough for a commit, a fetch and an update in the middle of it, on slow machines, too.
    expect(await play(freeze(), USUAL, 3_000)).toMatchObject(KEPT);
  });

  it("a force-push stops new claims until a person accepts the new head", async () => {
    expect(await play(rewriteHistory())).toMatchObject(KEPT);
  });
});
