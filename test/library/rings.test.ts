// The library's patterns of rings on a fleet that is labelled as their pages say: every node is in the ring that was meant and in no other, and the order is the
// one that the page tells.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command as plan } from "../../controller/cli/plan.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { objectsOf } from "../../controller/policy/object.ts";
import { ROOT, run } from "../cli/plan-support.ts";
import { nodeObjects, type WorkloadRow, workloadObjects } from "./examples/objects.ts";
import { typeCommands } from "./support.ts";

const NOW = "2026-11-29T12:00:00Z";
const LABEL = "node-restriction.kubernetes.io";
const SYSTEM = { osImage: "Ubuntu 24.04.3 LTS", kernel: "6.8.0-86-generic", kubelet: "v1.34.2" };

interface Placed {
  /** Ring of each asset, or what stands in its place. */
  readonly rings: Readonly<Record<string, string>>;
  /** Rings with those that they come after. */
  readonly after: Readonly<Record<string, readonly string[]>>;
}

async function place(
  pattern: string,
  nodes: Readonly<Record<string, Readonly<Record<string, string>>>>,
  workloads: readonly WorkloadRow[] = [],
): Promise<Placed> {
  const made = await typeCommands(join(ROOT, "policies/rings", pattern, "README.md"), NOW);
  const policy = join(made.folder, "policy");
  const items = [
    ...Object.entries(nodes).flatMap(([name, labels]) => nodeObjects({ name, labels, zone: "zone-a", ...SYSTEM }, NOW)),
    ...workloads.flatMap(workloadObjects),
  ];
  const dump = join(made.folder, "cluster");
  mkdirSync(dump);
  writeFileSync(join(dump, "cluster.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const { out, err } = await run(plan, ["--policy", policy, "--cluster", dump, "--at", NOW, "-o", "json"]);
  if (out === "") throw new Error(err);
  const { assets } = JSON.parse(out) as {
    readonly assets: readonly {
      readonly name: string;
      readonly ring: string | null;
      readonly blockedBy: readonly { readonly reason: string }[];
    }[];
  };
  const conflict = assets.find(({ blockedBy }) => blockedBy.some(({ reason }) => reason.endsWith("Conflict")));
  if (conflict !== undefined) throw new Error(`${conflict.name} is in two rings`);
  const { objects } = loadPolicy({ files: readPolicyFolder(policy), validators: createValidators() });
  return {
    rings: Object.fromEntries(assets.map(({ name, ring }) => [name, ring ?? "none"])),
    after: Object.fromEntries(objectsOf(objects, "RolloutRing").map(({ name, spec }) => [name, spec.after ?? []])),
  };
}

describe("policies/rings", () => {
  it("canary-early-broad: by label; a node without one is in no ring", async () => {
    const { rings, after } = await place("canary-early-broad", {
      one: { [`${LABEL}/ring`]: "canary" },
      two: { [`${LABEL}/ring`]: "early" },
      three: { [`${LABEL}/ring`]: "broad" },
      four: {},
    });

    expect(rings).toEqual({ one: "canary", two: "early", three: "broad", four: "none" });
    expect(after).toEqual({ canary: [], early: ["canary"], broad: ["early"] });
  });

  it("by-share: every node of the pool is in one ring, in about these shares", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `node-${index}`);
    const { rings, after } = await place(
      "by-share",
      Object.fromEntries(names.map((name) => [name, { [`${LABEL}/pool`]: "workers" }])),
    );

    const sizes = new Map(
      ["share-05", "share-25", "share-70"].map((ring) => [ring, names.filter((name) => rings[name] === ring).length]),
    );
    expect([...sizes.values()].reduce((sum, size) => sum + size, 0)).toBe(200);
    for (const [ring, size] of sizes) expect(Math.abs(size - 2 * Number(ring.slice(-2))), ring).toBeLessThan(20);
    expect(after).toEqual({ "share-05": [], "share-25": ["share-05"], "share-70": ["share-25"] });
  });

  it("by-zone: workers of the zone, one zone after the other", async () => {
    const worker = (zone: string): Readonly<Record<string, string>> => ({
      [`${LABEL}/zone`]: zone,
      [`${LABEL}/pool`]: "workers",
    });
    const { rings, after } = await place("by-zone", {
      a: worker("zone-a"),
      b: worker("zone-b"),
      c: worker("zone-c"),
      other: { [`${LABEL}/zone`]: "zone-a" },
    });

    expect(rings).toEqual({ a: "zone-a", b: "zone-b", c: "zone-c", other: "none" });
    expect(after).toEqual({ "zone-a": [], "zone-b": ["zone-a"], "zone-c": ["zone-b"] });
  });

  it("by-pool: a control-plane node is in the last ring, also where it has a pool's label", async () => {
    const { rings, after } = await place("by-pool", {
      job: { [`${LABEL}/pool`]: "batch" },
      web: { [`${LABEL}/pool`]: "general" },
      cp: { "node-role.kubernetes.io/control-plane": "" },
      both: { "node-role.kubernetes.io/control-plane": "", [`${LABEL}/pool`]: "general" },
    });

    expect(rings).toEqual({ job: "batch", web: "general", cp: "control-plane", both: "control-plane" });
    expect(after).toEqual({ batch: [], general: ["batch"], "control-plane": ["general"] });
  });

  it("workloads-beside-nodes: a workload is in a ring by its own label, wherever it runs", async () => {
    const row = (name: string, stage: string): WorkloadRow => ({
      kind: "Deployment",
      namespace: "shop",
      name,
      labels: { "example.com/stage": stage },
      image: "registry.example.com/library/nginx:1.28.0",
      nodes: ["first"],
    });
    const { rings, after } = await place(
      "workloads-beside-nodes",
      { first: { [`${LABEL}/ring`]: "staging" }, second: { [`${LABEL}/ring`]: "production" } },
      [row("try", "staging"), row("shop", "production")],
    );

    expect(rings).toEqual({ first: "staging", second: "production", try: "staging", shop: "production" });
    expect(after).toEqual({ staging: [], production: ["staging"] });
  });
});
