// The drain of a node, what is asked of it before, and what holds it back: pods, other tools, a recipe that says not yet (B4, B5).
import { describe, expect, it } from "vitest";
import type { NodeStep } from "../../../controller/api/patch-state.ts";
import type { Block, LevelInForce, NodeAsset, PodAsset } from "../../../controller/core/model.ts";
import { type NodeAct, SETTLE_MS } from "../../../controller/core/operations/node-steps.ts";
import { iso, MINUTE, nodeAsset, START } from "../../support/fleet.ts";
import {
  LEVEL,
  WINDOW_ENDED,
  JOB,
  PREPARED,
  RUNNING,
  SUCCEEDED,
  failed,
  cordoned,
  operation,
  pod,
  type Situation,
  act,
  GRANTED,
  step,
} from "./node-scene.ts";

describe("drain", () => {
  const at = (pods: readonly PodAsset[], rest: Situation = {}): NodeAct =>
    act({ operation: operation("Cordoned"), node: cordoned(), pods, ...rest });

  it("evicts lowest priority first; DaemonSet, mirror and completed pods stay", () => {
    const pods = [
      pod("b", { priority: 9 }),
      pod("a"),
      pod("ds", { controller: { kind: "DaemonSet", name: "d", uid: "d" } }),
      pod("static", { mirror: true }),
      pod("job", { phase: "Succeeded" }),
    ];

    expect(at(pods)).toMatchObject({ kind: "Evict", pods: [{ name: "a" }, { name: "b" }] });
    expect(step(at(pods.slice(2)))).toBe("Drained");
  });

  it("B5: waits for late bindings after the cordon, and drains again those that came late", () => {
    expect(at([], { operation: operation("Cordoned", { stepTime: iso(START - SETTLE_MS + 1) }) })).toMatchObject({
      until: START + 1,
      kind: "Wait",
      block: { reason: "Draining" },
    });
    expect(at([pod("late")], { operation: operation("Drained") })).toMatchObject({ kind: "Evict" });
    expect(at([pod("ending", { deleting: true })], { operation: operation("Drained") })).toMatchObject({
      kind: "Wait",
    });
  });

  it("bare pods and emptyDir stand in the way by policy, and are named", () => {
    const bare = pod("bare", { controller: undefined });

    expect(at([bare])).toMatchObject({
      kind: "Wait",
      block: { reason: "PodBlocksDrain", message: expect.stringContaining("shop/bare") },
    });
    expect(at([bare], { drain: { barePods: "Evict" } })).toMatchObject({ kind: "Evict" });
    expect(at([pod("cache", { emptyDir: true })], { drain: { emptyDir: "Block" } })).toMatchObject({
      block: { reason: "PodBlocksDrain" },
    });
    expect(at([pod("cache", { emptyDir: true })])).toMatchObject({ kind: "Evict" });
  });

  it("names the budget that refuses", () => {
    const pdbs = ["loose", "tight"].map((name, index) => ({
      namespace: "shop",
      name,
      selector: { matchLabels: { app: name } },
      disruptionsAllowed: 1 - index,
      currentHealthy: 1,
      desiredHealthy: 1,
    }));

    const pods = [pod("a", { labels: { app: "loose" } }), pod("b", { labels: { app: "tight" } })];

    expect(at(pods, { pdbs })).toMatchObject({
      wait: { reason: "PDBBlocked", message: expect.stringContaining("tight") },
    });
  });

  it("backs out at the timeout, unless the ring says Hold", () => {
    const late = operation("Cordoned", { stepTime: iso(START - 16 * MINUTE) });

    expect(at([pod("web")], { operation: late })).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "DrainTimedOut" } },
    });
    expect(at([pod("web")], { operation: late, drain: { onTimeout: "Hold" } })).toMatchObject({ kind: "Evict" });
    expect(
      at([], { operation: { ...late, backOut: { reason: "DrainTimedOut", message: "m", time: iso(START) } } }),
    ).toEqual({ kind: "Unmark", uncordon: true });
    expect(
      act({ operation: { ...late, backOut: { reason: "DrainTimedOut", message: "m", time: iso(START) } } }),
    ).toMatchObject({ kind: "Close", result: "BackedOut", retryAt: START + 15 * MINUTE });
  });
});

describe("prepare", () => {
  const steps = LEVEL.spec.node?.recipe.steps ?? {};
  const withPrepare: LevelInForce = {
    ...LEVEL,
    spec: {
      ...LEVEL.spec,
      node: {
        ...(LEVEL.spec.node as NonNullable<LevelInForce["spec"]["node"]>),
        recipe: {
          name: "r",
          strategy: "InPlace",
          steps: {
            ...steps,
            prepare: { image: `r@sha256:${"a".repeat(64)}`, command: ["/recipe/k3s", "prepare"] },
            stage: { image: `r@sha256:${"a".repeat(64)}`, command: ["/recipe/k3s", "stage"] },
          },
        },
      },
    },
  };
  const at = (name: NodeStep, jobs: Situation["jobs"] = {}, rest: Situation = {}) =>
    act({ of: withPrepare, operation: operation(name), jobs, ...rest });

  it("comes before stage and before the cordon, as a job like any other", () => {
    expect(at("Claimed")).toEqual({ kind: "CreateJob", step: "prepare", suspended: true });
    expect(at("Claimed", { prepare: PREPARED })).toMatchObject({ note: "Preparing", operation: { jobUID: JOB.uid } });
    expect(at("Preparing", { prepare: PREPARED })).toEqual({ kind: "ResumeJob", step: "prepare", job: JOB });
    expect(at("Preparing", { prepare: RUNNING })).toMatchObject({ kind: "Wait" });
    expect(step(at("Preparing", { prepare: SUCCEEDED }))).toBe("Prepared");
    expect(at("Prepared")).toEqual({ kind: "CreateJob", step: "stage", suspended: true });
    expect(step(at("Prepared", { stage: PREPARED }))).toBe("Staging");
  });

  it("that fails stops the node where it is: not cordoned, its claim kept", () => {
    expect(at("Preparing", { prepare: failed(1, false, "no servers") })).toMatchObject({
      note: "OperationFailed",
      operation: { step: "Preparing", failure: { reason: "StepFailed", message: /step prepare .*: no servers/ } },
    });
    expect(at("Preparing", { prepare: failed(undefined, true) })).toMatchObject({
      operation: { failure: { reason: "StepTimedOut" } },
    });
  });

  it("that says not yet (75) hands the node back, and is asked again a quarter of an hour later", () => {
    const notYet = { prepare: failed(75, false, "servers are older") };

    expect(at("Preparing", notYet)).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "NotPrepared", message: "servers are older" } },
    });
    const back = operation("Preparing", { backOut: { reason: "NotPrepared", message: "m", time: iso(START) } });
    expect(at("Preparing", notYet, { operation: back })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      retryAt: START + 15 * MINUTE,
    });
    // Of another step it is a failure like any other.
    expect(at("Staging", { stage: failed(75) })).toMatchObject({ operation: { failure: { reason: "StepFailed" } } });
  });

  it("on the way back a job of it that waits to run is deleted", () => {
    const back = operation("Preparing", { backOut: { reason: "OutsideWindow", message: "m", time: iso(START) } });

    expect(at("Preparing", { prepare: PREPARED }, { operation: back })).toEqual({
      kind: "DeleteJob",
      step: "prepare",
      job: JOB,
    });
  });
});

describe("another tool's hold", () => {
  const foreign = [{ reason: "BeingRemoved", message: "Cluster Autoscaler: the node is drained" }] as const;
  const held = (): NodeAsset => cordoned({ foreign });

  it.each(["Claimed", "Staged"] as const)("before the cordon is backed out from: %s", (name) => {
    expect(act({ operation: operation(name), node: nodeAsset("n", { foreign }) })).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "BeingRemoved" } },
    });
  });

  it("that is there before anything is written down ends the claim", () => {
    expect(act({ node: nodeAsset("n", { foreign }) })).toMatchObject({ kind: "Close", result: "BackedOut" });
  });

  it.each(["Cordoned", "Drained"] as const)("is waited for after the cordon, whatever else is due: %s", (name) => {
    const pods = [pod("web")];
    const late = operation(name, { stepTime: iso(START - 60 * MINUTE) });
    const away = { ...late, backOut: { reason: "OutsideWindow", message: "m", time: iso(START) } };

    for (const one of [late, away])
      for (const retreat of [undefined, WINDOW_ENDED])
        expect(act({ operation: one, node: held(), pods, retreat })).toMatchObject({
          kind: "Wait",
          block: { reason: "BeingRemoved" },
        });
  });

  it("gives way to a person: Stop, a release, an uncordon", () => {
    const stopped: Block = { reason: "Stopped", message: "the ledger says Stop" };
    const away = operation("Cordoned", { backOut: { reason: "Stopped", message: "m", time: iso(START) } });
    const released = operation("Cordoned", { release: { reason: "r", time: iso(START) } });
    const uncordoned = { ...held(), unschedulable: false };

    expect(act({ operation: operation("Cordoned"), node: held(), retreat: stopped })).toMatchObject({
      note: "BackingOut",
    });
    expect(act({ operation: away, node: held() })).toMatchObject({ kind: "Unmark" });
    expect(act({ operation: released, node: held() })).toMatchObject({ kind: "Unmark" });
    expect(act({ operation: operation("Cordoned"), node: uncordoned })).toMatchObject({
      operation: { backOut: { reason: "UncordonedByPerson" } },
    });
  });

  it("does not stop what has begun", () => {
    expect(act({ operation: operation("Rebooted"), node: held() }).kind).not.toBe("Wait");
  });
});

describe("a pod that holds its node back", () => {
  const blocking = [
    { name: "batch", type: "BlockingPods", pods: { selector: { matchLabels: { app: "train" } } } },
  ] as const;
  const train = pod("train", { labels: { app: "train" } });

  it("and came after the claim sends the node back before its cordon, and not after it", () => {
    const claimedNode = { operation: operation("Claimed"), blocking, pods: [train] };

    expect(act(claimedNode)).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "BlockingPod", message: "gate batch: pod shop/train holds the node back" } },
    });
    expect(act({ ...claimedNode, pods: [pod("web")] })).toMatchObject({ kind: "Rehearse" });
    expect(act({ ...claimedNode, pods: [{ ...train, phase: "Succeeded" }], trial: GRANTED })).toMatchObject({
      kind: "Mark",
    });
    expect(act({ ...claimedNode, operation: operation("Cordoned"), node: cordoned() })).toMatchObject({
      kind: "Evict",
    });
  });
});
