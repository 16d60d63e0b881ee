// What the checks of a policy share: its objects by kind, names that exist though broken, and the moment that is "now".
// A check is a small pure function of this; the list of them in ../validate.ts is the documentation.
import { closest } from "../../api/suggest.ts";
import type { Instant } from "../../clock.ts";
import type { Inventory, StoredStates } from "../../core/model.ts";
import type { Pointer } from "../documents.ts";
import { type Finding, type FindingText, findingAt, type ObjectRef, type Severity } from "../finding.ts";
import { type ObjectOf, objectsOf, type PolicyKind, type PolicyObject } from "../object.ts";

export interface CheckContext {
  readonly rings: readonly ObjectOf<"RolloutRing">[];
  readonly baselines: readonly ObjectOf<"PatchBaseline">[];
  readonly calendars: readonly ObjectOf<"MaintenanceCalendar">[];
  readonly exceptions: readonly ObjectOf<"PatchException">[];
  readonly recipes: readonly ObjectOf<"UpdateRecipe">[];
  readonly levels: readonly ObjectOf<"PatchLevel">[];
  readonly now: Instant;
  readonly cluster: { readonly inventory: Inventory; readonly stored: StoredStates | undefined } | undefined;
  /** Prefixes of images that recipes may run; undefined: nobody said. */
  readonly recipeImages: readonly string[] | undefined;
  /** The object of that kind and name, if it is in force. */
  find<Kind extends PolicyKind>(kind: Kind, name: string): ObjectOf<Kind> | undefined;
  /** Whether something of that kind and name stands in the policy, broken or not. */
  exists(kind: PolicyKind, name: string): boolean;
  /** The name that was probably meant. */
  suggest(kind: PolicyKind, name: string): string | undefined;
}

export type Check = (context: CheckContext) => readonly Finding[];

export function createContext(
  objects: readonly PolicyObject[],
  broken: readonly ObjectRef[],
  now: Instant,
  cluster: CheckContext["cluster"],
  recipeImages?: CheckContext["recipeImages"],
): CheckContext {
  const byKey = new Map(objects.map((object) => [`${object.kind}/${object.name}`, object]));
  const brokenKeys = new Set(broken.map(({ kind, name }) => `${kind}/${name}`));
  return {
    rings: objectsOf(objects, "RolloutRing"),
    baselines: objectsOf(objects, "PatchBaseline"),
    calendars: objectsOf(objects, "MaintenanceCalendar"),
    exceptions: objectsOf(objects, "PatchException"),
    recipes: objectsOf(objects, "UpdateRecipe"),
    levels: objectsOf(objects, "PatchLevel"),
    now,
    cluster,
    recipeImages,
    find: <Kind extends PolicyKind>(kind: Kind, name: string) =>
      byKey.get(`${kind}/${name}`) as ObjectOf<Kind> | undefined,
    exists: (kind, name) => byKey.has(`${kind}/${name}`) || brokenKeys.has(`${kind}/${name}`),
    suggest: (kind, name) =>
      closest(
        name,
        objects.filter((object) => object.kind === kind).map((object) => object.name),
      ),
  };
}

/** A finding about one place of an object. */
export function about(
  severity: Severity,
  object: PolicyObject,
  pointer: Pointer,
  text: FindingText,
  at: "key" | "value" = "value",
): Finding {
  return findingAt(severity, object.document, { kind: object.kind, name: object.name }, pointer, text, at);
}

export function error(object: PolicyObject, pointer: Pointer, code: string, message: string, hint?: string): Finding {
  return about("error", object, pointer, { code, message, hint });
}

export function warning(object: PolicyObject, pointer: Pointer, code: string, message: string, hint?: string): Finding {
  return about("warning", object, pointer, { code, message, hint });
}
