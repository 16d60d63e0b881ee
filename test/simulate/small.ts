// The rollout of simulated runs: two rings of two nodes, one workload, one baseline of nodes and one of images. Small, so that thousands of runs
// are made; whole, so that everything the product does to a target happens in it.
import { fleetOf, type NodeRow, policyOf, ringFile, WEB } from "../sweep/scenario.ts";
import type { Scenario } from "../sweep/stage.ts";

const NODES: readonly NodeRow[] = [
  ["ubuntu-1", "ubuntu", "canary", "zone-a"],
  ["ubuntu-2", "ubuntu", "canary", "zone-b"],
  ["ubuntu-3", "ubuntu", "early", "zone-a"],
  ["ubuntu-4", "ubuntu", "early", "zone-b"],
];

const FOREIGN = /^(?:baselines\/(?!ubuntu|shared)|recipes\/(?!apt))/;
const BASELINES = /\n {2}levels:[^]*$/;

/** Rings approve both baselines; neither rocky nor flatcar is there. */
function ring(name: "canary" | "early", options: Parameters<typeof ringFile>[1]): string {
  return ringFile(name, options).replace(
    BASELINES,
    "\n  levels:\n    - baseline: shared-images\n    - baseline: ubuntu-2204\n",
  );
}

export const SMALL: Scenario = {
  fleet: () => fleetOf(NODES, [WEB]),
  async policy() {
    const files = await policyOf({
      "rings/canary.yaml": ring("canary", { budget: "{ nodes: 1, workloads: 1 }", promotion: "Automatic" }),
      "rings/early.yaml": ring("early", { after: "canary", budget: "{ nodes: 1, workloads: 1 }" }),
    });
    return Object.fromEntries(Object.entries(files).filter(([path]) => !FOREIGN.test(path)));
  },
  limits: { nodes: 2, workloads: 1, nodesPerZone: 1 },
  prepare: () => Promise.resolve(),
  deeds: [],
  last: { ring: "early", levels: 2 },
};
