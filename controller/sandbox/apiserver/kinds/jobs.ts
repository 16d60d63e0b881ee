// Jobs and CronJobs: documented defaults, the job's own selector and labels, and which parts may not change.
import { objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { change, fill, notNegative } from "./kind.ts";
import type { Kind } from "./kind.ts";
import { defaultTemplate } from "./pods.ts";
import { immutable } from "./workloads.ts";

const JOB_LABELS = ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

function defaultJobSpec(spec: JsonObject): JsonObject {
  return fill(defaultTemplate(spec), {
    parallelism: 1,
    ...(spec["parallelism"] === undefined ? { completions: 1 } : {}),
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec["podFailurePolicy"] === undefined ? "TerminatingOrFailed" : "Failed",
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

const NUMBERS = ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"];

function numberFaults(object: JsonObject): readonly Cause[] {
  return NUMBERS.flatMap((key) => notNegative(`spec.${key}`, objectAt(object, "spec")[key]));
}

const PLACEMENT = ["nodeSelector", "affinity", "tolerations", "schedulingGates"];

/** The job without what its template says of where its pods may run. */
function withoutPlacement(object: JsonObject): JsonObject {
  const { labels: _labels, annotations: _annotations, ...metadata } = objectAt(templateOf(object), "metadata");
  const spec = Object.fromEntries(
    Object.entries(objectAt(templateOf(object), "spec")).filter(([key]) => !PLACEMENT.includes(key)),
  );
  return change(object, "spec", (all) => ({ ...all, template: { metadata, spec } }));
}

function templateOf(object: JsonObject): JsonObject {
  return objectAt(objectAt(object, "spec"), "template");
}

export const job: Kind = {
  defaults: (object) => change(object, "spec", defaultJobSpec),
  prepareCreate: (object) => ({ ...labelJob(object), status: {} }),
  validate: (object) => [...jobRestart(object), ...numberFaults(object)],
  validateUpdate: (object, old) => {
    const fixed = immutable(object, old, "completions", "selector", "completionMode");
    // Where a job may run can still be said while it is held: it has no pods then.
    const held = objectAt(old, "spec")["suspend"] === true;
    const [now, before] = held ? [withoutPlacement(object), withoutPlacement(old)] : [object, old];
    return [...fixed, ...immutable(now, before, "template")];
  },
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
  validate: (object) => {
    const schedule = stringAt(object["spec"], "schedule") ?? "";
    const parts = schedule.split(/\s+/u).filter((part) => part !== "");
    if (schedule.startsWith("@") || parts.length === 5) return [];
    const why = `expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`;
    return [cause.invalid("spec.schedule", schedule, why)];
  },
};
