// People work on the same nodes and objects as the controller: they cordon, uncordon, delete and recreate nodes, and edit what only Git
// may say. The controller gives way, keeps their cordons, and goes on when they are done.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../controller/api/patch-state.ts";
import type { RolloutRingSpec } from "../../controller/api/rollout-ring.ts";
import { ApiError, type KubeObject } from "../../controller/kube/port.ts";
import { NODES, type ObjectRef, PATCH_LEVELS, PODS, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import type { Facts } from "../../controller/sandbox/demo/facts.ts";
import { NODE_RING_LABEL } from "../../controller/sandbox/fleet/quickstart.ts";
import { rolloutPolicy, smallFleet } from "./support/policy.ts";
import { playRollout } from "./support/rollout.ts";
import { type Scene, startScene } from "./support/scene.ts";

/** Each ring has an entry for each, approved or not. */
const BASELINES = 4;

function levelsOf(facts: Facts, ring: string): NonNullable<RolloutRingSpec["levels"]> {
  const live = facts.objects.rings.find(({ metadata }) => metadata.name === ring);
  return (live?.spec as RolloutRingSpec | undefined)?.levels ?? [];
}

describe("people beside the controller", () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await startScene({
      fleet: smallFleet(),
      policy: rolloutPolicy({ soak: "2s", drainTimeout: "2m" }),
      limits: { nodes: 8, workloads: 8, nodesPerZone: 4 },
    });
  });

  afterAll(() => scene.stop());

  const cordon = (name: string, unschedulable: boolean): Promise<KubeObject> =>
    scene.client.patch(NODES, { name }, { type: "merge", body: { spec: { unschedulable: unschedulable || null } } });

  /** Deletes the Node and lets a new machine of that name, from an old image, join. */
  async function recreate(name: string): Promise<void> {
    const spec = scene.machines.specs().find((machine) => machine.name === name);
    const node = await scene.client.get(NODES, { name });
    if (spec === undefined || node === undefined) throw new Error(`there is no node ${name}`);
    await scene.client.delete(NODES, { name }, { uid: node.metadata.uid ?? "" });
    scene.machines.join(spec);
  }

  /** Nodes of a ring, in the order of their names. */
  function nodesOf(ring: string): readonly string[] {
    return scene.machines
      .specs()
      .filter(({ labels }) => labels[NODE_RING_LABEL] === ring)
      .map(({ name }) => name)
      .toSorted();
  }

  function stepOf(facts: Facts, name: string): string | undefined {
    const state = facts.objects.nodeStates.find(({ metadata }) => metadata.name === name);
    return (state?.status as NodePatchStateStatus | undefined)?.operation?.step;
  }

  it("a rollout ends as approved, whatever they do meanwhile", async () => {
    const did = new Set<string>();
    const once = async (what: string, now: boolean, act: () => Promise<unknown>): Promise<void> => {
      if (!now || did.has(what)) return;
      did.add(what);
      await act();
    };
    const [cordoned = "", recreated = ""] = nodesOf("broad");
    // Staging takes long there: a claim without a cordon, for whoever wants to delete its node.
    const [staging = ""] = nodesOf("early").filter((name) => name.startsWith("ubuntu"));
    scene.machines.slowStage(staging, 20_000);
    const held = await holdPod(new Set([cordoned, recreated, staging]));
    await cordon(cordoned, true);
    await scene.controller.start();
    await scene.setMode("Enforce");
    let heldBack = "";
    let putBack = false;

    const seconds = await playRollout(scene, {
      async step(facts) {
        // This look is later than the edit.
        putBack ||= did.has("edit a ring") && levelsOf(facts, "broad").length === BASELINES;
        const early = facts.claims.filter((claim) => claim.ring === "early");
        await once("recreate", early.length > 0, () => recreate(recreated));
        await once("delete in flight", stepOf(facts, staging) === "Staging", () => recreate(staging));
        await once("edit a ring", early.length > 0, () => approveByHand(facts));
        await once("edit a level", facts.objects.levels.length > 0, () => editLevel(facts));
        await once("uncordon", stepOf(facts, held.node) === "Cordoned", () => cordon(held.node, false));
        const left = did.has("uncordon") && facts.claims.every(({ name }) => name !== held.node);
        await once("let go", left, () => setFinalizers(held.pod, null));
        const others = facts.nodes.blocked.every(({ name }) => name === cordoned);
        if (others && did.has("let go")) {
          heldBack ||= facts.nodes.blocked.find(({ name }) => name === cordoned)?.reason ?? "";
          const node = await scene.client.get(NODES, { name: cordoned });
          await once("give back", heldBack !== "" && facts.claims.length === 0, async () => {
            expect(node?.spec).toMatchObject({ unschedulable: true });
            await cordon(cordoned, false);
          });
        }
      },
      over: () => did.size === 7,
    });
    const outcome = await scene.verdict();

    process.stdout.write(`people: ${seconds} s; ${[...did].join(", ")}\n`);
    expect(heldBack).toBe("CordonedByOther");
    expect(putBack).toBe(true);
    expect(outcome.violations).toEqual([]);
    expect(outcome.unexplained).toEqual([]);
  });

  const setFinalizers = (pod: ObjectRef, finalizers: readonly string[] | null): Promise<KubeObject> =>
    scene.client.patch(PODS, pod, { type: "merge", body: { metadata: { finalizers } } });

  /** A pod that does not go when it is evicted, on a node that is none of these: its drain lasts until the person lets go. */
  async function holdPod(others: ReadonlySet<string>): Promise<{ readonly node: string; readonly pod: ObjectRef }> {
    for (const { metadata, spec } of (await scene.client.list(PODS)).items) {
      const { nodeName: node = "" } = spec as { readonly nodeName?: string };
      const [owner] = metadata.ownerReferences ?? [];
      if (owner?.kind !== "ReplicaSet" || others.has(node)) continue;
      const pod = { namespace: metadata.namespace, name: metadata.name };
      await setFinalizers(pod, ["example.com/hold"]);
      return { node, pod };
    }
    throw new Error("no node has a pod that can be evicted");
  }

  /** What only a pull request may do: the controller puts it back and starts nothing by it. */
  async function approveByHand(facts: Facts): Promise<void> {
    const approved = levelsOf(facts, "canary").find(({ baseline }) => baseline === "ubuntu-2204");
    const body = { spec: { levels: [approved] } };
    await scene.client.patch(ROLLOUT_RINGS, { name: "broad" }, { type: "merge", body });
  }

  /** A level is what its digest says, for ever. */
  async function editLevel(facts: Facts): Promise<void> {
    const [level] = facts.objects.levels;
    const change = scene.client.patch(
      PATCH_LEVELS,
      { name: level?.metadata.name ?? "" },
      { type: "merge", body: { spec: { disruption: "None" } } },
    );
    await expect(change).rejects.toThrow(ApiError);
  }
});
