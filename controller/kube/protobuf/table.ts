// What a message is read for: field numbers, the names that the same fields have in JSON, and how their values stand there. A table
// names only the fields that Ringward reads; all others are stepped over unread. Which fields JSON leaves out when they are empty
// follows from `omitempty` and from pointers in the Go types beside the .proto files.

/** How one value is read. */
export type Field =
  /** A string; left out when empty. `word`: one that occurs often. */
  | { readonly kind: "text" | "word"; readonly name: string }
  /** A whole number that JSON leaves out when it is 0, or (`int`, a pointer in Go) never. */
  | { readonly kind: "count32" | "count64" | "int32" | "int64"; readonly name: string }
  /** A truth value that JSON leaves out when it is false, or (`bool`, a pointer in Go) never. */
  | { readonly kind: "flag" | "bool"; readonly name: string }
  /** metav1.Time and metav1.MicroTime, in JSON as RFC 3339. */
  | { readonly kind: "time" | "microTime"; readonly name: string }
  /** JSON inside of a message (metav1.FieldsV1). */
  | { readonly kind: "json"; readonly name: string }
  | { readonly kind: "strings"; readonly name: string }
  /** map<string, string>. */
  | { readonly kind: "map"; readonly name: string }
  | { readonly kind: "message"; readonly name: string; readonly table: Table }
  /** A message whose fields stand in JSON beside those of the message around it. */
  | { readonly kind: "inline"; readonly table: Table }
  /** Repeated messages; with `only`, those whose string field of that number says that. */
  | { readonly kind: "list"; readonly name: string; readonly table: Table; readonly only?: Only };

export interface Only {
  readonly field: number;
  readonly says: string;
}

/** Fields by their numbers. */
export type Table = readonly (Field | undefined)[];

export function table(fields: Readonly<Record<number, Field>>): Table {
  const made: (Field | undefined)[] = [];
  for (const [number, field] of Object.entries(fields)) made[Number(number)] = field;
  // No holes: looking a number up must not search further than the list itself.
  return Array.from(made, (field) => field);
}

type Plain = Exclude<Field["kind"], "message" | "inline" | "list">;

function plain(kind: Plain): (name: string) => Field {
  return (name) => ({ kind, name });
}

export const text = plain("text");
export const word = plain("word");
export const count32 = plain("count32");
export const count64 = plain("count64");
export const int32 = plain("int32");
export const flag = plain("flag");
export const bool = plain("bool");
export const time = plain("time");
export const microTime = plain("microTime");
export const json = plain("json");
export const strings = plain("strings");
export const map = plain("map");

export function message(name: string, fields: Table): Field {
  return { kind: "message", name, table: fields };
}

export function inline(fields: Table): Field {
  return { kind: "inline", table: fields };
}

export function list(name: string, fields: Table, only?: Only): Field {
  return { kind: "list", name, table: fields, ...(only === undefined ? {} : { only }) };
}
