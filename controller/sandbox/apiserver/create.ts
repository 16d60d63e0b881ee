// POST of a new object, and the creation that an apply or a PUT to a free name amounts to. The order is the real server's:
// decode, default, own fields, admit, prepare, validate, store.
import { ownUpdate } from "./apply/managers.ts";
import { readKind, readObject } from "./body.ts";
import { nowText } from "./context.ts";
import type { Call, Context } from "./context.ts";
import { establishedStatus } from "./crd/definition.ts";
import { isObject, stringAt, withMember } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { kindOf } from "./kinds/index.ts";
import { labelFaults, nameFaults, nameSuffix, newUid } from "./names.ts";
import { isDeleting, keyOf, metadataOf, nameOf, namespaceOf, withMetadata } from "./object.ts";
import { DEFINITIONS } from "./registry.ts";
import type { Resource } from "./resources.ts";
import { zeroValue } from "./schema/builtin.ts";
import { alreadyExists, badRequest, cause, invalid, namespaceTerminating, notFound } from "./status.ts";
import type { Cause } from "./status.ts";
import { isDryRun, store, writerOf } from "./write.ts";

/** The object that nobody has set anything in: what a new one is compared with. */
export function blank(context: Context, resource: Resource): JsonObject {
  if (resource.custom !== undefined) return { metadata: {} };
  return { metadata: {}, ...(zeroValue(context.schema, resource.node) as JsonObject) };
}

/** POST. */
export function create(context: Context, call: Call, resource: Resource, namespace: string | undefined): JsonObject {
  const object = readObject(call, resource);
  const given = stringAt(object["metadata"], "namespace");
  if (given !== undefined && given !== "" && given !== (namespace ?? "")) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  return insertObject(context, call, resource, namespace, readKind(context, call, resource, object));
}

/** Names the object, fills it in, checks it and stores it. `owned` is given when an apply already decided who owns what. */
export function insertObject(
  context: Context,
  call: Call,
  resource: Resource,
  namespace: string | undefined,
  read: JsonObject,
  owned = false,
): JsonObject {
  const dryRun = isDryRun(call);
  const kind = kindOf(resource);
  const empty = blank(context, resource);
  let object = withMember(read, "status", statusOnCreate(resource, empty, read));
  // Nobody owns a status through the main resource.
  const before = resource.subresources.includes("status") ? withMember(empty, "status", object["status"]) : empty;
  object = named(context, resource, namespace, object);
  checkNamespace(context, resource, namespace, nameOf(object));
  object = kind.defaults?.(object) ?? resource.custom?.defaults(object) ?? object;
  if (!owned) object = ownUpdate(resource.node, before, object, writerOf(context, call, resource, undefined));
  object = kind.admit?.(object) ?? object;
  object = withMetadata(object, {
    uid: newUid(context.random),
    creationTimestamp: nowText(context),
    ...(resource.generation ? { generation: 1 } : { generation: undefined }),
    resourceVersion: undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
  });
  object = kind.prepareCreate?.(object, { now: nowText(context) }) ?? object;
  refuseFaults(resource, object, [
    ...metadataFaults(object, kind.names ?? "subdomain"),
    ...(kind.validate?.(object) ?? []),
    ...(resource.custom?.validate(object, undefined) ?? []),
  ]);
  if (context.storage.get(resource.storage, keyOf(resource, namespaceOf(object), nameOf(object))) !== undefined)
    throw alreadyExists(resource, nameOf(object));
  const stored = store(context, call, resource, object, dryRun);
  if (!dryRun && resource.storage === DEFINITIONS) establish(context, call, resource, stored);
  return stored;
}

/** A new object has no status yet, but for kinds without that subresource, and for nodes: a kubelet registers with one. */
function statusOnCreate(resource: Resource, empty: JsonObject, read: JsonObject): Json | undefined {
  return !resource.subresources.includes("status") || resource.storage === "nodes" ? read["status"] : empty["status"];
}

function named(context: Context, resource: Resource, namespace: string | undefined, object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  const prefix = stringAt(metadata, "generateName") ?? "";
  const name = stringAt(metadata, "name") ?? "";
  const generated = name === "" && prefix !== "" ? `${prefix.slice(0, 58)}${nameSuffix(context.random)}` : name;
  return withMetadata(object, {
    name: generated === "" ? undefined : generated,
    generateName: prefix === "" ? undefined : prefix,
    namespace: resource.namespaced ? namespace : undefined,
  });
}

/** Namespaced objects need their namespace, and one that is not going away. */
function checkNamespace(context: Context, resource: Resource, namespace: string | undefined, name: string): void {
  if (!resource.namespaced || namespace === undefined) return;
  const home = context.storage.get("namespaces", namespace);
  if (home === undefined) throw notFound({ group: "", plural: "namespaces", kind: "Namespace" }, namespace);
  if (isDeleting(home)) throw namespaceTerminating(resource, name, namespace);
}

/** What is wrong with names, labels and annotations. */
export function metadataFaults(object: JsonObject, names: "subdomain" | "label" | "path"): readonly Cause[] {
  const metadata = metadataOf(object);
  const name = nameOf(object);
  return [
    ...(name === "" ? [cause.required("metadata.name", "name or generateName is required")] : nameFaults(name, names)),
    ...labelFaults(metadata["labels"], "metadata.labels", true),
    ...labelFaults(metadata["annotations"], "metadata.annotations", false),
    ...ownerFaults(metadata),
  ];
}

function ownerFaults(metadata: JsonObject): readonly Cause[] {
  const owners = metadata["ownerReferences"];
  if (!Array.isArray(owners)) return [];
  const faults: Cause[] = [];
  owners.forEach((owner: unknown, index) => {
    if (!isObject(owner)) return;
    for (const key of ["apiVersion", "kind", "name", "uid"]) {
      if ((owner[key] ?? "") === "")
        faults.push(cause.invalid(`metadata.ownerReferences[${index}].${key}`, "", `${key} must not be empty`));
    }
  });
  if (owners.filter((owner: unknown) => isObject(owner) && owner["controller"] === true).length > 1) {
    faults.push(
      cause.invalid("metadata.ownerReferences", owners, "Only one reference can have Controller set to true"),
    );
  }
  return faults;
}

/** Throws 422 when there are faults. */
export function refuseFaults(resource: Resource, object: JsonObject, faults: readonly Cause[]): void {
  if (faults.length > 0) throw invalid(resource, nameOf(object), faults);
}

/** The API server's own next step for a definition: names accepted, kind served. */
function establish(context: Context, call: Call, resource: Resource, stored: JsonObject): void {
  const writer = {
    manager: "kube-apiserver",
    apiVersion: "apiextensions.k8s.io/v1",
    subresource: "status",
    time: nowText(context),
  };
  const next = { ...stored, status: establishedStatus(stored, nowText(context)) };
  store(
    context,
    { ...call, user: "system:apiserver" },
    resource,
    ownUpdate(resource.node, stored, next, writer),
    false,
  );
}
