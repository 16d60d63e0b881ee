// Lists: selectors, pages that stay on one revision, and the meaning of resourceVersion and resourceVersionMatch.
import type { Call, Context } from "./context.ts";
import { fromStorage } from "./conversions.ts";
import type { Draft, JsonObject } from "./json.ts";
import { labelsOf } from "./object.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import type { Matcher } from "./selectors.ts";
import { checkListQuery, versionFault } from "./request-options.ts";
import { Refusal, badRequest, expired } from "./status.ts";

/** A test for both selectors of a request. Field selectors see the object as the resource's version shows it. */
export function readSelection(call: Call, resource: Resource): Matcher {
  const labelText = call.query["labelSelector"] ?? "";
  const fieldText = call.query["fieldSelector"] ?? "";
  if (labelText === "" && fieldText === "") return () => true;
  const labels = parseLabelSelector(labelText);
  const fields =
    fieldText === "" ? undefined : parseFieldSelector(fieldText, resource, resource.custom?.selectableFields ?? []);
  return (object) => labels(labelsOf(object)) && (fields === undefined || fields(fromStorage(resource, object)));
}

/** The version of a token that stands for whatever is there now. */
const INCONSISTENT = -1;

interface Token {
  readonly rv: number;
  readonly start: string;
}

function readToken(text: string): Token {
  const strange = /[^A-Za-z0-9_-]/u.exec(text);
  if (strange !== null)
    throw badRequest(
      `invalid continue token: continue key is not valid: illegal base64 data at input byte ${strange.index}`,
    );
  const decoded = Buffer.from(text, "base64url").toString("latin1");
  try {
    const token = JSON.parse(decoded) as { rv?: unknown; start?: unknown };
    if (typeof token.rv === "number" && typeof token.start === "string") return { rv: token.rv, start: token.start };
  } catch {
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${decoded[0] ?? ""}' looking for beginning of value`,
    );
  }
  throw badRequest("invalid continue token: continue key is not valid: incorrect encoded start resourceVersion");
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", ...token })).toString("base64url");
}

const EXPIRED_TOKEN =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** The revision a list shows, from resourceVersion and resourceVersionMatch. */
function readRevision(context: Context, call: Call): number {
  const current = context.storage.revision();
  const text = call.query["resourceVersion"] ?? "";
  const match = call.query["resourceVersionMatch"] ?? "";
  if (text === "" || text === "0") return current;
  const wanted = Number(text);
  if (!Number.isInteger(wanted) || wanted < 0) throw versionFault(text, 400);
  if (wanted > current) throw tooLarge(wanted, current);
  if (match !== "Exact") return current;
  if (wanted < context.storage.compactedRevision())
    throw expired(`The resourceVersion for the provided list is too old.`);
  return wanted;
}

function tooLarge(wanted: number, current: number): Refusal {
  const details = {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  };
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return new Refusal(504, "Timeout", message, details, { "retry-after": "1" });
}

export interface Listed {
  readonly items: readonly JsonObject[];
  readonly metadata: JsonObject;
}

/** The objects that a request asks for, in key order. */
export function listObjects(context: Context, call: Call, resource: Resource, namespace: string | undefined): Listed {
  checkListQuery(call, false);
  const matches = readSelection(call, resource);
  const name = call.query["continue"] ?? "";
  const token = name === "" ? undefined : readToken(name);
  if (token !== undefined && !["", "0"].includes(call.query["resourceVersion"] ?? ""))
    throw badRequest("specifying resource version is not allowed when using continue");
  if (token !== undefined && token.rv !== INCONSISTENT && token.rv < context.storage.compactedRevision()) {
    throw new Refusal(
      410,
      "Expired",
      EXPIRED_TOKEN,
      undefined,
      {},
      { continue: writeToken({ ...token, rv: INCONSISTENT }) },
    );
  }
  const revision =
    token === undefined
      ? readRevision(context, call)
      : token.rv === INCONSISTENT
        ? context.storage.revision()
        : token.rv;
  const prefix = resource.namespaced && namespace !== undefined ? `${namespace}/` : "";
  const asked = Number(call.query["limit"] ?? "0");
  // From the watch cache (resourceVersion=0) everything comes at once, whatever the limit.
  const limit = asked > 0 && call.query["resourceVersion"] !== "0" ? asked : Number.POSITIVE_INFINITY;
  const entries = context.storage.list(resource.storage, prefix, revision);
  const items: JsonObject[] = [];
  let last: string | undefined;
  let index = 0;
  for (; index < entries.length && items.length < limit; index++) {
    const entry = entries[index];
    if (entry === undefined || (token !== undefined && entry[0] <= token.start)) continue;
    if (!matches(entry[1])) continue;
    items.push(fromStorage(resource, entry[1]));
    last = entry[0];
  }
  const more =
    last !== undefined && index < entries.length && entries.slice(index).some(([, object]) => matches(object));
  const selecting = (call.query["labelSelector"] ?? "") !== "" || (call.query["fieldSelector"] ?? "") !== "";
  return {
    items,
    metadata: {
      resourceVersion: String(revision),
      ...(more && last !== undefined
        ? { continue: writeToken({ rv: revision, start: last }) }
        : resource.custom === undefined
          ? {}
          : { continue: "" }),
      ...(more && !selecting ? { remainingItemCount: entries.length - index } : {}),
    },
  };
}

/** The list object; items of built-in lists do not repeat their type, as the real server's do not. */
export function listBody(resource: Resource, listed: Listed): JsonObject {
  const items = resource.custom === undefined ? listed.items.map(withoutType) : listed.items;
  return { kind: resource.listKind, apiVersion: apiVersionOf(resource), metadata: listed.metadata, items };
}

function withoutType(object: JsonObject): JsonObject {
  const rest: Draft = { ...object };
  delete rest["apiVersion"];
  delete rest["kind"];
  return rest as JsonObject;
}
