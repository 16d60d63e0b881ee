// Pods and pod templates: the defaults that the recordings show, tolerations and priority as the admission plugins add them,
// and the rule that a running pod's spec does not change.
import { isList, isObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { nameFaults } from "../names.ts";
import { Refusal, cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill } from "./kind.ts";
import type { Admission, Kind } from "./kind.ts";

const HTTP_GET = { path: "/", scheme: "HTTP" } as const;

function defaultProbe(probe: Json | undefined): Json | undefined {
  if (!isObject(probe)) return probe;
  const filled = fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  return isObject(filled["httpGet"]) ? { ...filled, httpGet: fill(filled["httpGet"], HTTP_GET) } : filled;
}

function defaultContainer(container: Json): Json {
  if (!isObject(container)) return container;
  const image = typeof container["image"] === "string" ? container["image"] : "";
  const tail = image.slice(image.lastIndexOf("/") + 1);
  const latest = !image.includes("@") && (!tail.includes(":") || tail.endsWith(":latest"));
  let filled = fill(container, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    ...(image === "" ? {} : { imagePullPolicy: latest ? "Always" : "IfNotPresent" }),
  });
  for (const key of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    if (filled[key] !== undefined) filled = { ...filled, [key]: defaultProbe(filled[key]) };
  }
  const ports = listAt(filled, "ports");
  if (ports.length > 0)
    filled = { ...filled, ports: ports.map((port) => (isObject(port) ? fill(port, { protocol: "TCP" }) : port)) };
  const env = listAt(filled, "env");
  return env.length > 0 ? { ...filled, env: env.map(defaultEnv) } : filled;
}

function defaultEnv(variable: Json): Json {
  const source = objectAt(variable, "valueFrom");
  if (!isObject(variable) || !isObject(source["fieldRef"])) return variable;
  return { ...variable, valueFrom: { ...source, fieldRef: fill(source["fieldRef"], { apiVersion: "v1" }) } };
}

const MODES = { secret: 420, configMap: 420, projected: 420, downwardAPI: 420 } as const;

function defaultVolume(volume: Json): Json {
  if (!isObject(volume)) return volume;
  let filled = volume;
  for (const [source, mode] of Object.entries(MODES)) {
    if (isObject(filled[source])) filled = { ...filled, [source]: fill(filled[source], { defaultMode: mode }) };
  }
  if (isObject(filled["hostPath"])) filled = { ...filled, hostPath: fill(filled["hostPath"], { type: "" }) };
  return filled;
}

/** Defaults of a pod spec inside a template. */
export function defaultPodSpec(spec: JsonObject): JsonObject {
  let filled = fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
  for (const key of ["containers", "initContainers"]) {
    const containers = filled[key];
    if (isList(containers)) filled = { ...filled, [key]: containers.map(defaultContainer) };
  }
  const volumes = filled["volumes"];
  if (isList(volumes)) filled = { ...filled, volumes: volumes.map(defaultVolume) };
  const account = filled["serviceAccountName"] ?? filled["serviceAccount"];
  if (typeof account === "string") filled = fill(filled, { serviceAccountName: account, serviceAccount: account });
  return filled;
}

/** Defaults of a `PodTemplateSpec` at `spec.template`. */
export function defaultTemplate(spec: JsonObject): JsonObject {
  return change(spec, "template", (template) => change(template, "spec", defaultPodSpec));
}

const NOT_READY = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** A limit without a request is a request, too. */
function defaultRequests(spec: JsonObject): JsonObject {
  const filled = (container: Json): Json => {
    const resources = objectAt(container, "resources");
    const limits = resources["limits"];
    if (!isObject(container) || !isObject(limits)) return container;
    return { ...container, resources: { ...resources, requests: { ...limits, ...objectAt(resources, "requests") } } };
  };
  const containers = spec["containers"];
  return isList(containers) ? { ...spec, containers: containers.map(filled) } : spec;
}

/** A pod's only address is the first of its addresses. */
function defaultAddresses(object: JsonObject): JsonObject {
  const ip = stringAt(object["status"], "podIP") ?? "";
  if (ip === "" || listAt(object["status"], "podIPs").length > 0) return object;
  return change(object, "status", (status) => ({ ...status, podIPs: [{ ip }] }));
}

const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

/** The number behind a priority class (admission plugin Priority); an unknown class is forbidden. */
function admitPriority(object: JsonObject, { priorityClass }: Admission): JsonObject {
  const name = stringAt(object["spec"], "priorityClassName") ?? "";
  const found = name === "" ? undefined : (priorityClass(name) ?? systemClass(name));
  if (name !== "" && found === undefined)
    throw new Refusal(
      403,
      "Forbidden",
      `pods ${JSON.stringify(stringAt(object["metadata"], "name") ?? "")} is forbidden: no PriorityClass with name ${name} was found`,
      { name: stringAt(object["metadata"], "name") ?? "", kind: "pods" },
    );
  const policy = found?.["preemptionPolicy"] ?? "PreemptLowerPriority";
  return change(object, "spec", (spec) => fill(spec, { priority: found?.["value"] ?? 0, preemptionPolicy: policy }));
}

function systemClass(name: string): JsonObject | undefined {
  const value = SYSTEM_PRIORITIES[name];
  return value === undefined ? undefined : { value };
}

/** Adds the two tolerations that let a pod survive five minutes on a broken node, unless it tolerates that already. */
function admitTolerations(spec: JsonObject): JsonObject {
  const tolerations = listAt(spec, "tolerations");
  const missing = NOT_READY.filter(
    (key) =>
      !tolerations.some(
        (toleration) =>
          isObject(toleration) &&
          (toleration["key"] === key || (toleration["key"] === undefined && toleration["operator"] === "Exists")) &&
          (toleration["effect"] === undefined || toleration["effect"] === "NoExecute"),
      ),
  ).map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  return missing.length === 0 ? spec : { ...spec, tolerations: [...tolerations, ...missing] };
}

/** Guaranteed, Burstable or BestEffort, from requests and limits of all containers (documented QoS rules). */
function qosClass(spec: JsonObject): string {
  const containers = [...listAt(spec, "containers"), ...listAt(spec, "initContainers")];
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    const resources = objectAt(container, "resources");
    const [limits, requests] = [objectAt(resources, "limits"), objectAt(resources, "requests")];
    if (Object.keys(limits).length > 0 || Object.keys(requests).length > 0) any = true;
    for (const name of ["cpu", "memory"]) {
      if (limits[name] === undefined || (requests[name] !== undefined && requests[name] !== limits[name]))
        guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

const RESTARTS = ["Always", "OnFailure", "Never"];

function restartFaults(spec: JsonObject, path: string): readonly Cause[] {
  const policy = stringAt(spec, "restartPolicy") ?? "Always";
  return RESTARTS.includes(policy) ? [] : [cause.unsupported(`${path}.restartPolicy`, policy, RESTARTS)];
}

/** What is wrong with a pod spec that stands at `path`. */
export function podSpecFaults(spec: JsonObject, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const containers = listAt(spec, "containers");
  if (containers.length === 0) causes.push(cause.required(`${path}.containers`));
  const seen = new Set<string>();
  containers.forEach((container, index) => {
    const name = isObject(container) && typeof container["name"] === "string" ? container["name"] : "";
    const twice = seen.has(name);
    seen.add(name);
    if (name === "") causes.push(cause.required(`${path}.containers[${index}].name`));
    else if (twice) causes.push(cause.duplicate(`${path}.containers[${index}].name`, name));
    else causes.push(...nameFaults(name, "label", `${path}.containers[${index}].name`));
    if (isObject(container) && (container["image"] ?? "") === "")
      causes.push(cause.required(`${path}.containers[${index}].image`));
    listAt(container, "volumeMounts").forEach((mount, at) => {
      const volume = stringAt(mount, "name") ?? "";
      if (!listAt(spec, "volumes").some((other) => stringAt(other, "name") === volume))
        causes.push({
          reason: "FieldValueNotFound",
          message: `Not found: ${JSON.stringify(volume)}`,
          field: `${path}.containers[${index}].volumeMounts[${at}].name`,
        });
    });
  });
  return [...causes, ...restartFaults(spec, path)];
}

const MUTABLE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function frozenPart(object: JsonObject): JsonObject {
  const spec = objectAt(object, "spec");
  const withoutImages = (list: readonly Json[]): readonly Json[] =>
    list.map((item) => (isObject(item) ? { ...item, image: undefined } : item));
  return {
    ...spec,
    containers: withoutImages(listAt(spec, "containers")),
    initContainers: withoutImages(listAt(spec, "initContainers")),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
  };
}

function tolerationsGrow(object: JsonObject, old: JsonObject): boolean {
  const now = listAt(objectAt(object, "spec"), "tolerations");
  return listAt(objectAt(old, "spec"), "tolerations").every((toleration) =>
    now.some((other) => jsonEqual(other, toleration)),
  );
}

/** A gated pod says from the start why nobody schedules it. */
function heldBack(object: JsonObject, now: string): JsonObject {
  if (listAt(object["spec"], "schedulingGates").length === 0) return {};
  const condition = {
    type: "PodScheduled",
    status: "False",
    lastProbeTime: null,
    lastTransitionTime: now,
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
  };
  return { conditions: [condition] };
}

export const pod: Kind = {
  defaults: (object) =>
    change(defaultAddresses(object), "spec", (spec) =>
      fill(defaultPodSpec(defaultRequests(spec)), { enableServiceLinks: true }),
    ),
  admit: (object, admission) => admitPriority(change(object, "spec", admitTolerations), admission),
  prepareCreate: (object, { now }) => ({
    ...object,
    status: { phase: "Pending", ...heldBack(object, now), qosClass: qosClass(objectAt(object, "spec")) },
  }),
  validate: (object) => podSpecFaults(objectAt(object, "spec"), "spec"),
  validateUpdate: (object, old) =>
    jsonEqual(frozenPart(object), frozenPart(old)) && tolerationsGrow(object, old)
      ? []
      : [cause.forbidden("spec", MUTABLE)],
};
