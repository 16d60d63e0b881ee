// The place where a pass hands its plan to promotion. Without a repository there is nothing to write to.
import type { Instant } from "../clock.ts";
import type { LevelInForce } from "../core/model.ts";
import type { Plan } from "../core/rollout/plan.ts";
import type { PolicyView } from "./policy-source.ts";

export interface PromotionScene {
  readonly plan: Plan;
  readonly policy: PolicyView;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly now: Instant;
}

export interface Promoter {
  /** Carries promotions out; true when something was written. */
  promote(scene: PromotionScene): Promise<boolean>;
}
