// Which columns a resource has in `kubectl get`, and a row's cells: custom resources by their printer columns, built-in kinds
// by tables/builtin.ts, everything else by name and age.
import type { Context } from "../context.ts";
import type { PrinterColumn } from "../crd/compile.ts";
import type { Json, JsonObject } from "../json.ts";
import { metadataOf, nameOf } from "../object.ts";
import type { Resource } from "../resources.ts";
import { age } from "./age.ts";
import { BUILTIN_TABLES } from "./builtin.ts";
import { AGE, NAME } from "./column.ts";
import type { Column, TableDefinition } from "./column.ts";
import { parseJsonPath } from "./jsonpath.ts";

const PLAIN: TableDefinition = {
  columns: [AGE],
  cells: (object, now) => [age(metadataOf(object)["creationTimestamp"], now)],
};

/** The column definitions, the name first. */
export function columnsOf(resource: Resource): readonly Column[] {
  if (resource.custom !== undefined) return [NAME, ...resource.custom.columns.map(customColumn)];
  const definition = BUILTIN_TABLES[resource.storage] ?? PLAIN;
  return definition.namesItself ? definition.columns : [NAME, ...definition.columns];
}

/** One row's cells, in the order of the columns. */
export function rowOf(context: Context, resource: Resource, object: JsonObject): readonly Json[] {
  const now = context.clock.now();
  if (resource.custom !== undefined)
    return [nameOf(object), ...resource.custom.columns.map((column) => customCell(column, object, now))];
  const definition = BUILTIN_TABLES[resource.storage] ?? PLAIN;
  const cells = definition.cells(object, now);
  return definition.namesItself ? cells : [nameOf(object), ...cells];
}

function customColumn(column: PrinterColumn): Column {
  const description =
    column.description === ""
      ? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`
      : column.description;
  return {
    name: column.name,
    type: column.type,
    format: column.format,
    description:
      column.name === "Age" && column.description === "" && column.jsonPath === ".metadata.creationTimestamp"
        ? description
        : description,
    priority: column.priority,
  };
}

function customCell(column: PrinterColumn, object: JsonObject, now: number): Json {
  const [value, ...more] = parseJsonPath(column.jsonPath)(object);
  if (value === undefined || value === null) return null;
  switch (column.type) {
    case "date":
      return age(value, now);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    default: {
      const texts = [value, ...more].map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item)));
      return texts.join(",");
    }
  }
}
