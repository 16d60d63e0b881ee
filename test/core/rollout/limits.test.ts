// Limits: what a write of the ledger may add (B1, B2, B8), for chosen and for random clusters.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claim } from "../../../controller/api/disruption-ledger.ts";
import { finish } from "../../../controller/core/incremental/steps.ts";
import { isUnavailable } from "../../../controller/core/rollout/census.ts";
import { admit, admitQueue, type Capacity, limitOf } from "../../../controller/core/rollout/limits.ts";
import type { ClaimRequest } from "../../../controller/core/rollout/claim-request.ts";
import { nodeAsset, ring } from "../../support/fleet.ts";

interface SmallNode {
  readonly uid: string;
  readonly zone: string;
  readonly ring: string;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  readonly controlPlane: boolean;
}

function request(node: SmallNode): ClaimRequest {
  return {
    uid: node.uid,
    kind: "Node",
    name: node.uid,
    cluster: "test",
    zone: node.zone,
    ring: node.ring,
    ...(node.controlPlane ? { controlPlane: true } : {}),
    baseline: "ubuntu",
    level: "l",
    digest: "d",
  };
}

const held = (node: SmallNode): Claim => ({ ...request(node), id: `c-${node.uid}`, since: "2026-01-01T00:00:00Z" });

function capacity(
  nodes: readonly SmallNode[],
  limits: Capacity["limits"],
  budgets: Readonly<Record<string, object>> = {},
): Capacity {
  return {
    nodes: nodes.map((node) => nodeAsset(node.uid, node)),
    ringOf: (uid) => nodes.find((node) => node.uid === uid)?.ring,
    ringNodes: (name) => nodes.filter((node) => node.ring === name).length,
    ringWorkloads: () => 10,
    workloads: 20,
    limits,
    rings: ["one", "two"].map((name) => ring(name, { budget: { nodes: "100%", workloads: 3, ...budgets[name] } })),
  };
}

function node(uid: string, rest: Partial<SmallNode> = {}): SmallNode {
  return { uid, zone: "a", ring: "one", ready: true, unschedulable: false, controlPlane: false, ...rest };
}

const many = (count: number, rest: Partial<SmallNode> = {}): readonly SmallNode[] =>
  Array.from({ length: count }, (_, index) => node(`n${index}`, rest));
const OPEN = { nodes: "100%", nodesPerZone: "100%", workloads: "100%" } as const;

describe("limits", () => {
  it.each([
    ["10%", 25, 2],
    ["10%", 9, 1],
    ["0%", 100, 0],
    ["100%", 7, 7],
    ["33%", 3, 1],
    ["29%", 100, 29],
    ["junk", 100, 0],
    [0, 100, 0],
    [4, 2, 4],
  ])("percent is rounded down, at least 1 unless 0: %s of %i is %i", (value, total, limit) => {
    expect(limitOf(value, total, 1)).toBe(limit);
  });

  it("counts each unavailable node once, whatever makes it so", () => {
    const down = node("n0", { ready: false, unschedulable: true });
    const nodes = [down, ...many(9).slice(1)];

    const { admitted } = admit([held(down)], nodes.map(request), capacity(nodes, { ...OPEN, nodes: 2 }));

    expect(admitted.map((one) => one.uid)).toEqual(["n1"]);
  });

  it("counts nodes that are NotReady or cordoned by anybody against the ring that they are in", () => {
    const nodes = [node("n0", { ready: false }), node("n1", { unschedulable: true }), ...many(6).slice(2)];

    const { admitted, refused } = admit([], nodes.slice(2).map(request), capacity(nodes, OPEN, { one: { nodes: 3 } }));

    expect(admitted).toHaveLength(1);
    expect(refused.get("n3")).toMatchObject({ reason: "RingBudgetExhausted" });
  });

  it("a claim on a node that is gone still counts", () => {
    const { admitted } = admit([held(node("gone"))], many(4).map(request), capacity(many(4), { ...OPEN, nodes: 1 }));

    expect(admitted).toEqual([]);
  });

  it("limits bind all rings; a ring's budget only tightens them", () => {
    const nodes = [...many(4), ...many(4).map((one) => ({ ...one, uid: `two-${one.uid}`, ring: "two" }))];

    const wide = admit(
      [],
      nodes.map(request),
      capacity(nodes, { ...OPEN, nodes: 2 }, { one: { nodes: 100 }, two: { nodes: 100 } }),
    );

    expect(wide.admitted).toHaveLength(2);
    expect(new Set([...wide.refused.values()].map((block) => block.reason))).toEqual(new Set(["LimitReached"]));
  });

  it("zones have a limit of their own, across rings and within one", () => {
    const nodes = [...many(4), ...many(4, { zone: "b" }).map((one) => ({ ...one, uid: `b-${one.uid}`, ring: "two" }))];

    const { admitted } = admit([], nodes.map(request), capacity(nodes, { ...OPEN, nodesPerZone: 1 }));
    const tight = admit(
      [],
      nodes.map(request),
      capacity(nodes, OPEN, { one: { nodesPerZone: 2 }, two: { nodesPerZone: "25%" } }),
    );

    expect(admitted.map((one) => one.zone)).toEqual(["a", "b"]);
    expect(tight.admitted.map((one) => one.ring)).toEqual(["one", "one", "two"]);
  });

  it("control-plane nodes go one at a time, and not while another one is down", () => {
    const nodes = many(3, { controlPlane: true });
    const oneDown = nodes.map((one, index) => (index === 2 ? { ...one, ready: false } : one));

    expect(admit([], nodes.map(request), capacity(nodes, OPEN)).admitted).toHaveLength(1);
    expect(admit([], oneDown.slice(0, 2).map(request), capacity(oneDown, OPEN)).refused.get("n0")?.reason).toBe(
      "ControlPlaneBusy",
    );
  });

  it("a node that something would meet keeps no place, and shuts no lane", () => {
    const nodes = many(4);
    const queue = {
      requests: nodes.map((one) => ({ request: request(one), lane: "one/a/false" })),
      lanes: ["one/a/false"],
    };
    const block = { reason: "PDBBlocked" as const, message: "m" };

    const { admitted, shut, obstacles } = finish(
      admitQueue([], [[queue]], capacity(nodes, { ...OPEN, nodes: 2 }), ({ uid }) =>
        uid === "n0" ? block : undefined,
      ),
    );

    expect(admitted.map(({ uid }) => uid)).toEqual(["n1", "n2"]);
    expect([...obstacles]).toEqual([["n0", block]]);
    expect([...shut.keys()]).toEqual(["one/a/false"]);
  });

  it("holds at most 500 claims, then LedgerFull", () => {
    const nodes = many(520);

    const { admitted, refused } = admit([], nodes.map(request), capacity(nodes, OPEN));

    expect(admitted).toHaveLength(500);
    expect(refused.get("n519")?.reason).toBe("LedgerFull");
  });

  it("workloads have limits of their own", () => {
    const requests = Array.from({ length: 5 }, (_, index) => ({
      ...request(node(`w${index}`)),
      kind: "Deployment",
      namespace: "shop",
    }));

    const { admitted, refused } = admit([], requests, capacity(many(1), { ...OPEN, workloads: 2 }));
    const ringBound = admit([], requests, capacity(many(1), OPEN));

    expect(admitted).toHaveLength(2);
    expect(refused.get("w2")?.reason).toBe("LimitReached");
    expect(ringBound.admitted).toHaveLength(3);
  });

  const arbitraryNode = fc.record({
    zone: fc.constantFrom("a", "b", "c"),
    ring: fc.constantFrom("one", "two"),
    ready: fc.boolean(),
    unschedulable: fc.boolean(),
    controlPlane: fc.boolean(),
    held: fc.boolean(),
    order: fc.nat(),
  });
  const arbitraryLimit = fc.oneof(
    fc.nat({ max: 6 }),
    fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
  );

  it("claims no target while an earlier one of its name is claimed, and takes the next one for it (B8)", () => {
    const nodes = [node("old"), node("new"), node("other")];
    const earlier = { ...held(node("old")), name: "n" };
    const requests = [{ ...request(node("new")), name: "n" }, request(node("other"))];
    const room = capacity(nodes, { nodes: 3, workloads: 3, nodesPerZone: 3, controlPlane: 1 });

    expect(admit([earlier], requests, room).admitted.map(({ uid }) => uid)).toEqual(["other"]);
    const queue = { requests: requests.map((one) => ({ request: one, lane: "one" })), lanes: ["one"] };
    expect(finish(admitQueue([earlier], [[queue]], room)).obstacles.get("new")).toMatchObject({
      reason: "TargetVanished",
    });
  });

  it("B1, B2: no order of requests on any cluster leads to a claim beyond a limit, and no target is claimed twice (B8)", () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryNode, { minLength: 1, maxLength: 24 }),
        fc.record({ nodes: arbitraryLimit, nodesPerZone: arbitraryLimit }),
        fc.record({ nodes: arbitraryLimit, nodesPerZone: arbitraryLimit }),
        (drawn, limits, budget) => {
          const nodes = drawn.map((one, index) => ({ ...one, uid: `n${index}` }));
          const holding = nodes.filter((one) => one.held).map(held);
          const room = capacity(nodes, limits, { one: budget });
          const asked = [...nodes].sort((a, b) => a.order - b.order).map(request);

          const { admitted, refused } = admit(holding, [...asked, ...asked], room);

          const taken = new Set([...holding, ...admitted].map((claim) => claim.uid));
          expect(taken.size).toBe(holding.length + admitted.length);
          expect(taken.size + refused.size).toBe(nodes.length);
          const before = nodes.filter((one) => one.held || isUnavailable(one));
          const after = nodes.filter((one) => taken.has(one.uid) || isUnavailable(one));
          const check = (limit: number, pick: (one: SmallNode) => boolean): void => {
            // Who is down already may be over a limit; claims never add to that.
            if (admitted.some((claim) => pick(nodes.find((one) => one.uid === claim.uid) as SmallNode)))
              expect(after.filter(pick).length).toBeLessThanOrEqual(limit);
            else expect(after.filter(pick).length).toBe(before.filter(pick).length);
          };
          check(limitOf(limits.nodes, nodes.length, 0), () => true);
          for (const zone of ["a", "b", "c"]) {
            const mine = (one: SmallNode): boolean => one.zone === zone;
            check(limitOf(limits.nodesPerZone, nodes.filter(mine).length, 0), mine);
            const ringZone = (one: SmallNode): boolean => mine(one) && one.ring === "one";
            check(limitOf(budget.nodesPerZone, nodes.filter(ringZone).length, 0), ringZone);
          }
          check(
            limitOf(budget.nodes, nodes.filter((one) => one.ring === "one").length, 0),
            (one) => one.ring === "one",
          );
          check(1, (one) => one.controlPlane);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("R6: the order of nodes and of held claims never matters", () => {
    fc.assert(
      fc.property(fc.array(arbitraryNode, { minLength: 1, maxLength: 20 }), arbitraryLimit, (drawn, limit) => {
        const nodes = drawn.map((one, index) => ({ ...one, uid: `n${index}` }));
        const shuffled = [...nodes].sort((a, b) => a.order - b.order);
        const limits = { nodes: limit, nodesPerZone: "50%" };
        const asked = nodes.map(request);

        const left = admit(nodes.filter((one) => one.held).map(held), asked, capacity(nodes, limits));
        const right = admit(shuffled.filter((one) => one.held).map(held), asked, capacity(shuffled, limits));

        expect(right).toEqual(left);
      }),
      { numRuns: 100 },
    );
  });
});
