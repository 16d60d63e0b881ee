// One request from its path to its answer: finds the resource and calls the verb. Knows no sockets and keeps no state.
import { readKind, readObject } from "./body.ts";
import type { Answer, Call, Context } from "./context.ts";
import { fromStorage } from "./conversions.ts";
import { create, insertObject } from "./create.ts";
import { readDeleteOptions, remove } from "./delete.ts";
import { discoveryAnswer } from "./discovery.ts";
import { evict } from "./eviction.ts";
import type { GarbageCollector } from "./garbage-collection.ts";
import { stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { listBody, listObjects } from "./list.ts";
import { keyOf, nameOf, uidOf } from "./object.ts";
import { openApiAnswer } from "./openapi.ts";
import { patchObject } from "./patch/request.ts";
import { readResourcePath } from "./paths.ts";
import type { ResourcePath } from "./paths.ts";
import { representation } from "./representation.ts";
import { bind, bindByObject, finalize, podLog, review, scale } from "./subresources.ts";
import { checkWriteQuery, versionFault } from "./request-options.ts";
import type { Resource } from "./resources.ts";
import { Refusal, UNKNOWN_PATH, badRequest, methodNotAllowed, notFound } from "./status.ts";
import { update } from "./update.ts";
import { isDryRun } from "./write.ts";

const TEXT = { "content-type": "text/plain; charset=utf-8" } as const;

/** Answers everything but watches. */
export function serve(context: Context, collector: GarbageCollector, call: Call): Answer {
  try {
    const answer = route(context, collector, call);
    return call.warnings.length === 0
      ? answer
      : { ...answer, headers: { ...answer.headers, warning: call.warnings.map(warning).join(", ") } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const warnings = call.warnings.length === 0 ? {} : { warning: call.warnings.map(warning).join(", ") };
    return { status: error.code, headers: { ...error.headers, ...warnings }, body: error.body };
  }
}

function warning(text: string): string {
  return `299 - ${JSON.stringify(text)}`;
}

function route(context: Context, collector: GarbageCollector, call: Call): Answer {
  const fixed = discoveryAnswer(context, call) ?? openApiAnswer(context, call);
  if (fixed !== undefined) return fixed;
  const log = /^\/sandbox\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/u.exec(call.path);
  if (log !== null) return storeLog(context, call, log[1] ?? "", log[2] ?? "");
  const path = readResourcePath(call.path);
  const resource = path === undefined ? undefined : context.registry.find(path.group, path.version, path.plural);
  if (
    path === undefined ||
    resource === undefined ||
    resource.namespaced !== (path.namespace !== undefined || (path.name === undefined && resource.namespaced))
  )
    return unknownPath(context, path);
  if (path.subresource !== undefined) return serveSubresource(context, collector, call, resource, path);
  return path.name === undefined
    ? serveCollection(context, collector, call, resource, path)
    : serveObject(context, collector, call, resource, path, path.name);
}

/** A group of the server's own says so in JSON, in whatever version; every other path in text. */
function unknownPath(context: Context, path: ResourcePath | undefined): Answer {
  if (path === undefined || !isOwnGroup(context, path.group))
    return { status: 404, headers: TEXT, body: `${UNKNOWN_PATH}\n` };
  return { status: 404, body: noResource().body };
}

/** True for a group that the server has without any definition. */
export function isOwnGroup(context: Context, group: string): boolean {
  return context.registry.all().some((resource) => resource.custom === undefined && resource.group === group);
}

/** 404 of a resource or subresource that a group does not have. */
export function noResource(): Refusal {
  return new Refusal(404, "NotFound", "the server could not find the requested resource", {});
}

/** Only the sandbox has this path: kubelets put their containers' output here. */
function storeLog(context: Context, call: Call, namespace: string, name: string): Answer {
  if (call.method !== "PUT" && call.method !== "POST") throw methodNotAllowed();
  const text = logText(call);
  const before = call.method === "POST" ? (context.storage.podLog(namespace, name) ?? "") : "";
  context.storage.setPodLog(namespace, name, before + text);
  return { status: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" } };
}

/** A client sends JSON over the wire, so the log may come as a JSON string; in process it is the text itself. */
function logText({ body, contentType }: Call): string {
  if (typeof body !== "string") return JSON.stringify(body ?? "");
  if (!contentType.includes("json") || !/^"[\s\S]*"$/.test(body)) return body;
  try {
    const decoded: unknown = JSON.parse(body);
    return typeof decoded === "string" ? decoded : body;
  } catch {
    return body;
  }
}

/** The resource that a watch request names; throws the refusal a real server gives. */
export function watchTarget(
  context: Context,
  path: string,
):
  | { readonly resource: Resource; readonly namespace: string | undefined; readonly name: string | undefined }
  | undefined {
  const read = readResourcePath(path);
  const resource = read === undefined ? undefined : context.registry.find(read.group, read.version, read.plural);
  if (read === undefined || resource === undefined || read.subresource !== undefined) return undefined;
  if (!resource.verbs.includes("watch")) throw methodNotAllowed();
  if (resource.namespaced !== (read.namespace !== undefined || (read.name === undefined && resource.namespaced)))
    return undefined;
  return { resource, namespace: read.namespace, name: read.name };
}

function serveCollection(
  context: Context,
  collector: GarbageCollector,
  call: Call,
  resource: Resource,
  path: ResourcePath,
): Answer {
  switch (call.method) {
    case "GET": {
      if (!resource.verbs.includes("list")) throw methodNotAllowed();
      const listed = listObjects(context, call, resource, path.namespace);
      return (
        representation(context, call, resource, { list: listed }) ?? { status: 200, body: listBody(resource, listed) }
      );
    }
    case "POST": {
      if (resource.verbs.length === 1) return serveCreateOnly(context, call, resource, path);
      if (resource.namespaced && path.namespace === undefined) throw methodNotAllowed();
      checkWriteQuery(call, false);
      return shown(context, call, resource, create(context, call, resource, path.namespace), 201);
    }
    case "DELETE": {
      if (!resource.verbs.includes("deletecollection")) throw methodNotAllowed();
      if (resource.namespaced && path.namespace === undefined) throw methodNotAllowed();
      const options = readDeleteOptions(call, resource);
      const listed = listObjects(context, call, resource, path.namespace);
      for (const item of listed.items) {
        const live = context.storage.get(
          resource.storage,
          keyOf(resource, stringAt(item["metadata"], "namespace") ?? "", nameOf(item)),
        );
        if (live === undefined) continue;
        const deleted = remove(context, call, resource, live, options, collector.removed);
        if (!deleted.gone && !options.dryRun) collector.marked(resource, deleted.object);
      }
      return { status: 200, body: listBody(resource, listed) };
    }
    default:
      throw methodNotAllowed();
  }
}

function serveCreateOnly(context: Context, call: Call, resource: Resource, path: ResourcePath): Answer {
  if (resource.plural !== "bindings") return review(context, call, resource);
  const pods = context.registry.find("", "v1", "pods");
  if (pods === undefined || path.namespace === undefined) throw methodNotAllowed();
  return bindByObject(context, call, pods, path.namespace);
}

function readLive(context: Context, resource: Resource, path: ResourcePath, name: string): JsonObject | undefined {
  const stored = context.storage.get(resource.storage, keyOf(resource, path.namespace ?? "", name));
  return stored === undefined ? undefined : fromStorage(resource, stored);
}

function shown(context: Context, call: Call, resource: Resource, object: JsonObject, status: number): Answer {
  return representation(context, call, resource, { object, status }) ?? { status, body: object };
}

function serveObject(
  context: Context,
  collector: GarbageCollector,
  call: Call,
  resource: Resource,
  path: ResourcePath,
  name: string,
): Answer {
  const live = readLive(context, resource, path, name);
  switch (call.method) {
    case "GET":
      checkVersionAsked(call);
      if (live === undefined) throw notFound(resource, name);
      return shown(context, call, resource, live, 200);
    case "PUT":
      return put(context, collector, call, resource, path, name, undefined);
    case "PATCH": {
      const patched = patchObject(
        context,
        call,
        { resource, namespace: path.namespace, name, subresource: undefined },
        collector.removed,
      );
      return shown(context, call, resource, patched.object, patched.created ? 201 : 200);
    }
    case "DELETE": {
      const options = readDeleteOptions(call, resource);
      if (live === undefined) throw notFound(resource, name);
      const deleted = remove(context, call, resource, live, options, collector.removed);
      if (!deleted.gone && !options.dryRun) collector.marked(resource, deleted.object);
      if (!deleted.gone || resource.returnsDeleted) return shown(context, call, resource, deleted.object, 200);
      return {
        status: 200,
        body: {
          kind: "Status",
          apiVersion: "v1",
          metadata: {},
          status: "Success",
          details: deletedDetails(resource, deleted.object),
        },
      };
    }
    default:
      throw methodNotAllowed();
  }
}

/** A GET may ask for a state at least as new as a version; this server has only the newest. */
function checkVersionAsked(call: Call): void {
  const version = call.query["resourceVersion"] ?? "";
  if (version !== "" && !/^\d+$/u.test(version)) throw versionFault(version, 500);
}

function deletedDetails(resource: Resource, object: JsonObject): JsonObject {
  return {
    name: nameOf(object),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
    uid: uidOf(object),
  };
}

function put(
  context: Context,
  collector: GarbageCollector,
  call: Call,
  resource: Resource,
  path: ResourcePath,
  name: string,
  subresource: string | undefined,
): Answer {
  checkWriteQuery(call, false);
  const given = readObject(call, resource);
  const givenName = nameOf(given);
  if (givenName !== "" && givenName !== name)
    throw badRequest(`the name of the object (${givenName}) does not match the name on the URL (${name})`);
  if (givenName === "")
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  const namespace = stringAt(given["metadata"], "namespace") ?? "";
  if (namespace !== "" && namespace !== (path.namespace ?? ""))
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  const next = readKind(context, call, resource, given);
  const live = readLive(context, resource, path, name);
  if (live === undefined) {
    if (!resource.createOnUpdate || subresource !== undefined || uidOf(next) !== "") throw notFound(resource, name);
    return shown(context, call, resource, insertObject(context, call, resource, path.namespace, next), 201);
  }
  const stored = update(context, call, resource, live, next, {
    subresource,
    replace: true,
    dryRun: isDryRun(call),
    onRemoved: collector.removed,
  });
  return shown(context, call, resource, stored, 200);
}

function serveSubresource(
  context: Context,
  collector: GarbageCollector,
  call: Call,
  resource: Resource,
  path: ResourcePath,
): Answer {
  const name = path.name ?? "";
  const subresource = path.subresource ?? "";
  const namespace = path.namespace ?? "";
  if (!resource.subresources.includes(subresource)) {
    throw resource.custom === undefined ? noResource() : notFound(resource, name);
  }
  switch (`${call.method} ${subresource}`) {
    case "GET status":
      return serveObject(context, collector, call, resource, { ...path, subresource: undefined }, name);
    case "PUT status":
      return put(context, collector, call, resource, path, name, "status");
    case "PATCH status": {
      const patched = patchObject(
        context,
        call,
        { resource, namespace: path.namespace, name, subresource },
        collector.removed,
      );
      return shown(context, call, resource, patched.object, 200);
    }
    case "GET scale":
    case "PUT scale":
    case "PATCH scale":
      return scale(context, call, resource, path.namespace, name);
    case "POST eviction":
      return { status: 201, body: evict(context, call, resource, namespace, name, collector.removed) };
    case "POST binding":
      return bind(context, call, resource, namespace, name);
    case "GET log":
      return podLog(context, call, resource, namespace, name);
    case "PUT finalize":
      return finalize(context, call, resource, name);
    default:
      throw methodNotAllowed();
  }
}
