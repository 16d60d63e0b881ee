// Objects as the cluster holds them, beside what the repository says. Git rules wherever it contains an object: the live copy only
// tells whether somebody drifted, whether it is suspended, and what a deleted file left behind.
import { isDeepStrictEqual } from "node:util";
import { MaintenanceCalendarSpec } from "../api/maintenance-calendar.ts";
import { PatchBaselineSpec } from "../api/patch-baseline.ts";
import { PatchExceptionSpec } from "../api/patch-exception.ts";
import { PatchLevelSpec } from "../api/patch-level.ts";
import { RolloutRingSpec } from "../api/rollout-ring.ts";
import { UpdateRecipeSpec } from "../api/update-recipe.ts";
import type { Instant } from "../clock.ts";
import { canonicalJson } from "../core/levels/index.ts";
import type { PolicyKind, PolicyObject, PolicySpecs } from "./object.ts";

interface LiveObjectOf<Kind extends PolicyKind> {
  readonly kind: Kind;
  readonly name: string;
  readonly spec: PolicySpecs[Kind];
  readonly annotations?: Readonly<Record<string, string>>;
  /** When its spec last changed, as well as is known. */
  readonly time: Instant;
  /** Ringward (or, in mode ReadOnly, the delivery tool) applied it from the repository. */
  readonly fromRepository: boolean;
}

export type LiveObject = { [Kind in PolicyKind]: LiveObjectOf<Kind> }[PolicyKind];
export type LiveOf<Kind extends PolicyKind> = Extract<LiveObject, { readonly kind: Kind }>;

/** The live objects of one kind, by name. */
export function liveByName<Kind extends PolicyKind>(
  live: readonly LiveObject[],
  kind: Kind,
): ReadonlyMap<string, LiveOf<Kind>> {
  return new Map(
    live.filter((object): object is LiveOf<Kind> => object.kind === kind).map((object) => [object.name, object]),
  );
}

const SCHEMAS: Readonly<Record<PolicyKind, object>> = {
  PatchBaseline: PatchBaselineSpec,
  RolloutRing: RolloutRingSpec,
  MaintenanceCalendar: MaintenanceCalendarSpec,
  PatchException: PatchExceptionSpec,
  UpdateRecipe: UpdateRecipeSpec,
  PatchLevel: PatchLevelSpec,
};

/**
 * Whether the live object says something else than Git. Defaults that the API server filled in and the order of map lists are no
 * difference; nor is a live `suspend: true`, which is never put back: of Git and live, the more careful wins.
 */
export function differs(git: PolicyObject, live: LiveObject): boolean {
  // Nearly always they are equal as they stand; this is asked of every object in every pass.
  if (isDeepStrictEqual(git.spec, live.spec)) return false;
  const schema = SCHEMAS[git.kind];
  return canonicalJson(comparable(git.spec, live), schema) !== canonicalJson(comparable(live.spec, live), schema);
}

function comparable(spec: PolicyObject["spec"], live: LiveObject): object {
  if (live.kind !== "RolloutRing" || live.spec.suspend !== true) return spec;
  return { ...spec, suspend: true };
}
