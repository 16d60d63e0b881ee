// The plan, sentence by sentence of DESIGN's "Approval" and "What makes it safe": each standstill has a name, and nothing starts that may not.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RingLevelStatus, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type {
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  RingInForce,
  WorkloadAsset,
} from "../../../controller/core/model.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  claimOn,
  DAY,
  entry,
  HOUR,
  imageBaseline,
  imageLevel,
  inventory,
  iso,
  kernel,
  kernelLevel,
  kubeletLevel,
  ledger,
  nodeAsset,
  nodeBaseline,
  planInput,
  policy,
  ring,
  START,
  workloadAsset,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const EXPEDITE = { reason: "CVE", until: iso(START + DAY) };
const canaryNode = nodeAsset("c1", { labels: { ring: "canary" } });
const wideNode = nodeAsset("w1", { labels: { ring: "wide" } });
const soaked = (level: LevelInForce, rest: Partial<RingLevelStatus> = {}): RingLevelStatus => ({
  baseline: level.spec.baseline,
  level: level.name,
  digest: level.digest,
  offeredTime: iso(START - DAY),
  completedTime: iso(START - DAY),
  soakedSeconds: 3600,
  soakedTime: iso(START),
  ...rest,
});

interface Setting {
  readonly spec?: Partial<RolloutRingSpec>;
  readonly rest?: Partial<RingInForce>;
  readonly level?: LevelInForce;
  readonly nodes?: readonly NodeAsset[];
  readonly policy?: Partial<PolicyInForce>;
  readonly input?: Partial<PlanInput>;
}

/** One ring, approved for the level, planned once. */
function one({ spec, rest, level = LEVEL, nodes = [canaryNode], policy: more, input }: Setting = {}): Plan {
  const canary = ring("canary", { levels: [entry(level)], ...spec }, rest);
  return makePlan(
    planInput({ policy: policy({ rings: [canary], levels: [level], ...more }), inventory: inventory(nodes), ...input }),
  );
}

const reasonsOf = (plan: Plan, name = "c1"): readonly string[] =>
  plan.rows.find((row) => row.asset.name === name)?.blockedBy.map((block) => block.reason) ?? [];
const claimed = (plan: Plan): readonly string[] => plan.claims.map((claim) => claim.name);

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

describe("targets", () => {
  it("a node under two node baselines is Blocked, not done, and backs out", () => {
    const twice = { baselines: [nodeBaseline(), nodeBaseline("other")] };

    expect(reasonsOf(one({ policy: twice }))).toEqual(["BaselineConflict"]);
    expect(
      one({ policy: twice, input: { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) } }).steering[0]?.retreat
        ?.reason,
    ).toBe("BaselineConflict");
  });

  it("a target that moved to a ring that is not approved for the level backs out (B8)", () => {
    const moved = nodeAsset("w1", { labels: { ring: "wide" } });
    const rings = (wide: readonly LevelInForce[]) => [
      ring("canary", { levels: [entry(LEVEL)] }),
      ring("wide", { levels: wide.map((level) => entry(level)) }),
    ];
    const retreat = (wide: readonly LevelInForce[]) =>
      makePlan(
        planInput({
          policy: policy({ rings: rings(wide), levels: [LEVEL] }),
          inventory: inventory([moved]),
          ledger: ledger([claimOn(moved, "canary", LEVEL)]),
        }),
      ).steering[0]?.retreat;

    expect(retreat([])?.reason).toBe("WaitingForApproval");
    expect(retreat([LEVEL])).toBeUndefined();
  });

  it("a node that somebody else cordoned is skipped, unless the ring says Update", () => {
    const nodes = [{ ...canaryNode, unschedulable: true }];

    expect(reasonsOf(one({ nodes }))).toEqual(["CordonedByOther"]);
    expect(claimed(one({ nodes, spec: { cordonedNodes: "Update" } }))).toEqual(["c1"]);
  });

  it("nodes that their provider replaces are assessed and left alone", () => {
    expect(reasonsOf(one({ nodes: [{ ...canaryNode, provider: "Karpenter" }] }))).toEqual(["ReplacedByProvider"]);
  });

  it("what cannot be told is named, and never claimed", () => {
    expect(reasonsOf(one({ nodes: [{ ...canaryNode, kernelVersion: "6.8.0-40-generic" }] }))).toEqual([
      "KernelNotCovered",
    ]);
  });

  it("a kubelet never gets ahead of the API server; where that is unknown only a patch of its own minor passes", () => {
    const kubelet = (level: LevelInForce, apiServerVersion: string | undefined): Plan =>
      one({ level, input: { inventory: { ...inventory([canaryNode]), apiServerVersion } } });

    expect(reasonsOf(kubelet(kubeletLevel("v1.36.0"), "v1.35.2"))).toEqual(["VersionSkew"]);
    expect(claimed(kubelet(kubeletLevel("v1.35.9"), "v1.35.2"))).toEqual(["c1"]);
    expect(reasonsOf(kubelet(kubeletLevel("v1.35.0"), undefined))).toEqual(["VersionSkew"]);
    expect(claimed(kubelet(kubeletLevel("v1.34.9"), undefined))).toEqual(["c1"]);
  });

  it("a kubelet never gets ahead of the oldest API server of a control plane that is being upgraded", () => {
    const pods = (["v1.36.0", "v1.35.2"] as const).map((version, at) => ({
      component: "kube-apiserver" as const,
      node: `cp-${at}`,
      ready: true,
      version,
    }));
    const upgrading = { ...inventory([canaryNode]), apiServerVersion: "v1.36.0", controlPlane: { pods, ready: true } };

    const plan = one({ level: kubeletLevel("v1.36.0"), input: { inventory: upgrading } });

    expect(plan.rows[0]?.blockedBy).toMatchObject([
      { reason: "VersionSkew", message: "kubelet v1.36.0 would be newer than the API server v1.35.2" },
    ]);
  });

  it("a kubelet that goes back never becomes more than three minors older; one that is too old already is brought forward", () => {
    const back = (wanted: string, running: string): Plan => {
      const level = kubeletLevel(wanted);
      const rollback = { image: `r@sha256:${"a".repeat(64)}`, command: ["rollback"] };
      const node = level.spec.node as NonNullable<typeof level.spec.node>;
      const steps = { ...node.recipe.steps, rollback };
      return one({
        level: { ...level, spec: { ...level.spec, node: { ...node, recipe: { ...node.recipe, steps } } } },
        spec: { levels: [entry(level, { enforce: "Exact" })] },
        nodes: [{ ...canaryNode, kubeletVersion: running }],
      });
    };

    expect(reasonsOf(back("v1.31.9", "v1.33.0"))).toEqual(["VersionSkew"]);
    expect(claimed(back("v1.32.9", "v1.33.0"))).toEqual(["c1"]);
    expect(claimed(back("v1.31.9", "v1.31.10"))).toEqual(["c1"]);
    const old = [{ ...canaryNode, kubeletVersion: "v1.29.0" }];
    expect(claimed(one({ level: kubeletLevel("v1.31.9"), nodes: old }))).toEqual(["c1"]);
  });

  it("workloads: applied elsewhere, without RollingUpdate or observed are named and left alone", () => {
    const level = imageLevel("1.1");
    const workload = (rest: Partial<WorkloadAsset>, spec: Partial<RolloutRingSpec> = {}): readonly string[] =>
      reasonsOf(
        makePlan(
          planInput({
            policy: policy({
              baselines: [imageBaseline()],
              levels: [level],
              rings: [ring("apps", { levels: [entry(level)], ...spec })],
            }),
            inventory: inventory([], [workloadAsset("cart", "1.0", { labels: { ring: "apps" }, ...rest })]),
          }),
        ),
        "cart",
      );

    expect(workload({})).toEqual([]);
    expect(workload({ managedBy: "Argo CD application shop" })).toEqual(["ManagedElsewhere"]);
    expect(workload({ rollingUpdate: false })).toEqual(["UpdateStrategyNotSupported"]);
    expect(workload({}, { members: { workloads: { selector: { matchLabels: { ring: "apps" } } } } })).toEqual([
      "RingObserves",
    ]);
  });

  it("a failed target under its claim says why and since when", () => {
    const claim = claimOn(canaryNode, "canary", LEVEL);
    const operation = {
      claimId: claim.id,
      ring: "canary",
      baseline: "ubuntu",
      level: LEVEL.name,
      digest: LEVEL.digest,
      startedTime: iso(START),
      stepTime: iso(START),
      attempt: 1,
      step: "Updating" as const,
      bootId: "b",
      failure: { reason: "StepFailed", message: "dpkg", time: iso(START - HOUR) },
    };

    const plan = one({
      input: { ledger: ledger([claim]), stored: { nodes: new Map([["uid-c1", { operation }]]), workloads: new Map() } },
    });

    expect(plan.rows[0]).toMatchObject({
      phase: "Blocked",
      blockedBy: [{ reason: "StepFailed", message: "dpkg", since: START - HOUR }],
    });
  });

  it("K7: a ring with nothing left to do says nothing of windows that shut", () => {
    const calendars = [{ name: "change", spec: { windows: [{ schedule: "0 20 * * *", duration: "1h" }] } }];

    const plan = one({
      nodes: [{ ...canaryNode, kernelVersion: kernel(110) }],
      spec: { calendarRefs: [{ name: "change" }] },
      policy: { calendars },
    });

    expect(plan.rings[0]?.blockedBy).toEqual([]);
  });
});

describe("R6: same input, same plan", () => {
  const ringNames = ["canary", "early", "wide"];
  const builds = [100, 110, 120];
  const someNode = fc.record({
    ring: fc.constantFrom(...ringNames, "none"),
    zone: fc.constantFrom("a", "b"),
    build: fc.constantFrom(...builds),
    ready: fc.boolean(),
    unschedulable: fc.boolean(),
    both: fc.boolean(),
    held: fc.boolean(),
  });
  const someWorkload = fc.record({ ring: fc.constantFrom(...ringNames), tag: fc.constantFrom("1.0", "1.1") });
  const order = fc.infiniteStream(fc.nat({ max: 1000 }));

  function inputOf(
    nodes: readonly {
      ring: string;
      zone: string;
      build: number;
      ready: boolean;
      unschedulable: boolean;
      both: boolean;
      held: boolean;
    }[],
    workloads: readonly { ring: string; tag: string }[],
  ): PlanInput {
    const web = imageLevel("1.1");
    const levels = [LEVEL, kernelLevel(120), web];
    const assets = nodes.map((node, index) =>
      nodeAsset(`n${index}`, {
        labels: { ring: node.ring, ...(node.both ? { pool: "x" } : {}) },
        zone: node.zone,
        kernelVersion: kernel(node.build),
        ready: node.ready,
        unschedulable: node.unschedulable,
      }),
    );
    const rings = [
      ring(
        "canary",
        {
          levels: [entry(LEVEL), entry(web)],
          budget: { nodes: 2 },
          gates: [
            { name: "z", type: "NodesReady", minPercent: 10 },
            { name: "a", type: "WorkloadsAvailable" },
          ],
        },
        { status: { levels: [soaked(LEVEL)] } },
      ),
      ring("early", {
        after: ["canary"],
        levels: [entry(LEVEL), entry(web)],
        members: {
          nodes: { selector: { matchExpressions: [{ key: "ring", operator: "In", values: ["early", "x"] }] } },
          workloads: { selector: { matchLabels: { ring: "early" } }, mode: "Patch" },
        },
      }),
      ring("wide", {
        after: ["early", "canary"],
        levels: [entry(web), entry(LEVEL)],
        calendarRefs: [{ name: "b" }, { name: "a" }],
        members: { nodes: { selector: { matchExpressions: [{ key: "ring", operator: "In", values: ["wide"] }] } } },
      }),
      ring("pool", { levels: [entry(LEVEL)], members: { nodes: { selector: { matchLabels: { pool: "x" } } } } }),
    ];
    const brakes = [
      { reason: "RepositoryStale" as const, message: "b" },
      { reason: "RepositoryStale" as const, message: "a" },
    ];
    return planInput({
      policy: policy({
        rings: rings.map((one) => (one.name === "pool" ? { ...one, brakes } : one)),
        levels,
        baselines: [nodeBaseline(), imageBaseline()],
        calendars: ["a", "b"].map((name) => ({ name, spec: { windows: [{ schedule: "0 7 * * *", duration: "4h" }] } })),
      }),
      inventory: inventory(
        assets,
        workloads.map((workload, index) =>
          workloadAsset(`w${index}`, workload.tag, { labels: { ring: workload.ring } }),
        ),
      ),
      ledger: ledger(
        assets
          .filter((_, index) => nodes[index]?.held)
          .map((asset) => claimOn(asset, asset.labels["ring"] ?? "", LEVEL)),
        { spec: { mode: "Enforce", limits: { nodes: "40%", nodesPerZone: "50%" } } },
      ),
      candidates: new Map([["ubuntu", kernelLevel(120)]]),
    });
  }

  it("makes the same bytes whatever the order of any list", () => {
    fc.assert(
      fc.property(
        fc.array(someNode, { maxLength: 14 }),
        fc.array(someWorkload, { maxLength: 6 }),
        order,
        (nodes, workloads, random) => {
          const input = inputOf(nodes, workloads);
          const shuffle = <T>(list: readonly T[]): readonly T[] =>
            list
              .map((item) => ({ item, key: random.next().value as number }))
              .sort((a, b) => a.key - b.key)
              .map(({ item }) => item);
          const shuffled: PlanInput = {
            ...input,
            policy: {
              ...input.policy,
              baselines: shuffle(input.policy.baselines),
              levels: shuffle(input.policy.levels),
              calendars: shuffle(input.policy.calendars),
              rings: shuffle(
                input.policy.rings.map((one) => ({
                  ...one,
                  brakes: shuffle(one.brakes),
                  spec: {
                    ...one.spec,
                    levels: [...shuffle(one.spec.levels ?? [])],
                    ...(one.spec.after === undefined ? {} : { after: [...shuffle(one.spec.after)] }),
                    ...(one.spec.gates === undefined ? {} : { gates: [...shuffle(one.spec.gates)] }),
                    ...(one.spec.calendarRefs === undefined
                      ? {}
                      : { calendarRefs: [...shuffle(one.spec.calendarRefs)] }),
                  },
                })),
              ),
            },
            inventory: {
              ...input.inventory,
              nodes: shuffle(input.inventory.nodes),
              workloads: shuffle(input.inventory.workloads),
            },
            ledger: { ...input.ledger, claims: shuffle(input.ledger.claims) },
          };

          expect(show(makePlan(shuffled))).toBe(show(makePlan(input)));
          expect(show(makePlan(input))).toBe(show(makePlan(input)));
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Everything that a plan decides, as bytes. */
function show(plan: Plan): string {
  return JSON.stringify({
    rows: plan.rows,
    decisions: plan.decisions,
    claims: plan.claims,
    steering: plan.steering,
    rings: plan.rings.map(({ ring: { name }, phase, blockedBy, members, assets, compliant, levels, halted }) => ({
      name,
      phase,
      blockedBy,
      members,
      assets,
      compliant,
      levels,
      halted,
    })),
    members: [...plan.members.nodes].map(([name, nodes]) => [name, nodes.map((node) => node.name)]),
    withdrawn: [...plan.withdrawn].map(([name, digests]) => [name, [...digests].sort()]),
    soaked: [...plan.soakedMs],
  });
}
