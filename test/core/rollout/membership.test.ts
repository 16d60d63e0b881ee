// Who belongs to which ring, and in which order rings stand (B8, R5).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LabelSelector } from "../../../controller/api/schema.ts";
import { assignMembers, cohortOf } from "../../../controller/core/rollout/membership.ts";
import { cyclesIn, predecessorsOf, sortRings, successorsOf } from "../../../controller/core/rollout/ring-order.ts";
import { nodeAsset, ring, workloadAsset } from "../../support/fleet.ts";

const selecting = (name: string, selector: LabelSelector, percent?: number, after: readonly string[] = []) =>
  ring(name, { after: [...after], members: { nodes: { selector, ...(percent === undefined ? {} : { percent }) } } });
const blue = { matchLabels: { pool: "blue" } };

describe("membership", () => {
  it("an asset in two rings is a conflict, never 'first wins', and a member of neither", () => {
    const node = nodeAsset("n", { labels: { pool: "blue", ring: "a" } });

    const members = assignMembers([ring("a"), selecting("b", blue)], [node], []);

    expect(members.of.get(node.uid)).toEqual({ kind: "Conflict", rings: ["a", "b"] });
    expect([...members.nodes.values()].flat()).toEqual([]);
  });

  it("in no ring it is Unassigned", () => {
    expect(assignMembers([ring("a")], [nodeAsset("n")], []).of.get("uid-n")).toEqual({ kind: "Unassigned" });
  });

  it("workloads have selectors of their own", () => {
    const members = assignMembers([ring("a")], [], [workloadAsset("cart", "1.0", { labels: { ring: "a" } })]);

    expect(members.workloads.get("a")?.map((one) => one.name)).toEqual(["cart"]);
  });

  it("control-plane nodes are members only if a selector names their role label", () => {
    const role = "node-role.kubernetes.io/control-plane";
    const node = nodeAsset("cp", { controlPlane: true, labels: { pool: "blue", [role]: "" } });
    const naming = { ...blue, matchExpressions: [{ key: role, operator: "Exists" as const }] };

    expect(assignMembers([selecting("a", blue)], [node], []).of.get("uid-cp")?.kind).toBe("Unassigned");
    expect(assignMembers([selecting("a", { matchLabels: {} })], [node], []).of.get("uid-cp")?.kind).toBe("Unassigned");
    expect(assignMembers([selecting("a", naming)], [node], []).of.get("uid-cp")).toEqual({ kind: "Ring", ring: "a" });
  });

  it("percent cohorts of one selector are disjoint, cover all at 100, and follow the ring order", () => {
    const nodes = Array.from({ length: 400 }, (_, index) => nodeAsset(`n${index}`, { labels: { pool: "blue" } }));
    const rings = [selecting("wide", blue, 90, ["canary"]), selecting("canary", blue, 10)];

    const members = assignMembers(rings, nodes, []);

    expect([...members.of.values()].every((membership) => membership.kind === "Ring")).toBe(true);
    expect(
      members.nodes
        .get("canary")
        ?.map((node) => node.uid)
        .sort(),
    ).toEqual(
      nodes
        .filter((node) => cohortOf(node.uid) < 10)
        .map((node) => node.uid)
        .sort(),
    );
  });

  it("cohorts are stable: other nodes coming and going move nobody", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 40 }), fc.nat(), (uids, cut) => {
        const rings = [selecting("canary", blue, 20), selecting("wide", blue, 80, ["canary"])];
        const nodes = uids.map((uid) => nodeAsset(uid, { uid, labels: { pool: "blue" } }));
        const fewer = nodes.slice(cut % nodes.length);

        const all = assignMembers(rings, nodes, []);
        const some = assignMembers(rings, fewer, []);

        for (const node of fewer) expect(some.of.get(node.uid)).toEqual(all.of.get(node.uid));
      }),
    );
  });

  it("a selector that says the same in another order is the same selector", () => {
    const left = {
      matchLabels: { pool: "blue", tier: "x" },
      matchExpressions: [{ key: "z", operator: "NotIn" as const, values: ["1", "2"] }],
    };
    const right = {
      matchLabels: { tier: "x", pool: "blue" },
      matchExpressions: [{ key: "z", operator: "NotIn" as const, values: ["2", "1"] }],
    };
    const nodes = Array.from({ length: 50 }, (_, index) =>
      nodeAsset(`n${index}`, { labels: { pool: "blue", tier: "x" } }),
    );

    const members = assignMembers([selecting("a", left, 50), selecting("b", right, 50)], nodes, []);

    expect([...members.of.values()].some((membership) => membership.kind === "Conflict")).toBe(false);
  });

  it("percent over 100 in sum gives the last ring only what is left", () => {
    const nodes = Array.from({ length: 60 }, (_, index) => nodeAsset(`n${index}`, { labels: { pool: "blue" } }));

    const members = assignMembers([selecting("a", blue, 70), selecting("b", blue, 70)], nodes, []);

    expect((members.nodes.get("a")?.length ?? 0) + (members.nodes.get("b")?.length ?? 0)).toBe(60);
  });
});

describe("ring order", () => {
  const names = ["a", "b", "c", "d", "e"];
  const graph = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names, "missing")), { maxLength: 12 });
  const build = (edges: readonly (readonly [string, string])[]) =>
    names.map((name) =>
      ring(name, { after: [...new Set(edges.filter(([from]) => from === name).map(([, to]) => to))] }),
    );

  it("each ring stands behind all it comes after; rings on a cycle come last and are named", () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const rings = build(edges);
        const sorted = sortRings(rings).map((one) => one.name);

        expect([...sorted].sort()).toEqual(names);
        for (const one of rings) {
          const free = ![one.name, ...predecessorsOf(one.name, rings)].some((name) => {
            const other = rings.find((candidate) => candidate.name === name);
            return other !== undefined && cyclesIn(other, rings).length > 0;
          });
          if (!free) continue;
          for (const before of one.spec.after ?? [])
            if (names.includes(before)) expect(sorted.indexOf(before)).toBeLessThan(sorted.indexOf(one.name));
        }
      }),
    );
  });

  it("the order of the list never matters", () => {
    fc.assert(
      fc.property(graph, fc.nat(), (edges, turn) => {
        const rings = build(edges);
        const turned = [...rings.slice(turn % 5), ...rings.slice(0, turn % 5)].reverse();

        expect(sortRings(turned).map((one) => one.name)).toEqual(sortRings(rings).map((one) => one.name));
      }),
    );
  });

  it("a cycle is a missing first ring", () => {
    const rings = [ring("a", { after: ["b"] }), ring("b", { after: ["a"] }), ring("c", { after: ["b"] })];

    expect(cyclesIn(rings[0] as (typeof rings)[0], rings)[0]).toMatchObject({
      reason: "ReferenceMissing",
      message: expect.stringContaining("a, b"),
    });
    expect(cyclesIn(rings[2] as (typeof rings)[0], rings)).toEqual([]);
    expect([...successorsOf("a", rings)].sort()).toEqual(["b", "c"]);
  });
});
