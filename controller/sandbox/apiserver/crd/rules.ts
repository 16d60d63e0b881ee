// `x-kubernetes-validations`: where rules stand in a schema, and evaluating them over an object and its old self. Transition
// rules (those that say oldSelf) run only where an old value can be matched: fields by name, map values by key, list-map items
// by their keys (KEP-2876).
import { isList, isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { shown } from "../status.ts";
import type { Cause } from "../status.ts";
import { compileExpression, toCel } from "./cel.ts";
import type { Expression } from "./cel.ts";
import { propertiesOf, valuesOf } from "./schema.ts";

interface Rule {
  readonly expression: Expression;
  readonly transition: boolean;
  readonly message: string | undefined;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
  readonly fieldPath: string;
  readonly text: string;
}

interface Level {
  readonly schema: JsonObject;
  readonly rules: readonly Rule[];
  readonly properties: ReadonlyMap<string, Level>;
  readonly values: Level | undefined;
  readonly items: Level | undefined;
  readonly listKeys: readonly string[];
}

export interface CompiledRules {
  readonly count: number;
  /** A cause for each rule that does not hold, in the schema's order. */
  readonly evaluate: (object: JsonObject, old: JsonObject | undefined) => readonly Cause[];
}

/** Compiles all rules of a schema. Rules that do not compile were refused when the definition was created. */
export function compileRules(schema: JsonObject): CompiledRules {
  const counter = { count: 0 };
  const root = level(schema, counter);
  return {
    count: counter.count,
    evaluate(object, old) {
      const causes: Cause[] = [];
      if (counter.count > 0) visit(root, object, old, "", causes);
      return causes;
    },
  };
}

function level(schema: JsonObject, counter: { count: number }): Level {
  const given = schema["x-kubernetes-validations"];
  const rules = (isList(given) ? given : []).filter(isObject).map(compileRule);
  counter.count += rules.length;
  const values = valuesOf(schema);
  const keys = schema["x-kubernetes-list-map-keys"];
  return {
    schema,
    rules,
    properties: new Map(
      Object.entries(propertiesOf(schema)).map(([name, property]) => [name, level(property as JsonObject, counter)]),
    ),
    values: values === undefined ? undefined : level(values, counter),
    items: isObject(schema["items"]) ? level(schema["items"], counter) : undefined,
    listKeys: schema["x-kubernetes-list-type"] === "map" && isList(keys) ? keys.map(String) : [],
  };
}

function compileRule(rule: JsonObject): Rule {
  const text = String(rule["rule"]);
  return {
    expression: compileExpression(text),
    transition: /\boldSelf\b/u.test(text),
    message: typeof rule["message"] === "string" && rule["message"] !== "" ? rule["message"] : undefined,
    messageExpression:
      typeof rule["messageExpression"] === "string" && rule["messageExpression"] !== ""
        ? compileExpression(rule["messageExpression"])
        : undefined,
    reason: typeof rule["reason"] === "string" ? rule["reason"] : "FieldValueInvalid",
    fieldPath: typeof rule["fieldPath"] === "string" ? rule["fieldPath"] : "",
    text: text.trim(),
  };
}

function visit(at: Level, value: Json, old: Json | undefined, path: string, causes: Cause[]): void {
  for (const rule of at.rules) {
    if (rule.transition && old === undefined) continue;
    const fault = evaluateRule(rule, at.schema, value, old, path);
    if (fault !== undefined) causes.push(fault);
  }
  if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const below = at.properties.get(key) ?? at.values;
      if (below === undefined || member === undefined || member === null) continue;
      const before = isObject(old) ? (old[key] ?? undefined) : undefined;
      visit(
        below,
        member,
        before,
        path === "" ? key : at.properties.has(key) ? `${path}.${key}` : `${path}[${key}]`,
        causes,
      );
    }
  } else if (isList(value) && at.items !== undefined) {
    const items = at.items;
    value.forEach((item, index) => visit(items, item, matching(at, item, old), `${path}[${index}]`, causes));
  }
}

function matching(at: Level, item: Json, old: Json | undefined): Json | undefined {
  if (at.listKeys.length === 0 || !isList(old) || !isObject(item)) return undefined;
  return old.find((other) => isObject(other) && at.listKeys.every((key) => other[key] === item[key]));
}

function evaluateRule(
  rule: Rule,
  schema: JsonObject,
  value: Json,
  old: Json | undefined,
  path: string,
): Cause | undefined {
  const variables = { self: toCel(schema, value), ...(rule.transition ? { oldSelf: toCel(schema, old ?? null) } : {}) };
  const field = `${path}${path === "" ? rule.fieldPath.replace(/^\./u, "") : rule.fieldPath}` || "<nil>";
  const result = rule.expression.evaluate(variables);
  if (result.error !== undefined)
    return {
      reason: "FieldValueInvalid",
      message: `Invalid value: ${result.error} evaluating rule: ${rule.message ?? rule.text}`,
      field: path || "<nil>",
    };
  if (result.value === true) return undefined;
  const computed = rule.messageExpression?.evaluate(variables);
  const message =
    typeof computed?.value === "string" && computed.value.trim() !== "" && !computed.value.includes("\n")
      ? computed.value
      : (rule.message ?? `failed rule: ${rule.text}`);
  // A text is shown; what has members is not.
  const given = typeof value === "string" && rule.reason === "FieldValueInvalid" ? `${shown(value)}: ` : "";
  return { reason: rule.reason, message: `${PREFIX[rule.reason] ?? "Invalid value"}: ${given}${message}`, field };
}

const PREFIX: Readonly<Record<string, string>> = {
  FieldValueInvalid: "Invalid value",
  FieldValueForbidden: "Forbidden",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
};
