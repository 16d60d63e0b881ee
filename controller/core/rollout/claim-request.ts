// A target that wants budget, as it would stand in the ledger.
import type { Claim } from "../../api/disruption-ledger.ts";

/** A claim before the ledger gives it an id and a time. */
export interface ClaimRequest extends Omit<Claim, "id" | "since"> {
  readonly kind: string;
}
