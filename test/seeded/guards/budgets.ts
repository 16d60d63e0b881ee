// Guards of budgets and limits: what a compare-and-set of the ledger may add (B1, B2, B8).
import { inFile, type Mutant } from "../mutant.ts";

export const BUDGETS: readonly Mutant[] = [
  ...inFile("controller/core/rollout/limits.ts", {
    "budget.one-name": {
      find: "names.has(nameOf(request)) ? describeEarlier(request) : foresee(request)",
      replace: "foresee(request)",
      says: "a new node is claimed while the claim of a vanished one of its name stands, whose failure is forgotten with its state",
    },
    "budget.ledger-full": {
      find: "if (claims >= MAX_CLAIMS)",
      replace: "if (claims > 1e9)",
      says: "the ledger takes more claims than its schema: its next write would be refused for ever",
    },
    "budget.ring-nodes": {
      find: "if (over(mine.down, request.uid, ringLimit))",
      replace: "if (ringLimit < 0)",
      says: "a ring's budget of nodes does not bind: all of it may go down together",
    },
    "budget.ring-zone": {
      find: "if (budget.nodesPerZone !== undefined) {",
      replace: "if (budget.nodesPerZone !== undefined && ringLimit < 0) {",
      says: "a ring's budget for each zone does not bind: its nodes of one zone go down together",
    },
    "budget.cluster-zone": {
      find: "if (over(place.down, request.uid, zoneLimit))",
      replace: "if (zoneLimit < 0)",
      says: "the cluster's limit for each zone does not bind: two rings empty one zone",
    },
    "budget.control-plane": {
      find: "if (request.controlPlane === true && over(",
      replace: "if (total < 0 && over(",
      says: "two control-plane nodes may be down together",
    },
    "budget.ring-workloads": {
      find: "if ((usage.ringWorkloads.get(request.ring) ?? 0) >= ringLimit)",
      replace: "if (ringLimit < 0)",
      says: "a ring's budget of workloads does not bind",
    },
    "budget.cluster-workloads": {
      find: "if (usage.workloads >= limit)",
      replace: "if (limit < 0)",
      says: "the cluster's limit of workloads does not bind",
    },
    "budget.down-nodes-count": {
      find: "  for (const [uid, { zone, ring, controlPlane }] of down) countNode(usage, uid, zone, ring, controlPlane);\n",
      replace: "",
      says: "nodes that are down by themselves do not count: ours come on top of them",
    },
    "budget.zone-size": {
      find: "      placeIn(usage.zones, zone).size += size;\n",
      replace: "      placeIn(usage.zones, zone).size += size * 2;\n",
      says: "a percentage of a zone is taken of more nodes than it has",
    },
    "budget.rounds-down": {
      find: "return Math.max(1, Math.floor((total * percent) / 100));",
      replace: "return Math.max(1, Math.ceil((total * percent) / 100));",
      says: "percentages round up: one more than the number that people worked out",
    },
    "budget.zero-is-zero": {
      find: "if (!Number.isFinite(percent) || percent <= 0) return 0;",
      replace: "if (!Number.isFinite(percent)) return 0;",
      says: "0% lets one through: a ring that was closed by its budget goes on",
    },
    "budget.counted-once": {
      find: "return (set.has(uid) ? set.size : set.size + 1) > limit;",
      replace: "return set.size + 1 > limit;",
      says: "a node that is down already counts twice: one that is cordoned can never be claimed where the limit is reached",
    },
  }),
  ...inFile("controller/core/rollout/census.ts", {
    "budget.not-ready-counts": {
      find: "return !node.ready || node.unschedulable;",
      replace: "return node.unschedulable;",
      says: "nodes that are NotReady do not count as unavailable",
    },
    "budget.cordoned-counts": {
      find: "return !node.ready || node.unschedulable;",
      replace: "return !node.ready;",
      says: "nodes that a person cordoned do not count as unavailable",
    },
  }),
  ...inFile("controller/core/rollout/plan.ts", {
    "budget.observe-claims-nothing": {
      find: 'claims: input.ledger.spec.mode === "Enforce" ? admitted : [],',
      replace: "claims: admitted,",
      says: "the plan asks for claims in mode Observe",
      equivalent:
        "writeLedger asks the ledger that it writes for its mode again (ledger.enforce-only), and nothing else uses the plan's claims",
    },
  }),
];
