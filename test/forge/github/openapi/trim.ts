// Cuts GitHub's published OpenAPI description (package @octokit/openapi, MIT) down to the operations that we use and the schemas that these
// reference, as JSON Schema and without prose. The package is 400 MB and no dependency; unpack it once and name its folder:
//   npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz && node test/forge/github/openapi/trim.ts package
// Writes github.json and its LICENSE beside this file. The same input gives the same bytes.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { operations } from "./operations.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Node = { readonly [key: string]: Json };

/** What says nothing about what is valid. */
const prose = new Set([
  "description",
  "summary",
  "title",
  "example",
  "examples",
  "externalDocs",
  "deprecated",
  "default",
  "readOnly",
  "discriminator",
  "x-github",
  "nullable",
]);

function isNode(value: Json | undefined): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function node(value: Json | undefined, what: string): Node {
  if (!isNode(value)) throw new Error(`the description has no ${what}`);
  return value;
}

interface Work {
  readonly description: Node;
  /** Names of schemas that are referenced. */
  readonly wanted: Set<string>;
}

/** A schema of OpenAPI 3.0 as JSON Schema. */
function convert(work: Work, value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => convert(work, item));
  if (!isNode(value)) return value;
  const reference = value["$ref"];
  if (typeof reference === "string") {
    const name = reference.replace("#/components/schemas/", "");
    if (name === reference) throw new Error(`a reference to something else than a schema: ${reference}`);
    work.wanted.add(name);
    return { $ref: `github#/schemas/${name}` };
  }
  const schema: Record<string, Json> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === "properties")
      // Names of properties are no keywords, whatever they are called.
      schema[key] = Object.fromEntries(
        Object.entries(node(inner, "properties")).map(([name, property]) => [name, convert(work, property)]),
      );
    else if (key === "enum" || key === "required") schema[key] = inner;
    else if (!prose.has(key) && !key.startsWith("x-")) schema[key] = convert(work, inner);
  }
  if (value["nullable"] !== true) return schema;
  return { anyOf: [schema, { type: "null" }] };
}

/** Follows references to parameters and answers, of which there are components, too. */
function resolve({ description }: Work, value: Json | undefined, what: string): Node {
  const found = node(value, what);
  const reference = found["$ref"];
  if (typeof reference !== "string") return found;
  let at: Json = description;
  for (const part of reference.replace("#/", "").split("/")) at = node(at, reference)[part] ?? null;
  return node(at, reference);
}

function schemaOf(work: Work, content: Json | undefined, what: string): Json {
  const json = node(content, what)["application/json"];
  if (json === undefined) return true;
  return convert(work, node(json, what)["schema"] ?? true);
}

function trimOperation(work: Work, name: string): Json {
  const [method = "", path = ""] = name.split(" ");
  const described = node(node(work.description["paths"], "paths")[path], path);
  const operation = node(described[method.toLowerCase()], name);
  const parameters = [
    ...((described["parameters"] ?? []) as readonly Json[]),
    ...((operation["parameters"] ?? []) as readonly Json[]),
  ].map((item) => {
    const { name: called, in: where, required, schema } = resolve(work, item, "parameter");
    return { name: called ?? "", in: where ?? "", required: required === true, schema: convert(work, schema ?? true) };
  });
  const body = operation["requestBody"];
  const answers = Object.entries(node(operation["responses"], "responses")).map(([status, item]): [string, Json] => {
    const { content } = resolve(work, item, "response");
    return [status, content === undefined ? null : schemaOf(work, content, "content")];
  });
  return {
    parameters,
    ...(body === undefined
      ? {}
      : {
          body: {
            required: node(body, "body")["required"] === true,
            schema: schemaOf(work, node(body, "body")["content"], "content"),
          },
        }),
    answers: Object.fromEntries(answers),
  };
}

/** One operation and one schema a line, so that a newer description shows what changed. */
function write(document: { readonly source: Json; readonly operations: Node; readonly schemas: Node }): string {
  const lines = (map: Node): string =>
    Object.entries(map)
      .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(",\n");
  return `{
  "source": ${JSON.stringify(document.source)},
  "operations": {
${lines(document.operations)}
  },
  "schemas": {
${lines(document.schemas)}
  }
}
`;
}

function trim(folder: string): string {
  const read = (name: string): Node => node(JSON.parse(readFileSync(join(folder, name), "utf8")) as Json, name);
  const { name = "", version = "", license = "" } = read("package.json");
  const work: Work = { description: read("generated/api.github.com.json"), wanted: new Set(["basic-error"]) };
  const trimmed = Object.fromEntries(operations.map((operation) => [operation, trimOperation(work, operation)]));
  const known = node(node(work.description["components"], "components")["schemas"], "schemas");
  const schemas: Record<string, Json> = {};
  // A set that is added to while it is walked: what a schema references is walked, too.
  for (const wanted of work.wanted) schemas[wanted] = convert(work, node(known[wanted], wanted));
  return write({
    source: { package: name, version, license },
    operations: trimmed,
    schemas: Object.fromEntries(Object.entries(schemas).sort(([one], [other]) => (one < other ? -1 : 1))),
  });
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder of the unpacked package");
const here = fileURLToPath(new URL(".", import.meta.url));
writeFileSync(join(here, "github.json"), trim(folder));
copyFileSync(join(folder, "LICENSE"), join(here, "LICENSE"));
