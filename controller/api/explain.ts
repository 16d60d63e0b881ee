// What a schema error means to the person who wrote the file: what is wrong, and what to do. Every message is made here,
// so that `validate`, the status of a PolicyRepository and a test say the same words.
import type { ErrorObject } from "ajv";
import { closest } from "./suggest.ts";

/** A metadata.name (RFC 1123 subdomain, as ObjectName in schema.ts). */
export const NAME_PATTERN = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";

/** What is wrong with one place of a value. */
export interface SchemaProblem {
  readonly pointer: readonly (string | number)[];
  /** True where the place is a key that should not be there, not its value. */
  readonly atKey: boolean;
  readonly code: "UnknownField" | "MissingField" | "WrongType" | "InvalidValue" | "Duplicate" | "RuleViolated";
  readonly message: string;
  readonly hint: string | undefined;
}

/** One error of ajv in words. `root` is the value that was validated. */
export function explainError(error: ErrorObject, root: unknown): SchemaProblem {
  const pointer = pointerOf(error.instancePath, root);
  const at = (code: SchemaProblem["code"], message: string, hint?: string): SchemaProblem => ({
    pointer,
    atKey: false,
    code,
    message,
    hint,
  });
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownField(pointer, String(params["additionalProperty"]), error.parentSchema);
    case "required":
      return {
        ...at("MissingField", `field "${String(params["missingProperty"])}" is required`, "add it"),
        pointer: [...pointer, String(params["missingProperty"])],
      };
    case "type":
      return at(
        "WrongType",
        `must be ${article(String(params["type"]))}, and is ${nameOf(error.data)}`,
        typeHint(error),
      );
    case "enum":
      return wrongWord(pointer, error.data, error.schema as readonly string[]);
    case "x-ringward-int-or-percent":
      return at(
        "InvalidValue",
        `${show(error.data)} is neither a whole number from 0 up nor a percentage from 0% to 100%`,
        "write for example 3 or 10%",
      );
    case "pattern":
    case "format":
      return at("InvalidValue", `${show(error.data)} ${formatMessage(error)}`, formatHint(error));
    case "minProperties":
      return at("InvalidValue", "must not be empty", emptyHint(pointer));
    case "maxProperties":
      return at("InvalidValue", `has more than ${String(params["limit"])} entries`);
    case "minItems":
      return at("InvalidValue", `needs at least ${String(params["limit"])} item(s)`);
    case "maxItems":
      return at("InvalidValue", `has more than ${String(params["limit"])} items`);
    case "minLength":
      return at("InvalidValue", "must not be empty");
    case "maxLength":
      return at("InvalidValue", `is longer than ${String(params["limit"])} characters`);
    case "minimum":
      return at("InvalidValue", `${show(error.data)} is less than ${String(params["limit"])}`);
    case "maximum":
      return at("InvalidValue", `${show(error.data)} is more than ${String(params["limit"])}`);
    default:
      return at("InvalidValue", error.message ?? `breaks ${error.keyword}`);
  }
}

function unknownField(parent: readonly (string | number)[], name: string, schema: unknown): SchemaProblem {
  const known = Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});
  const guess = closest(name, known);
  const written = parent.length === 0 && name === "status";
  return {
    pointer: [...parent, name],
    atKey: true,
    code: "UnknownField",
    message: `unknown field "${name}"`,
    hint: written
      ? "remove it: status is written by Ringward"
      : guess === undefined
        ? `known here: ${known.join(", ")}`
        : `did you mean "${guess}"?`,
  };
}

function wrongWord(pointer: readonly (string | number)[], data: unknown, words: readonly string[]): SchemaProblem {
  const guess = typeof data === "string" ? closest(data, words) : undefined;
  return {
    pointer,
    atKey: false,
    code: "InvalidValue",
    message: `${show(data)} is not one of ${words.join(", ")}`,
    hint: guess === undefined ? undefined : `did you mean "${guess}"?`,
  };
}

/** ajv gives a JSON pointer; a number in it is an index only where the value there is a list. */
function pointerOf(path: string, root: unknown): (string | number)[] {
  let here = root;
  return path
    .split("/")
    .slice(1)
    .map((part) => {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      const step = Array.isArray(here) ? Number(key) : key;
      here = (here as Record<string | number, unknown> | undefined)?.[step];
      return step;
    });
}

function article(type: string): string {
  if (type === "array") return "a list";
  return type === "object" ? "an object" : type === "integer" ? "a whole number" : `a ${type}`;
}

function nameOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return `the ${typeof value} ${show(value)}`;
}

function typeHint(error: ErrorObject): string | undefined {
  if (error.data === null) return "give it a value or remove it";
  const scalar = typeof error.data === "number" || typeof error.data === "boolean";
  return (error.params as { type?: unknown }).type === "string" && scalar
    ? `quote it: "${String(error.data)}"`
    : undefined;
}

/** A value, as a message shows it: JSON, shortened. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function formatMessage(error: ErrorObject): string {
  if (error.keyword === "format") return "is not a point in time";
  const pattern = String(error.schema);
  if (pattern.includes("[smhd]")) return "is not a duration";
  if (pattern === NAME_PATTERN) return "is not a name";
  if (pattern.includes("sha256"))
    return pattern.startsWith("^sha256") ? "is not a digest" : "is not an image by digest";
  return `does not match ${pattern}`;
}

function formatHint(error: ErrorObject): string | undefined {
  if (error.keyword === "format") return "write RFC 3339, for example 2026-11-21T17:50:00Z";
  const pattern = String(error.schema);
  if (pattern.includes("[smhd]")) return "write for example 45s, 90m, 36h or 7d";
  if (pattern === NAME_PATTERN) return "use lower case letters, digits, - and .";
  if (pattern.includes("T[0-9]{2}")) return "write for example 2026-11-23T00:00 or 2026-11-23T00:00:00Z";
  if (pattern.includes("sha256")) return "write sha256: and 64 hex digits";
  return undefined;
}

function emptyHint(pointer: readonly (string | number)[]): string | undefined {
  const last = pointer.at(-1);
  return last === "selector" || last === "nodeSelector"
    ? "an empty selector would mean everything: say that on purpose, for example with an Exists expression"
    : undefined;
}
