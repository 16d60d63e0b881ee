// A second rollout, small, in which people and machines get in the way: an update that fails and is tried again, a node that a person
// uncordons in mid-drain, a ring that is suspended, limits that are lowered, a node that falls back after it was verified.
import { NODE_PATCH_STATES } from "../../controller/kube/resources.ts";
import { at, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { cordon, fleetOf, type NodeRow, policyOf, ringFile, WEB } from "./scenario.ts";
import type { Deed, Scenario } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { DISRUPTION_LEDGERS, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";

const NODES: readonly NodeRow[] = [
  ["rocky-1", "rocky", "canary", "zone-a"],
  ["flatcar-1", "flatcar", "canary", "zone-b"],
  ["rocky-2", "rocky", "early", "zone-b"],
  ["flatcar-2", "flatcar", "early", "zone-a"],
];

/** An object as it is stored now. */
function look(stage: Stage, table: string, name: string): unknown {
  return stage.cluster.server.store.snapshot().tables.get(table)?.objects.get(name);
}

function operationOf(stage: Stage, node: string): unknown {
  return at(look(stage, "nodepatchstates.ringward.dev", node), "status", "operation");
}

function claimsIn(stage: Stage, ring?: string): number {
  const claims = at(look(stage, "disruptionledgers.ringward.dev", "cluster"), "status", "claims");
  return Array.isArray(claims)
    ? claims.filter((claim) => ring === undefined || textAt(claim, "ring") === ring).length
    : 0;
}

function isSuspended(stage: Stage): boolean {
  return at(look(stage, "rolloutrings.ringward.dev", "early"), "spec", "suspend") === true;
}

async function suspend(stage: Stage, on: boolean): Promise<void> {
  await stage.admin.patch(ROLLOUT_RINGS, { name: "early" }, { type: "merge", body: { spec: { suspend: on } } });
}

async function limit(stage: Stage, nodes: number): Promise<void> {
  await stage.admin.patch(
    DISRUPTION_LEDGERS,
    { name: "cluster" },
    { type: "merge", body: { spec: { limits: { nodes } } } },
  );
}

const DEEDS: readonly Deed[] = [
  {
    name: "rocky-1 is repaired, and a person asks for another attempt",
    isDue: (stage) => at(operationOf(stage, "rocky-1"), "failure") !== undefined,
    async act(stage) {
      stage.cluster.machines.repair("rocky-1");
      const retryTime = new Date(stage.clock.now() + 1).toISOString();
      const body = [
        {
          op: "test" as const,
          path: "/status/operation/claimId",
          value: textAt(operationOf(stage, "rocky-1"), "claimId"),
        },
        { op: "add" as const, path: "/status/operation/retryTime", value: retryTime },
      ];
      await stage.admin.patch(
        NODE_PATCH_STATES,
        { name: "rocky-1" },
        { type: "json", body },
        { subresource: "status" },
      );
    },
  },
  {
    name: "limits are lowered while claims are held",
    isDue: (stage) => claimsIn(stage) > 0,
    act: (stage) => limit(stage, 1),
  },
  {
    name: "limits are raised again",
    isDue: (stage) => textAt(operationOf(stage, "rocky-1"), "step") === "Rebooted",
    act: (stage) => limit(stage, 2),
  },
  {
    name: "a person uncordons flatcar-2 in mid-drain",
    isDue: (stage) => ["Cordoned", "Drained"].includes(textAt(operationOf(stage, "flatcar-2"), "step") ?? ""),
    act: (stage) => cordon(stage, "flatcar-2", false),
  },
  {
    name: "a person uncordons rocky-2 just after our cordon, before it is written down",
    isDue: (stage) =>
      at(look(stage, "nodes", "rocky-2"), "spec", "unschedulable") === true &&
      ["Claimed", "Staged"].includes(textAt(operationOf(stage, "rocky-2"), "step") ?? ""),
    act: (stage) => cordon(stage, "rocky-2", false),
  },
  {
    name: "ring early is suspended",
    isDue: (stage) => claimsIn(stage, "early") > 0,
    act: (stage) => suspend(stage, true),
  },
  {
    name: "ring early goes on",
    isDue: (stage) => isSuspended(stage) && claimsIn(stage, "early") === 0,
    act: (stage) => suspend(stage, false),
  },
  {
    name: "flatcar-1 boots its old kubelet after it was verified and soaked",
    isDue: (stage) => textAt(look(stage, "rolloutrings.ringward.dev", "canary"), "status", "phase") === "Done",
    act(stage) {
      const machine = stage.cluster.machines.get("flatcar-1");
      if (machine !== undefined) stage.cluster.machines.put({ ...machine, kubelet: "1.31.0" });
    },
  },
];

export const PEOPLE: Scenario = {
  fleet: () => fleetOf(NODES, [WEB]),
  policy: () =>
    policyOf({
      "rings/canary.yaml": ringFile("canary", { budget: "{ nodes: 2, workloads: 1 }", promotion: "Automatic" }),
      "rings/early.yaml": ringFile("early", { after: "canary", budget: "{ nodes: 2, workloads: 1 }" }),
    }),
  limits: { nodes: 2, workloads: 2, nodesPerZone: 2 },
  prepare(stage) {
    stage.cluster.machines.failUpdate("rocky-1");
    return Promise.resolve();
  },
  deeds: DEEDS,
  last: { ring: "early", levels: 4 },
};
