// What is wrong with a policy as a whole, beyond what each document's schema says. Pure: the same objects, moment and cluster give
// the same findings in the same order. The list of checks is the documentation.
import type { Instant } from "../clock.ts";
import type { Inventory, StoredStates } from "../core/model.ts";
import {
  checkBaselineOverlap,
  checkImageOverlap,
  checkImages,
  checkRecipes,
  checkResolveSchedules,
  checkSources,
  checkVersions,
} from "./checks/baselines.ts";
import { checkCalendars, checkRingCalendars } from "./checks/calendars.ts";
import { checkCluster, checkExceptionTargets } from "./checks/cluster.ts";
import { type Check, createContext } from "./checks/context.ts";
import { checkExceptions } from "./checks/exceptions.ts";
import { checkManifests } from "./checks/manifests.ts";
import { checkRecipeImages } from "./checks/recipe-images.ts";
import { checkEntries, checkReferences } from "./checks/references.ts";
import { checkRepeatedAfter, checkRingOrder } from "./checks/ring-order.ts";
import { checkRingOverlap } from "./checks/ring-overlap.ts";
import {
  checkBudgets,
  checkDurations,
  checkExpedites,
  checkGateExpressions,
  checkSelfWrittenLabels,
} from "./checks/ring-settings.ts";
import { compareFindings, type Finding, type ObjectRef } from "./finding.ts";
import type { PolicyObject } from "./object.ts";

const CHECKS: readonly Check[] = [
  checkReferences,
  checkEntries,
  checkRingOrder,
  checkRepeatedAfter,
  checkRingOverlap,
  checkBudgets,
  checkExpedites,
  checkDurations,
  checkGateExpressions,
  checkSelfWrittenLabels,
  checkCalendars,
  checkRingCalendars,
  checkVersions,
  checkManifests,
  checkRecipes,
  checkRecipeImages,
  checkSources,
  checkImages,
  checkResolveSchedules,
  checkBaselineOverlap,
  checkImageOverlap,
  checkExceptions,
  checkCluster,
  checkExceptionTargets,
];

export interface ValidateOptions {
  readonly now: Instant;
  /** Objects that stand in the policy and are broken: they have findings of their own, and are not reported as missing. */
  readonly broken?: readonly ObjectRef[];
  /** A cluster to hold the policy against. */
  readonly inventory?: Inventory;
  readonly stored?: StoredStates;
  /** Prefixes of images that recipes may run in the clusters that the policy is for. */
  readonly recipeImages?: readonly string[];
}

/** All findings, in file order. */
export function validatePolicy(objects: readonly PolicyObject[], options: ValidateOptions): readonly Finding[] {
  const { inventory, stored } = options;
  const cluster = inventory === undefined ? undefined : { inventory, stored };
  const context = createContext(objects, options.broken ?? [], options.now, cluster, options.recipeImages);
  return CHECKS.flatMap((check) => check(context)).sort(compareFindings);
}
