// A planner that remembers makes the same plans as one that does not, byte for byte, whatever happens in between (R6), and fast.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { NodeAsset } from "../../../controller/core/model.ts";
import {
  createPlanner,
  makePlan,
  type Plan,
  type PlanInput,
  ringStatusOf,
} from "../../../controller/core/rollout/plan.ts";
import { claimOn, HOUR, iso, kernel, kernelLevel, MINUTE, nodeAsset } from "../../support/fleet.ts";
import { largeFleet } from "../../support/large-fleet.ts";

/** Everything in a plan, Maps and Sets included. */
function show(plan: Plan): string {
  const { capacity: _, ...rest } = plan;
  return JSON.stringify(rest, (__, value: unknown) =>
    value instanceof Map ? [...value] : value instanceof Set ? [...value] : value,
  );
}

type Event = (input: PlanInput, pick: number) => PlanInput;

function changeNode(input: PlanInput, pick: number, change: (node: NodeAsset) => NodeAsset): PlanInput {
  const nodes = [...input.inventory.nodes];
  const index = pick % nodes.length;
  const node = nodes[index];
  if (node !== undefined) nodes[index] = change(node);
  return { ...input, inventory: { ...input.inventory, nodes } };
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
        nodeAsset(`new-${pick}-${input.inventory.nodes.length}`, {
          labels: { ring: "wide", pool: "pool-0" },
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
  patchedApp: (input, pick) => {
    const workloads = input.inventory.workloads.map((workload, index) =>
      index === pick % input.inventory.workloads.length
        ? {
            ...workload,
            containers: workload.containers.map((container) => ({
              ...container,
              image: container.image.replace(/1\.0$/, "1.1"),
            })),
          }
        : workload,
    );
    return { ...input, inventory: { ...input.inventory, workloads } };
  },
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

describe("a planner with a memory", () => {
  it("makes the plans of one without, byte for byte, after any sequence of events", () => {
    const step = fc.record({
      event: fc.constantFrom(...Object.keys(EVENTS)),
      pick: fc.nat({ max: 10_000 }),
      store: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
        const planner = createPlanner();
        let input = largeFleet({ nodes: 24, workloads: 8, baselines: 4 });
        planner.plan(input);
        for (const { event, pick, store: stores } of steps) {
          input = EVENTS[event]?.(input, pick) ?? input;
          const remembered = planner.plan(input);
          expect(show(remembered), event).toBe(show(makePlan(input)));
          if (stores) input = store(input, remembered);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("changes nothing of what it was given", () => {
    const input = largeFleet({ nodes: 24, workloads: 8, baselines: 4 });
    const before = JSON.stringify([input.policy, input.inventory, input.ledger]);

    createPlanner().plan(input);

    expect(JSON.stringify([input.policy, input.inventory, input.ledger])).toBe(before);
  });
});
