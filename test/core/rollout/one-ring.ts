// The plainest plan, for tests that say what is otherwise: one ring, one node, one level that it is approved for.
import type { RingLevelStatus, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { LevelInForce, NodeAsset, PolicyInForce, RingInForce } from "../../../controller/core/model.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  DAY,
  entry,
  inventory,
  iso,
  kernelLevel,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

export const LEVEL = kernelLevel(110);
export const EXPEDITE = { reason: "CVE", until: iso(START + DAY) };
export const canaryNode = nodeAsset("c1", { labels: { ring: "canary" } });
export const wideNode = nodeAsset("w1", { labels: { ring: "wide" } });
/** A record of a ring that has soaked the level. */
export const soaked = (level: LevelInForce, rest: Partial<RingLevelStatus> = {}): RingLevelStatus => ({
  baseline: level.spec.baseline,
  level: level.name,
  digest: level.digest,
  offeredTime: iso(START - DAY),
  completedTime: iso(START - DAY),
  soakedSeconds: 3600,
  soakedTime: iso(START),
  ...rest,
});

/** What is otherwise than in the plainest plan. */
export interface Setting {
  readonly spec?: Partial<RolloutRingSpec>;
  readonly rest?: Partial<RingInForce>;
  readonly level?: LevelInForce;
  readonly nodes?: readonly NodeAsset[];
  readonly policy?: Partial<PolicyInForce>;
  readonly input?: Partial<PlanInput>;
}

/** One ring, approved for the level, planned once. */
export function one({ spec, rest, level = LEVEL, nodes = [canaryNode], policy: more, input }: Setting = {}): Plan {
  const canary = ring("canary", { levels: [entry(level)], ...spec }, rest);
  return makePlan(
    planInput({ policy: policy({ rings: [canary], levels: [level], ...more }), inventory: inventory(nodes), ...input }),
  );
}

/** Why an asset stands still. */
export const reasonsOf = (plan: Plan, name = "c1"): readonly string[] =>
  plan.rows.find((row) => row.asset.name === name)?.blockedBy.map((block) => block.reason) ?? [];
/** Names of what may be claimed. */
export const claimed = (plan: Plan): readonly string[] => plan.claims.map((claim) => claim.name);
