// Checks a validation rule against the schema it stands at, so that a typo is refused with the definition and not with the
// first object: fields of `self` and `oldSelf` must exist. Types beyond field names are left to evaluation.
import { isObject } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { celName, compileExpression } from "./cel.ts";
import { preserves, propertiesOf, valuesOf } from "./schema.ts";

interface AstNode {
  readonly op: string;
  readonly args: unknown;
  readonly range?: { readonly start: number; readonly end: number };
}

/** The schema an expression's value has; undefined when it is not known. */
type Known = JsonObject | undefined;

class UndefinedField extends Error {
  readonly field: string;
  readonly at: number;
  constructor(field: string, at: number) {
    super(field);
    this.field = field;
    this.at = at;
  }
}

/** What is wrong with a rule, in cel-go's words, or undefined. */
export function checkRule(text: string, schema: JsonObject): string | undefined {
  let ast: AstNode;
  try {
    ast = compileExpression(text).ast as AstNode;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return `ERROR: <input>:1:1: Syntax error: ${message}`;
  }
  try {
    infer(
      ast,
      new Map([
        ["self", schema],
        ["oldSelf", schema],
      ]),
      text,
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof UndefinedField)) throw error;
    return located(text, error.at, `undefined field '${error.field}'`);
  }
}

function located(text: string, at: number, problem: string): string {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  const column = at - before.lastIndexOf("\n") - 1;
  return `ERROR: <input>:${line}:${column + 1}: ${problem}\n | ${text.split("\n")[line - 1] ?? ""}\n | ${".".repeat(column)}^`;
}

const MACROS = new Set(["all", "exists", "exists_one", "existsOne", "map", "filter"]);

function infer(node: AstNode, scope: ReadonlyMap<string, Known>, text: string): Known {
  const args = Array.isArray(node.args) ? (node.args as readonly unknown[]) : [node.args];
  switch (node.op) {
    case "id":
      return scope.get(String(node.args));
    case ".":
    case ".?":
      return field(infer(args[0] as AstNode, scope, text), String(args[1]), dotOf(node, args[0] as AstNode, text));
    case "[]":
    case "[?]": {
      const inside = infer(args[0] as AstNode, scope, text);
      infer(args[1] as AstNode, scope, text);
      return element(inside);
    }
    case "rcall":
      return receiverCall(args, scope, text);
    case "?:": {
      infer(args[0] as AstNode, scope, text);
      const then = infer(args[1] as AstNode, scope, text);
      infer(args[2] as AstNode, scope, text);
      return then;
    }
    default:
      walk(node.args, scope, text);
      return undefined;
  }
}

function walk(args: unknown, scope: ReadonlyMap<string, Known>, text: string): void {
  if (Array.isArray(args)) for (const arg of args) walk(arg, scope, text);
  else if (typeof args === "object" && args !== null && "op" in args) infer(args as AstNode, scope, text);
}

function receiverCall(args: readonly unknown[], scope: ReadonlyMap<string, Known>, text: string): Known {
  const [name, receiver, given] = args as [string, AstNode, readonly AstNode[]];
  const target = infer(receiver, scope, text);
  const [variable] = given;
  if (!MACROS.has(name) || variable?.op !== "id") {
    walk(given, scope, text);
    return name === "orValue" || name === "value" ? target : undefined;
  }
  const inner = new Map(scope).set(String(variable.args), iterated(target));
  const results = given.slice(1).map((part) => infer(part, inner, text));
  if (name === "filter") return target;
  return name === "map" ? listOf(results.at(-1)) : undefined;
}

function listOf(items: Known): Known {
  return items === undefined ? undefined : { type: "array", items };
}

/** What a macro's variable is: an item of a list, a key of a map. */
function iterated(schema: Known): Known {
  return schema?.["type"] === "array" ? element(schema) : undefined;
}

function element(schema: Known): Known {
  if (schema === undefined) return undefined;
  const items: Json | undefined = schema["type"] === "array" ? schema["items"] : valuesOf(schema);
  return isObject(items) ? items : undefined;
}

function field(schema: Known, name: string, at: number): Known {
  if (schema === undefined || schema["type"] !== "object" || preserves(schema)) return undefined;
  const values = valuesOf(schema);
  if (values !== undefined) return values;
  // The server knows metadata.name and metadata.generateName of every object, whatever the schema says of metadata.
  if (name === "metadata") return undefined;
  for (const [property, below] of Object.entries(propertiesOf(schema))) {
    if (celName(property, true) === name) return isObject(below) ? below : undefined;
  }
  if (Object.keys(propertiesOf(schema)).length === 0 && schema["additionalProperties"] !== undefined) return undefined;
  if (["apiVersion", "kind"].includes(name)) return undefined;
  throw new UndefinedField(name, at);
}

/** Where the dot of a field access stands. */
function dotOf(node: AstNode, target: AstNode, text: string): number {
  const from = target.range?.end ?? node.range?.start ?? 0;
  const dot = text.indexOf(".", from);
  return dot < 0 ? from : dot;
}
