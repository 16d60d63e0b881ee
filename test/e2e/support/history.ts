// The history of a real API server, in the form that the sandbox's invariants judge: every version of every object out of etcd, with the
// user and the time from the audit log. The controller's own word is nowhere in it.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { findResource } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { type AuditEvent, timeOf, userOf } from "./audit.ts";
import type { StoredChange } from "./etcd.ts";

/** Who wrote what nobody's audit event explains: a request that died together with the API server. */
export const UNKNOWN_USER = "unknown";

/** The history of the kinds that the controller knows, oldest first. */
export function joinHistory(changes: readonly StoredChange[], events: readonly AuditEvent[]): readonly StoredVersion[] {
  const writers = indexWrites(events);
  const last = new Map<string, Readonly<KubeObject>>();
  const versions: StoredVersion[] = [];
  for (const change of changes) {
    const previous = last.get(change.key);
    const object = change.value === undefined ? ended(previous, change.revision) : parse(change.value, change.revision);
    if (object === undefined) continue;
    if (change.value === undefined) last.delete(change.key);
    else last.set(change.key, object);
    const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
    if (resource === undefined) continue;
    const name = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
    const { namespace, name: own } = object.metadata;
    const key = [name, ...(namespace === undefined ? [] : [namespace]), own].join("/");
    const type = change.value === undefined ? "DELETED" : previous === undefined ? "ADDED" : "MODIFIED";
    const writer = writers.find({ type, key, object, previous, seen: change.seen });
    versions.push({
      revision: change.revision,
      type,
      resource: name,
      key,
      object,
      user: writer === undefined ? UNKNOWN_USER : userOf(writer),
      // A deletion that waited for a finalizer is far later than its request: only the answer that holds this version dates it.
      time: answers(writer, change.revision) ? Math.min(change.seen, timeOf(writer)) : change.seen,
      ...(previous === undefined ? {} : { previous }),
    });
  }
  return inOrder(versions);
}

function answers(event: AuditEvent | undefined, revision: number): event is AuditEvent {
  return event?.responseObject?.metadata?.resourceVersion === String(revision);
}

/** Times are upper bounds; what came later cannot have been earlier. */
function inOrder(versions: readonly StoredVersion[]): readonly StoredVersion[] {
  let latest = Number.POSITIVE_INFINITY;
  return versions
    .toReversed()
    .map((version) => {
      latest = Math.min(latest, version.time);
      return { ...version, time: latest };
    })
    .toReversed();
}

function parse(value: string, revision: number): Readonly<KubeObject> | undefined {
  // What is not JSON is not ours: allocator ranges and the like.
  if (!value.startsWith("{")) return undefined;
  const object = JSON.parse(value) as Partial<KubeObject>;
  if (object.metadata?.name === undefined) return undefined;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function ended(previous: Readonly<KubeObject> | undefined, revision: number): Readonly<KubeObject> | undefined {
  if (previous === undefined) return undefined;
  return { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } };
}

interface Writers {
  find(version: {
    readonly type: StoredVersion["type"];
    readonly key: string;
    readonly object: Readonly<KubeObject>;
    readonly previous: Readonly<KubeObject> | undefined;
    readonly seen: number;
  }): AuditEvent | undefined;
}

/**
 * Writes: by the version that they were answered with; deletions and evictions also by object, for their answer names none. A write whose client
 * went away (it was killed) may be stored although the API server notes it as a 504: it has what no answered write explains.
 */
function indexWrites(events: readonly AuditEvent[]): Writers {
  const byVersion = new Map<string, AuditEvent>();
  const removals = new Map<string, AuditEvent[]>();
  const bindings = new Map<string, AuditEvent[]>();
  const abandoned = new Map<string, AuditEvent[]>();
  const note = (map: Map<string, AuditEvent[]>, key: string, event: AuditEvent): void =>
    void map.set(key, [...(map.get(key) ?? []), event]);
  for (const event of events) {
    const { objectRef, responseStatus, verb, stage, responseObject } = event;
    const code = responseStatus?.code ?? 0;
    if (stage !== "ResponseComplete" || objectRef === undefined) continue;
    if (!["create", "update", "patch", "delete", "deletecollection"].includes(verb)) continue;
    if (code >= 500) note(abandoned, keyOf(objectRef), event);
    if (code < 200 || code >= 300) continue;
    const version = responseObject?.metadata?.resourceVersion;
    // A generated name stands only in the answer. (A binding's and an eviction's answer is no object of that kind.)
    const name = objectRef.name ?? responseObject?.metadata?.name;
    const key = keyOf({ ...objectRef, ...(name === undefined ? {} : { name }) });
    if (objectRef.subresource === "binding") note(bindings, key, event);
    else if (objectRef.subresource === "eviction" || verb.startsWith("delete")) note(removals, key, event);
    if (version !== undefined && objectRef.subresource !== "eviction") byVersion.set(`${key}@${version}`, event);
  }
  /** Removals of earlier objects of the same name, and abandoned writes that were found again. */
  const spent = new Set<AuditEvent>();
  const begun = (list: readonly AuditEvent[] | undefined, seen: number): readonly AuditEvent[] =>
    (list ?? []).filter((event) => Date.parse(event.requestReceivedTimestamp) <= seen && !spent.has(event));
  const removalsOf = (key: string, seen: number): readonly AuditEvent[] => {
    const own = begun(removals.get(key), seen);
    // Of a whole collection, by its namespace.
    return own.length > 0 ? own : begun(removals.get(key.split("/").slice(0, -1).join("/")), seen);
  };
  const findAnswered: Writers["find"] = ({ type, key, object, previous, seen }) => {
    if (type === "DELETED") {
      const known = removalsOf(key, seen);
      for (const event of known) if (event.verb !== "deletecollection") spent.add(event);
      return known.at(-1);
    }
    const exact = byVersion.get(`${key}@${object.metadata.resourceVersion ?? ""}`);
    if (exact !== undefined || previous === undefined) return exact;
    if (nodeName(object) !== undefined && nodeName(previous) === undefined)
      return begun(bindings.get(key), seen).at(-1);
    // The first that asked for the removal also wrote its reason (an eviction does); the end of a grace period is written by the last.
    return removalsOf(key, seen).at(previous.metadata.deletionTimestamp === undefined ? 0 : -1);
  };
  /** The last that began before the version was seen; each stored one at most. */
  const findAbandoned: Writers["find"] = ({ key, seen }) => {
    const event = begun(abandoned.get(key), seen).at(-1);
    if (event !== undefined) spent.add(event);
    return event;
  };
  return { find: (version) => findAnswered(version) ?? findAbandoned(version) };
}

function nodeName(object: Readonly<KubeObject>): unknown {
  return (object.spec as { readonly nodeName?: unknown } | undefined)?.nodeName;
}

function keyOf({ apiGroup = "", resource = "", namespace, name }: NonNullable<AuditEvent["objectRef"]>): string {
  const kind = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
  return [kind, ...(namespace === undefined ? [] : [namespace]), ...(name === undefined ? [] : [name])].join("/");
}
