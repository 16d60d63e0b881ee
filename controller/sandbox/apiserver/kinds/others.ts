// Nodes, namespaces, budgets, services, events, definitions: the small defaults and rules of the remaining built-in kinds.
import { isObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { cause, shown } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill, notNegative } from "./kind.ts";
import type { Kind } from "./kind.ts";

const NOT_READY = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

/** A new node is not ready until somebody says so (admission plugin TaintNodesByCondition). */
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function taintFaults(object: JsonObject): readonly Cause[] {
  const seen = new Set<string>();
  return listAt(object["spec"], "taints").flatMap((taint, index): readonly Cause[] => {
    const [key, effect, value] = [
      stringAt(taint, "key") ?? "",
      stringAt(taint, "effect") ?? "",
      stringAt(taint, "value") ?? "",
    ];
    const twice = seen.has(`${key}:${effect}`);
    seen.add(`${key}:${effect}`);
    const at = `metadata.taints[${index}]`;
    if (!EFFECTS.includes(effect)) return [cause.unsupported(`${at}.effect`, effect, EFFECTS)];
    if (!twice) return [];
    const shownTaint = { Key: key, Value: value, Effect: effect, TimeAdded: null };
    const duplicate = cause.duplicate(at, shownTaint);
    return [{ ...duplicate, message: `${duplicate.message}: taints must be unique by key and effect pair` }];
  });
}

/** What is given once and for all. */
function fixedFaults(object: JsonObject, old: JsonObject): readonly Cause[] {
  const changed = (key: string): boolean =>
    objectAt(old, "spec")[key] !== undefined && !jsonEqual(objectAt(object, "spec")[key], objectAt(old, "spec")[key]);
  return [
    ...(changed("podCIDRs") || changed("podCIDR")
      ? [cause.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')]
      : []),
    ...(changed("providerID")
      ? [cause.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid')]
      : []),
  ];
}

export const node: Kind = {
  // What nobody reserves may be used.
  defaults: (object) => {
    const capacity = objectAt(object, "status")["capacity"];
    return isObject(capacity) ? change(object, "status", (status) => fill(status, { allocatable: capacity })) : object;
  },
  validate: taintFaults,
  validateUpdate: fixedFaults,
  admit: (object) =>
    change(object, "spec", (spec) => {
      const taints = listAt(spec, "taints");
      const tainted = taints.some(
        (taint) => isObject(taint) && taint["key"] === NOT_READY.key && taint["effect"] === NOT_READY.effect,
      );
      return tainted ? spec : { ...spec, taints: [...taints, NOT_READY] };
    }),
};

function labelNamespace(object: JsonObject): JsonObject {
  return change(object, "metadata", (metadata) =>
    change(metadata, "labels", (labels) => ({
      ...labels,
      "kubernetes.io/metadata.name": stringAt(metadata, "name") ?? "",
    })),
  );
}

export const namespace: Kind = {
  names: "label",
  // Whoever names it owns that label; of a generated name the server itself is the author.
  defaults: (object) => (stringAt(object["metadata"], "generateName") === undefined ? labelNamespace(object) : object),
  prepareCreate: (object) => ({
    ...labelNamespace(object),
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
};

function bothBounds(object: JsonObject): readonly Cause[] {
  const spec = objectAt(object, "spec");
  if (spec["minAvailable"] === undefined || spec["maxUnavailable"] === undefined) return [];
  const value = `{"MinAvailable":${shown(spec["minAvailable"])},"Selector":${shown(spec["selector"] ?? null)},"MaxUnavailable":${shown(spec["maxUnavailable"])},"UnhealthyPodEvictionPolicy":${shown(spec["unhealthyPodEvictionPolicy"] ?? null)}}`;
  return [
    {
      reason: "FieldValueInvalid",
      message: `Invalid value: ${value}: minAvailable and maxUnavailable cannot be both set`,
      field: "spec",
    },
  ];
}

export const podDisruptionBudget: Kind = {
  prepareCreate: (object) => ({
    ...object,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }),
  validate: (object) => [...bothBounds(object), ...boundFaults(object), ...policyFaults(object)],
  validateStatus: (object) => {
    const status = objectAt(object, "status");
    return ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"].flatMap((key) =>
      notNegative(`status.${key}`, status[key]),
    );
  },
};

function boundFaults(object: JsonObject): readonly Cause[] {
  return ["minAvailable", "maxUnavailable"].flatMap((key): readonly Cause[] => {
    const bound = objectAt(object, "spec")[key];
    if (typeof bound !== "string") return notNegative(`spec.${key}`, bound);
    if (/^\d+%$/u.test(bound)) return [];
    return [
      cause.invalid(
        `spec.${key}`,
        bound,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  });
}

const POLICIES = ["AlwaysAllow", "IfHealthyBudget"];

function policyFaults(object: JsonObject): readonly Cause[] {
  const policy = stringAt(object["spec"], "unhealthyPodEvictionPolicy");
  return policy === undefined || POLICIES.includes(policy)
    ? []
    : [cause.unsupported("spec.unhealthyPodEvictionPolicy", policy, POLICIES)];
}

/** Leader election's times and counts. */
export const lease: Kind = {
  validate: (object) => {
    const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = objectAt(object, "spec");
    return [
      ...(typeof seconds === "number" && seconds <= 0
        ? [cause.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
        : []),
      ...notNegative("spec.leaseTransitions", transitions),
    ];
  },
};

export const controllerRevision: Kind = {
  validateUpdate: (object, old) =>
    jsonEqual(object["data"], old["data"]) ? [] : [cause.invalid("data", object["data"] ?? null, "field is immutable")],
};

export const service: Kind = {
  names: "label",
  defaults: (object) =>
    change(object, "spec", (spec) => {
      const filled = fill(spec, {
        type: "ClusterIP",
        sessionAffinity: "None",
        internalTrafficPolicy: "Cluster",
        ipFamilyPolicy: "SingleStack",
        ipFamilies: ["IPv4"],
      });
      const ports = listAt(filled, "ports").map((port) => {
        if (!isObject(port)) return port;
        const typed = fill(port, { protocol: "TCP" });
        return typed["targetPort"] === undefined || typed["targetPort"] === 0
          ? { ...typed, targetPort: typed["port"] ?? 0 }
          : typed;
      });
      return ports.length === 0 ? filled : { ...filled, ports };
    }),
};

export const secret: Kind = {
  defaults: (object) => fill(mergeStringData(object), { type: "Opaque" }),
  validate: dataFaults,
  validateUpdate: (object, old) => [
    ...(object["type"] === old["type"] ? [] : [cause.invalid("type", object["type"] ?? "", "field is immutable")]),
    ...immutableFaults(object, old),
  ],
};

function mergeStringData(object: JsonObject): JsonObject {
  const text = object["stringData"];
  if (!isObject(text)) return object;
  const data = Object.fromEntries(
    Object.entries(text).map(([key, value]) => [key, Buffer.from(String(value)).toString("base64")]),
  );
  const merged: Record<string, JsonObject[string]> = { ...object, data: { ...objectAt(object, "data"), ...data } };
  delete merged["stringData"];
  return merged;
}

export const configMap: Kind = { validate: dataFaults, validateUpdate: immutableFaults };

const KEY = /^[-._a-zA-Z0-9]+$/u;
const KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function dataFaults(object: JsonObject): readonly Cause[] {
  return ["data", "binaryData"].flatMap((field) =>
    Object.keys(objectAt(object, field))
      .filter((key) => !KEY.test(key))
      .map((key) => cause.invalid(`${field}[${key}]`, key, KEY_RULE)),
  );
}

function immutableFaults(object: JsonObject, old: JsonObject): readonly Cause[] {
  if (old["immutable"] !== true) return [];
  const why = "field is immutable when `immutable` is set";
  return [
    ...(object["immutable"] === true ? [] : [cause.forbidden("immutable", why)]),
    ...["data", "binaryData"]
      .filter((field) => !jsonEqual(object[field], old[field]))
      .map((field) => cause.forbidden(field, why)),
  ];
}

export const priorityClass: Kind = { defaults: (object) => fill(object, { preemptionPolicy: "PreemptLowerPriority" }) };

export const roleObject: Kind = { names: "path" };

/** Whom a role was given to may change, not which role. */
export const roleBinding: Kind = {
  names: "path",
  validateUpdate: (object, old) => {
    const { apiGroup, kind, name } = objectAt(object, "roleRef");
    return jsonEqual(object["roleRef"], old["roleRef"])
      ? []
      : [cause.invalid("roleRef", { APIGroup: apiGroup, Kind: kind, Name: name }, "cannot change roleRef")];
  },
};
