// Lists with map keys, in files: two items with equal keys are an error, as they are for the API server. Adjacent entries are
// what two merged promotions conflict in, so the same baseline twice in one ring is the mistake that this catches.
import type { StructuralSchema } from "./crd.ts";
import { show, type SchemaProblem } from "./explain.ts";

type ListCheck = (value: unknown) => SchemaProblem[];

/** Items of a map list must differ in their keys; ajv has no word for that, and the API server refuses it. */
export function mapListsOf(schema: StructuralSchema): ListCheck {
  const walk = compileLists(schema);
  return (value) => {
    const problems: SchemaProblem[] = [];
    walk?.(value, [], problems);
    return problems;
  };
}

type ListWalk = (value: unknown, pointer: readonly (string | number)[], problems: SchemaProblem[]) => void;

function compileLists(schema: StructuralSchema): ListWalk | undefined {
  const keys = schema["x-kubernetes-list-map-keys"];
  const items = schema.items === undefined ? undefined : compileLists(schema.items);
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const walk = compileLists(child);
    return walk === undefined ? [] : [[name, walk] as const];
  });
  if (keys === undefined && items === undefined && properties.length === 0) return undefined;
  return (value, pointer, problems) => {
    if (Array.isArray(value)) {
      if (keys !== undefined) findDuplicates(value as Record<string, unknown>[], keys, pointer, problems);
      for (const [index, item] of value.entries()) items?.(item, [...pointer, index], problems);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    for (const [name, walk] of properties) walk((value as Record<string, unknown>)[name], [...pointer, name], problems);
  };
}

function findDuplicates(
  list: readonly Record<string, unknown>[],
  keys: readonly string[],
  pointer: readonly (string | number)[],
  problems: SchemaProblem[],
): void {
  const seen = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    const key = keys.map((name) => `${name} ${show(item[name])}`).join(", ");
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      problems.push({
        pointer: [...pointer, index],
        atKey: false,
        code: "Duplicate",
        message: `${key} stands in this list twice`,
        hint: `keep one; the first is item ${first}`,
      });
    }
  }
}
