// When a proposal would end if it were merged now: the planner and the estimator run on the policy as the merge would make it. Pure.
import type { PolicyInForce, RingInForce } from "../model.ts";
import { type Estimate, estimateRollout } from "../estimate/estimate.ts";
import { makePlan } from "../rollout/plan.ts";
import type { PlanInput } from "../rollout/plan-input.ts";
import type { DesiredProposal } from "./wishes.ts";

/** The forecast; as dear as a plan, so ask for it only when a body is written. */
export function forecastProposal(input: PlanInput, proposal: DesiredProposal): Estimate | undefined {
  const merged: PlanInput = { ...input, policy: mergeEntry(input.policy, proposal) };
  const estimates = estimateRollout(merged, makePlan(merged));
  return estimates.find((one) => one.ring === proposal.ring.name && one.baseline === proposal.baseline);
}

/** The policy with a ring's entry as a promotion would write it. */
export function mergeEntry(
  policy: PolicyInForce,
  {
    ring,
    baseline,
    level,
    maxTargets,
  }: Pick<DesiredProposal, "baseline" | "level" | "maxTargets"> & {
    readonly ring: Pick<RingInForce, "name">;
  },
): PolicyInForce {
  const change = (other: RingInForce): RingInForce => {
    const { levels = [] } = other.spec;
    const entry = levels.find((one) => one.baseline === baseline);
    const next = { ...entry, baseline, level: level.name, maxTargets };
    return {
      ...other,
      spec: { ...other.spec, levels: [...levels.filter((one) => one.baseline !== baseline), next] },
    };
  };
  return {
    ...policy,
    rings: policy.rings.map((other) => (other.name === ring.name ? change(other) : other)),
    levels: policy.levels.some((one) => one.name === level.name) ? policy.levels : [...policy.levels, level],
  };
}
