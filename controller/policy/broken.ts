// Which objects a commit broke, and what they last said (G5). A file that fails to parse stops new claims in the rings that use what
// that path held at the last good commit, or that name it, and in no others; what is in flight is finished by the last good spec.
import type { Finding, ObjectRef } from "./finding.ts";
import type { LoadedPolicy } from "./load.ts";
import type { PolicyKind, PolicyObject } from "./object.ts";

export interface BrokenObjects {
  /** Key (`Kind/name`) -> why, in a sentence. */
  readonly reasons: ReadonlyMap<string, string>;
  /** Objects as they were before they broke, for those that the caller still knows. */
  readonly retained: readonly PolicyObject[];
}

const KINDS: ReadonlySet<string> = new Set<PolicyKind>([
  "PatchBaseline",
  "RolloutRing",
  "MaintenanceCalendar",
  "PatchException",
  "UpdateRecipe",
  "PatchLevel",
]);

export function keyOf({ kind, name }: ObjectRef): string {
  return `${kind}/${name}`;
}

/** What is broken in `loaded`. `previous`: what each path held when it was last good. */
export function findBroken(loaded: LoadedPolicy, previous: readonly PolicyObject[]): BrokenObjects {
  const inForce = new Set(loaded.objects.map(keyOf));
  const before = Map.groupBy(previous, (object) => object.file);
  const reasons = new Map<string, string>();
  for (const problem of loaded.problems) {
    // A level that disagrees with its name is kept and marked: it stops its entries, not whole rings.
    if (problem.severity === "warning" || problem.code === "LevelDigestMismatch") continue;
    const held = before.get(problem.file) ?? [];
    // A file that never was policy and still is none concerns nobody.
    if (problem.severity === "note" && held.length === 0) continue;
    for (const object of held) if (!inForce.has(keyOf(object))) note(reasons, object, problem);
    if (problem.object !== undefined && KINDS.has(problem.object.kind)) note(reasons, problem.object, problem);
  }
  const retained = new Map(previous.map((object) => [keyOf(object), object]));
  return {
    reasons,
    retained: [...reasons.keys()].flatMap((key) => (inForce.has(key) ? [] : (retained.get(key) ?? []))),
  };
}

/** The first problem of an object says enough. */
function note(reasons: Map<string, string>, object: ObjectRef, { file, line, message }: Finding): void {
  const key = keyOf(object);
  if (!reasons.has(key))
    reasons.set(key, `${object.kind} "${object.name}" cannot be read: ${file}:${line}: ${message}`);
}
