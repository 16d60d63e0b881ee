// Why the operation of a claim failed: what is stored about a target may still be of a claim before this one.
import type { Claim, StoredStates } from "../model.ts";

/** Why the operation of this very claim failed, if it did. */
export function failureOf(claim: Claim, stored: StoredStates) {
  const operation = (stored.nodes.get(claim.uid) ?? stored.workloads.get(claim.uid))?.operation;
  return operation?.claimId === claim.id ? operation.failure : undefined;
}
