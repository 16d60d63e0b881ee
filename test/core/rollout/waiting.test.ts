// Whether it is worth waiting for a rollout: what ends a wait at once, what ends it when nothing else goes on, and what is waited for.
import { describe, expect, it } from "vitest";
import { describeReason, type Reason, REASONS } from "../../../controller/api/reasons.ts";
import type { RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { AssetRow, Block, NodeAsset, RingInForce } from "../../../controller/core/model.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import type { RingOutcome } from "../../../controller/core/rollout/summary.ts";
import { judgeFleet, judgeRing, type Verdict } from "../../../controller/core/rollout/waiting.ts";
import {
  claimOn,
  entry,
  inventory,
  iso,
  kernel,
  kernelLevel,
  ledger,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const DONE = { kernelVersion: kernel(110) };
const LOST: RingInForce["status"] = {
  levels: [{ baseline: "ubuntu", level: LEVEL.name, digest: LEVEL.digest, lost: ["gone"] }],
};
const SHUT = { name: "night", spec: { timeZone: "UTC", windows: [{ schedule: "0 23 * * *", duration: "1h" }] } };

const node = (name: string, ringName: string, rest: Partial<NodeAsset> = {}): NodeAsset =>
  nodeAsset(name, { labels: { ring: ringName }, ...rest });

interface Scene {
  readonly canary?: Partial<RolloutRingSpec>;
  readonly canaryRest?: Partial<RingInForce>;
  readonly wide?: Partial<RolloutRingSpec>;
  readonly nodes: readonly NodeAsset[];
  readonly input?: Partial<PlanInput>;
}

/** Two rings, both approved, planned once. */
function planOf({ canary, canaryRest, wide, nodes, input }: Scene): { readonly plan: Plan; readonly input: PlanInput } {
  const rings = [
    ring("canary", { levels: [entry(LEVEL)], ...canary }, canaryRest),
    ring("wide", { after: ["canary"], levels: [entry(LEVEL)], ...wide }),
  ];
  const whole = planInput({
    policy: policy({ rings, levels: [LEVEL], calendars: [SHUT] }),
    inventory: inventory(nodes),
    ...input,
  });
  return { plan: makePlan(whole), input: whole };
}

function judge(name: string, scene: Scene): Verdict | undefined {
  const { plan, input } = planOf(scene);
  return judgeRing(name, { plan, ledger: input.ledger });
}

function judgeAll(scene: Scene): Verdict {
  const { plan, input } = planOf(scene);
  return judgeFleet({ plan, ledger: input.ledger });
}

/** `ring/asset Reason` of each cause. */
function causes(verdict: Verdict | undefined): readonly string[] {
  if (verdict?.kind !== "Stuck") return [String(verdict?.kind)];
  return verdict.because.map(({ ring: of, asset, reason }) => `${of ?? "-"}/${asset?.name ?? "-"} ${reason}`);
}

/** One row with one block, in a ring of its own. */
function judgeRow(block: Block, phase: AssetRow["phase"] = "Blocked"): Verdict | undefined {
  const { plan, input } = planOf({ nodes: [node("c1", "canary")] });
  const rows = plan.rows.map((row) => ({ ...row, phase, blockedBy: [block] }));
  return judgeRing("canary", { plan: { ...plan, rows }, ledger: input.ledger });
}

describe("a ring that is waited for", () => {
  it("is done when every asset is, soaking or soaked", () => {
    expect(judge("canary", { nodes: [node("c1", "canary", DONE), node("c2", "canary", DONE)] })).toEqual({
      kind: "Done",
    });
    expect(judge("canary", { nodes: [node("c1", "canary", DONE), node("c2", "canary")] })?.kind).toBe("Open");
  });

  it("is not done before a claim is given back", () => {
    const done = node("c1", "canary", DONE);

    expect(judge("canary", { nodes: [done], input: { ledger: ledger([claimOn(done, "canary", LEVEL)]) } })?.kind).toBe(
      "Open",
    );
  });

  it("is waited for through windows, approvals and the soak of the ring before", () => {
    const nodes = [node("c1", "canary", DONE), node("w1", "wide")];

    expect(judge("wide", { nodes })?.kind).toBe("Open");
    expect(judge("wide", { nodes, canary: { levels: [] } })?.kind).toBe("Open");
    expect(
      judge("canary", { nodes: [node("c1", "canary")], canary: { levels: [entry(LEVEL, { maxTargets: 0 })] } })?.kind,
    ).toBe("Open");
    expect(
      judge("canary", { nodes: [node("c1", "canary")], canary: { calendarRefs: [{ name: "night" }] } })?.kind,
    ).toBe("Open");
    expect(
      judge("canary", {
        nodes: [node("c1", "canary")],
        canary: { levels: [] },
        input: { candidates: new Map([["ubuntu", LEVEL]]) },
      })?.kind,
    ).toBe("Open");
  });

  it("ends at once when it is halted, also where nothing else is left to do", () => {
    const halted = { canaryRest: { status: LOST } };

    expect(causes(judge("canary", { ...halted, nodes: [node("c1", "canary"), node("c2", "canary", DONE)] }))).toEqual([
      "canary/- RingHalted",
    ]);
    expect(causes(judge("canary", { ...halted, nodes: [node("c1", "canary", DONE)] }))).toEqual([
      "canary/- RingHalted",
    ]);
  });

  it("ends at once when the ring before is halted, suspended or approved for a level that does not exist", () => {
    const nodes = [node("c1", "canary"), node("w1", "wide")];

    expect(causes(judge("wide", { nodes, canaryRest: { status: LOST } }))).toEqual(["canary/- RingHalted"]);
    expect(causes(judge("wide", { nodes, canary: { suspend: true } }))).toEqual(["canary/- RingSuspended"]);
    expect(causes(judge("wide", { nodes, canary: { levels: [{ baseline: "ubuntu", level: "ubuntu-x" }] } }))).toEqual([
      "canary/- LevelMissing",
    ]);
  });

  it("does without what a ring before it does without", () => {
    const cordoned = node("c2", "canary", { unschedulable: true });
    const nodes = [node("c1", "canary", DONE), cordoned, node("w1", "wide")];

    expect(judge("wide", { nodes, canary: { completion: { minPercent: 50 } } })?.kind).toBe("Open");
    expect(causes(judge("wide", { nodes }))).toEqual(["canary/c2 CordonedByOther"]);
  });

  it("ends behind a ring that is complete and halted: it never soaks", () => {
    const nodes = [node("c1", "canary", DONE), node("w1", "wide")];
    const scene = planOf({ nodes, canaryRest: { status: LOST } });
    const [canary, ...others] = scene.plan.rings;
    const complete = new Map([...(canary?.progress ?? [])].map(([name, one]) => [name, { ...one, complete: true }]));
    const rings = [{ ...(canary as RingOutcome), progress: complete }, ...others];

    expect(causes(judgeRing("wide", { plan: { ...scene.plan, rings }, ledger: scene.input.ledger }))).toEqual([
      "canary/- RingHalted",
    ]);
  });

  it("ends for a single target that needs a person only when nothing else goes on", () => {
    const cordoned = node("c1", "canary", { unschedulable: true });

    expect(judge("canary", { nodes: [cordoned, node("c2", "canary")] })?.kind).toBe("Open");
    expect(causes(judge("canary", { nodes: [cordoned, node("c2", "canary", DONE)] }))).toEqual([
      "canary/c1 CordonedByOther",
    ]);
  });

  it("goes on past failures that the ring allows, and ends with them", () => {
    const failed = node("c1", "canary");
    const claim = claimOn(failed, "canary", LEVEL);
    const operation = {
      claimId: claim.id,
      baseline: "ubuntu",
      level: LEVEL.name,
      digest: LEVEL.digest,
      step: "Rebooted",
      stepTime: iso(START),
      startedTime: iso(START),
      attempt: 1,
      failure: { reason: "NodeNotBack", message: "it did not come back", time: iso(START) },
    } as const;
    const stored = {
      nodes: new Map([[failed.uid, { operation }]]),
      workloads: new Map(),
    } as unknown as PlanInput["stored"];
    const scene = (rest: Partial<NodeAsset>): Scene => ({
      nodes: [failed, node("c2", "canary", rest)],
      canary: { budget: { nodes: 2, maxFailures: 1 } },
      input: { ledger: ledger([claim]), stored },
    });

    expect(judge("canary", scene({}))?.kind).toBe("Open");
    expect(causes(judge("canary", scene(DONE)))).toEqual(["canary/c1 NodeNotBack"]);
  });

  it("ends at once where the cluster's mode touches nothing", () => {
    const nodes = [node("c1", "canary")];
    const inMode = (mode: "Observe" | "Stop"): Partial<PlanInput> => ({ ledger: ledger([], { spec: { mode } }) });

    expect(causes(judge("canary", { nodes, input: inMode("Observe") }))).toEqual(["-/- Observing"]);
    expect(causes(judge("canary", { nodes, input: inMode("Stop") }))).toEqual(["-/- Stopped"]);
    expect(judge("canary", { nodes: [node("c1", "canary", DONE)], input: inMode("Observe") })?.kind).toBe("Done");
  });

  it("is no success without any asset, unless the ring says so", () => {
    expect(causes(judge("canary", { nodes: [] }))).toEqual(["canary/- RingEmpty"]);
    expect(judge("canary", { nodes: [], canary: { completion: { onEmpty: "Pass" } } })?.kind).toBe("Done");
  });

  it("is not judged before the controller came to it under the repository's last commit", () => {
    const behind = new Set(["canary"]);
    const { plan, input } = planOf({ nodes: [node("c1", "canary", DONE), node("w1", "wide", DONE)] });
    const halted = planOf({ nodes: [node("c1", "canary"), node("w1", "wide")], canaryRest: { status: LOST } });
    const open = { kind: "Open", behind: ["canary"] };

    expect(judgeRing("canary", { plan, ledger: input.ledger, behind })).toEqual(open);
    expect(judgeRing("wide", { plan, ledger: input.ledger, behind })).toEqual({ kind: "Done" });
    expect(judgeRing("canary", { plan: halted.plan, ledger: input.ledger, behind })).toEqual(open);
    expect(judgeRing("wide", { plan: halted.plan, ledger: input.ledger, behind })).toEqual({ kind: "Open" });
    expect(judgeFleet({ plan, ledger: input.ledger, behind })).toEqual(open);
  });

  it("is undefined where there is no such ring", () => {
    expect(judge("canry", { nodes: [] })).toBeUndefined();
  });

  it("rings in a circle are an answer, too", () => {
    expect(
      judge("wide", { nodes: [node("c1", "canary"), node("w1", "wide")], canary: { after: ["wide"] } })?.kind,
    ).toBe("Stuck");
  });

  it("is never given up for what resolves by itself, and a target in flight never for what its steps wait for", () => {
    const given = (phase: AssetRow["phase"]): readonly Reason[] =>
      REASONS.filter((reason) => judgeRow({ reason, message: "" }, phase)?.kind === "Stuck");

    expect(given("InProgress")).toEqual([]);
    expect(given("Blocked").filter((reason) => describeReason(reason).care === "wait")).toEqual([]);
    expect(given("Blocked")).toEqual(
      expect.arrayContaining(["RingHalted", "StepFailed", "CordonedByOther", "ManagedElsewhere", "LevelWithdrawn"]),
    );
    for (const reason of ["WaitingForApproval", "GateUnknown", "PDBBlocked", "NodeNotReady", "DrainTimedOut"] as const)
      expect(given("Blocked")).not.toContain(reason);
  });
});

describe("the fleet", () => {
  it("is done when all is compliant and nothing is in flight", () => {
    const nodes = [node("c1", "canary", DONE), node("w1", "wide", DONE)];
    const [first] = nodes;
    const claims = first === undefined ? [] : [claimOn(first, "canary", LEVEL)];

    expect(judgeAll({ nodes })).toEqual({ kind: "Done" });
    expect(judgeAll({ nodes, input: { ledger: ledger(claims) } })).toEqual({ kind: "Open" });
    expect(judgeAll({ nodes: [...nodes, node("w2", "wide")] })).toEqual({ kind: "Open" });
  });

  it("ends at once for a ring that is halted, whatever goes on elsewhere", () => {
    const nodes = [node("c1", "canary", DONE), node("w1", "wide")];

    expect(causes(judgeAll({ nodes, canaryRest: { status: LOST } }))).toEqual(["canary/- RingHalted"]);
  });

  it("says of an asset in no ring that nobody will touch it, when all else is done", () => {
    // There is no level to compare it with.
    const loose = nodeAsset("x1");

    expect(judgeAll({ nodes: [node("c1", "canary"), loose] }).kind).toBe("Open");
    expect(causes(judgeAll({ nodes: [node("c1", "canary", DONE), loose] }))).toEqual(["-/x1 Unassigned"]);
  });
});
