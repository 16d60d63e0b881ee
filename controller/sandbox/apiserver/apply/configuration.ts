// Whether an apply configuration fits its type (structured-merge-diff's typed value): every field declared, every value of its
// kind, no key of a list map twice. What fits is read as the kind afterwards; this finds what apply refuses before that.
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { memberNode } from "../schema/node.ts";
import type { ListNode, Scalar, TypeNode } from "../schema/node.ts";

/** The first thing that does not fit, as `.path: words`, or undefined. */
export function configurationFault(node: TypeNode, value: Json, path: string): string | undefined {
  switch (node.type) {
    case "any":
      return undefined;
    case "scalar":
      return scalarFault(node.scalar, value, path);
    case "list":
      if (value === null) return undefined;
      return isList(value) ? listFault(node, value, path) : `${path}: expected list, got ${goValue(value)}`;
    default:
      if (value === null) return undefined;
      return isObject(value) ? objectFault(node, value, path) : `${path}: expected map, got ${goValue(value)}`;
  }
}

function objectFault(node: TypeNode, value: JsonObject, path: string): string | undefined {
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const below = memberNode(node, key);
    if (below === undefined) return `${path}.${key}: field not declared in schema`;
    const fault = configurationFault(below, member, `${path}.${key}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function listFault(node: ListNode, list: readonly Json[], path: string): string | undefined {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const key = keyOf(node, item);
    if (key !== undefined && seen.has(key)) return `${path}: duplicate entries for key ${key}`;
    if (key !== undefined) seen.add(key);
    const fault = configurationFault(node.items(), item, `${path}${key ?? `[${index}]`}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** `[name="c"]`, as an item of a list map is named in paths; undefined in other lists. */
function keyOf(node: ListNode, item: Json): string | undefined {
  if (node.listType !== "map" || !isObject(item)) return undefined;
  const given = node.keys.flatMap((key): string[] => {
    const value = item[key] ?? node.keyDefaults[key];
    return value === undefined ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  return given.length === 0 ? undefined : `[${given.join(",")}]`;
}

const KINDS: Readonly<Partial<Record<Scalar, string>>> = {
  string: "string",
  integer: "numeric (int or float)",
  number: "numeric (int or float)",
  boolean: "boolean",
};

function scalarFault(scalar: Scalar, value: Json, path: string): string | undefined {
  const wanted = KINDS[scalar];
  if (wanted === undefined || value === null) return undefined;
  const fits = wanted === "boolean" || wanted === "string" ? typeof value === wanted : typeof value === "number";
  return fits ? undefined : `${path}: expected ${wanted}, got ${goValue(value)}`;
}

/** How structured-merge-diff prints what it found: lists and texts by their content, numbers by their wrapper. */
function goValue(value: Json): string {
  if (isList(value))
    return `&{[${value.map((item) => (isObject(item) || isList(item) ? goValue(item) : String(item))).join(" ")}]}`;
  if (typeof value === "number") return `&value.valueUnstructured{Value:${value}}`;
  return `&{${isObject(value) ? "map[]" : String(value)}}`;
}
