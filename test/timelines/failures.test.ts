// Timelines in which something goes wrong: nodes that do not come back, that vanish or fall back, a ledger that is lost, rollouts
// that do not progress. Each ends as DESIGN promises: throttled, halted, named, and whole again.
import { describe, expect, it } from "vitest";
import {
  iso,
  kernelLevel,
  imageLevel,
  imageBaseline,
  MINUTE,
  nodeAsset,
  ring,
  entry,
  workloadAsset,
} from "../support/fleet.ts";
import { createWorld, type World } from "./world/world.ts";
import { expectStory, nodesOf, policyOf, ringsInARow } from "./scenes.ts";

/** What `ringward retry NODE` writes. */
function retry(world: World, name: string): void {
  const state = world.states.nodes.get(`uid-${name}`);
  if (state?.operation === undefined) throw new Error(`${name} has no operation to retry`);
  world.states.nodes.set(`uid-${name}`, { ...state, operation: { ...state.operation, retryTime: iso(world.now()) } });
}

describe("timelines of failures", () => {
  it("a failed canary: two nodes never come Ready, the ring halts, claims are kept, the wide ring has none until a repair", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(
        level,
        ringsInARow(level, { canary: { budget: { nodes: 2 }, soak: "15m" }, wide: { budget: { nodes: 2 } } }),
      ),
      nodes: [...nodesOf("canary", 3), ...nodesOf("wide", 2)],
    });
    world.machine("canary-1").trouble = "NeverReady";
    world.machine("canary-3").trouble = "UpdateFails";
    world.at(70, "canary-1 is power-cycled and comes Ready", () => {
      const machine = world.machine("canary-1");
      delete machine.trouble;
      machine.asset = { ...machine.asset, ready: true };
    });
    world.at(80, "dpkg on canary-3 is repaired; ringward retry node/canary-3", () => {
      delete world.machine("canary-3").trouble;
      retry(world, "canary-3");
    });
    world.runUntil(65);
    expect(world.plan().rings.find((outcome) => outcome.ring.name === "canary")?.halted?.reason).toBe("RingHalted");
    expect(world.plan().steering.filter(({ claim }) => claim.ring === "wide")).toEqual([]);
    world.runUntil(200);

    expectStory("failed-canary", world);
  });

  it("an autoscaler that sweeps up failed nodes does not hide the failures", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { canary: { budget: { nodes: 1, maxFailures: 1 } } })),
      nodes: nodesOf("canary", 4),
    });
    for (const name of ["canary-1", "canary-2", "canary-3", "canary-4"]) world.machine(name).trouble = "NeverReady";
    world.at(20, "the autoscaler deletes canary-1, which is not Ready", () => world.removeNode("canary-1"));
    world.at(40, "the autoscaler deletes canary-4", () => world.removeNode("canary-4"));
    world.runUntil(120);

    expectStory("vanished", world);
    expect(world.plan().claims).toEqual([]);
  });

  it("an autoscaled joiner after completion: soak is not reset, the joiner is updated under the ring's budget", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { canary: { soak: "60m" }, wide: {} })),
      nodes: [...nodesOf("canary", 1), ...nodesOf("wide", 1)],
    });
    world.at(38, "the autoscaler adds canary-2 from an old image", () =>
      world.addNode(nodeAsset("canary-2", { labels: { ring: "canary" }, createdAt: world.now() })),
    );
    world.runUntil(150);

    expectStory("joiner", world);
  });

  it("a node that was verified and boots an older kernel resets the soak", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { canary: { soak: "60m" }, wide: {} })),
      nodes: [...nodesOf("canary", 2), ...nodesOf("wide", 1)],
    });
    world.at(46, "canary-2 is rebooted by hand into its old kernel", () => {
      const machine = world.machine("canary-2");
      machine.asset = { ...machine.asset, kernelVersion: "5.15.0-100-generic", bootId: "by-hand" };
    });
    world.runUntil(180);

    expectStory("regressed", world);
  });

  it("a ledger that was restored empty claims nothing until the marks are back", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { canary: { budget: { nodes: 2 }, soak: "0s" } })),
      nodes: nodesOf("canary", 4),
    });
    world.at(3, "etcd is restored from a backup without claims", () => world.loseLedger());
    world.runUntil(60);

    expectStory("restored-ledger", world);
  });

  it("percent budgets count NotReady nodes that nobody claimed", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { wide: { budget: { nodes: "30%" }, soak: "0s" } })),
      nodes: nodesOf("wide", 10),
    });
    world.at(4, "wide-8 and wide-9 lose their network", () => {
      for (const name of ["wide-8", "wide-9"])
        world.machine(name).asset = { ...world.machine(name).asset, ready: false };
    });
    world.at(40, "their network is back", () => {
      for (const name of ["wide-8", "wide-9"])
        world.machine(name).asset = { ...world.machine(name).asset, ready: true };
    });
    world.runUntil(100);

    expectStory("percent-budget", world);
  });

  it("a workload whose rollout does not progress is rolled back and counts as failed", () => {
    const level = imageLevel("1.1");
    const world = createWorld({
      policy: policyOf(
        level,
        [ring("apps", { levels: [entry(level)], onFailure: "RollBackTarget", budget: { workloads: 1 } })],
        { baselines: [imageBaseline()] },
      ),
      workloads: [
        workloadAsset("cart", "1.0", { labels: { ring: "apps" } }),
        workloadAsset("shop", "1.0", { labels: { ring: "apps" } }),
      ],
    });
    world.badTags.add("1.1");
    world.runUntil(60);

    expectStory("workload-rollback", world);
    expect(world.workload("cart").containers[0]?.image).toMatch(/:1\.0$/);
  });

  it("an image that somebody puts back is not written twice", () => {
    const level = imageLevel("1.1");
    const world = createWorld({
      policy: policyOf(level, [ring("apps", { levels: [entry(level)], soak: "10m" })], {
        baselines: [imageBaseline()],
      }),
      workloads: [workloadAsset("cart", "1.0", { labels: { ring: "apps" } })],
    });
    world.at(20, "somebody runs kubectl rollout undo", () => {
      const old = workloadAsset("cart", "1.0");
      world.changeWorkload("cart", { containers: old.containers, pods: old.pods });
    });
    world.runUntil(40);

    expectStory("contested", world);
  });

  it("a person who uncordons in the middle is not answered with a cordon", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { prod: { soak: "0s" } })),
      nodes: nodesOf("prod", 1),
    });
    world.machine("prod-1").trouble = "PodStays";
    world.at(2, "a person uncordons prod-1", () => {
      world.machine("prod-1").asset = { ...world.machine("prod-1").asset, unschedulable: false };
    });
    world.at(10, "its pod may go", () => delete world.machine("prod-1").trouble);
    world.runUntil(40);

    expectStory("uncordoned", world);
  });

  it("restarts only lengthen the soak", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(level, ringsInARow(level, { canary: { soak: "30m" } })),
      nodes: nodesOf("canary", 1),
    });
    for (const minute of [15, 20, 25]) world.at(minute, "the controller restarts", () => world.restart());
    world.runUntil(60);

    const soaked = world.plan().rings[0]?.levels[0]?.soakedTime ?? "";
    expect(Date.parse(soaked)).toBeGreaterThanOrEqual(
      Date.parse(world.plan().rings[0]?.levels[0]?.completedTime ?? "") + 30 * MINUTE,
    );
  });
});
