// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs: documented defaults, and which parts may not change.
import { isObject, jsonEqual, objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { labelSelectorMatcher } from "../selectors.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill } from "./kind.ts";
import type { Kind } from "./kind.ts";
import { defaultTemplate } from "./pods.ts";

function immutable(object: JsonObject, old: JsonObject, ...fields: readonly string[]): readonly Cause[] {
  const [now, before] = [objectAt(object, "spec"), objectAt(old, "spec")];
  return fields
    .filter((field) => !jsonEqual(now[field], before[field]))
    .map((field) => cause.invalid(`spec.${field}`, now[field] ?? null, "field is immutable"));
}

function templateLabels(object: JsonObject): JsonObject {
  return objectAt(objectAt(objectAt(objectAt(object, "spec"), "template"), "metadata"), "labels");
}

function selectsTemplate(object: JsonObject): readonly Cause[] {
  const selector = objectAt(object, "spec")["selector"];
  if (!isObject(selector)) return [cause.required("spec.selector")];
  const labels = templateLabels(object);
  if (labelSelectorMatcher(selector)(labels)) return [];
  return [cause.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")];
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
  validate: (object) => [...selectsTemplate(object), ...restartAlways(object)],
  validateUpdate: (object, old) => immutable(object, old, "selector"),
};

export const replicaSet: Kind = {
  defaults: (object) => change(object, "spec", (spec) => fill(defaultTemplate(spec), { replicas: 1 })),
  prepareCreate: (object) => ({ ...object, status: { replicas: 0 } }),
  validate: selectsTemplate,
  validateUpdate: (object, old) => immutable(object, old, "selector"),
};

export const statefulSet: Kind = {
  defaults: (object) =>
    change(object, "spec", (spec) => {
      const filled = fill(defaultTemplate(spec), {
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
  validate: (object) => [...selectsTemplate(object), ...restartAlways(object)],
  validateUpdate: (object, old) =>
    immutable(object, old, "selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
};

export const daemonSet: Kind = {
  defaults: (object) =>
    change(object, "spec", (spec) => {
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
  validate: (object) => [...selectsTemplate(object), ...restartAlways(object)],
  validateUpdate: (object, old) => immutable(object, old, "selector"),
};

const JOB_LABELS = ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

function defaultJobSpec(spec: JsonObject): JsonObject {
  return fill(defaultTemplate(spec), {
    parallelism: 1,
    ...(spec["parallelism"] === undefined ? { completions: 1 } : {}),
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: "TerminatingOrFailed",
  });
}

/** The job's own selector and labels, by its uid, unless the person selects by hand. */
function labelJob(object: JsonObject): JsonObject {
  if (objectAt(object, "spec")["manualSelector"] === true) return object;
  const uid = stringAt(object["metadata"], "uid") ?? "";
  const name = stringAt(object["metadata"], "name") ?? "";
  const labels: JsonObject = {
    [JOB_LABELS[0] ?? ""]: uid,
    [JOB_LABELS[1] ?? ""]: name,
    [JOB_LABELS[2] ?? ""]: uid,
    [JOB_LABELS[3] ?? ""]: name,
  };
  const addLabels = (metadata: JsonObject): JsonObject =>
    change(metadata, "labels", (existing) => ({ ...existing, ...labels }));
  const labelled = change(object, "metadata", addLabels);
  return change(labelled, "spec", (spec) => ({
    ...change(spec, "template", (template) => change(template, "metadata", addLabels)),
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } },
  }));
}

function jobRestart(object: JsonObject): readonly Cause[] {
  const policy = stringAt(objectAt(objectAt(objectAt(object, "spec"), "template"), "spec"), "restartPolicy");
  return policy === "Never" || policy === "OnFailure"
    ? []
    : [cause.required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')];
}

export const job: Kind = {
  defaults: (object) => change(object, "spec", defaultJobSpec),
  prepareCreate: (object) => ({ ...labelJob(object), status: {} }),
  validate: jobRestart,
  validateUpdate: (object, old) => immutable(object, old, "completions", "selector", "template", "completionMode"),
};

export const cronJob: Kind = {
  defaults: (object) =>
    change(object, "spec", (spec) => {
      const filled = fill(spec, {
        concurrencyPolicy: "Allow",
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      });
      return change(filled, "jobTemplate", (template) => change(template, "spec", (inner) => defaultTemplate(inner)));
    }),
};
