// The forms an answer may take besides the object itself: PartialObjectMetadata(List) and Table, asked for with `as=` in Accept.
import type { Answer, Call, Context } from "./context.ts";
import type { Json, JsonObject } from "./json.ts";
import { listBody } from "./list.ts";
import type { Listed } from "./list.ts";
import { metadataOf } from "./object.ts";
import type { Resource } from "./resources.ts";
import { columnsOf, rowOf } from "./tables/columns.ts";
import { Refusal, badRequest } from "./status.ts";

export type Shape = "object" | "partial" | "table";

/** What the Accept header asks for; throws 406 when nothing in it can be served. */
export function shapeOf(accept: string | undefined): Shape {
  if (accept === undefined || accept === "") return "object";
  let unknownForm = false;
  for (const offer of accept.split(",")) {
    const [type = "", ...parameters] = offer.split(";").map((part) => part.trim());
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    if (type !== "application/json" && type !== "*/*") continue;
    if (as === "Table") return "table";
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "partial";
    if (as === undefined) return "object";
    unknownForm = true;
  }
  throw new Refusal(
    406,
    "NotAcceptable",
    unknownForm
      ? "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
      : "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    unknownForm ? undefined : {},
  );
}

/** The object's metadata alone. */
export function partial(object: JsonObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: metadataOf(object) };
}

export type Given = { readonly list: Listed } | { readonly object: JsonObject; readonly status: number };

/** The answer in the asked-for form; undefined when that is the plain object. */
export function representation(context: Context, call: Call, resource: Resource, given: Given): Answer | undefined {
  const shape = shapeOf(call.headers["accept"]);
  if (shape === "object") return undefined;
  if (shape === "partial") refuseOtherForm(call.headers["accept"] ?? "", resource, "list" in given);
  const include = call.query["includeObject"] ?? "";
  if (shape === "table" && !["", "Metadata", "Object", "None"].includes(include))
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  const objects = "list" in given ? given.list.items : [given.object];
  const status = "list" in given ? 200 : given.status;
  if (shape === "table")
    return {
      status,
      body: table(
        context,
        call,
        resource,
        objects,
        "list" in given
          ? withoutEmptyContinue(given.list.metadata)
          : { resourceVersion: metadataOf(given.object)["resourceVersion"] },
        true,
      ),
    };
  if (!("list" in given)) return { status, body: partial(given.object) };
  const { metadata } = listBody(resource, { items: [], metadata: given.list.metadata });
  return {
    status,
    body: {
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata: metadata ?? {},
      items: objects.map(partial),
    },
  };
}

/** One object is not shown as a list of metadata, and a list not as one object's. */
function refuseOtherForm(accept: string, resource: Resource, isList: boolean): void {
  const asked = /as=(PartialObjectMetadata(?:List)?)/u.exec(accept)?.[1] ?? "";
  if (asked === "" || asked.endsWith("List") === isList) return;
  const type =
    resource.custom === undefined ? `core.${resource.kind}${isList ? "List" : ""}` : "unstructured.Unstructured";
  const why = isList ? "is a list" : "is not a list";
  throw new Refusal(406, "NotAcceptable", `you requested ${asked}, but the requested object ${why} (*${type})`);
}

function withoutEmptyContinue(metadata: JsonObject): JsonObject {
  const { continue: token, ...rest } = metadata;
  return token === undefined || token === "" ? rest : metadata;
}

/** A Table of the objects; `withColumns` is false for all but the first event of a watch. */
export function table(
  context: Context,
  call: Call,
  resource: Resource,
  objects: readonly JsonObject[],
  metadata: JsonObject,
  withColumns: boolean,
): JsonObject {
  const include = call.query["includeObject"] ?? "Metadata";
  const rows = objects.map((object): Json => {
    const attached = include === "None" ? null : include === "Object" ? object : partial(object);
    return { cells: rowOf(context, resource, object), object: attached };
  });
  const columns = columnsOf(resource).map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: withColumns ? columns : null,
    rows,
  };
}
