// What is remembered of the forecast of a drain: as long as nothing that it depends on changed, and no longer. That it is right is a
// property test of the planner.
import { describe, expect, it } from "vitest";
import type { PdbAsset, PodAsset } from "../../../controller/core/model.ts";
import { createMemory, turnPage } from "../../../controller/core/incremental/memory.ts";
import { indexBudgets } from "../../../controller/core/operations/budgets.ts";
import { foreseeDrain } from "../../../controller/core/rollout/foresee-drain.ts";
import type { ClaimRequest } from "../../../controller/core/rollout/claim-request.ts";
import type { Context } from "../../../controller/core/rollout/prepare.ts";
import { kernelLevel, nodeAsset } from "../../support/fleet.ts";

const NODE = nodeAsset("a");
const REQUEST = { uid: NODE.uid, ring: "one", baseline: "ubuntu-2204" } as ClaimRequest;

function pod(namespace: string): PodAsset {
  return {
    ...{
      namespace,
      name: "web",
      uid: `web-${namespace}`,
      nodeName: "a",
      labels: {},
      phase: "Running",
      deleting: false,
    },
    ...{ ready: true, mirror: false, emptyDir: false, priority: 0, job: false },
    controller: { kind: "ReplicaSet", name: "web", uid: "web" },
  };
}

function budget(namespace: string): PdbAsset {
  return {
    ...{ namespace, name: "all", selector: {}, disruptionsAllowed: 0 },
    ...{ currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 },
  };
}

/** A cluster of one node that has its turn; only what the forecast looks at. */
function createCluster() {
  const memory = createMemory();
  const pods = [pod("shop")];
  const pdbs = [budget("shop"), budget("search")];
  let budgets = indexBudgets(pdbs);
  return {
    pods,
    pdbs,
    foresee() {
      turnPage(memory);
      budgets = indexBudgets(pdbs, budgets);
      return foreseeDrain(REQUEST, {
        memory,
        budgets,
        survey: { byUid: new Map([[NODE.uid, { asset: NODE }]]) },
        entries: new Map([["one", { approvals: new Map([["ubuntu-2204", { level: kernelLevel(110) }]]) }]]),
        ringOf: new Map(),
        input: { inventory: { volumes: undefined } },
        pods: { of: new Map([["a", pods]]) },
      } as unknown as Context);
    },
  };
}

describe("a drain that is foreseen", () => {
  it("is the very same block while nothing changed that it is about", () => {
    const cluster = createCluster();
    const block = cluster.foresee();
    expect(block?.message).toContain("PodDisruptionBudget all allows no disruption");

    expect(cluster.foresee()).toBe(block);
    cluster.pdbs[1] = { ...budget("search"), disruptionsAllowed: 1 };
    expect(cluster.foresee()).toBe(block);
  });

  it("is foreseen anew when a budget of its pods' namespaces changed", () => {
    const cluster = createCluster();
    cluster.foresee();

    cluster.pdbs[0] = { ...budget("shop"), disruptionsAllowed: 1, currentHealthy: 3 };

    expect(cluster.foresee()).toBeUndefined();
  });
});
