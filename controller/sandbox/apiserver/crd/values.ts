// What happens to a custom resource's values before rules are asked: pruning of unknown fields, defaulting, and validation by
// the structural schema in the words of a real API server (kube-openapi's validate).
import { isList, isObject, jsonEqual, setMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { matchesFormat, readPattern } from "./formats.ts";
import { preserves, propertiesOf, valuesOf } from "./schema.ts";

const ENVELOPE = new Set(["apiVersion", "kind", "metadata"]);

/** The value without fields that the schema does not know; their paths are added to `unknown`. */
export function prune(schema: JsonObject, value: Json, path: string, unknown: string[], root = false): Json {
  if (isList(value)) {
    const items = schema["items"];
    if (!isObject(items)) return value;
    return value.map((item, index) => prune(items, item, `${path}[${index}]`, unknown));
  }
  if (!isObject(value)) return value;
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const embedded = root || schema["x-kubernetes-embedded-resource"] === true;
  const keepAll = preserves(schema) || schema["additionalProperties"] === true;
  const kept: Draft = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const at = path === "" ? key : `${path}.${key}`;
    const property = properties[key];
    if (embedded && ENVELOPE.has(key)) setMember(kept, key, member);
    else if (isObject(property)) setMember(kept, key, prune(property, member, at, unknown));
    else if (values !== undefined) setMember(kept, key, prune(values, member, at, unknown));
    else if (keepAll) setMember(kept, key, member);
    else unknown.push(at);
  }
  return kept as JsonObject;
}

/** The value with the schema's defaults filled in; nulls of fields that are not nullable are dropped first, as the real server does. */
export function defaulted(schema: JsonObject, value: Json): Json {
  if (isList(value)) {
    const items = schema["items"];
    return isObject(items) ? value.map((item) => defaulted(items, item)) : value;
  }
  if (!isObject(value)) return value;
  let result = value;
  const properties = propertiesOf(schema);
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    let member = result[name];
    const dropsNull = member === null && property["nullable"] !== true;
    if ((member === undefined || dropsNull) && property["default"] !== undefined) {
      member = property["default"];
      result = { ...result, [name]: member };
    } else if (dropsNull) {
      const { [name]: _, ...rest } = result;
      result = rest;
      continue;
    }
    if (member === undefined || member === null) continue;
    const filled = defaulted(property, member);
    if (filled !== member) result = { ...result, [name]: filled };
  }
  const values = valuesOf(schema);
  if (values === undefined) return result;
  const filled: Draft = {};
  for (const [key, member] of Object.entries(result)) {
    if (member !== undefined) setMember(filled, key, defaulted(values, member));
  }
  return filled as JsonObject;
}

/** Every way in which `value` breaks the schema. Paths are relative to the object's root. */
export function schemaFaults(schema: JsonObject, value: Json, path: string): readonly Cause[] {
  if (value === null && schema["nullable"] === true) return [];
  const wrong = typeFault(schema, value, path);
  if (wrong !== undefined) return [wrong, ...enumFaults(schema, value, path), ...junctorFaults(schema, value, path)];
  return [
    ...(typeof value === "string" ? stringFaults(schema, value, path) : []),
    ...(typeof value === "number" ? numberFaults(schema, value, path) : []),
    ...enumFaults(schema, value, path),
    ...(isList(value) ? listFaults(schema, value, path) : []),
    ...(isObject(value) ? objectFaults(schema, value, path) : []),
    ...junctorFaults(schema, value, path),
  ];
}

function typeName(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeFault(schema: JsonObject, value: Json, path: string): Cause | undefined {
  const found = typeName(value);
  const wanted =
    schema["x-kubernetes-int-or-string"] === true
      ? ["integer", "string"]
      : typeof schema["type"] === "string"
        ? [schema["type"]]
        : [];
  if (wanted.length === 0 || wanted.includes(found) || (found === "integer" && wanted.includes("number")))
    return undefined;
  const message = `Invalid value: ${JSON.stringify(found)}: ${path} in body must be of type ${wanted.join(",")}: ${JSON.stringify(found)}`;
  return { reason: "FieldValueTypeInvalid", message, field: path };
}

function stringFaults(schema: JsonObject, value: string, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  const length = [...value].length;
  const maximum = schema["maxLength"];
  if (typeof maximum === "number" && length > maximum) {
    faults.push({
      reason: "FieldValueTooLong",
      message: `Too long: may not be more than ${maximum} bytes`,
      field: path,
    });
  }
  const minimum = schema["minLength"];
  if (typeof minimum === "number" && length < minimum)
    faults.push(cause.invalid(path, value, `${path} in body should be at least ${minimum} chars long`));
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && readPattern(pattern)?.test(value) === false)
    faults.push(cause.invalid(path, value, `${path} in body should match '${pattern}'`));
  const format = schema["format"];
  if (typeof format === "string" && !matchesFormat(format, value)) {
    const fault = cause.invalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`);
    faults.push({ ...fault, reason: "FieldValueTypeInvalid" });
  }
  return faults;
}

function numberFaults(schema: JsonObject, value: number, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  const { minimum, maximum, multipleOf } = schema;
  if (typeof maximum === "number" && (schema["exclusiveMaximum"] === true ? value >= maximum : value > maximum)) {
    faults.push(
      cause.invalid(
        path,
        value,
        `${path} in body should be less than ${schema["exclusiveMaximum"] === true ? "" : "or equal to "}${maximum}`,
      ),
    );
  }
  if (typeof minimum === "number" && (schema["exclusiveMinimum"] === true ? value <= minimum : value < minimum)) {
    faults.push(
      cause.invalid(
        path,
        value,
        `${path} in body should be greater than ${schema["exclusiveMinimum"] === true ? "" : "or equal to "}${minimum}`,
      ),
    );
  }
  if (typeof multipleOf === "number" && value % multipleOf !== 0)
    faults.push(cause.invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`));
  if (schema["format"] === "int32" && (value > 2147483647 || value < -2147483648)) {
    faults.push(cause.invalid(path, value, `${path} in body must be of type int32: ${JSON.stringify(String(value))}`));
  }
  return faults;
}

function enumFaults(schema: JsonObject, value: Json, path: string): readonly Cause[] {
  const allowed = schema["enum"];
  if (!isList(allowed) || allowed.some((item) => jsonEqual(item, value))) return [];
  return [cause.unsupported(path, value, allowed.map(String))];
}

function listFaults(schema: JsonObject, value: readonly Json[], path: string): readonly Cause[] {
  const faults: Cause[] = [];
  const { minItems, maxItems, items } = schema;
  if (typeof maxItems === "number" && value.length > maxItems) faults.push(cause.tooMany(path, value.length, maxItems));
  if (typeof minItems === "number" && value.length < minItems)
    faults.push(cause.invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  if (isObject(items)) value.forEach((item, index) => faults.push(...schemaFaults(items, item, `${path}[${index}]`)));
  return faults;
}

function objectFaults(schema: JsonObject, value: JsonObject, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const count = Object.keys(value).length;
  const { minProperties, maxProperties, required } = schema;
  if (typeof maxProperties === "number" && count > maxProperties)
    faults.push(cause.tooMany(path, count, maxProperties));
  if (typeof minProperties === "number" && count < minProperties)
    faults.push(cause.invalid(path, count, `${path} in body should have at least ${minProperties} properties`));
  for (const name of isList(required) ? required.map(String) : [])
    if (value[name] === undefined) faults.push(cause.required(at(name)));
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    const property = properties[key] ?? values;
    if (isObject(property) && member !== undefined && !(path === "" && ENVELOPE.has(key)))
      faults.push(...schemaFaults(property, member, at(key)));
  }
  return faults;
}

function junctorFaults(schema: JsonObject, value: Json, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  const name = path === "" ? "<nil>" : path;
  const passes = (part: Json): boolean => isObject(part) && schemaFaults(part, value, path).length === 0;
  const { allOf, anyOf, oneOf, not } = schema;
  if (isList(allOf) && !allOf.every(passes)) {
    faults.push(cause.invalid(name, typeName(value), `${JSON.stringify(path)} must validate all the schemas (allOf)`));
    for (const part of allOf) if (isObject(part)) faults.push(...schemaFaults(part, value, path));
  }
  if (isList(anyOf) && !anyOf.some(passes)) {
    faults.push(cause.invalid("<nil>", "", `${JSON.stringify(path)} must validate at least one schema (anyOf)`));
    // Of the ways that failed, the first is shown.
    const [first] = anyOf;
    if (isObject(first)) faults.push(...schemaFaults(first, value, path));
  }
  if (isList(oneOf)) {
    const count = oneOf.filter(passes).length;
    const found = count === 0 ? "Found none valid" : `Found ${count} valid alternatives`;
    if (count !== 1)
      faults.push(
        cause.invalid(name, "", `${JSON.stringify(path)} must validate one and only one schema (oneOf). ${found}`),
      );
  }
  if (isObject(not) && passes(not))
    faults.push(cause.invalid(name, "", `${JSON.stringify(path)} must not validate the schema (not)`));
  return faults;
}

/** Duplicates in lists that are sets or maps. */
export function duplicateFaults(schema: JsonObject, value: Json, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  if (isList(value)) {
    const items = isObject(schema["items"]) ? schema["items"] : {};
    const listType = schema["x-kubernetes-list-type"];
    const keys = isList(schema["x-kubernetes-list-map-keys"]) ? schema["x-kubernetes-list-map-keys"].map(String) : [];
    const seen = new Set<string>();
    value.forEach((item, index) => {
      const identity: Json =
        listType === "map"
          ? Object.fromEntries(keys.map((key) => [key, isObject(item) ? (item[key] ?? null) : null]))
          : item;
      const text = JSON.stringify(identity);
      if ((listType === "map" || listType === "set") && seen.has(text))
        faults.push(cause.duplicate(`${path}[${index}]`, identity));
      seen.add(text);
      faults.push(...duplicateFaults(items, item, `${path}[${index}]`));
    });
  } else if (isObject(value)) {
    const values = valuesOf(schema);
    for (const [key, member] of Object.entries(value)) {
      const property = propertiesOf(schema)[key] ?? values;
      if (isObject(property) && member !== undefined)
        faults.push(...duplicateFaults(property, member, path === "" ? key : `${path}.${key}`));
    }
  }
  return faults;
}
