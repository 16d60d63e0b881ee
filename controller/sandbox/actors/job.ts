// The sandbox's Job controller: pods until enough succeeded or too many failed, deadlines, suspension, removal after the TTL.
// No pod's end is lost and none is counted twice: pods carry the tracking finalizer, and their uids stand in
// uncountedTerminatedPods between the two writes (KEP-2307). Without podFailurePolicy, Indexed completion and successPolicy.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import { endedPods, finished, jobVerdict } from "./job-verdict.ts";
import type { Condition, Job, Pod } from "./objects.ts";
import { isActive, isFinished, isReady } from "./selection.ts";
import { equal, ownerReference, podFrom, timestamp, withCondition } from "./template.ts";
import type { SandboxTiming } from "./timing.ts";
import { controllerOf } from "./view.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const TRACKING = "batch.kubernetes.io/job-tracking";
const LONGEST_BACKOFF_MS = 600_000;

export function createJobController(view: ClusterView, timing: SandboxTiming): Actor {
  const client = view.client("job-controller");
  let waiting = false;
  return {
    name: "job-controller",
    async step(now) {
      const before = client.writes();
      waiting = false;
      for (const job of client.list("jobs")) {
        if (job.metadata.deletionTimestamp !== undefined) continue;
        if (finished(job)) await sweepFinished(client, job, now);
        else if (await syncJob(client, job, timing, now)) waiting = true;
      }
      await releaseOrphans(client);
      return client.writes() - before;
    },
    busy: () => waiting,
  };
}

/** One pass over a running job; true while it waits for a backoff. */
async function syncJob(client: ActorClient, seen: Job, timing: SandboxTiming, now: Instant): Promise<boolean> {
  const counted = await countTerminated(client, seen);
  if (counted === undefined) return false;
  const job = counted;
  const pods = client.ownedBy("pods", job.metadata.uid ?? "");
  const verdict = jobVerdict(job, pods, now);
  let waits = false;
  if (verdict !== undefined || job.spec.suspend === true) {
    for (const pod of pods.filter(isActive)) await client.remove("pods", pod);
  } else {
    waits = await startPods(client, job, pods, timing, now);
  }
  await writeStatus(client, job, verdict, now);
  return waits;
}

/** Notes ended pods, lets them go, then adds them to the counts: each step can be repeated after a crash. */
async function countTerminated(client: ActorClient, job: Job): Promise<Job | undefined> {
  const known = job.status?.uncountedTerminatedPods ?? {};
  const noted = new Set([...(known.succeeded ?? []), ...(known.failed ?? [])]);
  const ended = client.ownedBy("pods", job.metadata.uid ?? "").filter((pod) => isTracked(pod) && hasEnded(pod, job));
  const fresh = ended.filter((pod) => !noted.has(pod.metadata.uid ?? ""));
  let current: Job | undefined = job;
  if (fresh.length > 0) {
    const uids = (phase: "Succeeded" | "Failed"): string[] =>
      fresh
        .filter((pod) => (pod.status?.phase === "Succeeded" ? "Succeeded" : "Failed") === phase)
        .map((pod) => pod.metadata.uid ?? "");
    const uncounted = {
      succeeded: [...(known.succeeded ?? []), ...uids("Succeeded")],
      failed: [...(known.failed ?? []), ...uids("Failed")],
    };
    current = await client.replace(
      "jobs",
      { ...job, status: { ...job.status, uncountedTerminatedPods: uncounted } },
      "status",
    );
    if (current === undefined) return undefined;
  }
  for (const pod of ended) await untrack(client, pod);
  return noted.size + fresh.length === 0 ? current : addCounts(client, current);
}

/** A pod whose finalizer is gone may be counted: nobody can note it a second time. */
async function addCounts(client: ActorClient, job: Job): Promise<Job | undefined> {
  const uncounted = job.status?.uncountedTerminatedPods ?? {};
  const stillTracked = new Set(
    client
      .ownedBy("pods", job.metadata.uid ?? "")
      .filter(isTracked)
      .map((pod) => pod.metadata.uid ?? ""),
  );
  const split = (uids: readonly string[] = []) => ({
    done: uids.filter((uid) => !stillTracked.has(uid)),
    left: uids.filter((uid) => stillTracked.has(uid)),
  });
  const succeeded = split(uncounted.succeeded);
  const failed = split(uncounted.failed);
  const status = {
    ...job.status,
    succeeded: (job.status?.succeeded ?? 0) + succeeded.done.length,
    failed: (job.status?.failed ?? 0) + failed.done.length,
    uncountedTerminatedPods: { succeeded: succeeded.left, failed: failed.left },
  };
  return client.replace("jobs", { ...job, status }, "status");
}

function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) === true;
}

/** A pod that is being removed has failed already, unless only really failed pods are replaced (KEP-3939). */
function hasEnded(pod: Pod, job: Job): boolean {
  const removed = pod.metadata.deletionTimestamp !== undefined;
  return (
    isFinished(pod) || (removed && (job.spec.podReplacementPolicy !== "Failed" || pod.spec.nodeName === undefined))
  );
}

async function untrack(client: ActorClient, pod: Pod): Promise<void> {
  const finalizers = (pod.metadata.finalizers ?? []).filter((name) => name !== TRACKING);
  await client.replace("pods", { ...pod, metadata: { ...pod.metadata, finalizers } });
}

/** Pods of jobs that are gone must not wait for them. */
async function releaseOrphans(client: ActorClient): Promise<void> {
  for (const pod of client.list("pods")) {
    const owner = controllerOf(pod);
    if (!isTracked(pod) || owner?.kind !== "Job") continue;
    const job = client.get("jobs", owner.name, pod.metadata.namespace ?? "");
    const orphaned =
      job === undefined || job.metadata.uid !== owner.uid || job.metadata.deletionTimestamp !== undefined;
    if (orphaned || (finished(job) && hasEnded(pod, job))) await untrack(client, pod);
  }
}

/** Creates what is missing; true while a backoff holds it up. */
async function startPods(
  client: ActorClient,
  job: Job,
  pods: readonly Pod[],
  timing: SandboxTiming,
  now: Instant,
): Promise<boolean> {
  const active = pods.filter(isActive).length;
  const ending = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod)).length;
  const { parallelism = 1, completions = parallelism, podReplacementPolicy = "TerminatingOrFailed" } = job.spec;
  const wanted = Math.min(parallelism, completions - endedPods(job).succeeded);
  const occupied = podReplacementPolicy === "Failed" ? active + ending : active;
  if (occupied >= wanted) return false;
  if (backoffEnd(job, pods, timing) > now) return true;
  for (let count = occupied; count < wanted; count++) await createPod(client, job);
  return false;
}

/** Failures in a row double the wait, from the end of the last failed pod. */
function backoffEnd(job: Job, pods: readonly Pod[], timing: SandboxTiming): Instant {
  const failures = endedPods(job).failed;
  if (failures === 0) return 0;
  const ends = pods
    .filter((pod) => pod.status?.phase === "Failed")
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map((status) => Date.parse(status.state.terminated?.finishedAt ?? ""))
    .filter((time) => !Number.isNaN(time));
  return Math.max(0, ...ends) + Math.min(timing.jobBackoff * 2 ** (failures - 1), LONGEST_BACKOFF_MS);
}

async function createPod(client: ActorClient, job: Job): Promise<void> {
  const { uid = "", name } = job.metadata;
  const labels = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const owner = ownerReference(job, "batch/v1", "Job");
  const { template } = job.spec;
  await client.create(
    "pods",
    podFrom({ template, namespace: job.metadata.namespace, owner, labels, finalizers: [TRACKING] }),
  );
}

async function writeStatus(client: ActorClient, job: Job, verdict: Condition | undefined, now: Instant): Promise<void> {
  const pods = client.ownedBy("pods", job.metadata.uid ?? "");
  const active = pods.filter(isActive);
  const ending = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod)).length;
  const suspended = job.spec.suspend === true;
  const uncounted = job.status?.uncountedTerminatedPods ?? {};
  const settled = active.length + ending + (uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length === 0;
  const startTime = suspended ? undefined : (job.status?.startTime ?? timestamp(now));
  const { succeeded = 0, failed = 0, completionTime } = job.status ?? {};
  const complete = verdict?.type === "SuccessCriteriaMet" && settled;
  const status: NonNullable<Job["status"]> = {
    ...(active.length > 0 ? { active: active.length } : {}),
    ready: active.filter(isReady).length,
    terminating: ending,
    ...(succeeded > 0 ? { succeeded } : {}),
    ...(failed > 0 ? { failed } : {}),
    ...(startTime === undefined ? {} : { startTime }),
    ...(complete ? { completionTime: timestamp(now) } : completionTime === undefined ? {} : { completionTime }),
    uncountedTerminatedPods: uncounted,
    ...conditionsOf(job, verdict, settled, now),
  };
  if (!equal(comparable(status), comparable(job.status ?? {})))
    await client.replace("jobs", { ...job, status }, "status");
}

function conditionsOf(
  job: Job,
  verdict: Condition | undefined,
  settled: boolean,
  now: Instant,
): { conditions?: readonly Condition[] } {
  let conditions = job.status?.conditions ?? [];
  const add = (condition: Condition): void => {
    const known = conditions.find(({ type }) => type === condition.type);
    if (known?.status === condition.status) return;
    const probed = { ...condition, lastProbeTime: timestamp(now) };
    conditions = withCondition(conditions, probed, now);
  };
  const suspended = job.spec.suspend === true;
  if (suspended) add({ type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" });
  else if (conditions.some(({ type }) => type === "Suspended")) {
    add({ type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" });
  }
  if (verdict !== undefined) {
    add(verdict);
    // The final condition waits for the last pod: whoever sees it may rely on nothing running any more.
    if (settled) add({ ...verdict, type: verdict.type === "FailureTarget" ? "Failed" : "Complete" });
  }
  return conditions.length === 0 ? {} : { conditions };
}

/** Zero counts and empty lists may be left out by a server. */
function comparable(status: NonNullable<Job["status"]>): unknown {
  const { uncountedTerminatedPods, ...rest } = status;
  const { succeeded = [], failed = [] } = uncountedTerminatedPods ?? {};
  const counts = Object.entries(rest).filter(([, value]) => value !== 0);
  return { ...Object.fromEntries(counts), uncounted: [...succeeded, ...failed] };
}

/** After the TTL a finished job goes, and the server collects its pods. */
async function sweepFinished(client: ActorClient, job: Job, now: Instant): Promise<void> {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  if (ttl === undefined || end === undefined) return;
  if (Date.parse(end.lastTransitionTime ?? "") + ttl * 1000 > now) return;
  await client.remove("jobs", job, { propagationPolicy: "Background" });
}
