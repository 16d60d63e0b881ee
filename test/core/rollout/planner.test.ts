// A planner that remembers makes the same plans as one that does not, byte for byte, whatever happens in between (R6), and fast.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import { finish } from "../../../controller/core/incremental/steps.ts";
import { isCompliant } from "../../../controller/core/compliance/index.ts";
import type { NodeAsset, PdbAsset, PodAsset, WorkloadAsset } from "../../../controller/core/model.ts";
import { createPlanner, makePlan, type Plan, type Planner } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import { ringStatusOf } from "../../../controller/core/rollout/summary.ts";
import { claimOn, HOUR, iso, kernel, kernelLevel, ledger, MINUTE, nodeAsset } from "../../support/fleet.ts";
import { largeFleet } from "../../support/large-fleet.ts";

/** Everything in a plan, Maps and Sets included; memberships are asked for by UID and have no order. */
function show(plan: Plan): string {
  const { capacity: _, members, ...others } = plan;
  const of = [...members.of].sort(([a], [b]) => (a < b ? -1 : 1));
  const rest = { ...others, members: { ...members, of } };
  return JSON.stringify(rest, (__, value: unknown) =>
    value instanceof Map ? [...value] : value instanceof Set ? [...value] : value,
  );
}

/** Where two texts begin to differ, with what stands there; "" where they are the same. */
function differences(a: string, b: string): string {
  if (a === b) return "";
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return `at ${at}: ${a.slice(Math.max(0, at - 200), at + 100)}\nbut anew: ${b.slice(Math.max(0, at - 200), at + 100)}`;
}

type Event = (input: PlanInput, pick: number) => PlanInput;

function changeNode(input: PlanInput, pick: number, change: (node: NodeAsset) => NodeAsset): PlanInput {
  const nodes = [...input.inventory.nodes];
  const index = pick % nodes.length;
  const node = nodes[index];
  if (node !== undefined) nodes[index] = change(node);
  return { ...input, inventory: { ...input.inventory, nodes } };
}

/** Changes a pod, or takes it away. */
function changePod(input: PlanInput, pick: number, change: (pod: PodAsset) => PodAsset | undefined): PlanInput {
  const pods = input.inventory.pods.flatMap((pod, index, { length }) =>
    index === pick % length ? (change(pod) ?? []) : [pod],
  );
  return { ...input, inventory: { ...input.inventory, pods } };
}

function changeState(
  input: PlanInput,
  pick: number,
  change: (state: NodePatchStateStatus) => NodePatchStateStatus,
): PlanInput {
  const uid = input.inventory.nodes[pick % input.inventory.nodes.length]?.uid ?? "";
  return {
    ...input,
    stored: { ...input.stored, nodes: new Map(input.stored.nodes).set(uid, change(input.stored.nodes.get(uid) ?? {})) },
  };
}

function changeRing(
  input: PlanInput,
  pick: number,
  change: (ring: PlanInput["policy"]["rings"][number]) => PlanInput["policy"]["rings"][number],
): PlanInput {
  const rings = input.policy.rings.map((ring, index) =>
    index === pick % input.policy.rings.length ? change(ring) : ring,
  );
  return { ...input, policy: { ...input.policy, rings } };
}

/** No two nodes have one name. */
function joined({ inventory }: PlanInput): number {
  return 1 + Math.max(0, ...inventory.nodes.map(({ name }) => Number(/-j(\d+)$/.exec(name)?.[1] ?? 0)));
}

function changeWorkload(input: PlanInput, pick: number, change: (workload: WorkloadAsset) => WorkloadAsset): PlanInput {
  const workloads = input.inventory.workloads.map((workload, index) =>
    index === pick % input.inventory.workloads.length ? change(workload) : workload,
  );
  return { ...input, inventory: { ...input.inventory, workloads } };
}

const EVENTS: Readonly<Record<string, Event>> = {
  ready: (input, pick) => changeNode(input, pick, (node) => ({ ...node, ready: !node.ready })),
  cordon: (input, pick) => changeNode(input, pick, (node) => ({ ...node, unschedulable: !node.unschedulable })),
  patched: (input, pick) =>
    changeNode(input, pick, (node) => ({
      ...node,
      kernelVersion: kernel(node.kernelVersion === kernel(110) ? 100 : 110),
    })),
  relabelled: (input, pick) =>
    changeNode(input, pick, (node) => ({
      ...node,
      labels: { ...node.labels, ring: ["canary", "early", "wide", "none"][pick % 4] ?? "" },
    })),
  heard: (input, pick) => changeNode(input, pick, (node) => ({ ...node, heardAt: input.now })),
  joined: (input, pick) => ({
    ...input,
    inventory: {
      ...input.inventory,
      nodes: [
        ...input.inventory.nodes,
        // Before and behind those that are there.
        nodeAsset(`${pick % 2 === 0 ? "new" : "a"}-${input.now}-${input.inventory.nodes.length}-j${joined(input)}`, {
          labels: { ring: pick % 3 === 0 ? "canary" : "wide", pool: "pool-0" },
          createdAt: input.now,
        }),
      ],
    },
  }),
  left: (input, pick) => ({
    ...input,
    inventory: {
      ...input.inventory,
      nodes: input.inventory.nodes.filter(
        (_, index) => input.inventory.nodes.length < 4 || index !== pick % input.inventory.nodes.length,
      ),
    },
  }),
  time: (input, pick) => ({ ...input, now: input.now + (pick % 7) * MINUTE, observedMs: (pick % 7) * MINUTE }),
  night: (input) => ({ ...input, now: input.now + 9 * HOUR, observedMs: 0 }),
  backwards: (input) => ({ ...input, now: input.now - HOUR }),
  verified: (input, pick) =>
    changeState(input, pick, (state) => ({
      ...state,
      verified: [{ baseline: "pool-0", digest: kernelLevel(110, { baseline: "pool-0" }).digest, time: iso(input.now) }],
    })),
  backedOut: (input, pick) =>
    changeState(input, pick, (state) => ({
      ...state,
      attempted: [
        {
          baseline: "pool-0",
          digest: kernelLevel(110, { baseline: "pool-0" }).digest,
          result: "BackedOut",
          reason: "DrainTimedOut",
          message: "m",
          time: iso(input.now),
          notBefore: iso(input.now + 5 * MINUTE),
        },
      ],
    })),
  inventoried: (input, pick) =>
    changeState(input, pick, (state) => ({
      ...state,
      inventory: {
        time: iso(input.now),
        digest: "0",
        osId: "ubuntu",
        osVersionId: "22.04",
        scheme: "dpkg",
        installedKernels: [kernel(110)],
        rebootRequired: pick % 2 === 0,
        packages: [],
      },
    })),
  claimed: (input, pick) => {
    const node = input.inventory.nodes[pick % input.inventory.nodes.length];
    if (node === undefined || input.ledger.claims.some((claim) => claim.uid === node.uid)) return input;
    return {
      ...input,
      ledger: {
        ...input.ledger,
        claims: [
          ...input.ledger.claims,
          claimOn(node, node.labels["ring"] ?? "", kernelLevel(110, { baseline: node.labels["pool"] ?? "" })),
        ],
      },
    };
  },
  freed: (input) => ({ ...input, ledger: { ...input.ledger, claims: input.ledger.claims.slice(1) } }),
  stopped: (input, pick) => ({
    ...input,
    ledger: {
      ...input.ledger,
      spec: { ...input.ledger.spec, mode: (["Observe", "Enforce", "Stop"] as const)[pick % 3] ?? "Enforce" },
    },
  }),
  suspended: (input, pick) => changeRing(input, pick, (ring) => ({ ...ring, suspendedLive: !ring.suspendedLive })),
  reverted: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      spec: { ...ring.spec, levels: (ring.spec.levels ?? []).slice(pick % 3) },
    })),
  loosened: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      spec: {
        ...ring.spec,
        cordonedNodes: pick % 2 === 0 ? "Update" : "Skip",
        gracePeriod: "1h",
        deadline: "1h",
        onDeadline: "IgnoreWindows",
      },
    })),
  excepted: (input, pick) => ({
    ...input,
    policy: {
      ...input.policy,
      exceptions: [
        ...input.policy.exceptions.slice(-2),
        {
          name: `e${pick}`,
          spec: {
            targets: { kind: "Node", names: [`node-${pick % 20}`] },
            owner: "o",
            justification: "j",
            expirationTime: iso(input.now + 10 * MINUTE),
          },
        },
      ],
    },
  }),
  upgraded: (input, pick) => ({
    ...input,
    inventory: { ...input.inventory, apiServerVersion: pick % 2 === 0 ? undefined : "v1.35.1" },
  }),
  resolved: (input) => ({ ...input, candidates: new Map([...input.candidates].slice(1)) }),
  patchedApp: (input, pick) =>
    changeWorkload(input, pick, (workload) => ({
      ...workload,
      containers: workload.containers.map((container) => ({
        ...container,
        image: container.image.replace(/1\.0$/, "1.1"),
      })),
    })),
  podStarted: (input, pick) =>
    changeWorkload(input, pick, (workload) => ({
      ...workload,
      pods: workload.pods.map((pod) => ({
        ...pod,
        running: pod.running.map((one) => ({ ...one, image: one.image.replace(/1\.0$/, "1.1") })),
      })),
    })),
  podGone: (input, pick) => changeWorkload(input, pick, (workload) => ({ ...workload, pods: workload.pods.slice(1) })),
  unavailable: (input, pick) =>
    changeWorkload(input, pick, (workload) => ({
      ...workload,
      rollout: { ...workload.rollout, available: 1 - workload.rollout.available },
    })),
  appMoved: (input, pick) =>
    changeWorkload(input, pick, (workload) => ({
      ...workload,
      labels: { ring: ["canary", "early", "wide", "none"][pick % 4] ?? "" },
    })),
  appLeft: (input, pick) => ({
    ...input,
    inventory: {
      ...input.inventory,
      workloads: input.inventory.workloads.filter((_, index, { length }) => length < 3 || index !== pick % length),
    },
  }),
  appJoined: (input, pick) => {
    const { workloads } = input.inventory;
    const [like] = workloads.slice(pick % workloads.length);
    if (like === undefined || workloads.some(({ name }) => name === `app-x${pick}`)) return input;
    const twin = { ...like, name: `app-x${pick}`, uid: `uid-x${pick}` };
    return { ...input, inventory: { ...input.inventory, workloads: [...workloads, twin] } };
  },
  appClaimed: (input, pick) => {
    const workload = input.inventory.workloads[pick % input.inventory.workloads.length];
    const level = input.policy.levels.find(({ spec }) => spec.target === "Image");
    if (workload === undefined || level === undefined || input.ledger.claims.some(({ uid }) => uid === workload.uid))
      return input;
    const { kind, namespace, name, uid } = workload;
    const claim = {
      ...{ kind, namespace, name, uid, id: `c-${uid}`, cluster: "test", since: iso(input.now) },
      ...{
        ring: workload.labels["ring"] ?? "",
        baseline: level.spec.baseline,
        level: level.name,
        digest: level.digest,
      },
    };
    return { ...input, ledger: { ...input.ledger, claims: [...input.ledger.claims, claim] } };
  },
  failed: (input, pick) => {
    const claim = input.ledger.claims[pick % Math.max(1, input.ledger.claims.length)];
    if (claim === undefined || claim.kind !== "Node") return input;
    const { id: claimId, ring, baseline, level, digest } = claim;
    const time = iso(input.now);
    const operation = {
      ...{
        claimId,
        ring,
        baseline,
        level,
        digest,
        startedTime: time,
        stepTime: time,
        attempt: 1,
        step: "Updating" as const,
      },
      ...{ bootId: "b", priorUnschedulable: false, marked: true, disrupt: true },
      failure: { reason: "StepFailed", message: "m", time },
    };
    const before = input.stored.nodes.get(claim.uid);
    const nodes = new Map(input.stored.nodes).set(claim.uid, { ...before, targetUID: claim.uid, operation });
    return { ...input, stored: { ...input.stored, nodes } };
  },
  contested: (input, pick) => {
    const workload = input.inventory.workloads[pick % input.inventory.workloads.length];
    const level = input.policy.levels.find(({ spec }) => spec.target === "Image");
    if (workload === undefined || level === undefined) return input;
    const contested = [{ baseline: level.spec.baseline, digest: level.digest, time: iso(input.now) }];
    const workloads = new Map(input.stored.workloads).set(workload.uid, { targetUID: workload.uid, contested });
    return { ...input, stored: { ...input.stored, workloads } };
  },
  forgotten: (input, pick) => {
    const nodes = new Map(input.stored.nodes);
    const uid = [...nodes.keys()][pick % Math.max(1, nodes.size)];
    if (uid !== undefined) nodes.delete(uid);
    return { ...input, stored: { ...input.stored, nodes } };
  },
  shuffled: (input, pick) => {
    const turn = <T>(list: readonly T[]): readonly T[] => [...list.slice(pick % 5), ...list.slice(0, pick % 5)];
    const { nodes, workloads } = input.inventory;
    return { ...input, inventory: { ...input.inventory, nodes: turn(nodes), workloads: turn(workloads) } };
  },
  // What a pass does: everything is read again, and little of it says something else.
  reread: (input) => ({
    ...input,
    policy: structuredClone(input.policy),
    ledger: structuredClone(input.ledger),
    candidates: structuredClone(input.candidates),
  }),
  counted: (input, pick) => ({
    ...input,
    policy: {
      ...input.policy,
      baselines: input.policy.baselines.map((baseline) => ({ ...baseline, status: { assets: pick, compliant: 0 } })),
    },
  }),
  reselected: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      spec: {
        ...ring.spec,
        members: { nodes: { selector: { matchLabels: { ring: ring.name } }, percent: 1 + (pick % 99) } },
      },
    })),
  reordered: (input, pick) =>
    changeRing(input, pick, (ring) => {
      const { after: _, ...spec } = ring.spec;
      return { ...ring, spec };
    }),
  ringGone: (input, pick) => ({
    ...input,
    policy: {
      ...input.policy,
      rings: input.policy.rings.filter((_, index, { length }) => length < 2 || index !== pick % length),
    },
  }),
  braked: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      brakes: ring.brakes.length > 0 ? [] : [{ reason: "PolicyInvalid", message: "its file cannot be read" }],
    })),
  baselineGone: (input) => ({
    ...input,
    policy: { ...input.policy, baselines: input.policy.baselines.slice(input.policy.baselines.length > 2 ? 1 : 0) },
  }),
  podPlaced: (input, pick) => {
    const { nodes, pods } = input.inventory;
    const node = nodes[pick % nodes.length]?.name;
    const name = `web-${pods.length}-${pick}`;
    if (pods.some((pod) => pod.name === name)) return input;
    const pod: PodAsset = {
      ...{ namespace: `shop-${pick % 2}`, name, uid: name, nodeName: node, labels: { app: `web-${pick % 3}` } },
      ...{ phase: "Running", deleting: false, ready: pick % 5 !== 0, mirror: false, job: false, emptyDir: false },
      controller: pick % 7 === 0 ? undefined : { kind: "ReplicaSet", name: "web", uid: "web" },
      priority: pick % 4,
      ...(pick % 2 === 0 ? { volumeClaims: ["data"] } : {}),
    };
    return { ...input, inventory: { ...input.inventory, pods: pods.toSpliced(pick % (pods.length + 1), 0, pod) } };
  },
  podMoved: (input, pick) =>
    changePod(input, pick, (pod) => ({
      ...pod,
      nodeName: input.inventory.nodes[(pick >> 3) % input.inventory.nodes.length]?.name,
      ready: !pod.ready,
    })),
  podEnded: (input, pick) => changePod(input, pick, () => undefined),
  budgeted: (input, pick) => {
    const budget: PdbAsset = {
      ...{ namespace: `shop-${pick % 2}`, name: `web-${pick % 3}` },
      ...{ desiredHealthy: 1 + ((pick >> 2) % 3), currentHealthy: (pick >> 4) % 4 },
      ...{ expectedPods: 1 + ((pick >> 6) % 4), disruptionsAllowed: pick % 5 === 0 ? 1 : 0 },
      selector: pick % 4 === 0 ? {} : { matchLabels: { app: `web-${pick % 3}` } },
    };
    const others = input.inventory.pdbs.filter(
      ({ namespace, name }) => namespace !== budget.namespace || name !== budget.name,
    );
    return { ...input, inventory: { ...input.inventory, pdbs: [...others, budget] } };
  },
  budgetGone: (input) => ({
    ...input,
    inventory: { ...input.inventory, pdbs: input.inventory.pdbs.slice(1) },
  }),
  drainRuled: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      spec: {
        ...ring.spec,
        drain: {
          barePods: pick % 2 === 0 ? "Block" : "Evict",
          localVolumes: pick % 3 === 0 ? "Block" : "Evict",
          ...(pick % 5 === 0 ? { pods: [{ selector: { matchLabels: { app: "web-1" } }, behavior: "Leave" }] } : {}),
        },
      },
    })),
  bound: (input, pick) => ({
    ...input,
    inventory: {
      ...input.inventory,
      volumes: [{ name: "pv", claim: `shop-${pick % 2}/data`, local: pick % 3 === 0 }],
    },
  }),
  exact: (input, pick) =>
    changeRing(input, pick, (ring) => ({
      ...ring,
      spec: {
        ...ring.spec,
        levels: (ring.spec.levels ?? []).map((entry) => ({ ...entry, enforce: "Exact" as const })),
      },
    })),
};

/** What a pass stores between two plans. */
function store(input: PlanInput, plan: Plan): PlanInput {
  const nodes = new Map(input.stored.nodes);
  const workloads = new Map(input.stored.workloads);
  for (const row of plan.rows) {
    const blockedBy = row.blockedBy.map(({ reason, message, since }) => ({ reason, message, since: iso(since ?? 0) }));
    const map: Map<string, NodePatchStateStatus> =
      row.asset.kind === "Node" ? nodes : (workloads as unknown as Map<string, NodePatchStateStatus>);
    const before = map.get(row.asset.uid);
    if (JSON.stringify(before?.blockedBy) !== JSON.stringify(blockedBy))
      map.set(row.asset.uid, { ...before, blockedBy });
  }
  const rings = input.policy.rings.map((ring) => {
    const outcome = plan.rings.find((other) => other.ring.name === ring.name);
    return outcome === undefined ? ring : { ...ring, status: ringStatusOf(outcome) };
  });
  return {
    ...input,
    stored: { nodes, workloads: workloads as unknown as typeof input.stored.workloads },
    policy: { ...input.policy, rings },
    soakedMs: plan.soakedMs,
  };
}

interface Disturbance {
  /** So far a plan comes. */
  readonly steps: number;
  /** It is left there, fails there, or goes on when another one has been made meanwhile. */
  readonly how: "left" | "failed" | "overtaken";
}

/** A plan by a planner that was disturbed while it made another one. */
function planDisturbed(planner: Planner, other: PlanInput, input: PlanInput, { steps, how }: Disturbance): Plan {
  const first = planner.planInSteps(other);
  for (let step = 0; step < steps; step++) if (first.next().done === true) return planner.plan(input);
  if (how === "failed") expect(() => first.throw(new Error("no"))).toThrow("no");
  const second = planner.plan(input);
  if (how === "overtaken") expect(differences(show(finish(first)), show(makePlan(other)))).toBe("");
  return second;
}

/** The plans of a planner that remembers are those of one that does not, after each of up to `most` events. */
function expectSamePlans(
  start: PlanInput,
  events: readonly string[],
  { most, numRuns }: { readonly most: number; readonly numRuns: number },
): void {
  const step = fc.record({
    event: fc.constantFrom(...events),
    pick: fc.nat({ max: 10_000 }),
    store: fc.boolean(),
    disturbed: fc.option(
      fc.record({ steps: fc.nat({ max: 30 }), how: fc.constantFrom("left", "failed", "overtaken") }),
      { freq: 4 },
    ),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: most }), (steps) => {
      const planner = createPlanner();
      let input = start;
      planner.plan(input);
      for (const { event, pick, store: stores, disturbed } of steps) {
        const before = input;
        input = EVENTS[event]?.(input, pick) ?? input;
        const remembered = disturbed === null ? planner.plan(input) : planDisturbed(planner, before, input, disturbed);
        expect(differences(show(remembered), show(makePlan(input))), event).toBe("");
        if (stores) input = store(input, remembered);
      }
    }),
    { numRuns },
  );
}

/** What a forecast of a drain depends on. */
const DRAIN_EVENTS = [
  "podPlaced",
  "podPlaced",
  "podMoved",
  "podEnded",
  "budgeted",
  "budgetGone",
  "drainRuled",
  "bound",
];

/** Only nodes that are behind, in an open ring, none of them claimed, and room for all: each has its turn. */
function allInTurn(): PlanInput {
  const fleet = largeFleet({ nodes: 40, workloads: 0, baselines: 2 });
  const behind = fleet.inventory.nodes
    .filter(({ kernelVersion }) => kernelVersion === kernel(100))
    .map((node): NodeAsset => ({ ...node, labels: { ...node.labels, ring: "early" } }));
  const rings = fleet.policy.rings.map((ring) => ({ ...ring, spec: { ...ring.spec, budget: { nodes: "100%" } } }));
  return {
    ...fleet,
    inventory: { ...fleet.inventory, nodes: behind },
    policy: { ...fleet.policy, rings },
    ledger: ledger([], { spec: { mode: "Enforce", limits: { nodes: "100%", nodesPerZone: "100%" } } }),
  };
}

describe("a planner with a memory", () => {
  it("makes the plans of one without, byte for byte, after any sequence of events", () => {
    expectSamePlans(largeFleet({ nodes: 24, workloads: 8, baselines: 4 }), Object.keys(EVENTS), {
      most: 25,
      numRuns: 150,
    });
  }, 120_000);

  it("does so while pods and their budgets come and go on nodes that have their turn", () => {
    const start = allInTurn();
    expect(makePlan(start).claims.length).toBeGreaterThan(5);
    expectSamePlans(start, DRAIN_EVENTS, { most: 40, numRuns: 60 });
  }, 120_000);

  it("says it where nothing but the numbers of a budget changed", () => {
    const placed = EVENTS["podPlaced"]?.(allInTurn(), 3);
    const [pod] = placed?.inventory.pods ?? [];
    const withHealthy = (currentHealthy: number): PlanInput => ({
      ...(placed as PlanInput),
      inventory: {
        ...(placed as PlanInput).inventory,
        pdbs: [
          {
            ...{ namespace: pod?.namespace ?? "", name: "web", selector: {}, disruptionsAllowed: 0 },
            ...{ currentHealthy, desiredHealthy: 3, expectedPods: 4 },
          },
        ],
      },
    });
    const planner = createPlanner();
    planner.plan(withHealthy(1));

    const plan = planner.plan(withHealthy(2));

    const row = plan.rows.find(({ asset }) => asset.name === pod?.nodeName);
    expect(row?.blockedBy[0]?.message).toContain("(2 healthy, 3 wanted)");
  });

  it("gives everything that is not compliant and does not move a reason", () => {
    const steps = fc.array(
      fc.record({ event: fc.constantFrom(...Object.keys(EVENTS)), pick: fc.nat({ max: 10_000 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(steps, (events) => {
        let input = largeFleet({ nodes: 24, workloads: 8, baselines: 4 });
        for (const { event, pick } of events) input = EVENTS[event]?.(input, pick) ?? input;
        const plan = makePlan(input);
        const moving = new Set([...input.ledger.claims, ...plan.claims].map(({ uid }) => uid));

        const nameless = plan.rows.filter(
          ({ asset, state, blockedBy }) => !isCompliant(state) && !moving.has(asset.uid) && blockedBy.length === 0,
        );

        expect(nameless).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it("changes nothing of what it was given", () => {
    const input = largeFleet({ nodes: 24, workloads: 8, baselines: 4 });
    const before = JSON.stringify([input.policy, input.inventory, input.ledger]);

    createPlanner().plan(input);

    expect(JSON.stringify([input.policy, input.inventory, input.ledger])).toBe(before);
  });
});
