// One description of a kind's structure for built-in kinds and custom resources alike: server-side apply, managed fields,
// strategic merge, unknown-field detection and OpenAPI all read it, so they cannot disagree about what a list's key is.
// Nodes are pure data; JSONSchemaProps refers to itself, so children are reached through functions.
import type { Json } from "../json.ts";

export type Scalar =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "time"
  | "microtime"
  | "bytes"
  | "intstr"
  | "quantity";

/** How apply treats a list (KEP-555): one value, a set of scalars, or items found by their keys. */
export type ListType = "atomic" | "set" | "map";

export interface StructNode {
  readonly type: "struct";
  readonly name: string | undefined;
  readonly fields: () => ReadonlyMap<string, FieldNode>;
  /** Owned as one value by apply. */
  readonly atomic: boolean;
  /** Unknown fields are kept (x-kubernetes-preserve-unknown-fields). */
  readonly preserveUnknown: boolean;
}

export interface MapNode {
  readonly type: "map";
  readonly values: () => TypeNode;
  readonly atomic: boolean;
}

export interface ListNode {
  readonly type: "list";
  readonly items: () => TypeNode;
  readonly listType: ListType;
  readonly keys: readonly string[];
  /** Values of keys that may be left out (a container port's protocol is TCP). */
  readonly keyDefaults: Readonly<Record<string, Json>>;
}

export interface ScalarNode {
  readonly type: "scalar";
  readonly scalar: Scalar;
}

/** Anything at all, owned as one value by apply unless `deduced`. */
export interface AnyNode {
  readonly type: "any";
  /** Structure is taken from the value itself (preserve-unknown-fields). */
  readonly deduced: boolean;
}

export type TypeNode = StructNode | MapNode | ListNode | ScalarNode | AnyNode;

export interface FieldNode {
  readonly node: TypeNode;
  readonly required: boolean;
  /** Strategic merge: lists merge instead of being replaced; objects by `mergeKey`, scalars as a set without one. */
  readonly patchMerge: boolean;
  readonly mergeKey: string | undefined;
  readonly retainKeys: boolean;
}

export const ANY: AnyNode = { type: "any", deduced: false };
export const DEDUCED: AnyNode = { type: "any", deduced: true };

/** A field that strategic merge treats plainly. */
export function plainField(node: TypeNode, required = false): FieldNode {
  return { node, required, patchMerge: false, mergeKey: undefined, retainKeys: false };
}

/** The node of a member of an object of type `node`, or undefined when the type does not declare it. */
export function memberNode(node: TypeNode, key: string): TypeNode | undefined {
  switch (node.type) {
    case "struct":
      return node.fields().get(key)?.node ?? (node.preserveUnknown ? DEDUCED : undefined);
    case "map":
      return node.values();
    case "any":
      return node;
    default:
      return undefined;
  }
}

/** Declared members are fields of a struct; everything else is a map's key. */
export function declares(node: TypeNode, key: string): boolean {
  return node.type === "struct" && node.fields().has(key);
}
