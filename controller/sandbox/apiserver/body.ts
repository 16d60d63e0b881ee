// Reads request bodies: JSON or YAML text from the wire, values in process; then an object of the resource's kind, with
// unknown fields warned about or refused as fieldValidation says.
import { parse as parseYaml } from "yaml";
import type { Call, Context } from "./context.ts";
import { duplicateFields } from "./duplicate-fields.ts";
import { freezeCopy, isList, isObject, stringAt } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { DecodeError, decodeTyped } from "./schema/decode.ts";
import type { Decoded } from "./schema/decode.ts";
import { badRequest, cause, invalid, unsupportedMediaType } from "./status.ts";

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** The media type without parameters, lower case. */
export function mediaType(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

/** The body as JSON, frozen; undefined when there is none. */
export function readJson(call: Call, resource: Resource | undefined): Json | undefined {
  if (call.body === undefined || call.body === "") return undefined;
  if (typeof call.body !== "string") return freezeCopy(call.body);
  const type = mediaType(call.contentType);
  try {
    return freezeCopy(type.endsWith("yaml") ? parseYaml(call.body) : (JSON.parse(call.body) as unknown));
  } catch {
    throw badRequest(unreadable(call.body, resource));
  }
}

function unreadable(text: string, resource: Resource | undefined): string {
  const fault = goJsonFault(text);
  if (resource === undefined) return `couldn't get version/kind; json parse error: ${fault}`;
  return unrecognized(resource, fault, excerpt(text));
}

function unrecognized(resource: Resource, fault: string, what: string): string {
  return `the object provided is unrecognized (must be of type ${resource.kind}): couldn't get version/kind; json parse error: ${fault} (${what})`;
}

/** What Go says of a body that is JSON, but no object; it shows the bytes of what is not printable as an object's beginning. */
function noObject(resource: Resource, call: Call, value: Json | undefined): Error {
  const text = typeof call.body === "string" ? call.body : "";
  if (value === undefined) return badRequest(unrecognized(resource, "unexpected end of JSON input", "<empty>"));
  const found = isList(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const fault = `json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
  return badRequest(unrecognized(resource, fault, Buffer.from(text).toString("hex")));
}

function excerpt(text: string): string {
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text;
}

/** encoding/json's words for the first thing it does not expect. */
export function goJsonFault(text: string): string {
  const match = /^\s*\{\s*([^"}\s])/u.exec(text);
  if (match !== null) return `invalid character '${match[1]}' looking for beginning of object key string`;
  const [first] = text.trim();
  if (first === undefined) return "unexpected end of JSON input";
  const literal = ["null", "true", "false"].find((word) => word.startsWith(first));
  const wrong = literal === undefined ? -1 : [...literal].findIndex((letter, at) => letter !== text.trim()[at]);
  if (literal !== undefined && wrong > 0 && text.trim()[wrong] !== undefined)
    return `invalid character '${text.trim()[wrong]}' in literal ${literal} (expecting '${literal[wrong]}')`;
  return /[{["\d\-tfn]/u.test(first)
    ? "unexpected end of JSON input"
    : `invalid character '${first}' looking for beginning of value`;
}

/** The object in the body of a create or update, not yet read as its kind. */
export function readObject(call: Call, resource: Resource): JsonObject {
  const type = mediaType(call.contentType);
  const accepted = [
    JSON_TYPE,
    YAML_TYPE,
    ...(resource.custom === undefined ? ["application/vnd.kubernetes.protobuf"] : []),
  ];
  if (type !== "" && type !== JSON_TYPE && type !== YAML_TYPE) throw unsupportedMediaType(accepted);
  const value = readJson(call, resource);
  if (!isObject(value)) throw noObject(resource, call, value);
  return withKind(call, resource, value);
}

/** Checks apiVersion and kind, and fills them in where a built-in kind leaves them out. */
export function withKind(call: Call, resource: Resource, value: JsonObject): JsonObject {
  const { kind, apiVersion } = value;
  const wanted = apiVersionOf(resource);
  if (resource.custom !== undefined && (kind === undefined || kind === ""))
    throw badRequest(missingKind(call, resource, value));
  if (resource.custom !== undefined && kind !== resource.kind && apiVersion === wanted)
    throw invalid({ ...resource, kind: String(kind) }, stringAt(value["metadata"], "name") ?? "", [
      cause.invalid("kind", kind ?? "", `must be ${resource.kind}`),
    ]);
  if (typeof kind === "string" && kind !== "" && kind !== resource.kind) {
    const own = resource.group === "" ? "core" : resource.group.split(".")[0];
    throw badRequest(
      `${kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}: converting (${resource.version}.${kind}) to (${own}.${resource.kind}): unknown conversion`,
    );
  }
  if (resource.custom !== undefined && apiVersion !== wanted) {
    throw badRequest(
      `the API version in the data (${stringAt(value, "apiVersion") ?? ""}) does not match the expected API version (${wanted})`,
    );
  }
  if (typeof apiVersion === "string" && apiVersion !== "" && apiVersion !== wanted) {
    throw badRequest(
      `${unhandled({ ...resource, version: apiVersion.split("/").at(-1) ?? "" })}: no kind ${JSON.stringify(resource.kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  return { ...value, apiVersion: wanted, kind: resource.kind };
}

function missingKind(call: Call, resource: Resource, value: JsonObject): string {
  const text = typeof call.body === "string" ? call.body : JSON.stringify(value);
  return `the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing in '${text}' (${excerpt(text)})`;
}

/**
 * The object as its kind: unknown fields gone, and warned about (Warn, the default) or refused (Strict). A field of the wrong
 * type is the refusal that `mismatch` makes of it.
 */
export function readKind(
  context: Context,
  call: Call,
  resource: Resource,
  value: JsonObject,
  mismatch: (why: string) => Error = (why) => badRequest(`${unhandled(resource)}: ${why}`),
): JsonObject {
  const read = decode(context, resource, value, mismatch);
  const validation = call.query["fieldValidation"] ?? "Warn";
  const twice = call.method !== "PATCH" && isJsonText(call) ? duplicateFields(call.body) : [];
  if (read.unknown.length + twice.length === 0 || validation === "Ignore") return read.object;
  const messages = [
    ...twice.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...read.unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  if (validation === "Strict") throw mismatch(`strict decoding error: ${messages.join(", ")}`);
  call.warnings.push(...messages);
  return read.object;
}

function isJsonText(call: Call): call is Call & { readonly body: string } {
  return typeof call.body === "string" && !mediaType(call.contentType).endsWith("yaml");
}

function unhandled(resource: Resource): string {
  return `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`;
}

function decode(context: Context, resource: Resource, value: JsonObject, mismatch: (why: string) => Error): Decoded {
  try {
    return resource.custom === undefined
      ? decodeTyped(context.schema, resource.node, value)
      : pruneCustom(context, resource, value);
  } catch (error) {
    if (error instanceof DecodeError) throw mismatch(error.message);
    throw error;
  }
}

/** Custom resources: metadata is typed, everything else follows the schema. */
function pruneCustom(
  context: Context,
  resource: Resource,
  value: JsonObject,
): { readonly object: JsonObject; readonly unknown: readonly string[] } {
  const pruned = resource.custom?.prune(value) ?? { object: value, unknown: [] };
  const metadata = decodeTyped(
    context.schema,
    context.schema.struct("ObjectMeta"),
    isObject(value["metadata"]) ? value["metadata"] : {},
  );
  return {
    object: { ...pruned.object, metadata: metadata.object },
    unknown: [...metadata.unknown.map((path) => `metadata.${path}`), ...pruned.unknown],
  };
}
