// Completion and soak: the arithmetic of DESIGN's "Complete" and "Soak" (R1, R2, R5, B14).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { RingLevelStatus, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { Claim, ExceptionInForce, NodeAsset } from "../../../controller/core/model.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import type { LevelProgress } from "../../../controller/core/rollout/progress.ts";
import {
  claimOn,
  entry,
  HOUR,
  inventory,
  iso,
  kernel,
  kernelLevel,
  ledger,
  MINUTE,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const done = (name: string, rest: Partial<NodeAsset> = {}): NodeAsset =>
  nodeAsset(name, { labels: { ring: "canary" }, kernelVersion: kernel(110), ...rest });
const behind = (name: string, rest: Partial<NodeAsset> = {}): NodeAsset =>
  done(name, { kernelVersion: kernel(100), ...rest });
const STARTED: RingLevelStatus = {
  baseline: "ubuntu",
  level: LEVEL.name,
  digest: LEVEL.digest,
  offeredTime: iso(START - 9 * HOUR),
};
const COMPLETED: RingLevelStatus = { ...STARTED, completedTime: iso(START - 8 * HOUR), soakedSeconds: 600 };

interface Look {
  readonly spec?: Partial<RolloutRingSpec>;
  readonly before?: RingLevelStatus;
  readonly claims?: readonly Claim[];
  readonly states?: ReadonlyMap<string, NodePatchStateStatus>;
  readonly exceptions?: readonly ExceptionInForce[];
  readonly input?: Partial<PlanInput>;
}

/** Plans the ring once and gives its progress back. */
function look(
  nodes: readonly NodeAsset[],
  { spec, before, claims, states, exceptions, input }: Look = {},
): LevelProgress {
  const one = ring(
    "canary",
    { soak: "1h", levels: [entry(LEVEL)], ...spec },
    before === undefined ? {} : { status: { levels: [before] } },
  );
  const plan = makePlan(
    planInput({
      policy: policy({ rings: [one], levels: [LEVEL], exceptions: exceptions ?? [] }),
      inventory: inventory(nodes),
      stored: { nodes: states ?? new Map(), workloads: new Map() },
      ledger: ledger(claims ?? []),
      ...input,
    }),
  );
  const progress = plan.rings[0]?.progress.get("ubuntu");
  if (progress === undefined) throw new Error("no progress");
  return progress;
}

function failed(node: NodeAsset, claim: Claim): readonly [string, NodePatchStateStatus] {
  const { id: claimId, ring: ringName, baseline, level, digest } = claim;
  const operation = {
    claimId,
    ring: ringName,
    baseline,
    level,
    digest,
    startedTime: iso(START),
    stepTime: iso(START),
    attempt: 1,
    step: "Updating" as const,
    bootId: "b",
  };
  return [
    node.uid,
    { operation: { ...operation, failure: { reason: "StepFailed", message: "dpkg", time: iso(START) } } },
  ];
}

describe("complete", () => {
  it("at least minPercent of the targets in scope verified", () => {
    const nodes = [done("a"), done("b"), done("c"), behind("d")];

    expect(look(nodes).complete).toBe(false);
    expect(look(nodes, { spec: { completion: { minPercent: 75 } } }).complete).toBe(true);
    expect(look(nodes, { spec: { completion: { minPercent: 76 } } }).complete).toBe(false);
  });

  it("Exempt and NotApplicable are out of scope", () => {
    const exception: ExceptionInForce = {
      name: "late",
      spec: {
        targets: { kind: "Node", names: ["b"] },
        owner: "team",
        justification: "because",
        expirationTime: iso(START + HOUR),
      },
    };

    const progress = look([done("a"), behind("b")], { exceptions: [exception] });

    expect(progress).toMatchObject({ complete: true, status: { targets: 1, done: 1 } });
  });

  it("none in flight, at this level or finishing an older one", () => {
    const nodes = [done("a"), done("b")];
    const old = kernelLevel(105);

    expect(look(nodes, { claims: [claimOn(nodes[0] as NodeAsset, "canary", LEVEL)] }).complete).toBe(false);
    expect(
      look(nodes, { claims: [claimOn(nodes[0] as NodeAsset, "canary", old)], spec: { completion: { minPercent: 50 } } })
        .complete,
    ).toBe(false);
  });

  it("failures up to maxFailures do not keep it from being complete, though they keep their claim", () => {
    const nodes = [done("a"), done("b"), behind("c")];
    const claim = claimOn(nodes[2] as NodeAsset, "canary", LEVEL);
    const states = new Map([failed(nodes[2] as NodeAsset, claim)]);
    const spec = { completion: { minPercent: 60 } };

    expect(look(nodes, { claims: [claim], states, spec: { ...spec, budget: { maxFailures: 1 } } })).toMatchObject({
      complete: true,
      failures: 1,
    });
    expect(look(nodes, { claims: [claim], states, spec }).complete).toBe(false);
  });

  it("a target whose failure outlived its claim counts once, with or without a claim (B14)", () => {
    const nodes = [done("a")];
    const claim = claimOn(nodes[0] as NodeAsset, "canary", LEVEL);

    expect(
      look(nodes, {
        before: { ...STARTED, lost: ["uid-a", "uid-gone"] },
        claims: [claim],
        states: new Map([failed(nodes[0] as NodeAsset, claim)]),
      }).failures,
    ).toBe(2);
  });

  it("what is Unknown, NotReady or in conflict is not done, and is listed by name", () => {
    const progress = look([done("a"), done("b", { ready: false })]);

    expect(progress.complete).toBe(false);
    expect(progress.notDone).toBe(1);
  });

  it("an empty intersection is not complete, unless onEmpty says Pass (R5)", () => {
    expect(look([]).complete).toBe(false);
    expect(look([], { spec: { completion: { onEmpty: "Pass" } } }).complete).toBe(true);
  });
});

describe("soak", () => {
  const observe = (ms: number, rest: Look = {}): LevelProgress =>
    look([done("a"), done("b")], { before: COMPLETED, ...rest, input: { observedMs: ms, ...rest.input } });

  it("is a persisted sum of observed healthy time", () => {
    expect(observe(5 * MINUTE).soakedMs).toBe(15 * MINUTE);
    expect(observe(5 * MINUTE).soaked).toBe(false);
    expect(observe(50 * MINUTE)).toMatchObject({ soaked: true, status: { phase: "Done", soakedTime: iso(START) } });
  });

  it("counts no more than the time since completion, which another leader may have seen after our last look (L1)", () => {
    const before = { ...COMPLETED, completedTime: iso(START - MINUTE) };
    const ahead = { ...COMPLETED, completedTime: iso(START + 24 * HOUR) };

    expect(observe(5 * MINUTE, { before }).soakedMs).toBe(11 * MINUTE);
    // The clock was put back since: that does not stop the soak for a day.
    expect(observe(5 * MINUTE, { before: ahead }).soakedMs).toBe(15 * MINUTE);
  });

  it("counts no time twice that another leader counted and wrote down: its sum is taken over, and goes on from now (L1)", () => {
    const soakedMs = (ms: number): ReadonlyMap<string, number> => new Map([[`canary/${LEVEL.digest}`, ms]]);

    expect(observe(5 * MINUTE, { input: { soakedMs: soakedMs(8 * MINUTE) } }).soakedMs).toBe(10 * MINUTE);
    expect(observe(5 * MINUTE, { input: { soakedMs: soakedMs(10 * MINUTE) } }).soakedMs).toBe(15 * MINUTE);
  });

  it("does not count the time before completion was first seen", () => {
    expect(look([done("a")], { before: STARTED, input: { observedMs: 10 * MINUTE } }).soakedMs).toBe(0);
  });

  it("pauses while a node is down, a gate is shut, or somebody joined, and keeps its sum", () => {
    const gates = [{ name: "ready", type: "NodesReady" as const }];

    for (const nodes of [
      [done("a"), done("b", { ready: false })],
      [done("a"), behind("late")],
    ])
      expect(look(nodes, { before: COMPLETED, input: { observedMs: MINUTE } }).soakedMs).toBe(10 * MINUTE);
    expect(
      look([done("a"), done("b", { ready: false })], {
        before: COMPLETED,
        spec: { gates, completion: { minPercent: 50 } },
        input: { observedMs: MINUTE },
      }).soakedMs,
    ).toBe(10 * MINUTE);
  });

  it("R2: a target that was verified at this level and regressed resets it, and takes the served soak back", () => {
    const verified: NodePatchStateStatus = {
      verified: [{ baseline: "ubuntu", digest: LEVEL.digest, time: iso(START) }],
    };

    const progress = look([done("a"), behind("b")], {
      before: { ...COMPLETED, soakedTime: iso(START) },
      states: new Map([["uid-b", verified]]),
      input: { observedMs: MINUTE },
    });

    expect(progress).toMatchObject({ soakedMs: 0, soaked: false });
    expect(progress.status.soakedTime).toBeUndefined();
  });

  it("R2: while one has fallen back no time counts, also where enough others are there", () => {
    const verified: NodePatchStateStatus = {
      verified: [{ baseline: "ubuntu", digest: LEVEL.digest, time: iso(START) }],
    };

    const progress = look([done("a"), behind("b")], {
      before: COMPLETED,
      spec: { completion: { minPercent: 50 } },
      states: new Map([["uid-b", verified]]),
      input: { observedMs: MINUTE },
    });

    expect(progress).toMatchObject({ complete: true, soakedMs: 0, soaked: false });
  });

  it("R2: a kernel that is still installed but was booted away from is a regression too", () => {
    const state: NodePatchStateStatus = {
      verified: [{ baseline: "ubuntu", digest: LEVEL.digest, time: iso(START) }],
      inventory: {
        time: iso(START),
        digest: "0",
        osId: "ubuntu",
        osVersionId: "22.04",
        scheme: "dpkg",
        installedKernels: [kernel(110)],
        rebootRequired: false,
        packages: [],
      },
    };

    expect(look([behind("b")], { before: COMPLETED, states: new Map([["uid-b", state]]) }).soakedMs).toBe(0);
  });

  it("a late joiner after the soak was served takes nothing back", () => {
    expect(
      look([done("a"), behind("late")], {
        before: { ...COMPLETED, soakedSeconds: 3600, soakedTime: iso(START - HOUR) },
      }),
    ).toMatchObject({ soaked: true, complete: false });
  });

  it("an ended exception and stale inventory reset nothing", () => {
    const stale = [done("a"), done("b", { heardAt: START - HOUR })];

    expect(look([done("a"), behind("was-exempt")], { before: COMPLETED }).soakedMs).toBe(10 * MINUTE);
    expect(
      look(stale, {
        before: COMPLETED,
        states: new Map([["uid-b", { verified: [{ baseline: "ubuntu", digest: LEVEL.digest, time: iso(START) }] }]]),
      }).soakedMs,
    ).toBe(10 * MINUTE);
  });

  it("is not served before the level is offered, however complete the ring is by itself", () => {
    const rings = [
      ring("canary", { levels: [] }),
      ring("wide", { after: ["canary"], levels: [entry(LEVEL)], soak: "0s" }),
    ];

    const plan = makePlan(
      planInput({
        policy: policy({ rings, levels: [LEVEL] }),
        inventory: inventory([behind("a"), done("w", { labels: { ring: "wide" } })]),
      }),
    );

    expect(plan.rings.find((outcome) => outcome.ring.name === "wide")?.progress.get("ubuntu")).toMatchObject({
      complete: true,
      soaked: false,
    });
  });

  it("R1: restarts and clock jumps only lengthen it", () => {
    const step = fc.record({
      observed: fc.nat({ max: 10 * MINUTE }),
      restart: fc.boolean(),
      jump: fc.integer({ min: -HOUR, max: HOUR }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let before: RingLevelStatus = { ...COMPLETED, soakedSeconds: 0 };
        let memory: number | undefined;
        let truth = 0;
        let now = START;
        for (const { observed, restart, jump } of steps) {
          now += observed + jump;
          if (restart) memory = undefined;
          const observedMs = restart ? 0 : observed;
          truth += observed;
          const progress = look([done("a", { heardAt: now })], {
            before,
            input: {
              now,
              observedMs,
              ...(memory === undefined ? {} : { soakedMs: new Map([[`canary/${LEVEL.digest}`, memory]]) }),
            },
          });
          expect(progress.soakedMs).toBeLessThanOrEqual(truth);
          if (progress.soaked) expect(truth).toBeGreaterThanOrEqual(HOUR);
          before = progress.status;
          memory = progress.soakedMs;
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a memory from before a reset counts for nothing", () => {
    expect(
      observe(0, {
        before: { ...COMPLETED, soakedSeconds: 0 },
        input: { soakedMs: new Map([[`canary/${LEVEL.digest}`, 50 * MINUTE]]) },
      }).soakedMs,
    ).toBe(0);
  });
});
