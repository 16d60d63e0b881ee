// What earlier attempts at a level say of trying it again on the same target: not before its time, or not before a person asks. The planner
// asks it of the state that its cache shows, and whoever claims asks it again of the state as it stands (K3): a late cache only refuses.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import type { Instant } from "../../clock.ts";
import type { Block } from "../model.ts";
import { wasPutBack } from "../operations/released.ts";

/** The level that is wanted, and the baseline that wants it. */
export interface Wanted {
  readonly baseline: string;
  readonly digest: string;
}

/** Why a target is not tried again at a level now, by its own record; undefined: nothing speaks against it. */
export function findAttempt(
  state: Pick<NodePatchStateStatus | WorkloadPatchStateStatus, "attempted"> | undefined,
  { baseline, digest }: Wanted,
  now: Instant,
): Block | undefined {
  const last = state?.attempted?.find((attempt) => attempt.baseline === baseline && attempt.digest === digest);
  if (last === undefined) return undefined;
  const notBefore = last.notBefore === undefined ? undefined : Date.parse(last.notBefore);
  switch (last.result) {
    case "NotAvailable":
      return notBefore !== undefined && now >= notBefore
        ? undefined
        : { reason: "VersionNotAvailable", message: last.message };
    case "RolledBack":
      return { reason: "ProgressDeadlineExceeded", message: `rolled back: ${last.message}` };
    case "BackedOut":
      return notBefore !== undefined && now < notBefore ? { reason: "BackedOff", message: last.message } : undefined;
    // Whoever let go of it did not mean "again in a minute": it takes a word to come back (`ringward retry` forgets the attempt).
    case "Released":
      return {
        reason: "ReleasedByPerson",
        message: `a person released it (${last.message}); "ringward retry" lets it be tried again`,
      };
    default:
      return last.result satisfies never;
  }
}

/** Whether the target's record, as it stands now, lets it be claimed: what the planner's cache may not have shown yet. */
export function mayBeClaimed(
  state: NodePatchStateStatus | WorkloadPatchStateStatus | undefined,
  wanted: Wanted,
  now: Instant,
): boolean {
  const putBack = state !== undefined && "contested" in state && wasPutBack(state, wanted);
  return !putBack && findAttempt(state, wanted, now) === undefined;
}
