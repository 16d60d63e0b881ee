// Timelines in which what is approved changes: newer levels, withdrawals, drift, skew, members that move.
import { describe, expect, it } from "vitest";
import type { LevelInForce } from "../../controller/core/model.ts";
import {
  DAY,
  entry,
  kernelLevel,
  kubeletLevel,
  imageBaseline,
  imageLevel,
  ring,
  START,
  workloadAsset,
} from "../support/fleet.ts";
import { createWorld, type World } from "./world/world.ts";
import { expectStory, nodesOf, policyOf, ringsInARow } from "./scenes.ts";

/** A merge: the ring's entry names another level, whose file comes with it. */
function merge(world: World, ringName: string, level: LevelInForce): void {
  world.setPolicy((policy) => ({
    ...policy,
    levels: [...policy.levels.filter((other) => other.name !== level.name), level],
  }));
  world.setRing(ringName, { levels: [entry(level)] });
}

describe("timelines of approvals", () => {
  it("weekly levels and FinishThenNext: a train goes to the last ring before the next one starts behind it", () => {
    const [first, second] = [kernelLevel(110), kernelLevel(120, { at: START - DAY })];
    const rings = ringsInARow(first, { canary: { soak: "20m" }, early: { soak: "20m" }, late: { soak: "20m" } });
    const world = createWorld({
      policy: policyOf(first, rings),
      nodes: [...nodesOf("canary", 1), ...nodesOf("early", 1), ...nodesOf("late", 1)],
    });
    world.at(30, "canary has soaked kernel-110: the next train is merged into canary", () =>
      merge(world, "canary", second),
    );
    world.at(58, "early has soaked kernel-110 and may have kernel-120: merged", () => merge(world, "early", second));
    world.at(90, "late has kernel-110: kernel-120 is merged there too", () => merge(world, "late", second));
    world.runUntil(180);

    expectStory("supersession", world);
  });

  it("a level that is merged too early waits for the rings before it", () => {
    const [first, second] = [kernelLevel(110), kernelLevel(120, { at: START - DAY })];
    const world = createWorld({
      policy: policyOf(first, ringsInARow(first, { canary: { soak: "20m" }, wide: { soak: "20m" } }), {
        levels: [first, second],
      }),
      nodes: [...nodesOf("canary", 1), ...nodesOf("wide", 1)],
    });
    world.at(10, "somebody merges kernel-120 into wide, which canary never had", () => merge(world, "wide", second));
    world.at(60, "kernel-120 is merged into canary", () => merge(world, "canary", second));
    world.runUntil(150);

    expectStory("merged-too-early", world);
  });

  it("a revert: what is in flight before Updated backs out, later ones finish, and what is above the floor stays", () => {
    const [first, second] = [kernelLevel(110), kernelLevel(120, { at: START - DAY })];
    const rings = [ring("prod", { levels: [entry(second)], soak: "10m", budget: { nodes: 3 } })];
    const world = createWorld({
      policy: policyOf(first, rings, { levels: [first, second] }),
      nodes: nodesOf("prod", 4, { kernelVersion: "5.15.0-110-generic" }),
    });
    world.setPolicy((policy) => ({
      ...policy,
      rings: policy.rings.map((one) => ({
        ...one,
        status: {
          levels: [
            {
              baseline: "ubuntu",
              level: first.name,
              digest: first.digest,
              offeredTime: "2026-02-20T00:00:00Z",
              startedTime: "2026-02-20T00:00:00Z",
              soakedTime: "2026-02-21T00:00:00Z",
            },
          ],
        },
      })),
    }));
    world.machine("prod-2").trouble = "PodStays";
    world.at(3, "kernel-120 is reverted to kernel-110 in prod's entry", () => merge(world, "prod", first));
    world.at(30, "a person asks for kernel-120 again, and prod-2's pod may go", () => {
      delete world.machine("prod-2").trouble;
      merge(world, "prod", second);
    });
    world.runUntil(70);

    expectStory("withdrawal", world);
  });

  it("an image level that is reverted is rolled back, without waiting for the rings before", () => {
    const [first, second] = [imageLevel("1.0"), imageLevel("1.1", { at: START - DAY })];
    const rings = ringsInARow(second, { apps: { soak: "5m" }, shops: { soak: "5m" } });
    const world = createWorld({
      policy: policyOf(second, rings, { levels: [first, second], baselines: [imageBaseline()] }),
      workloads: [
        workloadAsset("cart", "1.0", { labels: { ring: "apps" } }),
        workloadAsset("shop", "1.0", { labels: { ring: "shops" } }),
      ],
    });
    world.setRing("shops", { levels: [entry(first)] });
    world.at(12, "1.1 is merged into shops", () => merge(world, "shops", second));
    world.at(30, "1.1 is reverted in shops", () => merge(world, "shops", first));
    world.runUntil(60);

    expectStory("image-revert", world);
    expect(world.workload("shop").containers[0]?.image).toMatch(/:1\.0$/);
  });

  it("drift: a floor keeps what is above, Exact brings it back where the recipe can, else says so", () => {
    const level = kernelLevel(110);
    const backLevel = kernelLevel(110, { rollback: true });
    const world = createWorld({
      policy: policyOf(
        level,
        [
          ring("floor", { levels: [entry(level)], soak: "0s" }),
          ring("exact", { levels: [entry(level, { enforce: "Exact" })], soak: "0s" }),
          ring("back", { levels: [entry(backLevel, { enforce: "Exact" })], soak: "0s" }),
        ],
        {
          levels: [level, backLevel],
        },
      ),
      nodes: [...nodesOf("floor", 1), ...nodesOf("exact", 1), ...nodesOf("back", 1)],
    });
    world.at(20, "somebody runs apt upgrade and reboots all three", () => {
      for (const name of ["floor-1", "exact-1", "back-1"]) {
        const machine = world.machine(name);
        machine.asset = { ...machine.asset, kernelVersion: "5.15.0-130-generic", bootId: "by-hand" };
        machine.installedKernel = "5.15.0-130-generic";
      }
    });
    world.runUntil(50);

    expectStory("drift", world);
  });

  it("a kubelet is never brought above the API server", () => {
    const level = kubeletLevel("v1.36.1");
    const options = {
      policy: policyOf(level, ringsInARow(level, { prod: { soak: "0s" } })),
      nodes: nodesOf("prod", 1),
    };
    const world = createWorld({ ...options, apiServerVersion: "v1.35.4" });
    world.runUntil(10);

    expectStory("skew", world);
  });

  it("a node that two rings select belongs to none of them", () => {
    const level = kernelLevel(110);
    const both = { matchLabels: { pool: "blue" } };
    const rings = [
      ring("left", { levels: [entry(level)], soak: "0s" }),
      ring("right", { levels: [entry(level)], soak: "0s", members: { nodes: { selector: both } } }),
    ];
    const world = createWorld({
      policy: policyOf(level, rings),
      nodes: [
        ...nodesOf("left", 2).map((node, index) =>
          index === 0 ? { ...node, labels: { ...node.labels, pool: "blue" } } : node,
        ),
        ...nodesOf("right", 1, { labels: { pool: "blue" } }),
      ],
    });
    world.at(1, "left-2 is relabelled into both rings in the middle of its drain", () => {
      world.machine("left-2").asset = { ...world.machine("left-2").asset, labels: { ring: "left", pool: "blue" } };
    });
    world.runUntil(20);

    expectStory("ring-overlap", world);
  });
});
