// A plan depends on what it is given, and not on the order in which that comes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  claimOn,
  entry,
  imageBaseline,
  imageLevel,
  inventory,
  kernel,
  kernelLevel,
  ledger,
  nodeAsset,
  nodeBaseline,
  planInput,
  policy,
  ring,
  workloadAsset,
} from "../../support/fleet.ts";
import { LEVEL, soaked } from "./one-ring.ts";

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
