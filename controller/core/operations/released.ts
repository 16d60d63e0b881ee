// A plan that was made from an old look may claim what a person has just released; nothing is begun on it.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import type { Claim } from "../model.ts";

/** Whether a person gave the target up for the level of the claim (`ringward retry` takes that back). */
export function wasReleased(
  state: Pick<NodePatchStateStatus | WorkloadPatchStateStatus, "attempted"> | undefined,
  { baseline, digest }: Claim,
): boolean {
  return (state?.attempted ?? []).some(
    (attempt) => attempt.result === "Released" && attempt.baseline === baseline && attempt.digest === digest,
  );
}
