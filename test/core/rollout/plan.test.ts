// The plan, sentence by sentence of DESIGN's "Approval" and "What makes it safe": each standstill has a name, and nothing starts that may not.
import { describe, expect, it } from "vitest";
import type { RingLevelStatus, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { NodeAsset, PolicyInForce, RingInForce } from "../../../controller/core/model.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import {
  claimOn,
  DAY,
  entry,
  HOUR,
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
import { canaryNode, claimed, EXPEDITE, LEVEL, one, reasonsOf, soaked, wideNode } from "./one-ring.ts";

describe("order", () => {
  const rings = (
    canary: Partial<RolloutRingSpec>,
    wide: Partial<RolloutRingSpec> = {},
    status?: readonly RingLevelStatus[],
  ): readonly RingInForce[] => [
    ring(
      "canary",
      { levels: [entry(LEVEL)], ...canary },
      status === undefined ? {} : { status: { levels: [...status] } },
    ),
    ring("wide", { after: ["canary"], levels: [entry(LEVEL)], ...wide }),
  ];
  const plan = (list: readonly RingInForce[], nodes: readonly NodeAsset[] = [canaryNode, wideNode]): Plan =>
    makePlan(planInput({ policy: policy({ rings: list, levels: [LEVEL] }), inventory: inventory(nodes) }));

  it("R1, R3: a level merged into a ring whose predecessors have not soaked that digest waits", () => {
    expect(reasonsOf(plan(rings({})), "w1")).toEqual(["PredecessorNotSoaked"]);
    expect(reasonsOf(plan(rings({ levels: [] })), "w1")).toEqual(["PredecessorNotSoaked"]);
  });

  it("a predecessor that soaked it and went on to a newer level lets it through", () => {
    const newer = kernelLevel(120);

    const next = makePlan(
      planInput({
        policy: policy({ rings: rings({ levels: [entry(newer)] }, {}, [soaked(LEVEL)]), levels: [LEVEL, newer] }),
        inventory: inventory([canaryNode, wideNode]),
      }),
    );

    expect(claimed(next)).toContain("w1");
  });

  it("R5: an empty predecessor is RingEmpty; onEmpty Pass lets it through, but not past the rings before it", () => {
    const far = ring("far", { after: ["wide"], levels: [entry(LEVEL)] });
    const farNode = nodeAsset("f1", { labels: { ring: "far" } });
    const three = (wide: Partial<RolloutRingSpec>): Plan => plan([...rings({}, wide), far], [canaryNode, farNode]);

    expect(reasonsOf(three({}), "f1")).toEqual(["RingEmpty"]);
    expect(reasonsOf(three({ completion: { onEmpty: "Pass" } }), "f1")).toEqual(["PredecessorNotSoaked"]);
    expect(
      claimed(
        plan(
          [...rings({}, { completion: { onEmpty: "Pass" } }, [soaked(LEVEL)]), far],
          [{ ...canaryNode, kernelVersion: kernel(110) }, farNode],
        ),
      ),
    ).toEqual(["f1"]);
  });

  it("a predecessor all of whose targets are exempt is empty", () => {
    const exceptions = [
      {
        name: "e",
        spec: {
          targets: { kind: "Node" as const, names: ["c1"] },
          owner: "o",
          justification: "j",
          expirationTime: iso(START + HOUR),
        },
      },
    ];

    const next = makePlan(
      planInput({
        policy: policy({ rings: rings({}), levels: [LEVEL], exceptions }),
        inventory: inventory([canaryNode, wideNode]),
      }),
    );

    expect(reasonsOf(next, "w1")).toEqual(["RingEmpty"]);
  });

  it("G4: a missing predecessor closes the gate, also for an expedited entry", () => {
    const wide = ring("canary", {
      after: ["gone"],
      levels: [entry(LEVEL, { expedite: { ...EXPEDITE, skip: ["Soak"] } })],
    });

    expect(reasonsOf(plan([wide]))).toEqual(["ReferenceMissing"]);
  });

  it("rings that come after one another start nothing, even where both soaked once", () => {
    const list = [
      ring("canary", { after: ["wide"], levels: [entry(LEVEL)] }, { status: { levels: [soaked(LEVEL)] } }),
      ring("wide", { after: ["canary"], levels: [entry(LEVEL)] }, { status: { levels: [soaked(LEVEL)] } }),
    ];

    expect(claimed(plan(list))).toEqual([]);
    expect(reasonsOf(plan(list))).toContain("ReferenceMissing");
  });

  it("expedite skips what it names, for that entry only", () => {
    const hurried = { levels: [entry(LEVEL, { expedite: { ...EXPEDITE, skip: ["Soak" as const] } })] };

    expect(claimed(plan(rings({}, hurried)))).toEqual(["c1", "w1"]);
    expect(reasonsOf(plan(rings(hurried)), "w1")).toEqual(["PredecessorNotSoaked"]);
  });
});

describe("when", () => {
  const calendar = (spec: PolicyInForce["calendars"][number]["spec"]) => ({ calendars: [{ name: "change", spec }] });
  const refs = { calendarRefs: [{ name: "change" }] };
  const shut = calendar({ windows: [{ schedule: "0 20 * * *", duration: "1h" }] });
  const frozen = (override: "Never" | "Expedite") =>
    calendar({ freezes: [{ startTime: iso(START - DAY), endTime: iso(START + DAY), reason: "year end", override }] });
  const hurry = (...skip: readonly ("Deferral" | "Soak" | "Windows" | "Freezes")[]) => ({
    levels: [entry(LEVEL, { expedite: { ...EXPEDITE, skip: [...skip] } })],
  });

  it("R4: no claim outside a window; after the cutoff neither", () => {
    const open = calendar({ windows: [{ schedule: "0 7 * * *", duration: "2h" }] });
    const cut = calendar({ windows: [{ schedule: "0 7 * * *", duration: "2h", cutoff: "1h" }] });

    expect(reasonsOf(one({ spec: refs, policy: shut }))).toEqual(["OutsideWindow"]);
    expect(claimed(one({ spec: refs, policy: open }))).toEqual(["c1"]);
    expect(reasonsOf(one({ spec: refs, policy: cut }))).toEqual(["OutsideWindow"]);
  });

  it("a window's cutoff takes nothing back that is in flight; its end does", () => {
    const cut = calendar({ windows: [{ schedule: "0 7 * * *", duration: "2h", cutoff: "1h" }] });
    const flying = { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) };

    expect(one({ spec: refs, policy: cut, input: flying }).steering[0]?.retreat).toBeUndefined();
    expect(one({ spec: refs, policy: shut, input: flying }).steering[0]?.retreat?.reason).toBe("OutsideWindow");
  });

  it("a freeze takes back what is in flight; one that may be overridden passes an expedited entry, one that may not never does", () => {
    const flying = { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) };

    expect(one({ spec: refs, policy: frozen("Never"), input: flying }).steering[0]?.retreat?.reason).toBe("Frozen");
    expect(claimed(one({ spec: { ...refs, ...hurry("Freezes") }, policy: frozen("Expedite") }))).toEqual(["c1"]);
    expect(reasonsOf(one({ spec: { ...refs, ...hurry("Freezes") }, policy: frozen("Never") }))).toEqual(["Frozen"]);
  });

  it("a calendar of scope Cluster holds for rings that do not refer to it", () => {
    const everywhere = calendar({
      scope: "Cluster",
      freezes: [{ startTime: iso(START - DAY), endTime: iso(START + DAY), reason: "year end" }],
    });

    expect(reasonsOf(one({ policy: everywhere }))).toEqual(["Frozen"]);
  });

  it("G4: a deleted calendar closes the ring and takes back what has not begun", () => {
    const plan = one({ spec: refs, input: { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) } });

    expect(plan.steering[0]?.retreat?.reason).toBe("ReferenceMissing");
    expect(reasonsOf(one({ spec: refs }))).toEqual(["ReferenceMissing"]);
  });

  it("a level younger than the ring's deferral waits, unless expedited", () => {
    const young = kernelLevel(110, { at: START - HOUR });

    expect(reasonsOf(one({ level: young, spec: { deferral: "2h" } }))).toEqual(["Deferred"]);
    expect(claimed(one({ level: young, spec: { deferral: "1h" } }))).toEqual(["c1"]);
    expect(
      claimed(
        one({
          level: young,
          spec: { deferral: "7d", levels: [entry(young, { expedite: { ...EXPEDITE, skip: ["Deferral"] } })] },
        }),
      ),
    ).toEqual(["c1"]);
  });

  it("past its deadline IgnoreWindows opens windows and never a freeze", () => {
    const late = {
      status: { levels: [{ ...soaked(LEVEL), completedTime: iso(START), offeredTime: iso(START - DAY) }] },
    };
    const spec = { ...refs, deadline: "2h", onDeadline: "IgnoreWindows" as const };

    expect(claimed(one({ spec, rest: late, policy: shut }))).toEqual(["c1"]);
    expect(reasonsOf(one({ spec: { ...spec, onDeadline: "Nothing" }, rest: late, policy: shut }))).toEqual([
      "OutsideWindow",
    ]);
    expect(reasonsOf(one({ spec, rest: late, policy: frozen("Never") }))).toEqual(["Frozen"]);
  });

  it("a late node is not forced in its grace, and needs none inside a window", () => {
    const late = { status: { levels: [{ ...soaked(LEVEL), offeredTime: iso(START - DAY) }] } };
    const spec = { ...refs, deadline: "2h", onDeadline: "IgnoreWindows" as const, gracePeriod: "4h" };
    const nodes = [{ ...canaryNode, createdAt: START - HOUR }];
    const open = calendar({ windows: [{ schedule: "0 7 * * *", duration: "2h" }] });

    expect(reasonsOf(one({ spec, rest: late, policy: shut, nodes }))).toEqual(["GracePeriod"]);
    expect(claimed(one({ spec, rest: late, policy: open, nodes }))).toEqual(["c1"]);
    const flying = { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) };
    expect(one({ spec, rest: late, policy: shut, nodes, input: flying }).steering[0]?.retreat?.reason).toBe(
      "OutsideWindow",
    );
  });

  it("a reboot that became necessary lately has its grace from when that was first said", () => {
    const late = { status: { levels: [{ ...soaked(LEVEL), offeredTime: iso(START - DAY) }] } };
    const spec = { ...refs, deadline: "2h", onDeadline: "IgnoreWindows" as const, gracePeriod: "4h" };
    const pendingSince = (at: number | undefined): Plan =>
      one({
        spec,
        rest: late,
        policy: shut,
        input: {
          stored: {
            workloads: new Map(),
            nodes: new Map([
              [
                "uid-c1",
                {
                  inventory: {
                    time: iso(START),
                    digest: "0",
                    osId: "ubuntu",
                    osVersionId: "22.04",
                    scheme: "dpkg" as const,
                    installedKernels: [kernel(110)],
                    rebootRequired: true,
                    packages: [],
                  },
                  ...(at === undefined
                    ? {}
                    : { blockedBy: [{ reason: "RebootPending", message: "", since: iso(at) }] }),
                },
              ],
            ]),
          },
        },
      });

    expect(reasonsOf(pendingSince(undefined))).toEqual(["GracePeriod", "RebootPending"]);
    expect(reasonsOf(pendingSince(START - HOUR))).toContain("GracePeriod");
    expect(claimed(pendingSince(START - 5 * HOUR))).toEqual(["c1"]);
  });
});

describe("brakes", () => {
  const flying = { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) };

  it("B13: suspend, in Git or live, starts nothing and abandons nothing", () => {
    for (const setting of [{ spec: { suspend: true } }, { rest: { suspendedLive: true } }]) {
      expect(reasonsOf(one(setting))).toEqual(["RingSuspended"]);
      expect(one({ ...setting, input: flying }).steering[0]?.retreat).toBeUndefined();
    }
  });

  it("Observe plans everything and claims nothing; Stop starts nothing and brings what is in flight to safety", () => {
    const observe = one({ input: { ledger: ledger([], { spec: { mode: "Observe" } }) } });
    const stop = one({ input: { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)], { spec: { mode: "Stop" } }) } });

    expect(observe.claims).toEqual([]);
    expect(observe.decisions[0]).toMatchObject({ action: "claim", reason: "Observing" });
    expect(stop.steering[0]?.retreat?.reason).toBe("Stopped");
    expect(stop.decisions[0]?.action).toBe("backOut");
  });

  it("a ledger that is being rebuilt grants nothing", () => {
    expect(reasonsOf(one({ input: { ledger: ledger([], { rebuilding: true }) } }))).toEqual(["LedgerRebuilding"]);
  });

  it("G1: HistoryRewritten starts nothing and what is in flight ends safely", () => {
    const brakes = [{ reason: "HistoryRewritten" as const, message: "m" }];

    expect(reasonsOf(one({ policy: { brakes } }))).toEqual(["HistoryRewritten"]);
    expect(one({ policy: { brakes }, input: flying }).steering[0]?.retreat?.reason).toBe("HistoryRewritten");
  });

  it("G2: a stale repository starts nothing and finishes what is in flight", () => {
    const brakes = [{ reason: "RepositoryStale" as const, message: "m" }];

    expect(reasonsOf(one({ policy: { brakes } }))).toEqual(["RepositoryStale"]);
    expect(one({ policy: { brakes }, input: flying }).steering[0]?.retreat).toBeUndefined();
  });

  it("a braked ring that is approved for nothing says what brakes it, on the ring and on its targets", () => {
    const brake = { reason: "PolicyInvalid", message: "rings/canary.yaml cannot be read" } as const;

    const plan = one({
      spec: { levels: [] },
      rest: { brakes: [brake] },
      input: { candidates: new Map([["ubuntu", LEVEL]]) },
    });

    expect(plan.rings[0]?.blockedBy).toMatchObject([brake]);
    expect(plan.rows[0]).toMatchObject({ state: "Available", blockedBy: [brake, { reason: "WaitingForApproval" }] });
  });

  it("a target whose operation failed and whose claim is gone says why it stands still", () => {
    const operation = {
      ...{ claimId: "gone", ring: "canary", baseline: "ubuntu", level: LEVEL.name, digest: LEVEL.digest, attempt: 1 },
      ...{ startedTime: iso(START), stepTime: iso(START), step: "Updating" as const, bootId: "b" },
      ...{ priorUnschedulable: false, marked: false, disrupt: true },
      failure: { reason: "VerificationFailed", message: "m", time: iso(START) },
    };

    const plan = one({
      input: {
        stored: {
          nodes: new Map([[canaryNode.uid, { targetUID: canaryNode.uid, operation }]]),
          workloads: new Map(),
        },
      },
    });

    expect(plan.rows[0]).toMatchObject({
      state: "Failed",
      phase: "Blocked",
      blockedBy: [{ reason: "VerificationFailed" }],
    });
  });

  it("gates: no data never passes, and what we hold down ourselves does not shut them", () => {
    const gates = [{ name: "up", type: "NodesReady" as const }];
    const down = nodeAsset("c2", { labels: { ring: "canary" }, ready: false });

    expect(reasonsOf(one({ spec: { gates, budget: { nodes: 5 } }, nodes: [canaryNode, down] }))).toEqual(["GateShut"]);
    expect(
      claimed(
        one({
          spec: { gates, budget: { nodes: 5 } },
          nodes: [canaryNode, down],
          input: { ledger: ledger([claimOn(down, "canary", LEVEL)]) },
        }),
      ),
    ).toEqual(["c1"]);
    expect(reasonsOf(one({ spec: { gates: [{ name: "apps", type: "WorkloadsAvailable" }] } }))).toEqual([
      "GateUnknown",
    ]);
  });

  it("B14: more failures than maxFailures halt the ring's claims, and steer nothing that is in flight away", () => {
    const rest = { status: { levels: [{ ...soaked(LEVEL), lost: ["x"] }] } };

    const plan = one({
      rest,
      nodes: [canaryNode, nodeAsset("c2", { labels: { ring: "canary" } })],
      input: { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) },
    });

    expect(reasonsOf(plan, "c2")).toEqual(["RingHalted"]);
    expect(plan.steering[0]?.retreat).toBeUndefined();
    expect(plan.decisions.at(-1)).toMatchObject({ action: "halt", reason: "RingHalted" });
  });

  it("V2: a ring is halted, and says so, also where the target that failed is gone and no other waits", () => {
    const rest = { status: { levels: [{ ...soaked(LEVEL), lost: ["x"] }] } };

    const [ring] = one({ rest, nodes: [{ ...canaryNode, kernelVersion: kernel(110) }] }).rings;

    expect(ring).toMatchObject({ phase: "Blocked", halted: { reason: "RingHalted" } });
    expect(ring?.blockedBy.map(({ reason }) => reason)).toEqual(["RingHalted"]);
  });

  it("more members than the approval covers: ScopeGrew", () => {
    expect(reasonsOf(one({ spec: { levels: [entry(LEVEL, { maxTargets: 0 })] } }))).toEqual(["ScopeGrew"]);
    expect(claimed(one({ spec: { levels: [entry(LEVEL, { maxTargets: 1 })] } }))).toEqual(["c1"]);
  });
});
