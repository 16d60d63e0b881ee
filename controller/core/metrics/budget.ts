// Gauges of what holds budget: claims by step, limits and what counts against them, cordons and drains.
import { MAX_CLAIMS } from "../../api/disruption-ledger.ts";
import type { Instant } from "../../clock.ts";
import type { Claim, NodeOperation, WorkloadOperation } from "../model.ts";
import { limitOf, measureUsage } from "../rollout/limits.ts";
import {
  BUDGET_LIMIT,
  BUDGET_USED,
  CLAIM_OLDEST,
  CLAIMS,
  CLAIMS_LIMIT,
  CLUSTER_BUDGET_LIMIT,
  CLUSTER_BUDGET_USED,
  CORDONED,
  CORDONED_OLDEST,
  DRAINS,
} from "./definitions.ts";
import type { Labels } from "./labels.ts";
import type { FleetLook } from "./look.ts";
import { createTally, type Sample, sample } from "./sample.ts";

export function sampleBudget(look: FleetLook, labels: Labels): readonly Sample[] {
  return [...sampleClaims(look, labels), ...sampleLimits(look, labels), ...sampleCordons(look, labels)];
}

/** The operation under a claim; undefined: none is written down yet. */
function operationOf(claim: Claim, { input }: FleetLook): NodeOperation | WorkloadOperation | undefined {
  const operation = (input.stored.nodes.get(claim.uid) ?? input.stored.workloads.get(claim.uid))?.operation;
  return operation?.claimId === claim.id ? operation : undefined;
}

function stepOf(claim: Claim, look: FleetLook): string {
  const operation = operationOf(claim, look);
  if (operation === undefined) return "Claimed";
  if (operation.failure !== undefined) return "Failed";
  return "backOut" in operation && operation.backOut !== undefined ? "BackingOut" : operation.step;
}

function sampleClaims(look: FleetLook, labels: Labels): readonly Sample[] {
  const { claims } = look.input.ledger;
  const steps = createTally<"kind" | "ring" | "step">();
  const drains = createTally<"ring">();
  for (const { name } of look.input.policy.rings) drains.add({ ring: labels.ring(name) }, 0);
  for (const claim of claims) {
    const ring = labels.ring(claim.ring);
    const kind = claim.kind === "Node" ? "Node" : "Workload";
    const step = stepOf(claim, look);
    steps.add({ kind, ring, step });
    if (kind === "Node" && step === "Cordoned") drains.add({ ring });
  }
  return [
    ...steps.entries().map(([of, count]) => sample(CLAIMS, of, count)),
    ...drains.entries().map(([of, count]) => sample(DRAINS, of, count)),
    sample(CLAIMS_LIMIT, {}, MAX_CLAIMS),
    ...oldestOf(claims, labels).map(([ring, at]) => sample(CLAIM_OLDEST, { ring }, { at })),
  ];
}

function oldestOf(claims: readonly Claim[], labels: Labels): readonly (readonly [string, Instant])[] {
  const oldest = new Map<string, Instant>();
  for (const { ring, since } of claims) {
    const at = Date.parse(since);
    oldest.set(labels.ring(ring), Math.min(oldest.get(labels.ring(ring)) ?? at, at));
  }
  return [...oldest];
}

function sampleLimits({ input, plan }: FleetLook, labels: Labels): readonly Sample[] {
  const { capacity } = plan;
  const { limits } = capacity;
  const usage = measureUsage(input.ledger.claims, capacity);
  const controlPlanes = capacity.nodes.filter(({ controlPlane }) => controlPlane).length;
  return [
    sample(CLUSTER_BUDGET_LIMIT, { kind: "Node" }, limitOf(limits.nodes, capacity.nodes.length, "10%")),
    sample(CLUSTER_BUDGET_LIMIT, { kind: "Workload" }, limitOf(limits.workloads, capacity.workloads, "10%")),
    sample(CLUSTER_BUDGET_LIMIT, { kind: "ControlPlane" }, limitOf(limits.controlPlane, controlPlanes, 1)),
    sample(CLUSTER_BUDGET_USED, { kind: "Node" }, usage.nodes),
    sample(CLUSTER_BUDGET_USED, { kind: "Workload" }, usage.workloads),
    sample(CLUSTER_BUDGET_USED, { kind: "ControlPlane" }, usage.controlPlane),
    ...plan.rings.flatMap(({ ring: { name, spec }, members }) => {
      const ring = labels.ring(name);
      return [
        sample(BUDGET_LIMIT, { kind: "Node", ring }, limitOf(spec.budget?.nodes, members.nodes, 1)),
        sample(BUDGET_LIMIT, { kind: "Workload", ring }, limitOf(spec.budget?.workloads, members.workloads, 1)),
        sample(BUDGET_USED, { kind: "Node", ring }, usage.ringNodes.get(name) ?? 0),
        sample(BUDGET_USED, { kind: "Workload", ring }, usage.ringWorkloads.get(name) ?? 0),
      ];
    }),
  ];
}

function sampleCordons({ input, plan }: FleetLook, labels: Labels): readonly Sample[] {
  const counts = createTally<"ring">();
  for (const { name } of input.policy.rings) counts.add({ ring: labels.ring(name) }, 0);
  const byUid = new Map(input.ledger.claims.map((claim) => [claim.uid, claim]));
  const cordoned: Claim[] = [];
  for (const { uid, mark, unschedulable } of input.inventory.nodes) {
    if (mark === undefined || mark.priorUnschedulable || !unschedulable) continue;
    const claim = byUid.get(uid);
    const membership = plan.members.of.get(uid);
    const ring = claim?.ring ?? (membership?.kind === "Ring" ? membership.ring : undefined);
    counts.add({ ring: labels.ring(ring) });
    if (claim !== undefined) cordoned.push(claim);
  }
  return [
    ...counts.entries().map(([of, count]) => sample(CORDONED, of, count)),
    ...oldestOf(cordoned, labels).map(([ring, at]) => sample(CORDONED_OLDEST, { ring }, { at })),
  ];
}
