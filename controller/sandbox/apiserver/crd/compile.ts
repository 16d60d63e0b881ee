// A CustomResourceDefinition made ready for use: per served version its type node, and the functions that prune, default and
// validate its objects. Compiled once per stored definition.
import { isList, isObject, objectAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { plainField } from "../schema/node.ts";
import type { StructNode } from "../schema/node.ts";
import type { BuiltinSchema } from "../schema/builtin.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { compileRules } from "./rules.ts";
import { structNode } from "./schema.ts";
import { defaulted, duplicateFaults, prune, schemaFaults } from "./values.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  readonly jsonPath: string;
}

export interface CustomVersion {
  readonly name: string;
  readonly node: StructNode;
  readonly schema: JsonObject;
  readonly hasStatus: boolean;
  readonly hasRules: boolean;
  readonly columns: readonly PrinterColumn[];
  /** `spec.mode`, without the leading dot. */
  readonly selectableFields: readonly string[];
  /** Unknown fields removed, their paths listed. */
  readonly prune: (object: JsonObject) => { readonly object: JsonObject; readonly unknown: readonly string[] };
  readonly defaults: (object: JsonObject) => JsonObject;
  /** Schema, then list keys, then the CEL rules; `old` enables transition rules. */
  readonly validate: (object: JsonObject, old: JsonObject | undefined) => readonly Cause[];
}

const BLOCKING = new Set([
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
  "FieldValueNotSupported",
]);
/** What stands for the rules where they cannot be asked. */
export const UNCHECKED =
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/** The served versions of a stored definition. */
export function compileDefinition(builtin: BuiltinSchema, crd: JsonObject): readonly CustomVersion[] {
  const versions = objectAt(crd, "spec")["versions"];
  return (isList(versions) ? versions : [])
    .filter(isObject)
    .filter((version) => version["served"] === true)
    .map((version) => compileVersion(builtin, version));
}

function compileVersion(builtin: BuiltinSchema, version: JsonObject): CustomVersion {
  const schema = objectAt(objectAt(version, "schema"), "openAPIV3Schema");
  const node = structNode(
    schema,
    new Map([
      ["apiVersion", plainField({ type: "scalar", scalar: "string" })],
      ["kind", plainField({ type: "scalar", scalar: "string" })],
      ["metadata", plainField(builtin.struct("ObjectMeta"))],
    ]),
  );
  const rules = compileRules(schema);
  const columns = isList(version["additionalPrinterColumns"])
    ? version["additionalPrinterColumns"].filter(isObject)
    : [];
  return {
    name: String(version["name"]),
    node,
    schema,
    hasStatus: isObject(objectAt(version, "subresources")["status"]),
    hasRules: rules.count > 0,
    columns: columns.length === 0 ? [AGE] : columns.map(readColumn),
    selectableFields: (isList(version["selectableFields"]) ? version["selectableFields"] : []).map((field) =>
      String(isObject(field) ? field["jsonPath"] : "").replace(/^\./u, ""),
    ),
    prune(object) {
      const unknown: string[] = [];
      const pruned = prune(schema, object, "", unknown, true) as JsonObject;
      return { object: pruned, unknown: unknown.sort() };
    },
    defaults: (object) => defaulted(schema, object) as JsonObject,
    validate(object, old) {
      const faults = [...schemaFaults(schema, object, ""), ...duplicateFaults(schema, object, "")];
      if (rules.count === 0) return faults;
      if (faults.some((fault) => BLOCKING.has(fault.reason)))
        return [...faults, cause.invalid("<nil>", null, UNCHECKED)];
      return [...faults, ...rules.evaluate(object, old)];
    },
  };
}

const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  format: "",
  description: "",
  priority: 0,
  jsonPath: ".metadata.creationTimestamp",
};

function readColumn(column: JsonObject): PrinterColumn {
  const text = (key: string): string => (typeof column[key] === "string" ? (column[key] as Json as string) : "");
  return {
    name: text("name"),
    type: text("type"),
    format: text("format"),
    description: text("description"),
    priority: typeof column["priority"] === "number" ? column["priority"] : 0,
    jsonPath: text("jsonPath"),
  };
}
