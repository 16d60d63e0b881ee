// A plan that was made from an old look may claim what a person has just released, or a workload whose image somebody has just put back; nothing
// is begun on it.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import type { Claim } from "../model.ts";

/** Whether a person gave the target up for the level of the claim (`ringward retry` takes that back). */
export function wasReleased(
  state: Pick<NodePatchStateStatus | WorkloadPatchStateStatus, "attempted"> | undefined,
  { baseline, digest }: Pick<Claim, "baseline" | "digest">,
): boolean {
  return (state?.attempted ?? []).some(
    (attempt) => attempt.result === "Released" && attempt.baseline === baseline && attempt.digest === digest,
  );
}

/** Whether somebody put the level's images back on the workload: they are not written twice. */
export function wasPutBack(
  state: Pick<WorkloadPatchStateStatus, "contested"> | undefined,
  { baseline, digest }: Pick<Claim, "baseline" | "digest">,
): boolean {
  return (state?.contested ?? []).some((one) => one.baseline === baseline && one.digest === digest);
}
