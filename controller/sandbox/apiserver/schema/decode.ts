// Reads a built-in object the way Go's typed decoder does: unknown fields drop out (and are reported), empty optional fields
// disappear, fields that Go always writes appear, times get one spelling. A wrong type is the client's fault (400).
import { isList, isObject, setMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { canonicalQuantity } from "../quantity.ts";
import type { BuiltinSchema } from "./builtin.ts";
import { zeroValue } from "./builtin.ts";
import type { ScalarNode, StructNode, TypeNode } from "./node.ts";

/** The body cannot be read as the kind; the message is Go's. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DecodeError";
  }
}

export interface Decoded {
  readonly object: JsonObject;
  /** Paths of fields that the kind does not declare, sorted. */
  readonly unknown: readonly string[];
}

/** Reads `value` as `node`; throws DecodeError when a field has the wrong type. */
export function decodeTyped(schema: BuiltinSchema, node: StructNode, value: JsonObject): Decoded {
  const unknown: string[] = [];

  function walk(type: TypeNode, item: Json, path: string, owner: string, field = ""): Json {
    switch (type.type) {
      case "any":
        return item;
      case "scalar":
        return readScalar(type, item, path, owner, field);
      case "list":
        if (!isList(item)) throw mismatch(item, owner, path, goType(type));
        return item.map((member, index) =>
          member === null ? zeroValue(schema, type.items()) : walk(type.items(), member, `${path}[${index}]`, owner),
        );
      case "map":
        return readMap(type.values(), item, path, owner);
      default:
        if (!isObject(item)) throw mismatch(item, owner, path, type.name ?? "object");
        return readStruct(type, item, path);
    }
  }

  function readMap(values: TypeNode, item: Json, path: string, owner: string): Json {
    if (!isObject(item)) throw mismatch(item, owner, path, `map[string]${goType(values)}`);
    const read: Draft = {};
    for (const [key, member] of Object.entries(item)) {
      if (member === undefined) continue;
      // Go names the field that is the map, not the key.
      const at = values.type === "scalar" ? path : `${path}.${key}`;
      setMember(read, key, member === null ? zeroValue(schema, values) : walk(values, member, at, owner));
    }
    return read as JsonObject;
  }

  function readStruct(struct: StructNode, item: JsonObject, path: string): JsonObject {
    const read: Draft = {};
    const fields = struct.fields();
    for (const key of Object.keys(item)) {
      const member = item[key];
      if (member === undefined) continue;
      const field = fields.get(key);
      const at = path === "" ? key : `${path}.${key}`;
      if (field === undefined) {
        unknown.push(at);
        continue;
      }
      if (member === null) continue;
      const result = walk(field.node, member, at, struct.name ?? "", key);
      const emptiness = schema.emptiness(struct.name, key);
      if (emptiness === "always" || !isEmpty(field.node, result, emptiness === "omitZero")) read[key] = result;
    }
    for (const name of schema.always(struct.name)) {
      const field = fields.get(name);
      if (read[name] === undefined && field !== undefined) read[name] = zeroValue(schema, field.node);
    }
    return read as JsonObject;
  }

  const object = readStruct(node, value, "");
  return { object, unknown: unknown.sort() };
}

function isEmpty(node: TypeNode, value: Json, zeroToo: boolean): boolean {
  // Go keeps any JSON behind a pointer: a schema's `default: ""` says something.
  if (node.type === "any") return value === null;
  if (value === null || value === "") return true;
  if (zeroToo && (value === 0 || value === false)) return true;
  if (isList(value)) return value.length === 0;
  return node.type === "map" && isObject(value) && Object.keys(value).length === 0;
}

/** Whole numbers of 64 bits; all others have 32. */
const LONG: ReadonlySet<string> = new Set([
  ...["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerationSeconds", "gracePeriodSeconds"],
  ...["deletionGracePeriodSeconds", "startingDeadlineSeconds", "expirationSeconds", "generation", "observedGeneration"],
  ...["runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "sizeBytes", "revision", "maxLength", "minLength"],
  ...["maxItems", "minItems", "maxProperties", "minProperties"],
]);
const LARGEST_INT32 = 2 ** 31 - 1;

function readInteger(value: Json, path: string, owner: string, field: string): Json {
  const long = LONG.has(field);
  const fits = typeof value === "number" && Number.isInteger(value) && (long || Math.abs(value) <= LARGEST_INT32);
  if (!fits) throw mismatch(value, owner, path, long ? "int64" : "int32", true);
  return value;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}/u;

function readBytes(value: Json, path: string, owner: string): Json {
  if (typeof value !== "string") throw mismatch(value, owner, path, "[]uint8");
  const good = BASE64.exec(value)?.[0].length ?? 0;
  if (good < value.length || value.length % 4 !== 0)
    throw new DecodeError(
      `illegal base64 data at input byte ${good < value.length ? good : value.length - (value.length % 4)}`,
    );
  return value;
}

function readQuantity(value: Json): Json {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return value;
  try {
    return canonicalQuantity(text);
  } catch (error) {
    throw new DecodeError((error as Error).message);
  }
}

function readScalar(node: ScalarNode, value: Json, path: string, owner: string, field: string): Json {
  switch (node.scalar) {
    case "integer":
      return readInteger(value, path, owner, field);
    case "number":
      if (typeof value !== "number") throw mismatch(value, owner, path, "float64");
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(value, owner, path, "bool");
      return value;
    case "intstr":
      if (typeof value !== "number" && typeof value !== "string")
        throw mismatch(value, owner, path, "intstr.IntOrString");
      return value;
    case "time":
    case "microtime":
      return readTime(node.scalar, value, owner, path);
    case "quantity":
      return readQuantity(value);
    case "bytes":
      return readBytes(value, path, owner);
    default:
      if (typeof value !== "string") throw mismatch(value, owner, path, "string");
      return value;
  }
}

const LAYOUT = { time: "2006-01-02T15:04:05Z07:00", microtime: "2006-01-02T15:04:05.000000Z07:00" } as const;

function readTime(kind: "time" | "microtime", value: Json, owner: string, path: string): Json {
  if (typeof value !== "string") throw mismatch(value, owner, path, kind === "time" ? "v1.Time" : "v1.MicroTime");
  const fraction = kind === "time" ? "(\\.\\d+)?" : "(\\.\\d{6})";
  const match = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d:\\d\\d:\\d\\d)${fraction}(Z|[+-]\\d\\d:\\d\\d)$`, "u").exec(
    value,
  );
  const milliseconds = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}${match[4]}`);
  if (match === null || Number.isNaN(milliseconds)) {
    const quoted = JSON.stringify(value);
    throw new DecodeError(
      `parsing time ${quoted} as ${JSON.stringify(LAYOUT[kind])}: cannot parse ${unreadPart(value)}`,
    );
  }
  const seconds = new Date(milliseconds).toISOString().slice(0, 19);
  if (kind === "time") return `${seconds}Z`;
  return `${seconds}.${(match[3] ?? ".").slice(1, 7).padEnd(6, "0")}Z`;
}

/** Where Go's parser of micro times stops reading, and what it wanted there. */
function unreadPart(value: string): string {
  const rest = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(.*)$/u.exec(value)?.[1];
  if (rest === undefined) return `${JSON.stringify(value)} as "2006"`;
  const more = /^\.\d{6}(.+)$/u.exec(rest)?.[1];
  return more === undefined ? `${JSON.stringify(rest)} as ".000000"` : `${JSON.stringify(more)} as "Z07:00"`;
}

function goType(node: TypeNode): string {
  switch (node.type) {
    case "list":
      return `[]${goType(node.items())}`;
    case "map":
      return `map[string]${goType(node.values())}`;
    case "scalar":
      return node.scalar === "bytes" ? "[]uint8" : node.scalar === "boolean" ? "bool" : node.scalar;
    case "struct":
      return `v1.${node.name ?? ""}`;
    default:
      return "interface {}";
  }
}

/** `exact` says that a number was looked for: then Go shows the one that it found. */
function mismatch(value: Json, owner: string, path: string, type: string, exact = false): DecodeError {
  const kind = value === null ? "null" : isList(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const found = exact && typeof value === "number" ? `number ${value}` : kind;
  return new DecodeError(`json: cannot unmarshal ${found} into Go struct field ${owner}.${path} of type ${type}`);
}
