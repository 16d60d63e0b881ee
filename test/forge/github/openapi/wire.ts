// Holds everything that our adapter sends to a GitHub, and everything that the fake answers, against GitHub's published description. It
// stands where both meet: at `fetch`, which octokit uses. An operation, a parameter or a field that is not described is a violation.
import { readFileSync } from "node:fs";
import type { ValidateFunction } from "ajv";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: object | boolean;
}

interface Operation {
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly schema: object | boolean };
  /** By status; null: no body. */
  readonly answers: Readonly<Record<string, object | boolean | null>>;
}

interface Description {
  readonly source: { readonly package: string; readonly version: string; readonly license: string };
  readonly operations: Readonly<Record<string, Operation>>;
  readonly schemas: Readonly<Record<string, object>>;
}

export interface Exchange {
  readonly method: string;
  /** Below the API's address, with query. */
  readonly path: string;
  readonly requestBody: string | undefined;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly responseBody: string;
}

export interface Judge {
  readonly description: Description;
  /** What is wrong with it, in words. */
  judge(exchange: Exchange): readonly string[];
  /** The operation that an exchange is of. */
  operationOf(method: string, path: string): string | undefined;
}

export function readDescription(): Description {
  return JSON.parse(readFileSync(new URL("github.json", import.meta.url), "utf8")) as Description;
}

function toPattern(name: string): {
  readonly name: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly fixed: number;
} {
  const [method = "", path = ""] = name.split(" ");
  const pattern = path.replace(/[.+]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return {
    name,
    method,
    pattern: new RegExp(`^${pattern}$`),
    fixed: path.split("/").filter((part) => !part.startsWith("{")).length,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A judge by that description. */
export function createJudge(description: Description): Judge {
  // Query and path carry text: what it stands for is told by the schema.
  const options = { strict: false, allErrors: true, schemas: [{ $id: "github", schemas: description.schemas }] };
  const [exact, coercing] = [new Ajv(options), new Ajv({ ...options, coerceTypes: true })];
  for (const ajv of [exact, coercing]) {
    addFormats.default(ajv);
    // GitHub's own: OWNER/NAME.
    ajv.addFormat("repo.nwo", /^[^/]+\/[^/]+$/);
  }
  const compiled = new Map<unknown, ValidateFunction>();
  const operations = Object.keys(description.operations)
    .map(toPattern)
    .sort((one, other) => other.fixed - one.fixed);

  function errorsOf(ajv: Ajv, schema: object | boolean, value: unknown): readonly string[] {
    let validate = compiled.get(schema);
    if (validate === undefined) compiled.set(schema, (validate = ajv.compile(schema)));
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`.trim()).slice(0, 5);
  }

  function find(method: string, path: string) {
    const [plain = ""] = path.split("?");
    for (const operation of operations) {
      const match = operation.method === method ? operation.pattern.exec(plain) : null;
      if (match !== null) return { name: operation.name, groups: match.groups ?? {} };
    }
    return undefined;
  }

  function judgeParameters(operation: Operation, groups: Readonly<Record<string, string>>, path: string): string[] {
    const problems: string[] = [];
    const query = new URL(path, "http://x").searchParams;
    const known = operation.parameters.filter((parameter) => parameter.in === "query");
    for (const name of new Set(query.keys()))
      if (!known.some((parameter) => parameter.name === name)) problems.push(`query ${name} is not described`);
    for (const { name, in: where, required, schema } of operation.parameters) {
      const text = where === "path" ? groups[name] : where === "query" ? query.get(name) : undefined;
      if (text === undefined || text === null) {
        if (required && where !== "header") problems.push(`${where} ${name} is missing`);
        continue;
      }
      const wrapped = { type: "object", properties: { value: schema } };
      let validator = wrappers.get(schema);
      if (validator === undefined) wrappers.set(schema, (validator = wrapped));
      for (const error of errorsOf(coercing, validator, { value: decodeURIComponent(text) }))
        problems.push(`${where} ${name}: ${error}`);
    }
    return problems;
  }
  const wrappers = new Map<unknown, object>();

  function judgeBody(operation: Operation, text: string | undefined): string[] {
    const { body } = operation;
    if (text === undefined || text === "") return body?.required === true ? ["the body is missing"] : [];
    if (body === undefined) return ["a body is not described"];
    const value = parse(text);
    const problems = errorsOf(exact, body.schema, value).map((error) => `body: ${error}`);
    const properties = fieldsOf(body.schema);
    if (properties !== undefined && typeof value === "object" && value !== null && !Array.isArray(value))
      for (const name of Object.keys(value))
        if (!properties.has(name)) problems.push(`body: field ${name} is not described`);
    return problems;
  }

  /** Fields that any variant of a body has; undefined: it may have others. */
  function fieldsOf(schema: object | boolean): ReadonlySet<string> | undefined {
    if (typeof schema === "boolean") return undefined;
    const { properties, oneOf, anyOf, $ref } = schema as {
      readonly properties?: object;
      readonly oneOf?: readonly object[];
      readonly anyOf?: readonly object[];
      readonly $ref?: string;
    };
    if ($ref !== undefined) return fieldsOf(description.schemas[$ref.replace("github#/schemas/", "")] ?? true);
    const own = properties === undefined ? [] : Object.keys(properties);
    const others = [...(oneOf ?? []), ...(anyOf ?? [])].flatMap((variant) => [...(fieldsOf(variant) ?? [])]);
    return new Set([...own, ...others]);
  }

  function judgeAnswer(operation: Operation, status: number | undefined, text: string): string[] {
    if (status === undefined) return [];
    const described = operation.answers[String(status)];
    if (described === null) return text === "" ? [] : [`a body at ${status} is not described`];
    if (described === undefined && status < 300) return [`status ${status} is not described`];
    if (status === 304) return text === "" ? [] : ["a body at 304"];
    // Any operation can be refused or fail; those answers look alike.
    const schema = described ?? { $ref: "github#/schemas/basic-error" };
    return errorsOf(exact, described === undefined ? sharedError : schema, parse(text)).map(
      (error) => `${status}: ${error}`,
    );
  }
  const sharedError = { $ref: "github#/schemas/basic-error" };

  return {
    description,
    operationOf: (method, path) => find(method, path)?.name,
    judge({ method, path, requestBody, status, responseBody }) {
      const found = find(method, path);
      const operation = found === undefined ? undefined : description.operations[found.name];
      if (found === undefined || operation === undefined) return [`${method} ${path} is not described`];
      return [
        ...judgeParameters(operation, found.groups, path),
        ...judgeBody(operation, requestBody),
        ...judgeAnswer(operation, status, responseBody),
      ].map((problem) => `${found.name}: ${problem}`);
    },
  };
}

export interface Watch {
  /** Of the exchanges so far. */
  violations(): readonly string[];
  used(): ReadonlySet<string>;
  stop(): void;
}

const judge = { made: undefined as Judge | undefined };

/** Judges every exchange of this process with that API from now on. */
export function watchWire(apiUrl: string): Watch {
  judge.made ??= createJudge(readDescription());
  const { made } = judge;
  const violations = new Set<string>();
  const used = new Set<string>();
  const original = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    if (!address.startsWith(`${apiUrl}/`)) return await original(input, init);
    const path = address.slice(apiUrl.length);
    const method = init?.method ?? "GET";
    const requestBody = typeof init?.body === "string" ? init.body : undefined;
    const operation = made.operationOf(method, path);
    if (operation !== undefined) used.add(operation);
    const note = (status: number | undefined, responseBody: string): void =>
      made.judge({ method, path, requestBody, status, responseBody }).forEach((violation) => violations.add(violation));
    let response: Response;
    try {
      response = await original(input, init);
    } catch (error) {
      note(undefined, "");
      throw error;
    }
    note(response.status, await response.clone().text());
    return response;
  };
  return {
    violations: () => [...violations],
    used: () => used,
    stop() {
      globalThis.fetch = original;
    },
  };
}
