// Gates in the plan: before each claim and throughout the soak, pods on the ring's nodes, pods that hold a node back, and time that a
// gate must have held, which only ever gets longer.
import { describe, expect, it } from "vitest";
import type { Gate } from "../../../controller/api/gate.ts";
import { askOf, gateDigest, keyOfAsk } from "../../../controller/core/gates/asks.ts";
import type { GateAnswer } from "../../../controller/core/gates/readings.ts";
import type { PodAsset } from "../../../controller/core/model.ts";
import { createPlanner, makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import { ringStatusOf } from "../../../controller/core/rollout/summary.ts";
import {
  claimOn,
  entry,
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
const LABELS = { labels: { ring: "canary" } };
const NODES = ["c1", "c2", "c3"].map((name) => nodeAsset(name, LABELS));

const pod = (name: string, nodeName: string | undefined, rest: Partial<PodAsset> = {}): PodAsset => ({
  namespace: "shop",
  name,
  uid: name,
  nodeName,
  labels: { app: name },
  phase: "Running",
  deleting: false,
  ready: true,
  controller: { kind: "ReplicaSet", name: "web", uid: "rs" },
  mirror: false,
  emptyDir: false,
  priority: 0,
  job: false,
  ...rest,
});

function input(gates: readonly Gate[], pods: readonly PodAsset[] = [], rest: Partial<PlanInput> = {}): PlanInput {
  const canary = ring("canary", { levels: [entry(LEVEL)], gates: [...gates], budget: { nodes: 3 } });
  return planInput({
    policy: policy({ rings: [canary], levels: [LEVEL] }),
    inventory: { ...inventory(NODES), pods },
    ...rest,
  });
}

const blocksOf = (plan: Plan, name = "c1"): readonly string[] =>
  plan.rows.find((row) => row.asset.name === name)?.blockedBy.map(({ reason, message }) => `${reason}: ${message}`) ??
  [];
const claimed = (plan: Plan): readonly string[] => plan.claims.map(({ name }) => name);

describe("PodsReady", () => {
  const gate: Gate = { name: "pods", type: "PodsReady", minPercent: 80 };

  it("counts pods that run for good on the ring's nodes", () => {
    const well = [1, 2, 3, 4].map((at) => pod(`p${at}`, "c1"));
    const others = [
      pod("elsewhere", "w9", { ready: false }),
      pod("done", "c1", { phase: "Succeeded", ready: false }),
      pod("evicted", "c1", { phase: "Failed", ready: false }),
      pod("job", "c1", { job: true, ready: false }),
      pod("ending", "c1", { deleting: true, ready: false }),
      pod("unbound", undefined, { ready: false }),
    ];
    const crashing = pod("crash", "c2", { ready: false });

    expect(claimed(makePlan(input([gate], [...well, ...others, crashing])))).toEqual(["c1", "c2", "c3"]);
    expect(blocksOf(makePlan(input([gate], [...well.slice(1), ...others, crashing])))).toEqual([
      "GateShut: gate pods: PodsReady: 75%, 80% is needed",
    ]);
    expect(blocksOf(makePlan(input([gate], others)))).toEqual([
      "GateUnknown: gate pods: PodsReady: NoData: there is nothing to count",
    ]);
  });

  it("looks only at the namespaces and labels that it names", () => {
    const ill = [pod("web", "c1"), pod("other", "c1", { ready: false, namespace: "lab" })];
    const named: Gate = { name: "pods", type: "PodsReady", pods: { namespaces: ["shop"] } };
    const labelled: Gate = { name: "pods", type: "PodsReady", pods: { selector: { matchLabels: { app: "web" } } } };

    expect(claimed(makePlan(input([named], ill))).length).toBe(3);
    expect(claimed(makePlan(input([labelled], ill))).length).toBe(3);
    expect(claimed(makePlan(input([{ name: "pods", type: "PodsReady" }], ill)))).toEqual([]);
  });

  it("forgives pods of a node that is held down for its update", () => {
    const away = [pod("a", "c1", { ready: false }), pod("b", "c2")];
    const [c1] = NODES;
    const flying = { ledger: ledger([claimOn(c1 ?? nodeAsset("c1"), "canary", LEVEL)]) };

    expect(claimed(makePlan(input([gate], away)))).toEqual([]);
    expect(claimed(makePlan(input([gate], away, flying)))).toEqual(["c2", "c3"]);
  });
});

describe("BlockingPods", () => {
  const gate = (within?: "Node" | "Cluster"): Gate => ({
    name: "batch",
    type: "BlockingPods",
    pods: { selector: { matchLabels: { app: "train" } }, ...(within === undefined ? {} : { within }) },
  });

  it("hold back the node that they are on, and no other", () => {
    const plan = makePlan(input([gate()], [pod("train", "c1"), pod("web", "c2")]));

    expect(claimed(plan)).toEqual(["c2", "c3"]);
    expect(blocksOf(plan)).toEqual(["BlockingPod: gate batch: pod shop/train holds the node back"]);
    expect(claimed(makePlan(input([gate()], [pod("train", "c1", { phase: "Succeeded" })]))).length).toBe(3);
  });

  it("within the cluster shut the gate wherever they are, bound or not", () => {
    expect(blocksOf(makePlan(input([gate("Cluster")], [pod("train", undefined, { phase: "Pending" })])))).toEqual([
      "GateShut: gate batch: BlockingPods: pod shop/train",
    ]);
    expect(claimed(makePlan(input([gate("Cluster")], [pod("web", "c1")]))).length).toBe(3);
  });
});

it("a planner with a memory counts pods that come, change and go as one without does", () => {
  const gates: readonly Gate[] = [
    { name: "pods", type: "PodsReady", minPercent: 60 },
    { name: "batch", type: "BlockingPods", pods: { selector: { matchLabels: { app: "train" } } } },
  ];
  const steps: readonly (readonly PodAsset[])[] = [
    [pod("a", "c1"), pod("b", "c2")],
    [pod("a", "c1", { ready: false }), pod("b", "c2")],
    [pod("b", "c2"), pod("train", "c3")],
    [pod("train", "c1"), pod("b", "c2")],
    [],
    [pod("a", "c1"), pod("train", "c2"), pod("x", "c3", { ready: false })],
  ];
  const planner = createPlanner();

  for (const pods of steps) {
    const { rows, claims } = planner.plan(input(gates, pods));
    const fresh = makePlan(input(gates, pods));
    expect({ rows, claims }).toEqual({ rows: fresh.rows, claims: fresh.claims });
  }
});

describe("a gate that asks", () => {
  const gate: Gate = {
    name: "errors",
    type: "PromQL",
    promQL: { query: "q", operator: "LessThan", threshold: 1, for: "10m" },
  };
  const without = { ...gate, promQL: { query: "q", operator: "LessThan", threshold: 1 } } as const satisfies Gate;
  const key = keyOfAsk(askOf(gate) ?? { kind: "Query", query: "" });
  const answer = (value: number): GateAnswer => ({ kind: "Samples", samples: [{ labels: {}, value }] });
  const look = (at: number, given: GateAnswer, rest: Partial<PlanInput> = {}, one: Gate = gate): Plan =>
    makePlan(
      input([one], [], {
        now: START + at,
        readings: new Map([[key, { at: START + at, answer: given }]]),
        ...rest,
      }),
    );
  const after = (before: Plan, observedMs: number): Partial<PlanInput> => ({
    observedMs,
    gateHeldMs: before.gateHeldMs,
    gatesHeld: before.gatesHeld,
  });

  it("lets targets start while its answer is good, and none without an answer", () => {
    expect(claimed(look(0, answer(0), {}, without)).length).toBe(3);
    expect(blocksOf(look(0, answer(2), {}, without))[0]).toMatch(/^GateShut/);
    expect(blocksOf(makePlan(input([without], [], { readings: new Map() })))[0]).toMatch(/^GateUnknown/);
  });

  it("has to hold for its time, begins anew when it does not, and counts only what was observed", () => {
    const first = look(0, answer(0));
    expect(blocksOf(first)[0]).toMatch(/GateShut: gate errors: PromQL: holds, and has to for 10m: 0 s/);
    const second = look(9 * MINUTE, answer(0), after(first, 9 * MINUTE));
    expect(blocksOf(second)[0]).toMatch(/540 s/);
    expect(claimed(look(10 * MINUTE, answer(0), after(second, MINUTE))).length).toBe(3);

    // The wall clock jumped an hour, and a second was observed.
    expect(blocksOf(look(60 * MINUTE, answer(0), after(second, 1_000)))[0]).toMatch(/541 s/);
    const bad = look(10 * MINUTE, answer(5), after(second, MINUTE));
    expect(blocksOf(look(11 * MINUTE, answer(0), after(bad, MINUTE)))[0]).toMatch(/: 0 s/);
    const unknown = look(10 * MINUTE, { kind: "None", why: "TimedOut", message: "m" }, after(second, MINUTE));
    expect(blocksOf(look(11 * MINUTE, answer(0), after(unknown, MINUTE)))[0]).toMatch(/: 0 s/);
  });

  it("goes on after a restart from what is stored, unless the gate was edited or stored as shut", () => {
    const status = (rest: object): Partial<PlanInput> => {
      const stored = { name: "errors", digest: gateDigest(gate), state: "Holding", heldSeconds: 599, ...rest } as const;
      const canary = ring(
        "canary",
        { levels: [entry(LEVEL)], gates: [gate], budget: { nodes: 3 } },
        { status: { gates: [stored] } },
      );
      return { policy: policy({ rings: [canary], levels: [LEVEL] }) };
    };

    expect(blocksOf(look(0, answer(0), status({})))[0]).toMatch(/599 s/);
    expect(blocksOf(look(0, answer(0), status({ digest: "other" })))[0]).toMatch(/: 0 s/);
    expect(blocksOf(look(0, answer(0), status({ state: "Shut" })))[0]).toMatch(/: 0 s/);
    // Where nobody asks, what the controller wrote down counts.
    expect(claimed(makePlan(input([gate], [], status({ state: "Open" })))).length).toBe(3);
    expect(blocksOf(makePlan(input([gate], [], status({ state: "Shut", reason: "GateShut", message: "m" }))))).toEqual([
      "GateShut: m",
    ]);
    expect(blocksOf(makePlan(input([gate])))[0]).toMatch(/^GateUnknown.*nobody has asked/);
  });

  it("is written down with its state, why, and how long it held", () => {
    const outcome = (plan: Plan) => {
      const [made] = plan.rings;
      if (made === undefined) throw new Error("no ring");
      return ringStatusOf(made).gates;
    };
    const first = look(0, answer(0));

    expect(outcome(first)).toMatchObject([{ name: "errors", state: "Holding", heldSeconds: 0, reason: "GateShut" }]);
    expect(outcome(look(MINUTE, answer(0), after(first, 60_000)))).toMatchObject([{ heldSeconds: 60 }]);
    expect(outcome(look(0, answer(9)))).toMatchObject([{ state: "Shut", reason: "GateShut" }]);
    expect(outcome(look(0, answer(0), {}, without))).toMatchObject([{ state: "Open", heldSeconds: 0 }]);
    expect(outcome(makePlan(input([{ name: "n", type: "NodesReady" }])))).toBeUndefined();
  });

  it("soak: time counts only between two looks that both found every gate open, and a soak that stands still says why", () => {
    const done = NODES.map((node) => ({ ...node, kernelVersion: kernel(110) }));
    const record = {
      baseline: "ubuntu",
      level: LEVEL.name,
      digest: LEVEL.digest,
      offeredTime: iso(START - MINUTE),
      completedTime: iso(START - MINUTE),
      soakedSeconds: 0,
    };
    const canary = ring("canary", { levels: [entry(LEVEL)], gates: [without] }, { status: { levels: [record] } });
    const base: Partial<PlanInput> = {
      policy: policy({ rings: [canary], levels: [LEVEL] }),
      inventory: inventory(done),
    };
    const soakOf = (plan: Plan): number => [...plan.soakedMs.values()][0] ?? Number.NaN;

    const open = look(0, answer(0), { ...base, observedMs: 0 });
    expect(soakOf(look(MINUTE, answer(0), { ...base, ...after(open, MINUTE) }))).toBe(MINUTE);
    const shut = look(MINUTE, answer(7), { ...base, ...after(open, MINUTE) });
    expect(soakOf(shut)).toBe(0);
    expect(shut.rings[0]).toMatchObject({ phase: "Soaking", blockedBy: [{ reason: "GateShut" }] });
    expect(soakOf(look(2 * MINUTE, answer(0), { ...base, ...after(shut, MINUTE) }))).toBe(0);
  });
});
