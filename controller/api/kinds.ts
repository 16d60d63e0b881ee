// All of Ringward's kinds in one table: CRDs, validators, docs and clients are made from it.
import { disruptionLedger } from "./disruption-ledger.ts";
import { maintenanceCalendar } from "./maintenance-calendar.ts";
import { patchBaseline } from "./patch-baseline.ts";
import { patchException } from "./patch-exception.ts";
import { patchLevel } from "./patch-level.ts";
import { nodePatchState, workloadPatchState } from "./patch-state.ts";
import { policyRepository } from "./policy-repository.ts";
import { rolloutRing } from "./rollout-ring.ts";
import type { KindDefinition } from "./schema.ts";
import { updateRecipe } from "./update-recipe.ts";

export const KINDS: readonly KindDefinition[] = [
  patchBaseline,
  rolloutRing,
  maintenanceCalendar,
  patchException,
  updateRecipe,
  patchLevel,
  policyRepository,
  disruptionLedger,
  nodePatchState,
  workloadPatchState,
];

/** The definition of a kind, or undefined for kinds that are not Ringward's. */
export function findKind(kind: string): KindDefinition | undefined {
  return KINDS.find((definition) => definition.kind === kind);
}
