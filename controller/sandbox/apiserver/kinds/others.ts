// Nodes, namespaces, budgets, services, events, definitions: the small defaults and rules of the remaining built-in kinds.
import { isObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { cause, shown } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill } from "./kind.ts";
import type { Kind } from "./kind.ts";

const NOT_READY = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

/** A new node is not ready until somebody says so (admission plugin TaintNodesByCondition). */
export const node: Kind = {
  admit: (object) =>
    change(object, "spec", (spec) => {
      const taints = listAt(spec, "taints");
      const tainted = taints.some(
        (taint) => isObject(taint) && taint["key"] === NOT_READY.key && taint["effect"] === NOT_READY.effect,
      );
      return tainted ? spec : { ...spec, taints: [...taints, NOT_READY] };
    }),
};

export const namespace: Kind = {
  names: "label",
  defaults: (object) =>
    change(object, "metadata", (metadata) =>
      change(metadata, "labels", (labels) => ({
        ...labels,
        "kubernetes.io/metadata.name": stringAt(metadata, "name") ?? "",
      })),
    ),
  prepareCreate: (object) => ({ ...object, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } }),
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
  validate: bothBounds,
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
  defaults: (object) => fill(object, { type: "Opaque" }),
  prepareCreate: mergeStringData,
  prepareUpdate: mergeStringData,
  validateUpdate: (object, old) =>
    object["type"] === old["type"] ? [] : [cause.invalid("type", object["type"] ?? "", "field is immutable")],
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

/** An event lives in the namespace of what it is about; events about cluster-scoped objects live in `default`. */
export const event: Kind = {
  validate: (object) => {
    // events.k8s.io/v1 calls it `regarding`; both names may come here.
    const about = stringAt(object["involvedObject"] ?? object["regarding"], "namespace") ?? "";
    const own = stringAt(object["metadata"], "namespace") ?? "";
    const fits = about === "" ? own === "default" || own === "" || own === "kube-system" : about === own;
    return fits ? [] : [cause.invalid("involvedObject.namespace", about, "does not match event.namespace")];
  },
};

export const configMap: Kind = {
  validateUpdate: (object, old) =>
    old["immutable"] === true && !jsonEqual(object["data"], old["data"])
      ? [cause.forbidden("data", "field is immutable when `immutable` is set")]
      : [],
};

export const priorityClass: Kind = { defaults: (object) => fill(object, { preemptionPolicy: "PreemptLowerPriority" }) };

export const roleObject: Kind = { names: "path" };
