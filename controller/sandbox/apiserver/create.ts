// POST of a new object, and the creation that an apply or a PUT to a free name amounts to. The order is the real server's:
// decode, default, own fields, admit, prepare, validate, store.
import { ownUpdate } from "./apply/managers.ts";
import { readKind, readObject } from "./body.ts";
import { nowText } from "./context.ts";
import type { Call, Context } from "./context.ts";
import { UNCHECKED } from "./crd/compile.ts";
import { establishedStatus } from "./crd/definition.ts";
import { isObject, stringAt, withMember } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { kindOf } from "./kinds/index.ts";
import { annotationFaults, labelFaults, nameFaults, nameSuffix, newUid } from "./names.ts";
import { finalizersOf, isDeleting, keyOf, metadataOf, nameOf, namespaceOf, versionOf, withMetadata } from "./object.ts";
import { DEFINITIONS } from "./registry.ts";
import type { Resource } from "./resources.ts";
import { zeroValue } from "./schema/builtin.ts";
import { Refusal, alreadyExists, badRequest, cause, invalid, namespaceTerminating, notFound } from "./status.ts";
import type { NameStyle } from "./names.ts";
import type { Cause } from "./status.ts";
import { isDryRun, store, writerOf } from "./write.ts";

const PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io";

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
  if (versionOf(read) !== "")
    throw new Refusal(500, undefined, "resourceVersion should not be set on objects to be created");
  const empty = blank(context, resource);
  let object = withMember(read, "status", statusOnCreate(resource, empty, read));
  object = named(context, resource, namespace, object);
  checkNamespace(context, resource, namespace, nameOf(object));
  object = kind.defaults?.(object) ?? resource.custom?.defaults(object) ?? object;
  // Nobody owns a status through the main resource.
  const before = resource.subresources.includes("status") ? withMember(empty, "status", object["status"]) : empty;
  if (!owned) object = ownUpdate(resource.node, before, object, writerOf(context, call, resource, undefined));
  const priorityClass = (name: string): JsonObject | undefined => context.storage.get(PRIORITY_CLASSES, name);
  object = kind.admit?.(object, { priorityClass }) ?? object;
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
    ...finalizerFaults(resource, object),
    ...(kind.validate?.(object) ?? []),
    ...(resource.custom?.validate(object, undefined) ?? []),
    ...uncheckedRules(resource, nameOf(object)),
  ]);
  const taken = context.storage.get(resource.storage, keyOf(resource, namespaceOf(object), nameOf(object)));
  if (taken !== undefined) throw alreadyExists(resource, nameOf(object), isDeleting(taken));
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
export function metadataFaults(object: JsonObject, names: NameStyle): readonly Cause[] {
  const metadata = metadataOf(object);
  const name = nameOf(object);
  const prefix = stringAt(metadata, "generateName") ?? "";
  return [
    // A prefix may end where a name may not.
    ...(prefix === ""
      ? []
      : nameFaults(`${prefix}x`, names, "metadata.generateName").map((fault) => quoting(fault, prefix))),
    ...(name === "" ? [cause.required("metadata.name", "name or generateName is required")] : nameFaults(name, names)),
    ...labelFaults(metadata["labels"], "metadata.labels"),
    ...annotationFaults(metadata["annotations"], "metadata.annotations"),
    ...ownerFaults(metadata),
  ];
}

/** Without a name the rules of a custom resource are not asked. */
function uncheckedRules(resource: Resource, name: string): readonly Cause[] {
  return name === "" && resource.custom?.hasRules === true ? [cause.invalid("<nil>", null, UNCHECKED)] : [];
}

function quoting(fault: Cause, prefix: string): Cause {
  return { ...fault, message: fault.message.replace(JSON.stringify(`${prefix}x`), JSON.stringify(prefix)) };
}

/** Finalizers of built-in kinds are Kubernetes' own or have a domain. */
export function finalizerFaults(resource: Resource, object: JsonObject): readonly Cause[] {
  if (resource.custom !== undefined) return [];
  return finalizersOf(object).flatMap((finalizer, index) =>
    finalizer.includes("/") || KNOWN_FINALIZERS.has(finalizer)
      ? []
      : [
          cause.invalid(
            `metadata.finalizers[${index}]`,
            finalizer,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ],
  );
}

const KNOWN_FINALIZERS = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function ownerFaults(metadata: JsonObject): readonly Cause[] {
  const owners = metadata["ownerReferences"];
  if (!Array.isArray(owners)) return [];
  const faults: Cause[] = [];
  let controller: string | undefined;
  for (const owner of owners.filter(isObject)) {
    for (const key of ["apiVersion", "kind", "name", "uid"]) {
      const why = key === "apiVersion" ? "version must not be empty" : "must not be empty";
      if ((owner[key] ?? "") === "") faults.push(cause.invalid(`metadata.ownerReferences.${key}`, "", why));
    }
    if (owner["controller"] !== true) continue;
    const named = `${String(owner["kind"])}/${String(owner["name"])}`;
    if (controller !== undefined)
      faults.push(
        cause.invalid(
          "metadata.ownerReferences",
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    controller ??= named;
  }
  return faults;
}

/** Throws 422 when there are faults. */
export function refuseFaults(resource: Resource, object: JsonObject, faults: readonly Cause[]): void {
  // An event is an event of the core group, whichever way it came.
  const subject = resource.storage === "events" ? { group: "", kind: resource.kind } : resource;
  if (faults.length > 0) throw invalid(subject, nameOf(object), faults);
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
