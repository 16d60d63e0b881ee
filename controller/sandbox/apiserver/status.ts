// Refusals as `metav1.Status` objects, with the words a real API server uses (test/sandbox/apiserver/recordings).
// Everything inside throws a Refusal; serve.ts turns it into the answer. Nothing here decides, it only phrases.
import type { JsonObject } from "./json.ts";

/** What a real server says, in plain text, of a path that names nothing. */
export const UNKNOWN_PATH = "404 page not found";

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface ResourceName {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** A refused request: `code` is the HTTP status, `body` the `metav1.Status`. */
export class Refusal extends Error {
  readonly code: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: JsonObject,
    headers: Readonly<Record<string, string>> = {},
    metadata: JsonObject = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.headers = headers;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata,
      status: "Failure",
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** `pods` or `deployments.apps`. */
export function groupResource(resource: Pick<ResourceName, "group" | "plural">): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** `Pod` or `Deployment.apps`. */
export function groupKind(resource: Pick<ResourceName, "group" | "kind">): string {
  return resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
}

function named(name: string, group: string, kind: string): JsonObject {
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), ...(kind === "" ? {} : { kind }) };
}

/** 404 for one object. */
export function notFound(resource: ResourceName, name: string): Refusal {
  return new Refusal(
    404,
    "NotFound",
    `${groupResource(resource)} ${JSON.stringify(name)} not found`,
    named(name, resource.group, resource.plural),
  );
}

/** 409 for a name that is taken. */
export function alreadyExists(resource: ResourceName, name: string, going: boolean): Refusal {
  return new Refusal(
    409,
    "AlreadyExists",
    `${going ? "object is being deleted: " : ""}${groupResource(resource)} ${JSON.stringify(name)} already exists`,
    named(name, resource.group, resource.plural),
  );
}

/** 409 for a precondition that did not hold. */
export function conflict(resource: ResourceName, name: string, why: string): Refusal {
  return new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${groupResource(resource)} ${JSON.stringify(name)}: ${why}`,
    named(name, resource.group, resource.plural),
  );
}

export const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

/** 409 for a uid in DeleteOptions; these name the kind, not the resource. */
export function uidConflict(resource: ResourceName, name: string, wanted: string, found: string): Refusal {
  const why = `the UID in the precondition (${wanted}) does not match the UID in record (${found}). The object might have been deleted and then recreated`;
  return new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${groupKind(resource)} ${JSON.stringify(name)}: ${why}`,
    named(name, resource.group, resource.kind),
  );
}

/** 422 with one cause a fault. */
export function invalid(
  subject: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly Cause[],
): Refusal {
  const details: JsonObject = {
    ...named(name, subject.group, subject.kind),
    causes: causes.map((cause) => ({ ...cause })),
  };
  return new Refusal(
    422,
    "Invalid",
    `${groupKind(subject)} ${JSON.stringify(name)} is invalid: ${aggregate(causes)}`,
    details,
  );
}

function aggregate(causes: readonly Cause[]): string {
  const lines = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  return lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
}

/** Go's rendering of a value inside a field error. */
export function shown(value: unknown): string {
  return (
    JSON.stringify(value)?.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026") ?? "null"
  );
}

export const cause = {
  required: (field: string, why = ""): Cause => ({
    reason: "FieldValueRequired",
    message: why === "" ? "Required value" : `Required value: ${why}`,
    field,
  }),
  invalid: (field: string, value: unknown, why: string): Cause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${shown(value)}: ${why}`,
    field,
  }),
  forbidden: (field: string, why: string): Cause => ({
    reason: "FieldValueForbidden",
    message: `Forbidden: ${why}`,
    field,
  }),
  duplicate: (field: string, value: unknown): Cause => ({
    reason: "FieldValueDuplicate",
    message: `Duplicate value: ${shown(value)}`,
    field,
  }),
  unsupported: (field: string, value: unknown, allowed: readonly string[]): Cause => ({
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${shown(value)}: supported values: ${allowed.map((item) => JSON.stringify(item)).join(", ")}`,
    field,
  }),
  tooMany: (field: string, count: number, limit: number): Cause => ({
    reason: "FieldValueTooMany",
    message: `Too many: ${count}: must have at most ${limit} items`,
    field,
  }),
};

/** 400. */
export function badRequest(message: string): Refusal {
  return new Refusal(400, "BadRequest", message);
}

/** 405. */
export function methodNotAllowed(): Refusal {
  return new Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** 410: the asked-for resource version is no longer kept. */
export function expired(message: string): Refusal {
  return new Refusal(410, "Expired", message);
}

/** 415 naming what would have been understood. */
export function unsupportedMediaType(accepted: readonly string[]): Refusal {
  return new Refusal(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );
}

/** 403 of a namespace that is going away. */
export function namespaceTerminating(resource: ResourceName, name: string, namespace: string): Refusal {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return new Refusal(403, "Forbidden", `${groupResource(resource)} ${JSON.stringify(name)} is forbidden: ${why}`, {
    ...named(name, resource.group, resource.plural),
    causes: [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  });
}
