// The faults' scripts against hand-made looks at the cluster: they must not be satisfied by anything less than what they promise.
import { describe, expect, it } from "vitest";
import type { Fault } from "../../../controller/sandbox/demo/fault.ts";
import { FAULT_NAMES, findFault } from "../../../controller/sandbox/demo/faults/index.ts";
import { cordonedBy, type Stage } from "../../../controller/sandbox/demo/stage.ts";
import { NODE_RING_LABEL, OS_LABEL } from "../../../controller/sandbox/fleet/quickstart.ts";
import { factsOf, finishedFacts, type Sketch, START } from "./scene.ts";

const MINUTE = 60_000;
const EARLY = ["ubuntu-02", "ubuntu-04"];

/** A stage that writes down what the script does. */
function recordingStage(): { readonly stage: Stage; readonly acts: string[] } {
  const acts: string[] = [];
  const note =
    (what: string) =>
    async (...words: readonly unknown[]): Promise<void> => {
      acts.push([what, ...words.map((word) => (typeof word === "string" ? word : ""))].join(" ").trim());
    };
  const listeners = new Set<(request: object) => void>();
  const cordons = new Set<(node: string) => void>();
  const stage = {
    seed: 1,
    client: { patch: note("patch") },
    controller: { kill: note("kill"), start: () => acts.push("start") },
    forge: { branches: async () => new Map([["main", "a".repeat(40)]]) },
    rewrite: async () => {
      acts.push("rewrite");
      return "b".repeat(40);
    },
    edit: note("edit"),
    minute: MINUTE,
    onCordon: (listener: (node: string) => void) => cordons.add(listener),
    cordon: (node: string) => {
      for (const listener of cordons) listener(node);
    },
    machines: {
      neverReadyAfterReboot: note("break"),
      repair: note("repair"),
      slowStage: note("slow"),
      specs: () => EARLY.map((name) => ({ name, labels: { [NODE_RING_LABEL]: "early", [OS_LABEL]: "ubuntu" } })),
    },
    sandbox: {
      cluster: { server: { onRequest: (listener: (request: object) => void) => listeners.add(listener) } },
    },
    request: (request: object) => {
      for (const listener of listeners) listener(request);
    },
  };
  return { stage: stage as unknown as Stage, acts };
}

function faultNamed(name: string): Fault<Stage> {
  const fault = findFault(name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  return fault;
}

/** Plays looks at the cluster, a minute apart. */
async function play(fault: Fault<Stage>, stage: Stage, ...looks: readonly Sketch[]): Promise<readonly string[]> {
  const told: string[] = [];
  await fault.prepare?.(stage);
  for (const [at, look] of looks.entries()) {
    const line = await fault.step(stage, factsOf({ at: START + at * MINUTE, ...look }));
    if (line !== undefined) told.push(line);
  }
  return told;
}

describe("every fault", () => {
  it.each(FAULT_NAMES)("%s is not as promised when nothing was seen of it", (name) => {
    const fault = faultNamed(name);
    expect(fault.name).toBe(name);
    expect(fault.result(finishedFacts()).ok).toBe(false);
    expect(fault.result(undefined).ok).toBe(false);
  });

  it("has no fault of another name", () => {
    expect(findFault("toString")).toBeUndefined();
    expect(findFault("flood")).toBeUndefined();
  });
});

const HALT: Sketch = {
  ringStatus: { canary: { blockedBy: [{ reason: "RingHalted", message: "1 failed" }] } },
  claims: [{ name: "ubuntu-01", ring: "canary" }],
};

describe("failing-node", () => {
  it("repairs and retries after the halt was watched, and ends as promised", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("failing-node");
    await play(fault, stage, {}, HALT, HALT, { ...HALT, at: START + 20 * MINUTE });
    expect(acts.filter((act) => !act.startsWith("patch"))).toEqual(["break ubuntu-01", "repair ubuntu-01"]);
    expect(acts.filter((act) => act.startsWith("patch"))).toHaveLength(1);
    expect(fault.result(finishedFacts())).toMatchObject({ ok: true });
    expect(fault.result(factsOf(HALT)).ok).toBe(false);
  });

  it.each([
    ["a claim that was given up", { ...HALT, claims: [] }],
    ["a claim of a later ring", { ...HALT, claims: [...(HALT.claims ?? []), { name: "ubuntu-02", ring: "early" }] }],
  ])("is not satisfied by %s", async (_, look) => {
    const { stage } = recordingStage();
    const fault = faultNamed("failing-node");
    await play(fault, stage, HALT, look, { ...HALT, at: START + 20 * MINUTE });
    expect(fault.result(finishedFacts()).ok).toBe(false);
  });
});

const block = (reason: string): object => ({
  blockedBy: [{ reason, message: "pod payments/ledger-1: PodDisruptionBudget ledger", since: "2024-12-16T06:59:00Z" }],
});
const TIMED_OUT = { attempted: [{ reason: "DrainTimedOut", message: "gave up after 10m" }] };
const POD = {
  metadata: { name: "ledger-1", namespace: "payments", labels: { app: "ledger" } },
  spec: { nodeName: "ubuntu-03" },
};
const MENDED = { metadata: { name: "ledger", namespace: "payments" }, status: { disruptionsAllowed: 1 } };
describe("a request that cordons", () => {
  const cordon = {
    method: "PATCH",
    path: "/api/v1/nodes/ubuntu-03",
    body: [{ op: "add", path: "/spec/unschedulable", value: true }],
  };

  it("is told from one that takes a cordon off, and from others", () => {
    expect(cordonedBy(cordon)).toBe("ubuntu-03");
    expect(cordonedBy({ ...cordon, body: JSON.stringify(cordon.body) })).toBe("ubuntu-03");
    expect(cordonedBy({ ...cordon, body: [{ op: "remove", path: "/spec/unschedulable" }] })).toBeUndefined();
    expect(cordonedBy({ ...cordon, path: "/api/v1/pods/ubuntu-03" })).toBeUndefined();
    expect(cordonedBy({ ...cordon, method: "GET" })).toBeUndefined();
  });
});

describe("blocked-pdb", () => {
  /** Foreseen, mended, closed in the moment of the cordon, shown, timed out. */
  async function playAll(node: object, mended = true) {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("blocked-pdb");
    const { cordon } = stage as unknown as { readonly cordon: (node: string) => void };
    const told = await play(fault, stage, { pods: [POD], states: { "ubuntu-03": block("PDBNeverAllows") } });
    expect(fault.holdsBudgetFix?.(finishedFacts())).toBe(false);
    await fault.step(stage, factsOf({ pods: [POD], pdbs: mended ? [MENDED] : [] }));
    cordon("ubuntu-04");
    expect(acts).toEqual([]);
    cordon("ubuntu-03");
    for (const look of [
      { pods: [POD], states: { "ubuntu-03": block("PDBBlocked") } },
      { states: { "ubuntu-03": TIMED_OUT }, nodes: [node] },
    ]) {
      const line = await fault.step(stage, factsOf(look));
      expect(acts.length < 3 || line === undefined).toBe(true);
    }
    return { fault, told, acts };
  }

  it("is foreseen, then closes the budget in the moment of a cordon and mends it when that was backed out", async () => {
    const { fault, told, acts } = await playAll({ metadata: { name: "ubuntu-03" } });
    expect(told[0]).toContain("since 2024-12-16T06:59:00Z");
    expect(acts).toEqual(["patch", "patch"]);
    expect(fault.result(finishedFacts()).ok).toBe(true);
    expect(fault.result(factsOf({})).ok).toBe(false);
  });

  it("holds the mending back until it was foreseen", async () => {
    const { stage } = recordingStage();
    const fault = faultNamed("blocked-pdb");
    await play(fault, stage, { pods: [POD], states: { "ubuntu-03": block("PDBBlocked") } });
    expect(fault.holdsBudgetFix?.(finishedFacts())).toBe(true);
  });

  it("opens a budget again that closed too late, whatever else held that drain up, and closes it at the next cordon", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("blocked-pdb");
    const { cordon } = stage as unknown as { readonly cordon: (node: string) => void };
    const moved = { ...POD, spec: { nodeName: "ubuntu-04" } };
    await play(fault, stage, { pods: [POD], states: { "ubuntu-03": block("PDBNeverAllows") } });
    await fault.step(stage, factsOf({ pods: [POD], pdbs: [MENDED] }));
    cordon("ubuntu-03");
    const other = { reason: "PDBBlocked", message: "pod search/shards-0: PodDisruptionBudget shards", since: "s" };
    const held = { operation: { step: "Cordoned" }, blockedBy: [other] };
    expect(await fault.step(stage, factsOf({ pods: [moved], states: { "ubuntu-03": held } }))).toBeUndefined();
    // Then it does hold this one up, but not for long.
    expect(await fault.step(stage, factsOf({ pods: [moved], states: { "ubuntu-03": block("PDBBlocked") } }))).toContain(
      "the drain waits",
    );

    const line = await fault.step(stage, factsOf({ pods: [moved], states: { "ubuntu-03": { verified: [{}] } } }));
    expect(line).toContain("closed; a person opens the budget again");
    expect(acts).toEqual(["patch", "patch"]);
    cordon("ubuntu-04");
    expect(acts).toHaveLength(3);
    expect(await fault.step(stage, factsOf({ states: { "ubuntu-04": block("PDBNeverAllows") } }))).toContain(
      "ubuntu-04: PDBNeverAllows",
    );
    // It was verified at another level before.
    const timedOut = { ...TIMED_OUT, verified: [{}] };
    await fault.step(
      stage,
      factsOf({ states: { "ubuntu-04": timedOut }, nodes: [{ metadata: { name: "ubuntu-04" } }] }),
    );

    expect(fault.result(finishedFacts())).toMatchObject({ ok: true });
    expect(fault.result(finishedFacts()).observed).toContain("backed out: ubuntu-04");
  });

  it("opens a budget again that closed too early, so that the node was let go before its drain", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("blocked-pdb");
    const { cordon } = stage as unknown as { readonly cordon: (node: string) => void };
    await play(fault, stage, { pods: [POD], states: { "ubuntu-03": block("PDBNeverAllows") } });
    await fault.step(stage, factsOf({ pods: [POD], pdbs: [MENDED] }));
    cordon("ubuntu-03");
    const backingOut = { operation: { step: "Claimed" }, ...block("PDBNeverAllows") };
    expect(await fault.step(stage, factsOf({ pods: [POD], states: { "ubuntu-03": backingOut } }))).toContain("waits");
    const letGo = { attempted: [{ reason: "PDBNeverAllows", message: "it can never spare one" }] };

    expect(await fault.step(stage, factsOf({ pods: [POD], states: { "ubuntu-03": letGo } }))).toContain(
      "ubuntu-03 was let go before its drain (PDBNeverAllows); a person opens the budget again",
    );
    expect(acts).toEqual(["patch", "patch"]);
    // The same node again, and now as promised.
    cordon("ubuntu-03");
    await fault.step(stage, factsOf({ pods: [POD], states: { "ubuntu-03": block("PDBNeverAllows") } }));
    await fault.step(
      stage,
      factsOf({ states: { "ubuntu-03": TIMED_OUT }, nodes: [{ metadata: { name: "ubuntu-03" } }] }),
    );
    expect(fault.result(finishedFacts())).toMatchObject({ ok: true });
  });

  it("is not satisfied by a node that stays cordoned", async () => {
    const { fault } = await playAll({
      metadata: { name: "ubuntu-03", annotations: {} },
      spec: { unschedulable: true },
    });
    expect(fault.result(finishedFacts()).ok).toBe(false);
  });

  it("is not satisfied by a node that was cordoned before the budget was mended", async () => {
    const { fault, acts } = await playAll({ metadata: { name: "ubuntu-03" } }, false);
    expect(acts).toEqual([]);
    expect(fault.result(finishedFacts()).observed).toContain("before it was mended: ubuntu-03");
  });
});

describe("crash", () => {
  it("kills at points of the controller's work, never at heartbeats or at others' writes", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("crash");
    await fault.prepare?.(stage);
    const { request } = stage as unknown as { readonly request: (request: object) => void };
    const user = "system:serviceaccount:ringward-system:ringward-controller";
    const send = async (count: number, about: object): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        request({ user, write: true, path: "/api/v1/nodes/x", ...about });
        await Promise.resolve().then(() => undefined);
      }
    };
    await send(500, { user: "ana@example.com" });
    await send(500, { path: "/apis/coordination.k8s.io/v1/namespaces/ringward-system/leases/ringward-controller" });
    await send(500, { write: false });
    expect(acts).toEqual([]);
    await send(2_000, {});
    const kills = acts.filter((act) => act.startsWith("kill")).length;
    expect(kills).toBeGreaterThanOrEqual(20);
    expect(acts.filter((act) => act === "start")).toHaveLength(kills);
    expect(fault.result(finishedFacts()).ok).toBe(true);
    expect(fault.result(factsOf({})).ok).toBe(false);
  });
});

const STALLED = [{ type: "Stalled", status: "True", reason: "HistoryRewritten" }];
const FLYING = [
  { name: "ubuntu-02", ring: "early" },
  { name: "ubuntu-04", ring: "early" },
];

describe("rewrite-history", () => {
  it("waits until what was in flight has ended, and holds merges meanwhile", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("rewrite-history");
    await play(fault, stage, { claims: FLYING }, { claims: FLYING, conditions: STALLED }, { conditions: STALLED });
    expect(acts).toEqual(["rewrite"]);
    expect(fault.holdsMerges?.(finishedFacts())).toBe(true);
    await fault.step(stage, factsOf({ at: START + 20 * MINUTE, conditions: STALLED }));
    expect(acts).toHaveLength(2);
    expect(fault.holdsMerges?.(finishedFacts())).toBe(false);
    expect(fault.result(finishedFacts()).ok).toBe(true);
  });

  it("is not satisfied by a claim that began after the rewrite was seen", async () => {
    const { stage } = recordingStage();
    const fault = faultNamed("rewrite-history");
    const late = { name: "ubuntu-09", ring: "early", since: "2024-12-16T07:02:30Z" };
    await play(
      fault,
      stage,
      { claims: FLYING },
      { claims: FLYING, conditions: STALLED },
      { at: START + 3 * MINUTE, claims: [...FLYING, late], conditions: STALLED },
      { conditions: STALLED },
      { at: START + 30 * MINUTE, conditions: STALLED },
    );
    expect(fault.result(finishedFacts())).toMatchObject({ ok: false });
    expect(fault.result(finishedFacts()).observed).toContain("new claims: 1");
  });
});

const FROZEN = [{ spec: { freezes: [{ name: "incident" }] } }];
/** Both nodes of ring early at a step. */
const at = (step: string) => Object.fromEntries(EARLY.map((name) => [name, { operation: { step } }]));
const BACKED_OUT = { "ubuntu-04": { attempted: [{ reason: "Frozen", message: "" }] } };

describe("freeze", () => {
  const early = {
    rings: [{ name: "early", phase: "InProgress" }],
    rows: [{ name: "ubuntu-09", ring: "early" }],
  };
  const expedited = { name: "ubuntu-09", ring: "early", since: "2024-12-16T07:15:30Z" };

  async function run(...more: readonly Sketch[]): Promise<{ readonly ok: boolean; readonly acts: readonly string[] }> {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("freeze");
    await play(
      fault,
      stage,
      { ...early, claims: FLYING, states: at("Cordoned") },
      { ...early, claims: FLYING, states: at("Staging") },
      { ...early, claims: FLYING, calendars: FROZEN },
      { ...early, calendars: FROZEN, states: BACKED_OUT, at: START + 14 * MINUTE },
      ...more,
    );
    return { ok: fault.result(finishedFacts()).ok, acts };
  }

  it("freezes, expedites one entry, and ends as promised when only that one starts", async () => {
    const { ok, acts } = await run({ ...early, claims: [expedited], calendars: FROZEN, at: START + 16 * MINUTE });
    expect(acts.map((act) => act.split(" ").slice(0, 2).join(" "))).toEqual([
      "slow ubuntu-02",
      "slow ubuntu-04",
      "edit calendars/weekdays.yaml",
      "repair ubuntu-02",
      "repair ubuntu-04",
      "edit rings/early.yaml",
    ]);
    expect(ok).toBe(true);
  });

  it("does not wait for ever for a second target before its update", async () => {
    const { stage, acts } = recordingStage();
    const fault = faultNamed("freeze");
    const one = { ...early, claims: FLYING, states: { [EARLY[0] ?? ""]: { operation: { step: "Staging" } } } };
    await play(fault, stage, one, { ...one, at: START + 2 * MINUTE });
    expect(acts).not.toContainEqual(expect.stringContaining("edit"));
    await fault.step(stage, factsOf({ ...one, at: START + 4 * MINUTE }));
    expect(acts).toContainEqual(expect.stringContaining("edit calendars/weekdays.yaml"));
  });

  it("expedites nothing that is under way already: it would prove nothing", async () => {
    const busy = { ...early, claims: [{ ...expedited, since: "2024-12-16T07:00:00Z" }], calendars: FROZEN };
    const { stage, acts } = recordingStage();
    const fault = faultNamed("freeze");
    await play(
      fault,
      stage,
      { ...early, claims: FLYING, states: at("Staging") },
      { ...busy, at: START + 2 * MINUTE },
      { ...busy, at: START + 16 * MINUTE },
    );
    expect(acts).not.toContainEqual(expect.stringContaining("edit rings/early.yaml"));
    await fault.step(stage, factsOf({ ...early, calendars: FROZEN, states: BACKED_OUT, at: START + 17 * MINUTE }));
    expect(acts).toContainEqual(expect.stringContaining("edit rings/early.yaml"));
  });

  it("is not satisfied when anything else starts in the freeze, or nothing was expedited", async () => {
    const other = { ...expedited, name: "flatcar-02", baseline: "flatcar" };
    const looks = { ...early, claims: [expedited, other], calendars: FROZEN, at: START + 16 * MINUTE };
    expect((await run(looks)).ok).toBe(false);
    expect((await run()).ok).toBe(false);
  });
});
