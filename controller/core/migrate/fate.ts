// What becomes of each setting of another tool, said one by one: nothing is dropped silently. Pure.
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { RolloutRingSpec } from "../../api/rollout-ring.ts";
import type { UpdateRecipeSpec } from "../../api/update-recipe.ts";

/**
 * `Mapped`: the policy says the same. `Changed`: it says something near, and the text says what differs. `NotNeeded`: it is done in
 * another way, or is the other tool's own affair. `Lost`: there is no counterpart; decide what to do. `Unknown`: not a setting that is known.
 */
export type Fate = "Mapped" | "Changed" | "NotNeeded" | "Lost" | "Unknown";

export interface Ruling {
  /** As the other tool names it: `--reboot-days`, `spec.drain.timeout`. */
  readonly setting: string;
  readonly value: string;
  readonly fate: Fate;
  readonly text: string;
}

/** One object of the policy. */
export type Migrated =
  | {
      readonly kind: "MaintenanceCalendar";
      readonly name: string;
      readonly comment: string;
      readonly spec: MaintenanceCalendarSpec;
    }
  | {
      readonly kind: "PatchBaseline";
      readonly name: string;
      readonly comment: string;
      readonly spec: PatchBaselineSpec;
    }
  | { readonly kind: "UpdateRecipe"; readonly name: string; readonly comment: string; readonly spec: UpdateRecipeSpec }
  | { readonly kind: "RolloutRing"; readonly name: string; readonly comment: string; readonly spec: RolloutRingSpec };

export interface Migration {
  readonly objects: readonly Migrated[];
  readonly rulings: readonly Ruling[];
  /** What stands in the cluster now and has to end before: a held lock, a node under way. */
  readonly before: readonly string[];
  /** What else is to be done, in order. */
  readonly next: readonly string[];
}

/** The operating system of nodes that move. */
export interface MovedProduct {
  readonly id: string;
  readonly versionId?: string;
}
