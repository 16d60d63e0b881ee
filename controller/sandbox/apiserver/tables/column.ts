// The shape of a table's definition, and the columns that every table has.
import type { Json, JsonObject } from "../json.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableDefinition {
  /** Without the name, which stands first unless `namesItself`. */
  readonly namesItself?: true;
  readonly columns: readonly Column[];
  /** Cells of those columns; `now` is policy time in milliseconds. */
  readonly cells: (object: JsonObject, now: number) => readonly Json[];
}

/** A column; priority 1 shows only with `-o wide`. */
export function column(name: string, description: string, type = "string", priority = 0): Column {
  return { name, type, format: "", description, priority };
}

export const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
};

export const AGE: Column = column(
  "Age",
  "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
);
