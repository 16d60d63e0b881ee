// Rehearsals on small fleets of a test's own: what stands in the way is named, nothing depends on the order of lists, and what is large
// stays bounded.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PdbAsset, PodAsset, PolicyInForce } from "../../../controller/core/model.ts";
import { rehearsalData, rehearse, type Rehearsal, renderRehearsal } from "../../../controller/core/rehearsal/index.ts";
import type { PinnedCluster } from "../../../controller/core/rehearsal/scene.ts";
import { escapeCode, escapeMarkdown } from "../../../controller/forge/text.ts";
import { DAY, entry, HOUR, kernelLevel, nodeAsset, nodeBaseline, policy, ring, START } from "../../support/fleet.ts";

const level = kernelLevel(110);
const ESCAPE = { text: escapeMarkdown, code: escapeCode };

/** Canary and wide, each with two nodes that are behind; canary is approved. */
function scene(
  rings = [ring("canary", { levels: [entry(level)] }), ring("wide", { after: ["canary"] })],
): PolicyInForce {
  return policy({ rings, levels: [level], baselines: [nodeBaseline()] });
}

function cluster(rest: Partial<PinnedCluster["inventory"]> = {}): PinnedCluster {
  const nodes = ["canary", "wide"].flatMap((name) =>
    [1, 2].map((number) => nodeAsset(`${name}-${number}`, { labels: { ring: name } })),
  );
  return {
    now: START,
    inventory: { nodes, workloads: [], pods: [], pdbs: [], apiServerVersion: "v1.35.1", ...rest },
    stored: { nodes: new Map(), workloads: new Map() },
    ledger: {
      spec: { mode: "Enforce", limits: { nodes: "100%", nodesPerZone: "100%" } },
      claims: [],
      rebuilding: false,
    },
  };
}

function filesOf(inForce: PolicyInForce) {
  const kinds = { RolloutRing: inForce.rings, PatchBaseline: inForce.baselines, PatchLevel: inForce.levels };
  const objects = Object.entries(kinds).flatMap(([kind, list]) => list.map(({ name, spec }) => ({ kind, name, spec })));
  return { inForce, files: { objects, broken: new Set<string>() } };
}

function run(base: PolicyInForce, head: PolicyInForce, pinned = cluster(), horizon = 90 * DAY): Rehearsal {
  return rehearse({ base: filesOf(base), head: filesOf(head), cluster: pinned, horizon });
}

const render = (rehearsal: Rehearsal): string =>
  renderRehearsal({ rehearsal, findings: [], notes: [], escape: ESCAPE });

const approved = scene([
  ring("canary", { levels: [entry(level)] }),
  ring("wide", { after: ["canary"], levels: [entry(level)] }),
]);

function pod(name: string, nodeName: string): PodAsset {
  return {
    namespace: "shop",
    name,
    uid: `uid-${name}`,
    nodeName,
    labels: { app: "web" },
    phase: "Running",
    deleting: false,
    ready: true,
    controller: { kind: "ReplicaSet", name: "web-1", uid: "uid-web-1" },
    mirror: false,
    emptyDir: false,
    priority: 0,
    job: false,
  };
}

describe("a rehearsal", () => {
  it("runs an approval through budget, soak and the rings behind", () => {
    const { head, newStops, rings } = run(scene(), approved);

    expect(
      head.stages.map(({ ring: name, startsAt, completeAt, soakedAt, updated, rebooted }) => [
        name,
        startsAt,
        completeAt,
        soakedAt,
        updated,
        rebooted,
      ]),
    ).toEqual([
      // One at a time, 15 minutes each, then an hour's soak.
      ["canary", START, START + HOUR / 2, START + 1.5 * HOUR, 2, 2],
      ["wide", START + 1.5 * HOUR, START + 2 * HOUR, START + 3 * HOUR, 2, 2],
    ]);
    expect(newStops).toEqual([]);
    expect(rings.map((effect) => [effect.ring, effect.approvals.map(({ kind, revert }) => [kind, revert])])).toEqual([
      ["wide", [["Approved", "Stays"]]],
    ]);
  });

  it("stops at a drain that a budget refuses, and names the budget and the node", () => {
    const pdbs: PdbAsset[] = [
      {
        namespace: "shop",
        name: "web",
        selector: { matchLabels: { app: "web" } },
        disruptionsAllowed: 0,
        currentHealthy: 1,
        desiredHealthy: 1,
        expectedPods: 1,
      },
    ];
    const pinned = cluster({ pods: [pod("web-1", "wide-1")], pdbs });
    const rehearsal = run(scene(), approved, pinned);

    expect(rehearsal.oldStops.map(({ ring: name, reason, names }) => [name, reason, names])).toContainEqual([
      "wide",
      "PDBNeverAllows",
      ["Node wide-1"],
    ]);
    expect(rehearsal.head.stages.find((stage) => stage.ring === "wide")).toMatchObject({ done: 1, updated: 1 });
    expect(rehearsal.risks).toMatchObject({
      refusals: [{ node: "wide-1", reason: "PDBNeverAllows" }],
      singles: ["ReplicaSet shop/web-1"],
    });
    expect(render(rehearsal)).toContain("Node `wide-1` could not be drained now: `PDBNeverAllows`");
  });

  it("goes on past a soak that a shut gate holds still, and says that it stands there", () => {
    const gates = [{ name: "nodes", type: "NodesReady" as const, minPercent: 100 }];
    const shut = scene([ring("canary", { levels: [entry(level)], gates }), ring("wide", { after: ["canary"] })]);
    const inventory = cluster().inventory;
    const down = [
      ...inventory.nodes,
      nodeAsset("canary-3", { labels: { ring: "canary" }, ready: false, kernelVersion: "5.15.0-110-generic" }),
    ];
    const { newStops, head } = run(scene(), shut, cluster({ nodes: down }));

    expect(head.end).toBe("Settled");
    expect(newStops.map(({ reason }) => reason)).toContain("GateShut");
  });

  it("says where it stopped looking", () => {
    const slow = scene([ring("canary", { levels: [entry(level)], soak: "60d" }), ring("wide", { after: ["canary"] })]);
    const rehearsal = run(scene(), slow, cluster(), 30 * DAY);

    expect(rehearsal.head.end).toBe("Horizon");
    expect(render(rehearsal)).toContain("Looked ahead 30 days, until 2026-04-01 08:00 UTC");
  });

  it("takes gates that ask elsewhere to hold, and says which", () => {
    const gates = [
      { name: "errors", type: "PromQL" as const, promQL: { query: "up", operator: "AtLeast" as const, threshold: 1 } },
    ];
    const asking = scene([ring("canary", { levels: [entry(level)], gates }), ring("wide", { after: ["canary"] })]);
    const rehearsal = run(scene(), asking);

    expect(rehearsal.head.stages.every(({ soakedAt }) => soakedAt !== undefined)).toBe(true);
    expect(render(rehearsal)).toContain("gates that ask elsewhere hold (`canary/errors`)");
  });

  it("says that nothing changes between a policy and itself, whatever the policy", () => {
    const settings = fc.record({
      soak: fc.constantFrom("0s", "1h", "24h"),
      budget: fc.integer({ min: 0, max: 3 }),
      suspend: fc.boolean(),
      named: fc.boolean(),
    });
    const policies = fc.tuple(settings, settings).map(([first, second]) =>
      scene([
        ring("canary", {
          soak: first.soak,
          budget: { nodes: first.budget },
          suspend: first.suspend,
          levels: first.named ? [entry(level)] : [],
        }),
        ring("wide", {
          after: ["canary"],
          soak: second.soak,
          budget: { nodes: second.budget },
          levels: second.named ? [entry(level)] : [],
        }),
      ]),
    );
    fc.assert(
      fc.property(policies, (one) => {
        const rehearsal = run(one, one);
        expect(rehearsal).toMatchObject({ same: true, objects: [], rings: [], newStops: [] });
        expect(render(rehearsal)).toContain("Merging this changes nothing");
      }),
      { numRuns: 30 },
    );
  });

  it("is the same in whatever order the cluster and the policy are listed", () => {
    const pinned = cluster({ pods: [pod("web-1", "wide-1"), pod("web-2", "wide-2")] });
    const reversed: PinnedCluster = {
      ...pinned,
      inventory: {
        ...pinned.inventory,
        nodes: pinned.inventory.nodes.toReversed(),
        pods: pinned.inventory.pods.toReversed(),
      },
    };
    const turned = { ...approved, rings: approved.rings.toReversed() };
    const [first, second] = [run(scene(), approved, pinned), run(scene(), turned, reversed)];

    expect(render(second)).toBe(render(first));
    expect(JSON.stringify(rehearsalData(second, [], []))).toBe(JSON.stringify(rehearsalData(first, [], [])));
  });

  it("fits a forge's comment with a hundred rings of fifty nodes each, whole lines only, the verdict first", () => {
    const names = Array.from({ length: 100 }, (_, index) => `ring-${String(index).padStart(3, "0")}-${"x".repeat(40)}`);
    const rings = (budget: number) =>
      names.map((name, index) =>
        ring(name, {
          after: index === 0 ? [] : [names[0] ?? ""],
          budget: { nodes: budget },
          soak: "1h",
          levels: index < 4 ? [entry(level)] : [],
        }),
      );
    const nodes = names.flatMap((name) =>
      Array.from({ length: 50 }, (_, index) => nodeAsset(`${name}-${index}`, { labels: { ring: name } })),
    );
    const after = scene(rings(50)).rings.map((one) => ({
      ...one,
      spec: { ...one.spec, members: { nodes: { selector: { matchLabels: { ring: one.name } }, percent: 90 } } },
    }));
    const rehearsal = run(scene(rings(25)), { ...scene(), rings: after }, cluster({ nodes }), HOUR);
    const findings = Array.from({ length: 500 }, (_, index) => ({
      severity: "warning" as const,
      place: `rings/${index}.yaml:1:1`,
      message: "w".repeat(300),
      isNew: true,
    }));
    const text = renderRehearsal({ rehearsal, findings, notes: [], escape: ESCAPE });

    expect(text.length).toBeLessThanOrEqual(60_000);
    expect(text).toMatch(/^### /);
    expect(text).toContain("more findings");
    for (const line of text.split("\n").filter((one) => one.startsWith("|"))) expect(line).toMatch(/\|$/);
  }, 120_000);
});
