// Policy objects: documents of Ringward's kinds that passed their schema, with the place they stand at.
import type { MaintenanceCalendarSpec } from "../api/maintenance-calendar.ts";
import type { PatchBaselineSpec } from "../api/patch-baseline.ts";
import type { PatchExceptionSpec } from "../api/patch-exception.ts";
import type { PatchLevelSpec } from "../api/patch-level.ts";
import type { RolloutRingSpec } from "../api/rollout-ring.ts";
import type { Resource } from "../api/schema.ts";
import type { UpdateRecipeSpec } from "../api/update-recipe.ts";
import type { SourceDocument } from "./documents.ts";

/** The kinds that may stand in policy content, and what their specs are. */
export interface PolicySpecs {
  readonly PatchBaseline: PatchBaselineSpec;
  readonly RolloutRing: RolloutRingSpec;
  readonly MaintenanceCalendar: MaintenanceCalendarSpec;
  readonly PatchException: PatchExceptionSpec;
  readonly UpdateRecipe: UpdateRecipeSpec;
  readonly PatchLevel: PatchLevelSpec;
}
export type PolicyKind = keyof PolicySpecs;

interface PolicyObjectOf<Kind extends PolicyKind> {
  readonly kind: Kind;
  readonly name: string;
  /** As people wrote it: no defaults filled in. */
  readonly object: Resource<Kind, PolicySpecs[Kind]>;
  /** With the schema's defaults, as the API server would store it. */
  readonly spec: PolicySpecs[Kind];
  readonly document: SourceDocument;
  readonly file: string;
  readonly line: number;
  /** PatchLevel only: why its name and content disagree. Such a level is kept and never used. */
  readonly mismatch?: string;
}

export type PolicyObject = { [Kind in PolicyKind]: PolicyObjectOf<Kind> }[PolicyKind];
export type ObjectOf<Kind extends PolicyKind> = Extract<PolicyObject, { readonly kind: Kind }>;

/** The objects of one kind, in their order. */
export function objectsOf<Kind extends PolicyKind>(
  objects: readonly PolicyObject[],
  kind: Kind,
): readonly ObjectOf<Kind>[] {
  return objects.filter((object): object is ObjectOf<Kind> => object.kind === kind);
}
