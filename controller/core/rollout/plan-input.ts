// What a plan is made of: all that is known at one instant, and nothing else (R6).
import type { Instant } from "../../clock.ts";
import type { GateReadings } from "../gates/readings.ts";
import type { Inventory, LedgerView, LevelInForce, PolicyInForce, StoredStates } from "../model.ts";

/** Everything that a plan depends on. */
export interface PlanInput {
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly ledger: LedgerView;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  /** Healthy time observed since the last plan, ms: the lesser of wall and monotonic time; 0 where nobody watched. */
  readonly observedMs: number;
  /** Exact soak of `ring/digest` where this process knows more than what is stored, ms. */
  readonly soakedMs?: ReadonlyMap<string, number>;
  /** What was answered to gates; undefined: nobody asks here, and what the controller stored counts. */
  readonly readings?: GateReadings;
  /** Exact time that gates held, as the last plan said; undefined: this process has made none. */
  readonly gateHeldMs?: ReadonlyMap<string, number>;
  /** Rings whose gates were all open at the last look; undefined: this process has made none. */
  readonly gatesHeld?: ReadonlySet<string>;
}
