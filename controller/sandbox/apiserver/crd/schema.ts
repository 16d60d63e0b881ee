// Structural schemas (apiextensions.k8s.io/v1, "Specifying a structural schema"): reading them as type nodes, and rejecting
// those that are not structural. The paths in messages are those of a real API server.
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { ANY, DEDUCED, plainField } from "../schema/node.ts";
import type { FieldNode, ListNode, Scalar, StructNode, TypeNode } from "../schema/node.ts";
import { cause } from "../status.ts";
import { readPattern } from "./formats.ts";
import type { Cause } from "../status.ts";

/** The properties of an object schema. */
export function propertiesOf(schema: JsonObject): JsonObject {
  return isObject(schema["properties"]) ? schema["properties"] : {};
}

/** The schema of map values, or undefined when the object is not a map. */
export function valuesOf(schema: JsonObject): JsonObject | undefined {
  return isObject(schema["additionalProperties"]) ? schema["additionalProperties"] : undefined;
}

/** True for `x-kubernetes-preserve-unknown-fields: true`. */
export function preserves(schema: JsonObject): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true;
}

/** The type node of a schema. */
export function nodeOf(schema: JsonObject): TypeNode {
  if (schema["x-kubernetes-int-or-string"] === true) return { type: "scalar", scalar: "intstr" };
  switch (schema["type"]) {
    case "object":
      return objectNode(schema);
    case "array":
      return listNode(schema);
    case "integer":
    case "number":
    case "boolean":
    case "string":
      return { type: "scalar", scalar: schema["type"] as Scalar };
    default:
      return preserves(schema) ? DEDUCED : ANY;
  }
}

function objectNode(schema: JsonObject): TypeNode {
  const values = valuesOf(schema);
  const atomic = schema["x-kubernetes-map-type"] === "atomic";
  if (values !== undefined) {
    let node: TypeNode | undefined;
    return { type: "map", values: () => (node ??= nodeOf(values)), atomic };
  }
  if (schema["additionalProperties"] === true) return { type: "map", values: () => DEDUCED, atomic };
  return structNode(schema, new Map(), atomic);
}

/** A struct node; `extra` are fields that every object has (apiVersion, kind, metadata). */
export function structNode(schema: JsonObject, extra: ReadonlyMap<string, FieldNode>, atomic = false): StructNode {
  let fields: ReadonlyMap<string, FieldNode> | undefined;
  const required = new Set(isList(schema["required"]) ? schema["required"] : []);
  const build = (): ReadonlyMap<string, FieldNode> =>
    new Map([
      ...Object.entries(propertiesOf(schema)).map(([name, property]): [string, FieldNode] => [
        name,
        plainField(nodeOf(property as JsonObject), required.has(name)),
      ]),
      ...extra,
    ]);
  return {
    type: "struct",
    name: undefined,
    atomic,
    preserveUnknown: preserves(schema),
    fields: () => (fields ??= build()),
  };
}

function listNode(schema: JsonObject): ListNode {
  const items = isObject(schema["items"]) ? schema["items"] : {};
  const listType = schema["x-kubernetes-list-type"];
  const keys = isList(schema["x-kubernetes-list-map-keys"]) ? schema["x-kubernetes-list-map-keys"].map(String) : [];
  const keyDefaults: Record<string, Json> = {};
  for (const key of keys) {
    const property = propertiesOf(items)[key];
    if (isObject(property) && property["default"] !== undefined) keyDefaults[key] = property["default"];
  }
  let node: TypeNode | undefined;
  return {
    type: "list",
    items: () => (node ??= nodeOf(items)),
    listType: listType === "map" || listType === "set" ? listType : "atomic",
    keys,
    keyDefaults,
  };
}

const VALUE_ONLY = ["type", "default", "description", "title", "nullable", "additionalProperties"];

/** What makes a schema not structural. `path` is where the schema stands, for example `spec.validation.openAPIV3Schema`. */
export function structuralFaults(schema: JsonObject, path: string, root = true): readonly Cause[] {
  const faults: Cause[] = [];
  const intOrString = schema["x-kubernetes-int-or-string"] === true;
  const type = schema["type"];
  if (type === undefined && !intOrString && !preserves(schema)) {
    const where = root
      ? "must not be empty at the root"
      : path.includes(".items") && !path.endsWith("]")
        ? "must not be empty for specified array items"
        : "must not be empty for specified object fields";
    faults.push(cause.required(`${path}.type`, where));
  }
  if (root && type !== undefined && type !== "object")
    faults.push(cause.invalid(`${path}.type`, type, "must be object at the root"));
  for (const forbidden of ["$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id"]) {
    if (schema[forbidden] !== undefined) faults.push(cause.forbidden(`${path}.${forbidden}`, "must not be set"));
  }
  if (schema["uniqueItems"] === true)
    faults.push(
      cause.forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  if (schema["additionalProperties"] === false)
    faults.push(cause.forbidden(`${path}.additionalProperties`, "must not be used"));
  if (schema["properties"] !== undefined && valuesOf(schema) !== undefined)
    faults.push(cause.forbidden(`${path}.additionalProperties`, "must not be used if properties are used"));
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && readPattern(pattern) === undefined)
    faults.push(cause.invalid(`${path}.pattern`, pattern, "must be a valid regular expression"));
  faults.push(...listFaults(schema, path), ...junctorFaults(schema, path, intOrString));
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    if (isObject(property) && !(root && name === "metadata"))
      faults.push(...structuralFaults(property, `${path}.properties[${name}]`, false));
  }
  if (isObject(schema["items"])) faults.push(...structuralFaults(schema["items"], `${path}.items`, false));
  const values = valuesOf(schema);
  if (values !== undefined) faults.push(...structuralFaults(values, `${path}.additionalProperties`, false));
  return faults;
}

function listFaults(schema: JsonObject, path: string): readonly Cause[] {
  const listType = schema["x-kubernetes-list-type"];
  if (schema["type"] === "array" && !isObject(schema["items"]))
    return [cause.required(`${path}.items`, "must be specified")];
  if (listType !== "map") return [];
  const keys = schema["x-kubernetes-list-map-keys"];
  if (!isList(keys) || keys.length === 0)
    return [cause.required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map")];
  const items = isObject(schema["items"]) ? schema["items"] : {};
  const required = new Set(isList(items["required"]) ? items["required"] : []);
  return keys.flatMap((key) => {
    const property = propertiesOf(items)[String(key)];
    if (!isObject(property))
      return [
        cause.invalid(`${path}.x-kubernetes-list-map-keys`, keys, `entries must all be names of item properties`),
      ];
    if (!required.has(key) && property["default"] === undefined) {
      return [
        cause.required(
          `${path}.items.properties[${String(key)}].default`,
          "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
      ];
    }
    return [];
  });
}

function junctorFaults(schema: JsonObject, path: string, intOrString: boolean): readonly Cause[] {
  const faults: Cause[] = [];
  for (const junctor of ["allOf", "anyOf", "oneOf", "not"]) {
    const given = schema[junctor];
    const parts = junctor === "not" ? (given === undefined ? [] : [given]) : isList(given) ? given : [];
    parts.forEach((part, index) => {
      if (!isObject(part)) return;
      const at = junctor === "not" ? `${path}.not` : `${path}.${junctor}[${index}]`;
      for (const key of VALUE_ONLY) {
        if (part[key] === undefined || (key === "type" && intOrString)) continue;
        faults.push(
          cause.forbidden(
            `${at}.${key}`,
            key === "type" ? "must be empty to be structural" : "must not be set to be structural",
          ),
        );
      }
    });
  }
  return faults;
}
