// Whether a Job is over, and how: the first that holds of BackoffLimitExceeded, DeadlineExceeded and success. Pure.
// The verdict is announced as FailureTarget or SuccessCriteriaMet; Failed or Complete follow when the last pod is gone
// (KEP-3998, Kubernetes 1.31 and later).
import type { Instant } from "../../clock.ts";
import type { Condition, Job, Pod } from "./objects.ts";
import { isActive } from "./selection.ts";

const DEFAULT_BACKOFF_LIMIT = 6;

/** Ended pods, those included that are noted but not counted yet: who overlooks them starts a second pod. */
export function endedPods(job: Job): { readonly succeeded: number; readonly failed: number } {
  const { succeeded = 0, failed = 0, uncountedTerminatedPods: uncounted = {} } = job.status ?? {};
  return {
    succeeded: succeeded + (uncounted.succeeded?.length ?? 0),
    failed: failed + (uncounted.failed?.length ?? 0),
  };
}

export function finished(job: Job): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

/** Undefined while the job goes on. A verdict once announced stands. */
export function jobVerdict(job: Job, pods: readonly Pod[], now: Instant): Condition | undefined {
  const standing = job.status?.conditions?.find(
    ({ type, status }) => (type === "FailureTarget" || type === "SuccessCriteriaMet") && status === "True",
  );
  return standing ?? failure(job, pods, now) ?? success(job);
}

function failure(job: Job, pods: readonly Pod[], now: Instant): Condition | undefined {
  const { backoffLimit = DEFAULT_BACKOFF_LIMIT, activeDeadlineSeconds } = job.spec;
  // With restartPolicy OnFailure the kubelet restarts containers in place: each restart is a failure.
  const restarts = job.spec.template.spec.restartPolicy === "OnFailure" ? restartsOf(pods) : 0;
  if (endedPods(job).failed + restarts > backoffLimit) {
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const start = Date.parse(job.status?.startTime ?? "");
  if (activeDeadlineSeconds !== undefined && job.spec.suspend !== true && start + activeDeadlineSeconds * 1000 <= now) {
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  }
  return undefined;
}

function restartsOf(pods: readonly Pod[]): number {
  const statuses = pods.filter(isActive).flatMap((pod) => pod.status?.containerStatuses ?? []);
  return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}

function failed(reason: string, message: string): Condition {
  return { type: "FailureTarget", status: "True", reason, message };
}

function success(job: Job): Condition | undefined {
  const { parallelism = 1, completions = parallelism } = job.spec;
  if (endedPods(job).succeeded < completions) return undefined;
  return {
    type: "SuccessCriteriaMet",
    status: "True",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
  };
}
