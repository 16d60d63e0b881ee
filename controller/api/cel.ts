// The kinds' CEL rules, run on files before an API server sees them. The API server stays the authority; this is the
// same text evaluated by cel-js, so that `validate` says what `kubectl apply` would say.
// It never runs rules that speak of `oldSelf`: a file has no past.
import { Environment } from "@marcbachmann/cel-js";
import type { StructuralSchema } from "./crd.ts";

/** A rule that does not hold. */
export interface BrokenRule {
  /** Where the rule stands: the object that it speaks of. */
  readonly pointer: readonly (string | number)[];
  readonly message: string;
}

type Check = (value: unknown, pointer: readonly (string | number)[], broken: BrokenRule[]) => void;

/**
 * Compiles all rules of a schema into one check of a value that already satisfies the schema, defaults applied.
 * @throws Error where a rule does not compile, naming it.
 */
export function compileRules(schema: StructuralSchema): (value: unknown) => readonly BrokenRule[] {
  const environment = new Environment({ enableOptionalTypes: true }).registerVariable("self", "dyn");
  const check = compileNode(schema, environment);
  return (value) => {
    const broken: BrokenRule[] = [];
    check?.(value, [], broken);
    return broken;
  };
}

/** Undefined where neither the node nor anything below it has rules: most of a document is then not walked at all. */
function compileNode(schema: StructuralSchema, environment: Environment): Check | undefined {
  const own = (schema["x-kubernetes-validations"] ?? []).flatMap(({ rule, message }) =>
    /\boldSelf\b/.test(rule) ? [] : [{ evaluate: parseRule(environment, rule), message }],
  );
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const check = compileNode(child, environment);
    return check === undefined ? [] : [[name, check] as const];
  });
  const items = schema.items === undefined ? undefined : compileNode(schema.items, environment);
  if (own.length === 0 && properties.length === 0 && items === undefined) return undefined;
  return (value, pointer, broken) => {
    for (const { evaluate, message } of own) {
      if (!evaluate(value)) broken.push({ pointer, message });
    }
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) items?.(item, [...pointer, index], broken);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, check] of properties) {
        const child = (value as Record<string, unknown>)[name];
        if (child !== undefined) check(child, [...pointer, name], broken);
      }
    }
  };
}

function parseRule(environment: Environment, rule: string): (self: unknown) => boolean {
  const checked = environment.check(rule);
  if (!checked.valid) throw new Error(`CEL rule "${rule}": ${checked.error?.message ?? "does not compile"}`);
  const run = environment.parse(rule);
  // Anything but true, an evaluation error included, is "does not hold": so says Kubernetes.
  return (self) => {
    try {
      return run({ self }) === true;
    } catch {
      return false;
    }
  };
}
