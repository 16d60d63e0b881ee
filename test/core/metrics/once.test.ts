// Whatever becomes of a target, its time to patch is observed at most once for a level: patched, patched by hand, lost, forgotten, failed, tried again,
// in any order, with the writers of states that the controller has.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import { observeFleet, type FleetLook } from "../../../controller/core/metrics/index.ts";
import type { LevelInForce } from "../../../controller/core/model.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import { addVerified, closeOperation } from "../../../controller/kube/closing.ts";
import {
  claimOn,
  DAY,
  entry,
  inventory,
  iso,
  kernelLevel,
  MINUTE,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

const NODE = nodeAsset("n1", { labels: { ring: "broad" } });
const LEVELS = [110, 111, 112].map((build, at) => kernelLevel(build, { at: START - (3 - at) * DAY }));
const ACTIONS = [
  "start",
  "succeed",
  "backOut",
  "patchByHand",
  "lose",
  "forget",
  "recreate",
  "nextLevel",
  "nothing",
] as const;
type Action = (typeof ACTIONS)[number];

interface Life {
  readonly level: number;
  readonly state: NodePatchStateStatus | undefined;
}

const saying = (life: Life, state: "Missing" | "Unknown" | "Installed"): NodePatchStateStatus => ({
  ...life.state,
  targetUID: NODE.uid,
  ring: "broad",
  baselines: [{ baseline: "ubuntu", ring: "broad", state, phase: "Offered" }],
});

/** One thing that happens, written down as the controller writes it. */
function live(life: Life, action: Action, now: number): Life {
  const level = LEVELS[life.level]!;
  const claim = claimOn(NODE, "broad", level, { id: `claim-${now}`, since: iso(now) });
  const { operation } = life.state ?? {};
  const close = (result: "Succeeded" | "BackedOut", verified: boolean): NodePatchStateStatus =>
    closeOperation(life.state, {
      claim: { ...claim, id: operation!.claimId },
      now,
      result,
      reason: "x",
      message: "",
      verified,
    });
  switch (action) {
    case "start":
      if (operation !== undefined) return life;
      return {
        ...life,
        state: {
          ...life.state,
          operation: {
            claimId: claim.id,
            ring: "broad",
            baseline: "ubuntu",
            level: level.name,
            digest: level.digest,
            startedTime: iso(now),
            stepTime: iso(now),
            attempt: 1,
            step: "Claimed",
            bootId: "b",
          },
        },
      };
    case "succeed":
      return operation === undefined ? life : { ...life, state: close("Succeeded", true) };
    case "backOut":
      return operation === undefined ? life : { ...life, state: close("BackedOut", false) };
    case "patchByHand":
      if (operation !== undefined || life.state === undefined) return life;
      return {
        ...life,
        state: {
          ...saying(life, "Installed"),
          verified: addVerified(life.state.verified ?? [], { baseline: "ubuntu", digest: level.digest }, iso(now)),
        },
      };
    case "lose":
      return operation === undefined ? { ...life, state: saying(life, "Missing") } : life;
    case "forget":
      return operation === undefined ? { ...life, state: saying(life, "Unknown") } : life;
    case "recreate":
      return operation === undefined ? { ...life, state: undefined } : life;
    case "nextLevel":
      return operation === undefined ? { ...life, level: Math.min(life.level + 1, LEVELS.length - 1) } : life;
    case "nothing":
      return life;
  }
}

function lookAt({ level, state }: Life, now: number): FleetLook {
  const approved: LevelInForce = LEVELS[level]!;
  const input = planInput({
    now,
    policy: policy({ rings: [ring("broad", { levels: [entry(approved)] })], levels: LEVELS }),
    inventory: inventory([NODE]),
    stored: { nodes: new Map(state === undefined ? [] : [[NODE.uid, state]]), workloads: new Map() },
  });
  return { input, plan: makePlan(input), repository: undefined, pulls: undefined };
}

/** How often each level's time to patch is observed in a life. */
function observed(actions: readonly Action[]): readonly number[] {
  let life: Life = { level: 0, state: undefined };
  let seen: Parameters<typeof observeFleet>[0];
  const counts = LEVELS.map(() => 0);
  actions.forEach((action, at) => {
    const now = START + at * MINUTE;
    life = live(life, action, now);
    const found = observeFleet(seen, lookAt(life, now));
    seen = found.seen;
    for (const { metric, value } of found.observations)
      if (metric.name === "ringward_time_to_patch_from_level_input_seconds" && value !== undefined)
        counts[life.level]! += 1;
  });
  return counts;
}

describe("time to patch", () => {
  it("is observed at most once for a target and level, whatever happens to it while its state is kept", () => {
    const kept = ACTIONS.filter((action) => action !== "recreate");

    fc.assert(
      fc.property(fc.array(fc.constantFrom(...kept), { maxLength: 9 }), (actions) => {
        expect(Math.max(...observed(actions))).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  it("is observed in the plain lives", () => {
    expect(observed(["lose", "start", "succeed", "nothing"])).toEqual([1, 0, 0]);
    expect(observed(["lose", "patchByHand", "nextLevel", "lose", "start", "succeed"])).toEqual([1, 1, 0]);
    expect(observed(["lose", "start", "backOut", "start", "succeed", "lose", "start", "succeed"])).toEqual([1, 0, 0]);
    expect(observed(["forget", "patchByHand"])).toEqual([0, 0, 0]);
    expect(observed(["lose", "recreate", "patchByHand"])).toEqual([0, 0, 0]);
  });
});
