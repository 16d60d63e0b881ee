// What can be asked for with `--fault`: each a small script that causes the trouble, watches what the controller does about it, mends it
// as a person would, and says honestly whether the promise held.
import type { Facts } from "./facts.ts";
import type { FaultStage } from "./stage.ts";

export interface FaultResult {
  readonly name: string;
  readonly promise: string;
  readonly observed: string;
  readonly ok: boolean;
}

export interface Fault<S extends FaultStage = FaultStage> {
  readonly name: string;
  readonly promise: string;
  /** Before anything is enforced. */
  readonly prepare?: (stage: S) => Promise<void>;
  /** After each look at the cluster. Answers a line to tell, if something happened. */
  readonly step: (stage: S, facts: Facts) => Promise<string | undefined>;
  /** While true the scripted person leaves pull requests, or the budget, alone. */
  holdsMerges?(facts: Facts): boolean;
  holdsBudgetFix?(facts: Facts): boolean;
  result(facts: Facts | undefined): { readonly observed: string; readonly ok: boolean };
}
