// What deletion means for owned objects: dependents go with their last owner (background), before it (foreground) or are let
// go (orphan); namespaces and definitions take their contents along. Runs at once, in key order, so that equal runs have equal histories;
// a real collector does the same a little later. It writes as the collector's own user.
import type { Call, Context } from "./context.ts";
import { remove } from "./delete.ts";
import type { DeleteOptions } from "./delete.ts";
import { isObject, listAt, stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { finalizersOf, isDeleting, keyOf, nameOf, namespaceOf, uidOf, withMetadata } from "./object.ts";
import { DEFINITIONS } from "./registry.ts";
import type { Resource } from "./resources.ts";
import { discard, store } from "./write.ts";

const COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector";
const DEFINER = "system:apiserver";
const NAMESPACES = "system:serviceaccount:kube-system:namespace-controller";

export interface GarbageCollector {
  /** An object is gone from the store. */
  readonly removed: (resource: Resource, object: JsonObject) => void;
  /** An object was marked for deletion and may wait for its dependents. */
  readonly marked: (resource: Resource, object: JsonObject) => void;
}

interface Found {
  readonly resource: Resource;
  readonly object: JsonObject;
}

const BACKGROUND: DeleteOptions = {
  gracePeriodSeconds: undefined,
  propagation: "Background",
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
};

/** The collector over a store. */
export function createGarbageCollector(context: Context): GarbageCollector {
  const owned = createOwnerIndex(context);

  function dependents(uid: string): readonly Found[] {
    return [...owned(uid)].sort().flatMap((reference) => {
      const [storage = "", key = ""] = reference.split("\0");
      const object = context.storage.get(storage, key);
      const resource = resourceOf(storage);
      return object === undefined || resource === undefined || !ownersOf(object).some((owner) => owner.uid === uid)
        ? []
        : [{ resource, object }];
    });
  }

  function resourceOf(storage: string): Resource | undefined {
    return context.registry.all().find((resource) => resource.storage === storage && resource.verbs.includes("delete"));
  }

  function callAs(user: string): Call {
    return { method: "DELETE", path: "", query: {}, headers: {}, body: undefined, contentType: "", user, warnings: [] };
  }

  function ownerLives(owner: Owner, namespace: string): boolean {
    const resource = context.registry.byKind(owner.apiVersion, owner.kind);
    const live =
      resource === undefined
        ? undefined
        : context.storage.get(resource.storage, keyOf(resource, namespace, owner.name));
    return live !== undefined && uidOf(live) === owner.uid;
  }

  function collect(found: Found, gone: string): void {
    const others = ownersOf(found.object).filter(
      (owner) => owner.uid !== gone && ownerLives(owner, namespaceOf(found.object)),
    );
    if (others.length > 0) {
      dropOwner(found, gone);
      return;
    }
    if (isDeleting(found.object)) return;
    const result = remove(context, callAs(COLLECTOR), found.resource, found.object, BACKGROUND, collector.removed);
    if (!result.gone) collector.marked(found.resource, result.object);
  }

  function dropOwner(found: Found, uid: string): void {
    const owners = listAt(found.object["metadata"], "ownerReferences").filter(
      (owner) => !isObject(owner) || owner["uid"] !== uid,
    );
    store(
      context,
      callAs(COLLECTOR),
      found.resource,
      withMetadata(found.object, { ownerReferences: owners.length === 0 ? undefined : owners }),
      false,
    );
  }

  function release(resource: Resource, object: JsonObject, finalizer: string): void {
    const live = context.storage.get(resource.storage, keyOf(resource, namespaceOf(object), nameOf(object)));
    if (live === undefined || uidOf(live) !== uidOf(object) || !finalizersOf(live).includes(finalizer)) return;
    const rest = finalizersOf(live).filter((other) => other !== finalizer);
    const next = withMetadata(live, { finalizers: rest.length === 0 ? undefined : rest });
    if (rest.length > 0) {
      store(context, callAs(COLLECTOR), resource, next, false);
      return;
    }
    discard(context, COLLECTOR, resource, live);
    collector.removed(resource, next);
  }

  /** A foreground owner goes when no dependent that blocks it is left. */
  function settleForeground(resource: Resource, object: JsonObject): void {
    for (const found of dependents(uidOf(object))) collect(found, uidOf(object));
    const blocking = dependents(uidOf(object)).filter(({ object: dependent }) =>
      ownersOf(dependent).some((owner) => owner.uid === uidOf(object) && owner.blocks),
    );
    if (blocking.length === 0) release(resource, object, "foregroundDeletion");
  }

  /** A terminating namespace goes when it is empty. */
  function settleNamespace(name: string): void {
    const home = context.storage.get("namespaces", name);
    const resource = context.registry.find("", "v1", "namespaces");
    if (
      home === undefined ||
      resource === undefined ||
      !isDeleting(home) ||
      stringAt(home["status"], "phase") !== "Terminating"
    )
      return;
    const contents = context.registry.all().filter((other) => other.namespaced && other.verbs.includes("list"));
    if (contents.some((other) => context.storage.list(other.storage, `${name}/`).length > 0)) return;
    discard(context, NAMESPACES, resource, home);
    collector.removed(resource, home);
  }

  function emptyNamespace(name: string): void {
    const now: DeleteOptions = { ...BACKGROUND, gracePeriodSeconds: 0 };
    for (const resource of context.registry.all()) {
      if (!resource.namespaced || !resource.verbs.includes("delete")) continue;
      for (const [key] of context.storage.list(resource.storage, `${name}/`)) {
        const live = context.storage.get(resource.storage, key);
        if (live !== undefined) remove(context, callAs(NAMESPACES), resource, live, now, collector.removed);
      }
    }
    settleNamespace(name);
  }

  /** A definition goes when no object of its kind is left. */
  function settleDefinition(name: string): void {
    const crd = context.storage.get(DEFINITIONS, name);
    const resource = context.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    if (crd === undefined || resource === undefined || !isDeleting(crd) || context.storage.list(name).length > 0)
      return;
    discard(context, DEFINER, resource, crd);
    collector.removed(resource, crd);
  }

  /** Objects of a deleted definition go before it does; its table is named as it is. */
  function emptyDefinition(name: string): void {
    const resource = context.registry.all().find((other) => other.custom !== undefined && other.storage === name);
    for (const [key] of context.storage.list(name)) {
      const live = context.storage.get(name, key);
      if (live !== undefined && resource !== undefined)
        remove(context, callAs(DEFINER), resource, live, BACKGROUND, collector.removed);
    }
    settleDefinition(name);
  }

  const collector: GarbageCollector = {
    removed(resource, object) {
      for (const found of dependents(uidOf(object))) collect(found, uidOf(object));
      for (const owner of ownersOf(object)) {
        const kind = context.registry.byKind(owner.apiVersion, owner.kind);
        const live =
          kind === undefined
            ? undefined
            : context.storage.get(kind.storage, keyOf(kind, namespaceOf(object), owner.name));
        if (kind !== undefined && live !== undefined && finalizersOf(live).includes("foregroundDeletion"))
          settleForeground(kind, live);
      }
      if (resource.namespaced) settleNamespace(namespaceOf(object));
      if (resource.custom !== undefined) settleDefinition(resource.storage);
    },
    marked(resource, object) {
      if (resource.storage === "namespaces") emptyNamespace(nameOf(object));
      if (resource.storage === DEFINITIONS) emptyDefinition(nameOf(object));
      if (finalizersOf(object).includes("orphan")) {
        for (const found of dependents(uidOf(object))) dropOwner(found, uidOf(object));
        release(resource, object, "orphan");
      } else if (finalizersOf(object).includes("foregroundDeletion")) settleForeground(resource, object);
    },
  };
  return collector;
}

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blocks: boolean;
}

function ownersOf(object: JsonObject): readonly Owner[] {
  return listAt(object["metadata"], "ownerReferences").map((owner) => ({
    apiVersion: stringAt(owner, "apiVersion") ?? "",
    kind: stringAt(owner, "kind") ?? "",
    name: stringAt(owner, "name") ?? "",
    uid: stringAt(owner, "uid") ?? "",
    blocks: isObject(owner) && owner["blockOwnerDeletion"] === true,
  }));
}

/** Who is owned by a uid: kept up with every version, built again after a snapshot was restored. */
function createOwnerIndex(context: Context): (uid: string) => ReadonlySet<string> {
  let index: Map<string, Set<string>> | undefined;
  const add = (storage: string, key: string, object: JsonObject): void => {
    for (const owner of ownersOf(object)) {
      const known = index?.get(owner.uid);
      if (known === undefined) index?.set(owner.uid, new Set([`${storage}\0${key}`]));
      else known.add(`${storage}\0${key}`);
    }
  };
  context.storage.onRestore(() => {
    index = undefined;
  });
  context.storage.subscribe((version) => {
    if (version.type !== "DELETED")
      add(version.resource, version.key.slice(version.resource.length + 1), version.object as unknown as JsonObject);
    else
      for (const owner of ownersOf(version.object as unknown as JsonObject))
        index?.get(owner.uid)?.delete(`${version.resource}\0${version.key.slice(version.resource.length + 1)}`);
  });
  return (uid) => {
    if (index === undefined) {
      index = new Map();
      for (const resource of context.registry.all())
        for (const [key, object] of context.storage.list(resource.storage)) add(resource.storage, key, object);
    }
    return index.get(uid) ?? new Set();
  };
}
