// Which fields an object sets, and which fields differ between two versions of it: the two walks that field ownership
// rests on. They follow structured-merge-diff: atomic parts are one field, list items are found by their keys, an added
// container is a member too, and fields that the server owns (name, uid, resourceVersion ...) belong to nobody.
import { isList, isObject, jsonEqual } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { declares, memberNode } from "../schema/node.ts";
import type { ListNode, TypeNode } from "../schema/node.ts";
import { emptySet, fieldElement, insert, itemElement, recursiveDifference } from "./field-set.ts";
import type { FieldPath, FieldSet } from "./field-set.ts";

/** The shape used for a value whose type is not declared: objects are granular, lists are one value. */
function shapeOf(node: TypeNode | undefined, value: Json | undefined): "map" | "list" | "leaf" {
  if (node === undefined) return "leaf";
  switch (node.type) {
    case "struct":
    case "map":
      return node.atomic ? "leaf" : "map";
    case "list":
      return node.listType === "atomic" ? "leaf" : "list";
    case "any":
      return node.deduced && isObject(value) ? "map" : "leaf";
    default:
      return "leaf";
  }
}

/** Every field that `object` sets (what an apply configuration claims). */
export function fieldsOf(node: TypeNode, object: JsonObject): FieldSet {
  const set = emptySet();
  collect(node, object, [], set);
  return withoutServerFields(set);
}

function collect(node: TypeNode | undefined, value: Json, path: FieldPath, set: FieldSet): void {
  const shape = shapeOf(node, value);
  if (shape === "leaf" || node === undefined) {
    insert(set, path);
  } else if (shape === "list" && isList(value)) {
    const list = node as ListNode;
    for (const item of value) {
      const at = [...path, itemElement(list, item)];
      collect(list.items(), item, at, set);
      insert(set, at);
    }
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      const at = [...path, fieldElement(key)];
      collect(memberNode(node, key), member, at, set);
      if (member === null || (isObject(member) && Object.keys(member).length === 0) || !declares(node, key))
        insert(set, at);
    }
  }
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What changed from `before` to `after`. */
export function compare(node: TypeNode, before: JsonObject, after: JsonObject): Comparison {
  const comparison: Comparison = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  compareValue(node, before, after, [], comparison);
  return {
    added: withoutServerFields(comparison.added),
    modified: withoutServerFields(comparison.modified),
    removed: withoutServerFields(comparison.removed),
  };
}

function compareValue(
  node: TypeNode | undefined,
  before: Json | undefined,
  after: Json | undefined,
  path: FieldPath,
  out: Comparison,
): void {
  if (before === after) return;
  const shape = shapeOf(node, after ?? before);
  if (node === undefined || shape === "leaf" || (isVoid(before) && isVoid(after))) {
    if (before === undefined) insert(out.added, path);
    else if (after === undefined) insert(out.removed, path);
    else if (!jsonEqual(before, after)) insert(out.modified, path);
    return;
  }
  if (shape === "map") compareMembers(node, isObject(before) ? before : {}, isObject(after) ? after : {}, path, out);
  else compareItems(node as ListNode, isList(before) ? before : [], isList(after) ? after : [], path, out);
  if (before === undefined) insert(out.added, path);
  else if (after === undefined) insert(out.removed, path);
}

function isVoid(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function compareMembers(node: TypeNode, before: JsonObject, after: JsonObject, path: FieldPath, out: Comparison): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[key] !== after[key])
      compareValue(memberNode(node, key), before[key], after[key], [...path, fieldElement(key)], out);
  }
}

function compareItems(
  node: ListNode,
  before: readonly Json[],
  after: readonly Json[],
  path: FieldPath,
  out: Comparison,
): void {
  const old = new Map(before.map((item) => [itemElement(node, item), item]));
  const now = new Map(after.map((item) => [itemElement(node, item), item]));
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    compareValue(node.items(), old.get(element), now.get(element), [...path, element], out);
  }
}

const SERVER_FIELDS = serverFields();

function serverFields(): FieldSet {
  const set = emptySet();
  insert(set, ["f:apiVersion"]);
  insert(set, ["f:kind"]);
  for (const name of [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ]) {
    insert(set, ["f:metadata", `f:${name}`]);
  }
  return set;
}

function withoutServerFields(set: FieldSet): FieldSet {
  const rest = recursiveDifference(set, SERVER_FIELDS);
  const metadata = rest.children.get("f:metadata");
  if (metadata?.self === true) {
    const children = new Map(rest.children);
    children.set("f:metadata", { self: false, children: metadata.children });
    return { self: false, children };
  }
  return { self: false, children: rest.children };
}
