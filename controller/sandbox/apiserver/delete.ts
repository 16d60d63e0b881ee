// DELETE: preconditions, graceful pods, finalizers, propagation. The object goes when nothing holds it any more; then the
// garbage collector looks at what it owned.
import { readJson } from "./body.ts";
import { nowText } from "./context.ts";
import type { Call, Context } from "./context.ts";
import { isObject, objectAt, stringAt } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { finalizersOf, isDeleting, metadataOf, nameOf, uidOf, versionOf, withMetadata } from "./object.ts";
import { DEFINITIONS } from "./registry.ts";
import { checkDeleteOptions } from "./request-options.ts";
import type { Resource } from "./resources.ts";
import { badRequest, conflict, groupKind, uidConflict } from "./status.ts";
import { discard, isDryRun, store } from "./write.ts";

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  /** Undefined: nobody said; the kind's own way, which is the background but for jobs. */
  readonly propagation: "Background" | "Foreground" | "Orphan" | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** DeleteOptions from the body and the query. */
export function readDeleteOptions(call: Call, resource: Resource): DeleteOptions {
  const given = readJson(call, undefined);
  const body = isObject(given) ? given : {};
  const { kind, apiVersion } = body;
  if (typeof kind === "string" && kind !== "" && kind !== "DeleteOptions")
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? "")} in scheme "pkg/runtime/scheme.go:111"`,
    );
  checkDeleteOptions(call, body);
  const options = deleteOptions(call, body);
  if (resource.storage !== "jobs.batch" || options.propagation !== undefined) return options;
  call.warnings.push(ORPHANED);
  return { ...options, propagation: "Orphan" };
}

const ORPHANED =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/** DeleteOptions from their JSON, with the query's as a fallback. */
export function deleteOptions(call: Call, body: JsonObject): DeleteOptions {
  const seconds =
    body["gracePeriodSeconds"] ??
    (call.query["gracePeriodSeconds"] === undefined ? undefined : Number(call.query["gracePeriodSeconds"]));
  const orphan = body["orphanDependents"] ?? (call.query["orphanDependents"] === "true" ? true : undefined);
  const propagation =
    body["propagationPolicy"] ??
    call.query["propagationPolicy"] ??
    (orphan === undefined ? undefined : orphan === true ? "Orphan" : "Background");
  const preconditions = objectAt(body, "preconditions");
  return {
    gracePeriodSeconds: typeof seconds === "number" && Number.isFinite(seconds) ? seconds : undefined,
    propagation:
      propagation === "Foreground" || propagation === "Orphan" || propagation === "Background"
        ? propagation
        : undefined,
    uid: stringAt(preconditions, "uid"),
    resourceVersion: stringAt(preconditions, "resourceVersion"),
    dryRun: isDryRun(call, body),
  };
}

export interface Deleted {
  /** The last state, or the state that waits for finalizers or a kubelet. */
  readonly object: JsonObject;
  readonly gone: boolean;
}

/** Deletes `live`, or marks it as being deleted when something holds it. `onRemoved` runs once it is gone. */
export function remove(
  context: Context,
  call: Call,
  resource: Resource,
  live: JsonObject,
  options: DeleteOptions,
  onRemoved: (resource: Resource, object: JsonObject) => void,
): Deleted {
  checkPreconditions(resource, live, options);
  const marked = mark(context, resource, live, options);
  const holds = finalizersOf(marked).length > 0 || graceOf(marked) > 0 || HOLDERS.has(resource.storage);
  if (holds) {
    if (marked === live) return { object: live, gone: false };
    return { object: store(context, call, resource, marked, options.dryRun), gone: false };
  }
  // A pod whose grace is cut to nothing shows that as a version of its own before it goes.
  const last =
    resource.storage === "pods" && isDeleting(live) && marked !== live
      ? store(context, call, resource, marked, options.dryRun)
      : live;
  if (!options.dryRun) {
    discard(context, call.user, resource, last);
    onRemoved(resource, last);
  }
  const shown = last === live && resource.storage === "pods" && !isDeleting(live) ? marked : last;
  // What is gone is shown as of its removal.
  const version = options.dryRun ? versionOf(shown) : String(context.storage.revision());
  return { object: withMetadata(shown, { resourceVersion: version }), gone: true };
}

/** Kinds whose contents go first; the garbage collector then takes them away. */
const HOLDERS: ReadonlySet<string> = new Set(["namespaces", DEFINITIONS]);

function checkPreconditions(resource: Resource, live: JsonObject, options: DeleteOptions): void {
  if (options.uid !== undefined && options.uid !== uidOf(live))
    throw uidConflict(resource, nameOf(live), options.uid, uidOf(live));
  if (options.resourceVersion !== undefined && options.resourceVersion !== versionOf(live)) {
    const kind = { group: resource.group, plural: groupKind(resource), kind: resource.kind };
    throw conflict(
      { ...kind, group: "" },
      nameOf(live),
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${versionOf(live)}). The object might have been modified`,
    );
  }
}

function graceOf(object: JsonObject): number {
  const seconds = metadataOf(object)["deletionGracePeriodSeconds"];
  return typeof seconds === "number" ? seconds : 0;
}

/** Seconds that a pod gets: what was asked for, else its own; none when it is not on a node or has ended. */
function gracePeriod(resource: Resource, live: JsonObject, asked: number | undefined): number {
  if (resource.storage !== "pods") return 0;
  const spec = objectAt(live, "spec");
  const phase = stringAt(live["status"], "phase");
  if ((stringAt(spec, "nodeName") ?? "") === "" || phase === "Succeeded" || phase === "Failed") return 0;
  const own = spec["terminationGracePeriodSeconds"];
  const seconds = asked ?? (typeof own === "number" ? own : 30);
  // Below nothing means as fast as possible, but not without the kubelet.
  return seconds < 0 ? 1 : seconds;
}

function mark(context: Context, resource: Resource, live: JsonObject, options: DeleteOptions): JsonObject {
  const finalizers = withPropagation(finalizersOf(live), options.propagation);
  const grace = gracePeriod(resource, live, options.gracePeriodSeconds);
  const changedFinalizers = finalizers.length === finalizersOf(live).length ? {} : { finalizers };
  if (isDeleting(live)) {
    if (resource.storage !== "pods" || grace >= graceOf(live)) return live;
    const at = new Date(Math.max(context.clock.now() + grace * 1000, 0)).toISOString().slice(0, 19);
    return withMetadata(live, { deletionGracePeriodSeconds: grace, deletionTimestamp: `${at}Z`, ...changedFinalizers });
  }
  const generation = metadataOf(live)["generation"];
  const at =
    grace === 0 ? nowText(context) : `${new Date(context.clock.now() + grace * 1000).toISOString().slice(0, 19)}Z`;
  // A namespace is held by what it contains.
  const terminating =
    resource.storage === "namespaces"
      ? { ...live, status: { ...objectAt(live, "status"), phase: "Terminating" } }
      : live;
  return withMetadata(terminating, {
    deletionTimestamp: at,
    deletionGracePeriodSeconds: grace,
    ...(typeof generation === "number" && resource.generation ? { generation: generation + 1 } : {}),
    ...changedFinalizers,
  });
}

function withPropagation(finalizers: readonly string[], propagation: DeleteOptions["propagation"]): readonly string[] {
  const added = propagation === "Foreground" ? "foregroundDeletion" : propagation === "Orphan" ? "orphan" : undefined;
  return added === undefined || finalizers.includes(added) ? finalizers : [...finalizers, added];
}
