// Why a baseline has no level yet, for `why`: what Ringward waits for by itself, or what a person has to mend. Pure.
import { describeReason } from "../../api/reasons.ts";
import { resolveCandidates } from "./candidates.ts";
import type { PlanInput } from "./plan-input.ts";

/** What comes before there is anything to compare with. */
export interface FirstLevel {
  /** One sentence. */
  readonly text: string;
  /** What a person can do; left out: nothing is asked of anybody. */
  readonly advice?: string;
}

/**
 * What a baseline waits for that has come to no level so far; undefined where it has come to one, or is not in policy. A baseline that follows
 * what is offered needs nobody: inventory jobs run in every mode, and the level is made, and proposed, from what they report.
 */
export function tellFirstLevel(
  baseline: string,
  { policy, stored, now }: Pick<PlanInput, "policy" | "stored" | "now">,
): FirstLevel | undefined {
  const found = policy.baselines.find(({ name }) => name === baseline);
  if (found === undefined) return undefined;
  const block = resolveCandidates({ ...policy, baselines: [found] }, stored, now).problems.get(baseline);
  if (block === undefined) return undefined;
  if (block.reason !== "InventoryMissing")
    return describeReason(block.reason).care === "person"
      ? { text: "nothing until a person acts", advice: `mend the baseline: ${block.message}` }
      : { text: `nothing yet: ${block.message}` };
  const { follow, recipeRef } = found.spec.node ?? {};
  if (follow !== "Offered")
    return {
      text: "nothing until a person acts",
      advice: `name versions in minimum of baseline ${baseline}, or let it follow what is offered (follow: Offered)`,
    };
  const recipe = policy.recipes.find(({ name }) => name === recipeRef?.name);
  if (recipe?.spec.steps?.inventory === undefined)
    return {
      text: "nothing until a person acts",
      advice: `give recipe ${recipeRef?.name ?? ""} an inventory step, or type versions in baseline ${baseline} (follow: Typed): nothing else says what is offered`,
    };
  return {
    text: "Ringward makes the level by itself, and proposes it, when an inventory job has reported what the package source of such nodes offers",
  };
}
