// Type nodes of the built-in kinds: the generated table of fields joined with the overlay of merge keys and zero values.
// Built on demand, because most runs touch a tenth of the types and JSONSchemaProps contains itself.
import type { Json } from "../json.ts";
import { BUILTIN_TYPES } from "./builtin-types.ts";
import { OVERLAY } from "./builtin-overlay.ts";
import type { FieldOverlay } from "./builtin-overlay.ts";
import { ANY } from "./node.ts";
import type { FieldNode, Scalar, StructNode, TypeNode } from "./node.ts";

/** What Go's encoder does with a field that is empty. */
export type Emptiness = "always" | "omit" | "omitZero";

export interface BuiltinSchema {
  /** The node of a type by its plain name, for example `PodSpec`; throws for a name the table lacks. */
  struct(name: string): StructNode;
  /** Written even when empty? `undefined` type names and unknown fields answer `omit`. */
  emptiness(type: string | undefined, field: string): Emptiness;
  /** The fields of a type that are written even when empty. */
  always(type: string | undefined): readonly string[];
  /** Names of all types, sorted. */
  readonly names: readonly string[];
}

const SCALARS: ReadonlySet<string> = new Set([
  "string",
  "integer",
  "number",
  "boolean",
  "time",
  "microtime",
  "bytes",
  "intstr",
  "quantity",
]);

// resource.Quantity is a string in the documents, but a bare number is one too.
const QUANTITIES: ReadonlySet<string> = new Set([
  ...["capacity", "allocatable", "limits", "requests", "hard", "used", "default", "defaultRequest", "max", "min"],
  ...["maxLimitRequestRatio", "overhead", "allocatedResources", "sizeLimit", "divisor"],
]);

/** Parses the generated table; costs a millisecond. */
export function builtinSchema(): BuiltinSchema {
  const table = new Map<string, ReadonlyMap<string, string>>();
  for (const line of BUILTIN_TYPES.trim().split("\n")) {
    const [name = "", ...fields] = line.split(" ");
    table.set(
      name,
      new Map(
        fields.map((field) => {
          const colon = field.indexOf(":");
          return [field.slice(0, colon), field.slice(colon + 1)];
        }),
      ),
    );
  }
  const structs = new Map<string, StructNode>();

  function struct(name: string): StructNode {
    const known = structs.get(name);
    if (known) return known;
    const fields = table.get(name);
    if (!fields) throw new Error(`the type table has no ${name}; regenerate builtin-types.ts with it`);
    const overlay = OVERLAY[name];
    let built: ReadonlyMap<string, FieldNode> | undefined;
    const node: StructNode = {
      type: "struct",
      name,
      atomic: overlay?.atomic ?? false,
      preserveUnknown: false,
      fields: () =>
        (built ??= new Map(
          [...fields].map(([field, type]) => [field, fieldNode(field, type, overlay?.fields?.[field])]),
        )),
    };
    structs.set(name, node);
    return node;
  }

  function fieldNode(field: string, notation: string, overlay: FieldOverlay | undefined): FieldNode {
    const required = notation.endsWith("!");
    const plain = required ? notation.slice(0, -1) : notation;
    return {
      node: typeNode(QUANTITIES.has(field) ? plain.replace(/^(\{?)string(\}?)$/u, "$1quantity$2") : plain, overlay),
      required,
      patchMerge: overlay?.merge !== undefined,
      mergeKey: typeof overlay?.merge === "string" ? overlay.merge : undefined,
      retainKeys: overlay?.retainKeys ?? false,
    };
  }

  function typeNode(notation: string, overlay?: FieldOverlay): TypeNode {
    const inner = notation.slice(1, -1);
    if (notation.startsWith("[")) {
      const item = typeNode(inner);
      return {
        type: "list",
        items: () => item,
        listType: overlay?.list ?? "atomic",
        keys: overlay?.keys ?? [],
        keyDefaults: overlay?.keyDefaults ?? {},
      };
    }
    if (notation.startsWith("{")) {
      return { type: "map", values: () => typeNode(inner), atomic: overlay?.atomic ?? false };
    }
    if (SCALARS.has(notation)) return { type: "scalar", scalar: notation as Scalar };
    return notation === "any" ? ANY : struct(notation);
  }

  const rules = new Map<string, ReadonlyMap<string, Emptiness>>();
  const always = new Map<string, readonly string[]>();

  function rulesOf(type: string): ReadonlyMap<string, Emptiness> {
    const known = rules.get(type);
    if (known) return known;
    const overlay = OVERLAY[type];
    const built = new Map<string, Emptiness>();
    for (const [field, notation] of table.get(type) ?? []) {
      if (overlay?.omitZero?.includes(field)) built.set(field, "omitZero");
      else if (overlay?.always?.includes(field) || (notation.endsWith("!") && !overlay?.omitEmpty?.includes(field)))
        built.set(field, "always");
    }
    rules.set(type, built);
    return built;
  }

  function alwaysOf(type: string): readonly string[] {
    const known = always.get(type);
    if (known) return known;
    const built = [...rulesOf(type)].filter(([, emptiness]) => emptiness === "always").map(([field]) => field);
    always.set(type, built);
    return built;
  }

  return {
    struct,
    emptiness: (type, field) => (type === undefined ? undefined : rulesOf(type).get(field)) ?? "omit",
    always: (type) => (type === undefined ? [] : alwaysOf(type)),
    names: [...table.keys()],
  };
}

/** What Go writes for a field that was never set: an empty struct's own fields, `""`, `0`, `false` or null. */
export function zeroValue(schema: BuiltinSchema, node: TypeNode): Json {
  switch (node.type) {
    case "struct": {
      const zero: Record<string, Json> = {};
      for (const name of schema.always(node.name)) {
        const field = node.fields().get(name);
        if (field !== undefined) zero[name] = zeroValue(schema, field.node);
      }
      return zero;
    }
    case "scalar":
      return ZERO[node.scalar];
    default:
      return null;
  }
}

const ZERO: Readonly<Record<Scalar, Json>> = {
  string: "",
  integer: 0,
  number: 0,
  boolean: false,
  time: null,
  microtime: null,
  bytes: null,
  intstr: 0,
  quantity: "0",
};
