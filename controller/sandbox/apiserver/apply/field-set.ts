// Sets of field paths as `metadata.managedFields` spells them (KEP-555, FieldsV1): `f:name`, `k:{"name":"c"}`, `v:"a"`, and
// `.` for the field itself. Sets are small mutable trees that live within one request; the stored form is plain JSON.
import { isObject } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import type { ListNode } from "../schema/node.ts";

export interface FieldSet {
  self: boolean;
  readonly children: Map<string, FieldSet>;
}

export type FieldPath = readonly string[];

/** A set without members. */
export function emptySet(): FieldSet {
  return { self: false, children: new Map() };
}

/** True when nothing is a member. */
export function isEmptySet(set: FieldSet): boolean {
  if (set.self) return false;
  for (const child of set.children.values()) if (!isEmptySet(child)) return false;
  return true;
}

/** The path element of a field or map key. */
export function fieldElement(name: string): string {
  return `f:${name}`;
}

/** The path element of a list item: by its keys in a map list, by its value in a set. */
export function itemElement(node: ListNode, item: Json | undefined): string {
  if (node.listType === "set") return `v:${JSON.stringify(item)}`;
  return `k:${JSON.stringify(itemKeys(node, item))}`;
}

/** The key members of a list item, in the keys' alphabetical order, with defaults filled in. */
export function itemKeys(node: ListNode, item: Json | undefined): JsonObject {
  const keys: Draft = {};
  for (const key of [...node.keys].sort()) {
    const value = isObject(item) ? (item[key] ?? node.keyDefaults[key]) : undefined;
    if (value !== undefined) keys[key] = value;
  }
  return keys as JsonObject;
}

/** Adds the field at `path`. */
export function insert(set: FieldSet, path: FieldPath): void {
  let at = set;
  for (const element of path) {
    let child = at.children.get(element);
    if (child === undefined) {
      child = emptySet();
      at.children.set(element, child);
    }
    at = child;
  }
  at.self = true;
}

/** Members of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : union(other, child));
  }
  return { self: a.self || b.self, children };
}

/** Members of `a` that are not members of `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const rest = other === undefined ? child : difference(child, other);
    if (other === undefined || !isEmptySet(rest)) children.set(element, rest);
  }
  return { self: a.self && !b.self, children };
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other === undefined) continue;
    const common = intersection(child, other);
    if (!isEmptySet(common)) children.set(element, common);
  }
  return { self: a.self && b.self, children };
}

/** `a` without the members of `b` and everything beneath them. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other?.self === true) continue;
    const rest = other === undefined ? child : recursiveDifference(child, other);
    if (other === undefined || !isEmptySet(rest)) children.set(element, rest);
  }
  return { self: a.self, children };
}

/** Every member path, sorted. */
export function members(set: FieldSet): readonly FieldPath[] {
  const found: FieldPath[] = [];
  const walk = (at: FieldSet, path: FieldPath): void => {
    if (at.self) found.push(path);
    for (const [element, child] of [...at.children].sort(([x], [y]) => (x < y ? -1 : 1)))
      walk(child, [...path, element]);
  };
  walk(set, []);
  return found;
}

/** The path as a conflict message shows it: `.spec.containers[name="c"].image`. */
export function pathText(path: FieldPath): string {
  return path
    .map((element) => {
      const value = element.slice(2);
      if (element.startsWith("f:")) return `.${value}`;
      if (element.startsWith("v:")) return `[=${value}]`;
      const keys = Object.entries(JSON.parse(value) as Record<string, unknown>);
      return `[${keys.map(([key, item]) => `${key}=${JSON.stringify(item)}`).join(",")}]`;
    })
    .join("");
}

/** FieldsV1. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: Draft = {};
  if (set.self && set.children.size > 0) fields["."] = {};
  for (const [element, child] of [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isEmptySet(child)) fields[element] = toFieldsV1(child);
  }
  return fields as JsonObject;
}

/** Reads FieldsV1; an object without members is the field itself. */
export function fromFieldsV1(fields: Json | undefined, root = true): FieldSet {
  const set = emptySet();
  if (!isObject(fields)) return set;
  const entries = Object.entries(fields);
  if (entries.length === 0) set.self = !root;
  for (const [element, child] of entries) {
    if (element === ".") set.self = true;
    else set.children.set(element, fromFieldsV1(child, false));
  }
  return set;
}
