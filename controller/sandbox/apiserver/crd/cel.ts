// CEL for validation rules, on @marcbachmann/cel-js: Kubernetes' extra functions are registered here, integers reach the
// evaluator as integers because the schema says so, and regular expressions stay bounded. Evaluation has no side effects.
import { Environment } from "@marcbachmann/cel-js";
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { registerKubernetesLibrary } from "./cel-library.ts";
import { propertiesOf, valuesOf } from "./schema.ts";

export interface Evaluation {
  readonly value?: unknown;
  readonly error?: string;
}

export interface Expression {
  readonly ast: unknown;
  readonly evaluate: (variables: Readonly<Record<string, unknown>>) => Evaluation;
}

// Making an environment is expensive and parsing leaves it as it is, so there is one.
const ENVIRONMENT = createEnvironment();

function createEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  });
  registerKubernetesLibrary(environment);
  return environment;
}

/** Compiles an expression; throws the library's ParseError for one that cannot be read. */
export function compileExpression(text: string): Expression {
  const parsed = ENVIRONMENT.parse(text);
  return {
    ast: parsed.ast,
    evaluate(variables) {
      try {
        return { value: parsed({ ...variables }) as unknown };
      } catch (error) {
        return { error: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
      }
    },
  };
}

/** Names that CEL reserves are reached as `__name__`. */
const RESERVED = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "in",
  "let",
  "loop",
  "namespace",
  "package",
  "return",
  "var",
  "void",
  "while",
  "true",
  "false",
  "null",
]);

/** A JSON value as CEL sees it: integers are BigInt where the schema says integer, objects have null prototypes. */
export function toCel(schema: JsonObject | undefined, value: Json): unknown {
  if (typeof value === "number") {
    const integral = schema?.["type"] === "integer" || (schema?.["type"] !== "number" && Number.isInteger(value));
    return integral ? BigInt(Math.trunc(value)) : value;
  }
  if (isList(value)) {
    const items = isObject(schema?.["items"]) ? schema["items"] : undefined;
    return value.map((item) => toCel(items, item));
  }
  if (!isObject(value)) return value;
  const properties = schema === undefined ? {} : propertiesOf(schema);
  const values = schema === undefined ? undefined : valuesOf(schema);
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const property = properties[key];
    const converted = toCel(isObject(property) ? property : values, member);
    result[celName(key, isObject(property))] = converted;
  }
  return result;
}

/** How a property is spelt in an expression (KEP-2876, escaping); keys of maps are strings and stay as they are. */
export function celName(name: string, isProperty: boolean): string {
  if (!isProperty) return name;
  if (RESERVED.has(name)) return `__${name}__`;
  return name
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}
