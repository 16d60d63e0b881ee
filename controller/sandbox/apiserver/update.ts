// PUT and the end of every PATCH: preconditions, what the main resource and the status subresource may change, generation,
// field ownership, validation, and the deletion that the last finalizer was holding up.
import { equalButForTimes, ownUpdate } from "./apply/managers.ts";
import { nowText } from "./context.ts";
import type { Call, Context } from "./context.ts";
import { finalizerFaults, metadataFaults, refuseFaults } from "./create.ts";
import { jsonEqual, stringAt, withMember } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { kindOf } from "./kinds/index.ts";
import { finalizersOf, isDeleting, metadataOf, nameOf, specPart, uidOf, versionOf, withMetadata } from "./object.ts";
import type { Resource } from "./resources.ts";
import { MODIFIED, Refusal, cause, conflict, invalid } from "./status.ts";
import type { Cause } from "./status.ts";
import { discard, store, writerOf } from "./write.ts";

export interface UpdateOptions {
  readonly subresource: string | undefined;
  /** Written down as the field manager's subresource although the main object changes (scale). */
  readonly ownedThrough?: string;
  /** A PUT replaces: custom resources must name the version, and a wrong uid is a failed precondition. */
  readonly replace: boolean;
  readonly dryRun: boolean;
  /** An apply already decided who owns what. */
  readonly owned?: boolean;
  /** The garbage collector is told when an object goes away. */
  readonly onRemoved: (resource: Resource, object: JsonObject) => void;
}

/** Replaces `live` by `next` (already decoded as the kind) as far as the caller may; returns what is stored. */
export function update(
  context: Context,
  call: Call,
  resource: Resource,
  live: JsonObject,
  next: JsonObject,
  options: UpdateOptions,
): JsonObject {
  checkPreconditions(resource, live, next, options.replace);
  const kind = kindOf(resource);
  const given = uidOf(next);
  let object = withServerMetadata(live, next);
  object = restrict(resource, live, object, options.subresource);
  object = kind.defaults?.(object) ?? object;
  object = resource.custom?.defaults(object) ?? object;
  if (options.owned !== true)
    object = ownUpdate(
      resource.node,
      live,
      object,
      writerOf(context, call, resource, options.ownedThrough ?? options.subresource),
    );
  if (options.subresource === undefined)
    object = kind.prepareUpdate?.(object, live, { now: nowText(context) }) ?? object;
  object = countGeneration(
    resource,
    live,
    object,
    options.subresource === undefined && kind.countsAnnotations === true,
  );
  const meta = updateFaults(object, live, given);
  const faults = [
    ...meta,
    ...meta,
    ...metadataFaults(object, kind.names ?? "subdomain"),
    ...finalizerFaults(resource, object),
    ...(options.subresource === undefined
      ? [...(kind.validate?.(object) ?? []), ...(kind.validateUpdate?.(object, live) ?? [])]
      : (kind.validateStatus?.(object) ?? [])),
    ...(resource.custom?.validate(object, live) ?? []),
  ];
  refuseFaults(resource, object, faults);
  if (equalButForTimes(live, object)) return live;
  if (isDeleting(object) && finalizersOf(object).length === 0 && !isGraceful(object))
    return finish(context, call, resource, live, object, options);
  return store(context, call, resource, object, options.dryRun);
}

function finish(
  context: Context,
  call: Call,
  resource: Resource,
  live: JsonObject,
  object: JsonObject,
  options: UpdateOptions,
): JsonObject {
  const last = withMetadata(object, { resourceVersion: versionOf(live) });
  if (options.dryRun) return last;
  discard(context, call.user, resource, object);
  options.onRemoved(resource, last);
  return last;
}

function isGraceful(object: JsonObject): boolean {
  const seconds = metadataOf(object)["deletionGracePeriodSeconds"];
  return typeof seconds === "number" && seconds > 0;
}

/** Built-in kinds that are only replaced under their version, as custom resources are. */
const CONDITIONAL: ReadonlySet<string> = new Set(["leases.coordination.k8s.io", "poddisruptionbudgets.policy"]);

function checkPreconditions(resource: Resource, live: JsonObject, next: JsonObject, replace: boolean): void {
  const name = nameOf(live);
  const [wantedUid, wantedVersion] = [uidOf(next), versionOf(next)];
  if (wantedVersion !== "" && !/^\d+$/u.test(wantedVersion))
    throw new Refusal(500, undefined, `strconv.ParseUint: parsing ${JSON.stringify(wantedVersion)}: invalid syntax`);
  if (replace && wantedVersion === "" && (resource.custom !== undefined || CONDITIONAL.has(resource.storage))) {
    throw invalid({ group: resource.group, kind: resource.plural }, name, [
      cause.invalid("metadata.resourceVersion", 0, "must be specified for an update"),
    ]);
  }
  if (replace && wantedUid !== "" && wantedUid !== uidOf(live)) {
    const key = `/registry/${resource.group === "" || resource.custom === undefined ? "" : `${resource.group}/`}${resource.plural}/${stringAt(live["metadata"], "namespace") === undefined ? "" : `${stringAt(live["metadata"], "namespace")}/`}${name}`;
    throw conflict(
      resource,
      name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wantedUid}, UID in object meta: ${uidOf(live)}`,
    );
  }
  if (wantedVersion !== "" && wantedVersion !== versionOf(live)) throw conflict(resource, name, MODIFIED);
}

function withServerMetadata(live: JsonObject, next: JsonObject): JsonObject {
  const before = metadataOf(live);
  return withMetadata(next, {
    uid: before["uid"],
    resourceVersion: before["resourceVersion"],
    generation: before["generation"],
    creationTimestamp: before["creationTimestamp"],
    deletionTimestamp: before["deletionTimestamp"],
    deletionGracePeriodSeconds: before["deletionGracePeriodSeconds"],
    namespace: before["namespace"],
    generateName: metadataOf(next)["generateName"] ?? before["generateName"],
    selfLink: undefined,
  });
}

/** The main resource leaves status alone; the status subresource leaves everything else alone. */
function restrict(resource: Resource, live: JsonObject, next: JsonObject, subresource: string | undefined): JsonObject {
  if (subresource === undefined)
    return resource.subresources.includes("status") ? withMember(next, "status", live["status"]) : next;
  if (subresource !== "status") return next;
  const result: Record<string, Json | undefined> = { ...live, status: next["status"] };
  if (resource.custom !== undefined) {
    // Of a custom resource's metadata only the ownership may change.
    result["metadata"] = { ...metadataOf(live), managedFields: metadataOf(next)["managedFields"] };
  } else {
    result["metadata"] =
      resource.storage === "deployments.apps"
        ? { ...metadataOf(next), labels: metadataOf(live)["labels"] }
        : metadataOf(next);
  }
  return result as JsonObject;
}

function countGeneration(resource: Resource, live: JsonObject, next: JsonObject, annotationsToo: boolean): JsonObject {
  if (!resource.generation) return next;
  const counted = (object: JsonObject): JsonObject =>
    resource.custom?.hasStatus === false ? { ...specPart(object), status: object["status"] } : specPart(object);
  const annotated = annotationsToo && !jsonEqual(metadataOf(live)["annotations"], metadataOf(next)["annotations"]);
  if (!annotated && jsonEqual(counted(live), counted(next))) return next;
  const generation = metadataOf(live)["generation"];
  return withMetadata(next, { generation: (typeof generation === "number" ? generation : 0) + 1 });
}

function updateFaults(next: JsonObject, live: JsonObject, givenUid: string): readonly Cause[] {
  const faults: Cause[] = [];
  if (nameOf(next) !== nameOf(live)) faults.push(cause.invalid("metadata.name", nameOf(next), "field is immutable"));
  if (givenUid !== "" && givenUid !== uidOf(live))
    faults.push(cause.invalid("metadata.uid", givenUid, "field is immutable"));
  if (isDeleting(live)) {
    const added = finalizersOf(next).filter((finalizer) => !finalizersOf(live).includes(finalizer));
    const shownList = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(", ")}}`;
    if (added.length > 0)
      faults.push(
        cause.forbidden(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers ${shownList}`,
        ),
      );
  }
  return faults;
}
