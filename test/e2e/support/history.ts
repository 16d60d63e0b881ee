// The history of a real API server, in the form that the sandbox's invariants judge: every version of every object out of etcd, with the
// user and the time from the audit log. The controller's own word is nowhere in it.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { findResource } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { type AuditEvent, timeOf, userOf } from "./audit.ts";
import type { StoredChange } from "./etcd.ts";

/** Who wrote what nobody's audit event explains: a request that died with the API server. */
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
      time: writer === undefined ? change.seen : Math.min(change.seen, timeOf(writer)),
      ...(previous === undefined ? {} : { previous }),
    });
  }
  return inOrder(versions);
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

/** How much later than it was stored a change may be seen by the recorder, and clocks may be apart: one machine, one clock. */
const SLACK_MS = 50;
/** No request takes longer: the API server gives up after a minute. */
const REQUEST_MS = 60_000;

/** Successful writes: by the version that they were answered with; deletions and evictions also by object, for their answer names none. */
function indexWrites(events: readonly AuditEvent[]): Writers {
  const byVersion = new Map<string, AuditEvent>();
  const removals = new Map<string, AuditEvent[]>();
  const bindings = new Map<string, AuditEvent[]>();
  const note = (map: Map<string, AuditEvent[]>, key: string, event: AuditEvent): void =>
    void map.set(key, [...(map.get(key) ?? []), event]);
  for (const event of events) {
    const { objectRef, responseStatus, verb, stage, responseObject } = event;
    const code = responseStatus?.code ?? 0;
    if (stage !== "ResponseComplete" || code < 200 || code >= 300 || objectRef === undefined) continue;
    if (!["create", "update", "patch", "delete", "deletecollection"].includes(verb)) continue;
    const version = responseObject?.metadata?.resourceVersion;
    // A generated name stands only in the answer. (A binding's and an eviction's answer is no object of that kind.)
    const name = objectRef.name ?? responseObject?.metadata?.name;
    const key = keyOf({ ...objectRef, ...(name === undefined ? {} : { name }) });
    if (objectRef.subresource === "binding") note(bindings, key, event);
    else if (objectRef.subresource === "eviction" || verb.startsWith("delete")) note(removals, key, event);
    if (version !== undefined && objectRef.subresource !== "eviction") byVersion.set(`${key}@${version}`, event);
  }
  /** The last that had begun when the change was seen. */
  const lastBefore = (list: readonly AuditEvent[] | undefined, seen: number): AuditEvent | undefined =>
    list?.findLast((event) => Date.parse(event.requestReceivedTimestamp) <= seen + SLACK_MS);
  return {
    find({ type, key, object, previous, seen }) {
      const exact = byVersion.get(`${key}@${object.metadata.resourceVersion ?? ""}`);
      if (exact !== undefined && type !== "DELETED") return exact;
      const leaving =
        type === "DELETED" ||
        (object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined);
      if (leaving) {
        // Of a whole collection, by its namespace.
        const collection = key.split("/").slice(0, -1).join("/");
        return lastBefore(removals.get(key), seen) ?? lastBefore(removals.get(collection), seen);
      }
      const bound = nodeName(object) !== undefined && previous !== undefined && nodeName(previous) === undefined;
      if (bound) return lastBefore(bindings.get(key), seen);
      // An eviction notes its reason in the pod first; the end of a grace period is written before the pod goes.
      const removal = lastBefore(removals.get(key), seen);
      return removal !== undefined && timeOf(removal) >= seen - REQUEST_MS ? removal : undefined;
    },
  };
}

function nodeName(object: Readonly<KubeObject>): unknown {
  return (object.spec as { readonly nodeName?: unknown } | undefined)?.nodeName;
}

function keyOf({ apiGroup = "", resource = "", namespace, name }: NonNullable<AuditEvent["objectRef"]>): string {
  const kind = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
  return [kind, ...(namespace === undefined ? [] : [namespace]), ...(name === undefined ? [] : [name])].join("/");
}
