// Names that objects call each other by. A missing reference closes a gate in force (G4); here it is an error with the place.
import type { Finding } from "../finding.ts";
import type { PolicyKind, PolicyObject } from "../object.ts";
import type { Pointer } from "../documents.ts";
import { type CheckContext, error, warning } from "./context.ts";

/** How messages call the kinds. */
const WORDS = {
  RolloutRing: "ring",
  PatchBaseline: "baseline",
  MaintenanceCalendar: "calendar",
  UpdateRecipe: "recipe",
  PatchLevel: "level",
  PatchException: "exception",
} as const satisfies Record<PolicyKind, string>;

/** Every name that an object refers to exists. */
export function checkReferences(context: CheckContext): readonly Finding[] {
  const findings: Finding[] = [];
  const want = (from: PolicyObject, pointer: Pointer, kind: PolicyKind, name: string): void => {
    // What exists and is broken has its own finding.
    if (context.exists(kind, name)) return;
    const guess = context.suggest(kind, name);
    const word = WORDS[kind];
    const hint = guess === undefined ? `add the ${word}, or remove the name` : `did you mean "${guess}"?`;
    findings.push(error(from, pointer, "ReferenceMissing", `${word} "${name}" does not exist`, hint));
  };
  for (const ring of context.rings) {
    for (const [index, name] of (ring.spec.after ?? []).entries())
      want(ring, ["spec", "after", index], "RolloutRing", name);
    for (const [index, ref] of (ring.spec.calendarRefs ?? []).entries()) {
      want(ring, ["spec", "calendarRefs", index, "name"], "MaintenanceCalendar", ref.name);
    }
    for (const [index, entry] of (ring.spec.levels ?? []).entries()) {
      want(ring, ["spec", "levels", index, "baseline"], "PatchBaseline", entry.baseline);
      if (entry.level !== undefined) want(ring, ["spec", "levels", index, "level"], "PatchLevel", entry.level);
    }
  }
  for (const baseline of context.baselines) {
    const recipe = baseline.spec.node?.recipeRef.name;
    if (recipe !== undefined) want(baseline, ["spec", "node", "recipeRef", "name"], "UpdateRecipe", recipe);
  }
  for (const exception of context.exceptions) {
    const { baseline } = exception.spec;
    if (baseline !== undefined) want(exception, ["spec", "baseline"], "PatchBaseline", baseline);
  }
  return findings;
}

/** An entry's level is of the entry's baseline, and speaks of something that the ring has members of. */
export function checkEntries(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring) =>
    (ring.spec.levels ?? []).flatMap((entry, index) => {
      const findings: Finding[] = [];
      const level = entry.level === undefined ? undefined : context.find("PatchLevel", entry.level);
      if (level !== undefined && level.spec.baseline !== entry.baseline) {
        const message = `level "${level.name}" is of baseline "${level.spec.baseline}", not of "${entry.baseline}"`;
        findings.push(
          error(
            ring,
            ["spec", "levels", index, "level"],
            "LevelOfOtherBaseline",
            message,
            "name a level of the entry's baseline",
          ),
        );
      }
      const target = context.find("PatchBaseline", entry.baseline)?.spec.target;
      const missing = target === "Node" ? "nodes" : "workloads";
      if (target !== undefined && ring.spec.members[missing] === undefined) {
        const message = `baseline "${entry.baseline}" is about ${missing}, and the ring has no members.${missing}`;
        findings.push(
          warning(
            ring,
            ["spec", "levels", index, "baseline"],
            "EntryWithoutMembers",
            message,
            "remove the entry, or add members",
          ),
        );
      }
      return findings;
    }),
  );
}
