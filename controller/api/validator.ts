// Two validators for each kind, both from its one schema. Open: for objects from the cluster, where unknown fields are
// somebody else's business (pruned by the API server). Closed: for files, where an unknown field is a typo and therefore an
// error with a suggestion, because a policy that is accepted and does nothing is the worst failure here.
// Compiled lazily, once for each kind; the caller keeps the Validators. `$data` stays off (ajv's ReDoS advisory).
import { Ajv, type ValidateFunction } from "ajv";
import addFormatsModule from "ajv-formats";
import { compileRules } from "./cel.ts";
import { objectSchema, type StructuralSchema } from "./crd.ts";
import { explainError, NAME_PATTERN, type SchemaProblem } from "./explain.ts";
import { mapListsOf } from "./map-lists.ts";
import { API_VERSION, type KindDefinition } from "./schema.ts";

/** ajv-formats is CommonJS: its callable default sits one level deeper under Node's ESM. */
const addFormats = addFormatsModule as unknown as (ajv: Ajv, formats: string[]) => Ajv;

export interface Validation {
  readonly problems: readonly SchemaProblem[];
  /** The value with the schema's defaults filled in, as the API server would store it. The input is never changed. */
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Validators {
  /** For files: unknown fields, `status` included, are errors, and the kind's CEL rules are run. */
  closed(definition: KindDefinition, value: Readonly<Record<string, unknown>>): Validation;
  /** For objects from the cluster: unknown fields are kept and ignored. */
  open(definition: KindDefinition, value: Readonly<Record<string, unknown>>): Validation;
}

export function createValidators(): Validators {
  const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, useDefaults: true, verbose: true });
  addFormats(ajv, ["date-time"]);
  for (const keyword of ["list-type", "list-map-keys", "validations"]) ajv.addKeyword(`x-kubernetes-${keyword}`);
  ajv.addKeyword({ keyword: "x-ringward-int-or-percent", validate: isIntOrPercent, errors: false });
  const closed = new Map<string, (value: Readonly<Record<string, unknown>>) => Validation>();
  const open = new Map<string, (value: Readonly<Record<string, unknown>>) => Validation>();
  const compiled = (cache: typeof closed, definition: KindDefinition, kind: "Closed" | "Open") => {
    let validate = cache.get(definition.kind);
    if (validate === undefined) {
      validate = compile(ajv, definition, kind);
      cache.set(definition.kind, validate);
    }
    return validate;
  };
  return {
    closed: (definition, value) => compiled(closed, definition, "Closed")(value),
    open: (definition, value) => compiled(open, definition, "Open")(value),
  };
}

function compile(
  ajv: Ajv,
  definition: KindDefinition,
  kind: "Closed" | "Open",
): (value: Readonly<Record<string, unknown>>) => Validation {
  const schema = objectSchema(definition);
  const check = ajv.compile(kind === "Closed" ? closedSchema(definition, schema) : openSchema(schema));
  const rules = compileRules(schema);
  const lists = mapListsOf(schema);
  return (value) => {
    const copy = copyOf(value) as Record<string, unknown>;
    const problems = problemsOf(check, copy);
    if (problems.length === 0)
      problems.push(
        ...lists(copy),
        ...rules(copy).map(({ pointer, message }): SchemaProblem => ({
          pointer,
          atKey: false,
          code: "RuleViolated",
          message,
          hint: undefined,
        })),
      );
    return { problems, value: copy };
  };
}

/** Names are RFC 1123 subdomains, because they become names of objects, branches and files. */
const NAME: StructuralSchema = { type: "string", minLength: 1, maxLength: 253, pattern: NAME_PATTERN };
const LABELS: StructuralSchema = { type: "object", additionalProperties: { type: "string", maxLength: 262_144 } };

function openSchema(schema: StructuralSchema): object {
  return forAjv(
    {
      ...schema,
      properties: {
        ...schema.properties,
        metadata: { type: "object", required: ["name"], properties: { name: NAME } },
      },
    },
    false,
  );
}

function closedSchema(definition: KindDefinition, schema: StructuralSchema): object {
  const { spec } = schema.properties ?? {};
  const metadata: StructuralSchema = {
    type: "object",
    required: ["name", ...(definition.scope === "Namespaced" ? ["namespace"] : [])],
    properties: {
      name: NAME,
      ...(definition.scope === "Namespaced" ? { namespace: NAME } : {}),
      labels: LABELS,
      annotations: LABELS,
    },
  };
  const file: StructuralSchema = {
    type: "object",
    required: ["apiVersion", "kind", "metadata", ...(spec === undefined ? [] : ["spec"])],
    properties: {
      apiVersion: { type: "string", enum: [API_VERSION] },
      kind: { type: "string", enum: [definition.kind] },
      metadata,
      ...(spec === undefined ? {} : { spec }),
    },
  };
  return forAjv(file, true);
}

/** The structural schema in ajv's words; `close` forbids fields that it does not name, at every level. */
function forAjv(schema: StructuralSchema, close: boolean): object {
  if (schema["x-kubernetes-int-or-string"] === true) {
    const { pattern, minimum, default: standard } = schema;
    return {
      "x-ringward-int-or-percent": { pattern, minimum },
      ...(standard === undefined ? {} : { default: standard }),
    };
  }
  const { properties, items, additionalProperties, description: _, ...rest } = schema;
  return {
    ...rest,
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, child]) => [name, forAjv(child, close)]),
          ),
          ...(close ? { additionalProperties: false } : {}),
        }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: forAjv(additionalProperties, close) }),
    ...(items === undefined ? {} : { items: forAjv(items, close) }),
  };
}

function isIntOrPercent(limits: { pattern?: string; minimum?: number }, value: unknown): boolean {
  if (typeof value === "number") {
    return Number.isInteger(value) && value >= (limits.minimum ?? -2147483648) && value <= 2147483647;
  }
  return typeof value === "string" && (limits.pattern === undefined || new RegExp(limits.pattern, "u").test(value));
}

/** A deep copy of JSON data; structuredClone takes four times as long, and ten thousand documents are copied at once. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = copyOf((value as Record<string, unknown>)[key]);
    // An assignment would make it the copy's prototype, and its fields the object's own.
    if (key === "__proto__")
      Object.defineProperty(copy, key, { value: member, enumerable: true, writable: true, configurable: true });
    else copy[key] = member;
  }
  return copy;
}

/** All problems of a value; one place may break several keywords (maxLength and pattern): the first says enough. */
function problemsOf(check: ValidateFunction, value: unknown): SchemaProblem[] {
  if (check(value) === true) return [];
  const seen = new Set<string>();
  return (check.errors ?? []).flatMap((error) => {
    const problem = explainError(error, value);
    const key = `${JSON.stringify(problem.pointer)}${problem.code === "MissingField" ? "" : String(problem.atKey)}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [problem];
  });
}

export type { SchemaProblem } from "./explain.ts";
