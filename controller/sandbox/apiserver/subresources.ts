// The subresources that are not simply a part of the object: scale, binding, log, finalize, and the reviews that are answered
// and not stored.
import { nowText } from "./context.ts";
import type { Answer, Call, Context } from "./context.ts";
import { mediaType, readObject, readKind } from "./body.ts";
import { fromStorage } from "./conversions.ts";
import { isObject, listAt, objectAt, stringAt, withMember } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { keyOf, labelsOf, metadataOf, nameOf, namespaceOf, withMetadata } from "./object.ts";
import { patchedValue } from "./patch/request.ts";
import { checkWriteQuery } from "./request-options.ts";
import type { Resource } from "./resources.ts";
import { labelSelectorText } from "./selectors.ts";
import { Refusal, conflict, invalid, notFound, cause } from "./status.ts";
import { update } from "./update.ts";
import { isDryRun, store } from "./write.ts";
import { cutLog } from "../pod-log.ts";

function find(context: Context, resource: Resource, namespace: string | undefined, name: string): JsonObject {
  const stored = context.storage.get(resource.storage, keyOf(resource, namespace ?? "", name));
  if (stored === undefined) throw notFound(resource, name);
  return fromStorage(resource, stored);
}

function scaleOf(object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const spec = objectAt(object, "spec");
  const replicas = spec["replicas"];
  const running = objectAt(object, "status")["replicas"];
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: typeof replicas === "number" && replicas !== 0 ? { replicas } : {},
    status: { replicas: typeof running === "number" ? running : 0, selector: labelSelectorText(spec["selector"]) },
  };
}

/** GET, PUT and PATCH of `scale`. */
export function scale(
  context: Context,
  call: Call,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): Answer {
  const live = find(context, resource, namespace, name);
  if (call.method === "GET") return { status: 200, body: scaleOf(live) };
  checkWriteQuery(call, false);
  const node = context.schema.struct("Scale");
  const wanted =
    call.method === "PUT"
      ? readObject(call, { ...resource, kind: "Scale", group: "autoscaling", version: "v1", node })
      : patchedValue(call, { node }, scaleOf(live), mediaType(call.contentType));
  const version = stringAt(wanted["metadata"], "resourceVersion");
  const replicas = objectAt(wanted, "spec")["replicas"];
  if (typeof replicas === "number" && replicas < 0)
    throw invalid({ group: "autoscaling", kind: "Scale" }, name, [
      cause.invalid("spec.replicas", replicas, "must be greater than or equal to 0"),
    ]);
  const next = withMetadata(
    { ...live, spec: { ...objectAt(live, "spec"), replicas: typeof replicas === "number" ? replicas : 0 } },
    { resourceVersion: version ?? metadataOf(live)["resourceVersion"] },
  );
  const stored = update(context, call, resource, live, next, {
    subresource: undefined,
    ownedThrough: "scale",
    replace: false,
    dryRun: isDryRun(call),
    onRemoved: () => undefined,
  });
  return { status: 200, body: scaleOf(stored) };
}

/** POST of `binding`: the scheduler's decision. */
export function bind(context: Context, call: Call, pods: Resource, namespace: string, name: string): Answer {
  const binding = readObject(call, { ...pods, kind: "Binding", node: context.schema.struct("Binding") });
  const target = stringAt(binding["target"], "name") ?? "";
  if (target === "") throw new Refusal(500, undefined, "target.name: Required value");
  const pod = find(context, pods, namespace, name);
  const spec = objectAt(pod, "spec");
  const bound = stringAt(spec, "nodeName") ?? "";
  if (bound !== "")
    throw conflict(
      { group: "", plural: "pods/binding", kind: "Binding" },
      name,
      `pod ${name} is already assigned to node ${JSON.stringify(bound)}`,
    );
  if (listAt(spec, "schedulingGates").length > 0)
    throw conflict(
      { group: "", plural: "pods/binding", kind: "Binding" },
      name,
      `pod ${name} has non-empty .spec.schedulingGates`,
    );
  const conditions = objectAt(pod, "status")["conditions"];
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: `${new Date(context.clock.now()).toISOString().slice(0, 19)}Z`,
  };
  const others = (Array.isArray(conditions) ? (conditions as JsonObject[]) : []).filter(
    (condition) => condition["type"] !== "PodScheduled",
  );
  store(
    context,
    call,
    pods,
    {
      ...withMetadata(pod, boundMetadata(context, pod, binding, target)),
      spec: { ...spec, nodeName: target },
      status: { ...objectAt(pod, "status"), conditions: [...others, scheduled] },
    },
    isDryRun(call),
  );
  return { status: 201, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
}

const TOPOLOGY = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** What a binding says of the pod, and where the node stands (admission plugin PodTopologyLabels). */
function boundMetadata(context: Context, pod: JsonObject, binding: JsonObject, target: string): JsonObject {
  const given = objectAt(binding["metadata"], "annotations");
  const nodeLabels = labelsOf(context.storage.get("nodes", target) ?? {});
  const places = TOPOLOGY.filter((key) => nodeLabels[key] !== undefined).map((key) => [key, nodeLabels[key]] as const);
  const merged = (before: JsonObject, more: JsonObject): JsonObject | undefined =>
    Object.keys(before).length + Object.keys(more).length === 0 ? undefined : { ...before, ...more };
  return {
    annotations: merged(objectAt(pod["metadata"], "annotations"), given),
    labels: merged(labelsOf(pod), Object.fromEntries(places)),
  };
}

/** GET of `log`: the text that the kubelet stored. */
export function podLog(context: Context, call: Call, pods: Resource, namespace: string, name: string): Answer {
  find(context, pods, namespace, name);
  const text = cutLog(context.storage.podLog(namespace, name) ?? "", call.query);
  return { status: 200, headers: { "content-type": "text/plain" }, body: text };
}

/** PUT of a namespace's `finalize`. */
export function finalize(context: Context, call: Call, resource: Resource, name: string): Answer {
  const live = find(context, resource, undefined, name);
  const given = readKind(context, call, resource, readObject(call, resource));
  const next = {
    ...live,
    spec: withMember(objectAt(live, "spec"), "finalizers", objectAt(given, "spec")["finalizers"]),
  };
  return { status: 200, body: store(context, call, resource, next, isDryRun(call)) };
}

/** Reviews: everybody that may speak to the sandbox may do everything. */
export function review(context: Context, call: Call, resource: Resource): Answer {
  const object = readKind(context, call, resource, readObject(call, resource));
  const isWho = resource.kind === "SelfSubjectReview";
  const status: JsonObject = isWho
    ? { userInfo: { username: call.user, groups: ["system:masters", "system:authenticated"] } }
    : { allowed: true, reason: "the sandbox allows everything" };
  const given = isObject(object["metadata"]) ? object["metadata"] : {};
  const metadata = isWho ? { ...given, creationTimestamp: nowText(context) } : given;
  return { status: 201, body: { ...object, metadata, status } };
}

/** POST of a core `bindings` object, the older way to bind. */
export function bindByObject(context: Context, call: Call, pods: Resource, namespace: string): Answer {
  const binding = readObject(call, { ...pods, kind: "Binding", node: context.schema.struct("Binding") });
  return bind(
    context,
    call,
    pods,
    namespace,
    namespaceOf(binding) === "" || namespaceOf(binding) === namespace ? nameOf(binding) : "",
  );
}
