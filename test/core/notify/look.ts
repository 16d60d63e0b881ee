// Looks at one ring with one node and one level, as a plan makes them.
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { RingLevelStatus, RolloutRingSpec, RolloutRingStatus } from "../../../controller/api/rollout-ring.ts";
import type { FleetLook, OpenApproval } from "../../../controller/core/metrics/index.ts";
import type { PolicyInForce } from "../../../controller/core/model.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  claimOn,
  DAY,
  entry,
  HOUR,
  inventory,
  iso,
  kernelLevel,
  ledger,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

export const LEVEL = kernelLevel(110, { at: START - 2 * DAY });
export const NODE = nodeAsset("n1", { labels: { ring: "broad" } });
/** Where the node runs the level. */
export const INSTALLED = inventory([
  nodeAsset("n1", { labels: { ring: "broad" }, kernelVersion: "5.15.0-110-generic" }),
]);
export const STARTED: RingLevelStatus = {
  baseline: "ubuntu",
  level: LEVEL.name,
  digest: LEVEL.digest,
  offeredTime: iso(START - 2 * HOUR),
  startedTime: iso(START - HOUR),
};
export const OPERATION = {
  claimId: "c1",
  ring: "broad",
  baseline: "ubuntu",
  level: LEVEL.name,
  digest: LEVEL.digest,
  startedTime: iso(START - HOUR),
  stepTime: iso(START - HOUR),
  attempt: 1,
  bootId: "boot-1",
  step: "Updating" as const,
};

/** A pull request that asks to approve the level. */
export const PULL: OpenApproval = {
  number: 7,
  branch: `ringward/broad/ubuntu/${LEVEL.digest.slice(0, 12)}`,
  ring: "broad",
  baseline: "ubuntu",
  digest: LEVEL.digest.slice(0, 12),
  scope: undefined,
  url: "https://forge.example.com/acme/policy/pull/7",
  head: "f00d",
  openedAt: START - HOUR,
};

export interface Moment {
  readonly at?: number;
  readonly record?: RingLevelStatus | undefined;
  readonly status?: Partial<RolloutRingStatus>;
  readonly spec?: Partial<RolloutRingSpec>;
  readonly state?: NodePatchStateStatus;
  readonly policy?: Partial<PolicyInForce>;
  readonly input?: Partial<PlanInput>;
  readonly approvals?: readonly OpenApproval[];
}

export function lookAt({ at = 0, record, status, spec, state, policy: more, input, approvals }: Moment): FleetLook {
  const levels = record === undefined ? [] : [record];
  const claims = state?.operation === undefined ? [] : [claimOn(NODE, "broad", LEVEL, { id: state.operation.claimId })];
  const planned = planInput({
    now: START + at,
    policy: policy({
      rings: [ring("broad", { levels: [entry(LEVEL)], ...spec }, { status: { levels, ...status } })],
      levels: [LEVEL],
      ...more,
    }),
    inventory: inventory([NODE]),
    stored: { nodes: new Map(state === undefined ? [] : [[NODE.uid, state]]), workloads: new Map() },
    ledger: ledger(claims),
    ...input,
  });
  return { input: planned, plan: makePlan(planned), repository: undefined, pulls: undefined, approvals };
}
