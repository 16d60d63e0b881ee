// Deployments, ReplicaSets, StatefulSets and DaemonSets: documented defaults, and which parts may not change.
import { isList, isObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { labelSelectorMatcher } from "../selectors.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill, notNegative } from "./kind.ts";
import type { Kind } from "./kind.ts";
import { defaultTemplate, podSpecFaults } from "./pods.ts";

export function immutable(object: JsonObject, old: JsonObject, ...fields: readonly string[]): readonly Cause[] {
  const [now, before] = [objectAt(object, "spec"), objectAt(old, "spec")];
  return fields
    .filter((field) => !jsonEqual(now[field], before[field]))
    .map((field) => cause.invalid(`spec.${field}`, now[field] ?? null, "field is immutable"));
}

function templateLabels(object: JsonObject): JsonObject {
  return objectAt(objectAt(objectAt(objectAt(object, "spec"), "template"), "metadata"), "labels");
}

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];

function selectorFaults(selector: JsonObject): readonly Cause[] {
  const unknown = listAt(selector, "matchExpressions").flatMap((expression, index) => {
    const operator = stringAt(expression, "operator") ?? "";
    const field = `spec.selector.matchExpressions[${index}].operator`;
    return OPERATORS.includes(operator) ? [] : [cause.invalid(field, operator, "not a valid selector operator")];
  });
  return unknown.length === 0 ? [] : [...unknown, cause.invalid("spec.selector", selector, "invalid label selector")];
}

function selectsTemplate(object: JsonObject): readonly Cause[] {
  const selector = objectAt(object, "spec")["selector"];
  const labels = templateLabels(object);
  const faults = isObject(selector) ? selectorFaults(selector) : [cause.required("spec.selector")];
  if (isObject(selector) && (faults.length > 0 || labelSelectorMatcher(selector)(labels))) return faults;
  return [
    ...faults,
    cause.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"),
  ];
}

/** Numbers, pods and, for a deployment, how it rolls. */
function specFaults(object: JsonObject): readonly Cause[] {
  const spec = objectAt(object, "spec");
  return [
    ...notNegative("spec.replicas", spec["replicas"]),
    ...podSpecFaults(objectAt(objectAt(spec, "template"), "spec"), "spec.template.spec"),
  ];
}

function strategyFaults(object: JsonObject): readonly Cause[] {
  const strategy = objectAt(objectAt(object, "spec"), "strategy");
  const rolling = strategy["rollingUpdate"];
  const field = "spec.strategy.rollingUpdate";
  if (strategy["type"] === "Recreate")
    return rolling === undefined
      ? []
      : [cause.forbidden(field, "may not be specified when strategy `type` is 'Recreate'")];
  const isZero = (value: Json | undefined): boolean => value === 0 || value === "0%";
  const { maxUnavailable, maxSurge } = objectAt(strategy, "rollingUpdate");
  return isZero(maxUnavailable) && isZero(maxSurge)
    ? [cause.invalid(`${field}.maxUnavailable`, maxUnavailable ?? 0, "may not be 0 when `maxSurge` is 0")]
    : [];
}

/** An empty selector would take every pod of the namespace. */
function selectsSomething(object: JsonObject): readonly Cause[] {
  const selector = objectAt(object, "spec")["selector"];
  return isObject(selector) && Object.keys(selector).length === 0
    ? [cause.invalid("spec.selector", {}, "empty selector is invalid for deployment")]
    : [];
}

const COUNTS = ["updatedReplicas", "readyReplicas", "availableReplicas"];

/** No more pods are ready than there are. */
function countFaults(object: JsonObject): readonly Cause[] {
  const status = objectAt(object, "status");
  const number = (key: string): number => (typeof status[key] === "number" ? status[key] : 0);
  const all = number("replicas");
  return [
    ...["replicas", ...COUNTS].flatMap((key) => notNegative(`status.${key}`, status[key])),
    ...COUNTS.filter((key) => number(key) > all).map((key) =>
      cause.invalid(`status.${key}`, number(key), "cannot be greater than status.replicas"),
    ),
    ...(number("availableReplicas") > number("readyReplicas")
      ? [cause.invalid("status.availableReplicas", number("availableReplicas"), "cannot be greater than readyReplicas")]
      : []),
  ];
}

function restartAlways(object: JsonObject): readonly Cause[] {
  const policy = stringAt(objectAt(objectAt(objectAt(object, "spec"), "template"), "spec"), "restartPolicy");
  return policy === undefined || policy === "Always"
    ? []
    : [cause.unsupported("spec.template.spec.restartPolicy", policy, ["Always"])];
}

const ROLLING = { maxUnavailable: "25%", maxSurge: "25%" } as const;

export const deployment: Kind = {
  defaults: (object) =>
    change(object, "spec", (spec) => {
      const filled = fill(defaultTemplate(spec), {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      });
      return change(filled, "strategy", (strategy) => {
        const typed = fill(strategy, { type: "RollingUpdate" });
        return typed["type"] === "RollingUpdate"
          ? change(typed, "rollingUpdate", (rolling) => fill(rolling, ROLLING))
          : typed;
      });
    }),
  validate: (object) => [
    ...selectsTemplate(object),
    ...selectsSomething(object),
    ...strategyFaults(object),
    ...specFaults(object),
    ...restartAlways(object),
  ],
  validateUpdate: (object, old) => immutable(object, old, "selector"),
  validateStatus: countFaults,
  countsAnnotations: true,
};

export const replicaSet: Kind = {
  defaults: (object) => change(object, "spec", (spec) => fill(defaultTemplate(spec), { replicas: 1 })),
  prepareCreate: (object) => ({ ...object, status: { replicas: 0 } }),
  validate: (object) => [...selectsTemplate(object), ...specFaults(object)],
  validateUpdate: (object, old) => immutable(object, old, "selector"),
};

const CHANGEABLE = [
  ...["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"],
  ...["persistentVolumeClaimRetentionPolicy", "minReadySeconds"],
];
const STATEFUL =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** Claims as a volume is asked for; their type stands in each. */
function defaultClaims(spec: JsonObject): JsonObject {
  const claims = spec["volumeClaimTemplates"];
  if (!isList(claims)) return spec;
  const filled = claims.filter(isObject).map((claim) => ({
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    ...change(claim, "spec", (inner) => fill(inner, { volumeMode: "Filesystem" })),
    status: fill(objectAt(claim, "status"), { phase: "Pending" }),
  }));
  return { ...spec, volumeClaimTemplates: filled };
}

export const statefulSet: Kind = {
  defaults: (object) =>
    change(object, "spec", (spec) => {
      const filled = fill(defaultTemplate(defaultClaims(spec)), {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: "OrderedReady",
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      });
      return change(filled, "updateStrategy", (strategy) => {
        const typed = fill(strategy, { type: "RollingUpdate" });
        return typed["type"] === "RollingUpdate"
          ? change(typed, "rollingUpdate", (rolling) => fill(rolling, { partition: 0 }))
          : typed;
      });
    }),
  prepareCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
  validate: (object) => [...selectsTemplate(object), ...specFaults(object), ...restartAlways(object)],
  validateUpdate: (object, old) => {
    const frozen = (given: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(objectAt(given, "spec")).filter(([key]) => !CHANGEABLE.includes(key)));
    return jsonEqual(frozen(object), frozen(old)) ? [] : [cause.forbidden("spec", STATEFUL)];
  },
};

const GENERATION = "deprecated.daemonset.template.generation";

/** The template's own generation, as an annotation of older API versions. */
function withTemplateCount(object: JsonObject, count: string): JsonObject {
  return change(object, "metadata", (metadata) =>
    change(metadata, "annotations", (annotations) => ({ ...annotations, [GENERATION]: count })),
  );
}

function templateCount(object: JsonObject): string {
  return stringAt(objectAt(objectAt(object, "metadata"), "annotations"), GENERATION) ?? "1";
}

export const daemonSet: Kind = {
  defaults: (object) =>
    change(withTemplateCount(object, templateCount(object)), "spec", (spec) => {
      const filled = fill(defaultTemplate(spec), { revisionHistoryLimit: 10 });
      return change(filled, "updateStrategy", (strategy) => {
        const typed = fill(strategy, { type: "RollingUpdate" });
        return typed["type"] === "RollingUpdate"
          ? change(typed, "rollingUpdate", (rolling) => fill(rolling, { maxUnavailable: 1, maxSurge: 0 }))
          : typed;
      });
    }),
  prepareCreate: (object) => ({
    ...object,
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  prepareUpdate: (object, old) => {
    const same = jsonEqual(objectAt(old, "spec")["template"], objectAt(object, "spec")["template"]);
    return withTemplateCount(object, same ? templateCount(old) : String(Number(templateCount(old)) + 1));
  },
  validate: (object) => [...selectsTemplate(object), ...specFaults(object), ...restartAlways(object)],
  validateUpdate: (object, old) => immutable(object, old, "selector"),
};
