// CEL of gates: over one `object` or over `objects`, true or false and nothing else. Pure, and bounded before it runs: a few functions
// whose cost is known, comprehensions three deep at most, and no data for which their product would be too much. Regular expressions
// are left out, because the ones at hand backtrack.
import { type ASTNode, Environment } from "@marcbachmann/cel-js";

export type GateVariable = "object" | "objects";

export type CompiledGate =
  | { readonly ok: true; readonly evaluate: (data: unknown) => GateResult }
  /** `at`: offset in the text, where it is known. */
  | { readonly ok: false; readonly message: string; readonly at: number | undefined };

export type GateResult =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly message: string };

/** Functions whose work is at most linear in what they are given. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  ...["has", "size", "int", "double", "string", "bool", "dyn", "type", "timestamp", "duration"],
  ...["startsWith", "endsWith", "contains", "orValue", "hasValue", "value"],
]);
const COMPREHENSIONS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);
const DEEPEST = 3;
const MOST_NODES = 200;
/** Steps of evaluation: some tens of milliseconds. */
const MOST_STEPS = 1_000_000;

function createEnvironment(variable: GateVariable): Environment {
  return new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: MOST_NODES, maxDepth: 40 },
  }).registerVariable(variable, variable === "object" ? "dyn" : "list<dyn>");
}

const ENVIRONMENTS: Readonly<Record<GateVariable, Environment>> = {
  object: createEnvironment("object"),
  objects: createEnvironment("objects"),
};

/** Reads and checks an expression over one of the two variables. */
export function compileGateExpression(text: string, variable: GateVariable): CompiledGate {
  try {
    const parsed = ENVIRONMENTS[variable].parse(text);
    const { nodes, depth, refused } = measure(parsed.ast);
    if (refused !== undefined)
      return { ok: false, message: `${refused.name}() is not available in gates`, at: refused.at };
    if (depth > DEEPEST)
      return { ok: false, message: `comprehensions stand ${depth} deep, ${DEEPEST} is the most`, at: undefined };
    const checked = parsed.check();
    if (!checked.valid) return refuse(checked.error);
    if (checked.type !== "bool" && checked.type !== "dyn")
      return { ok: false, message: `the expression is of type ${checked.type}, and has to be true or false`, at: 0 };
    return { ok: true, evaluate: (data) => evaluate(parsed, variable, data, nodes, depth) };
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): CompiledGate {
  const { range } = (error ?? {}) as { readonly range?: { readonly start: number } };
  return { ok: false, message: firstLine(error), at: range?.start };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").slice(0, 200);
}

function evaluate(
  run: (context: Record<string, unknown>) => unknown,
  variable: GateVariable,
  data: unknown,
  nodes: number,
  depth: number,
): GateResult {
  const widest = widestList(data);
  if (nodes * Math.max(1, widest) ** depth > MOST_STEPS)
    return { ok: false, message: `too expensive: ${depth} nested comprehensions over lists of up to ${widest}` };
  try {
    const value = run({ [variable]: toCel(data) });
    return typeof value === "boolean"
      ? { ok: true, value }
      : { ok: false, message: "the expression is neither true nor false" };
  } catch (error) {
    return { ok: false, message: firstLine(error) };
  }
}

interface Measure {
  readonly nodes: number;
  /** Comprehensions inside each other; one after the other is no deeper. */
  readonly depth: number;
  readonly refused: { readonly name: string; readonly at: number } | undefined;
}

function measure(node: ASTNode): Measure {
  const { op, args } = node;
  const name = op === "call" || op === "rcall" ? String(args[0]) : undefined;
  const below = childrenOf(op, args).map(measure);
  const loops = name !== undefined && COMPREHENSIONS.has(name);
  const refused =
    name === undefined || loops || FUNCTIONS.has(name)
      ? below.map((one) => one.refused).find((one) => one !== undefined)
      : { name, at: node.start };
  return {
    nodes: below.reduce((sum, one) => sum + one.nodes, 1),
    depth: Math.max(0, ...below.map((one) => one.depth)) + (loops ? 1 : 0),
    refused,
  };
}

function childrenOf(op: ASTNode["op"], args: unknown): readonly ASTNode[] {
  if (op === "value" || op === "id") return [];
  const list: readonly unknown[] = Array.isArray(args) ? (args.flat(2) as unknown[]) : [args];
  return list.filter((one): one is ASTNode => typeof one === "object" && one !== null && "op" in one);
}

/** The longest list or map anywhere in the data. Does not recurse: whoever writes an object decides how deep it is. */
function widestList(data: unknown): number {
  const waiting: unknown[] = [data];
  let widest = 0;
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (typeof one !== "object" || one === null) continue;
    const members: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    widest = Math.max(widest, members.length);
    for (const member of members) waiting.push(member);
  }
  return widest;
}

/** JSON as CEL sees it: whole numbers are integers, maps have no prototype. */
function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value === null) return value;
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) if (member !== undefined) result[key] = toCel(member);
  return result;
}
