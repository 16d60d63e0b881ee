// The job of a step that changes a node, and the one moment in which it begins. A job is made suspended, its UID is written down with the
// intent (Preparing, Staging, Updating, Rebooting), and then that very job is resumed under its resourceVersion. The way back deletes it under the
// same: of a leader that goes on and one that backs out exactly one wins, and a create that comes late makes a job that nobody resumes.
// Holds B3, B10, B11 with any number of leaders.
import type { NodeOperation, NodeStep } from "../../api/patch-state.ts";
import {
  EXIT_NOT_AVAILABLE,
  hasStep,
  type JobIdentity,
  type JobView,
  type NodeAct,
  record,
  type RecipeStepName,
  type Scene,
  updateStep,
} from "./node-view.ts";

/** The jobs that matter where an operation stands: those of the step, and those of the step that may come next. */
export function jobsToSee(operation: NodeOperation): readonly RecipeStepName[] {
  const next = operation.rebootPending === true ? "reboot" : updateStep(operation);
  switch (operation.step) {
    case "Claimed":
      return ["prepare", "stage", next];
    case "Preparing":
      return ["prepare"];
    case "Prepared":
      return ["stage", next];
    case "Staging":
      return ["stage"];
    case "Staged":
    case "Drained":
      return [next];
    case "Updating":
      return [updateStep(operation)];
    case "Updated":
      return ["inventory", "reboot"];
    case "Rebooting":
      return ["reboot"];
    case "Rebooted":
      return ["inventory"];
    case "Cordoned":
    case "Verified":
    case "Uncordoned":
      return [];
    default:
      return operation.step satisfies never;
  }
}

/** Writes down the intent of a step, once its job is there. */
export function enter(
  scene: Scene,
  step: NodeStep,
  name: RecipeStepName,
  change: Partial<NodeOperation> = {},
): NodeAct {
  if (!hasStep(scene, name)) return record(scene, step, change);
  const job = scene.job(name);
  if (job.phase === "Absent") return { kind: "CreateJob", step: name, suspended: true };
  return record(scene, step, { ...change, jobUID: job.uid });
}

/** A job that was let run, or what has to be done first. */
export type StartedJob =
  | Exclude<JobView, { readonly phase: "Absent" | "Prepared" }>
  | { readonly phase: "NotStarted"; readonly act: NodeAct };

/** The job of the present step. */
export function startedJob({ operation, job: jobOf }: Scene, step: RecipeStepName): StartedJob {
  const job = jobOf(step);
  if (job.phase === "Absent") return { phase: "NotStarted", act: { kind: "CreateJob", step, suspended: true } };
  // The job that was written down is gone, and another stands under its name: that one is written down first.
  if (job.uid !== operation.jobUID)
    return {
      phase: "NotStarted",
      act: { kind: "Record", operation: { ...operation, jobUID: job.uid }, note: operation.step },
    };
  if (job.phase === "Prepared") return { phase: "NotStarted", act: { kind: "ResumeJob", step, job: identityOf(job) } };
  return job;
}

function identityOf({ uid, resourceVersion }: JobIdentity): JobIdentity {
  return { uid, resourceVersion };
}

/** Whether the job of the update was let run: from then on there is no way back. One that is gone runs no more. */
export function hasBegun({ operation, job }: Pick<Scene, "operation" | "job">): boolean {
  const { phase } = job(updateStep(operation));
  return phase !== "Absent" && phase !== "Prepared";
}

/** Another leader let the update run before the way back was written down: it is too late for it. */
export function ranAway({ operation, job }: Pick<Scene, "operation" | "job">): boolean {
  if (operation.step !== "Updating" || !hasBegun({ operation, job })) return false;
  const seen = job(updateStep(operation));
  return seen.phase !== "Failed" || seen.exitCode !== EXIT_NOT_AVAILABLE;
}

/** A job that waits to be resumed; it is deleted before the node is given back. */
export function findPrepared({ operation, job }: Pick<Scene, "operation" | "job">): NodeAct | undefined {
  for (const step of jobsToSee(operation)) {
    const seen = job(step);
    if (seen.phase === "Prepared") return { kind: "DeleteJob", step, job: identityOf(seen) };
  }
  return undefined;
}
