// What a Deployment's status says: counts over its ReplicaSets and the conditions Available and Progressing, with
// Kubernetes' reasons. Pure. A rollout that made no progress for progressDeadlineSeconds is ProgressDeadlineExceeded.
import type { Instant } from "../../clock.ts";
import type { Condition, Deployment, ReplicaSet, WorkloadStatus } from "./objects.ts";
import { strategyBounds } from "./rolling.ts";
import { timestamp, withCondition } from "./template.ts";

const DEFAULT_DEADLINE_SECONDS = 600;

export interface StatusInput {
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  readonly current: ReplicaSet | undefined;
  /** Set in the pass that made the ReplicaSet, or found an old one again. */
  readonly found: "created" | "found" | undefined;
  readonly now: Instant;
}

interface Counts {
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

export function deploymentStatus(input: StatusInput): NonNullable<Deployment["status"]> {
  const { deployment, sets, current, now } = input;
  const counts: Counts = {
    replicas: sum(sets, (status) => status.replicas),
    updated: current?.status?.replicas ?? 0,
    ready: sum(sets, (status) => status.readyReplicas),
    available: sum(sets, (status) => status.availableReplicas),
  };
  const unavailable = Math.max(0, sets.reduce((all, set) => all + (set.spec.replicas ?? 0), 0) - counts.available);
  const conditions = withCondition(deployment.status?.conditions, availability(deployment, counts, now), now);
  const progress = progressing(input, counts);
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...positive({
      replicas: counts.replicas,
      updatedReplicas: counts.updated,
      readyReplicas: counts.ready,
      availableReplicas: counts.available,
      unavailableReplicas: unavailable,
    }),
    conditions: progress === undefined ? conditions : withCondition(conditions, progress, now),
  };
}

function sum(sets: readonly ReplicaSet[], pick: (status: WorkloadStatus) => number | undefined): number {
  return sets.reduce((all, set) => all + (pick(set.status ?? {}) ?? 0), 0);
}

function positive(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function availability(deployment: Deployment, counts: Counts, now: Instant): Condition {
  const { replicas, maxUnavailable } = strategyBounds(deployment);
  const enough = counts.available >= replicas - maxUnavailable;
  const next: Condition = enough
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
  const known = deployment.status?.conditions?.find(({ type }) => type === "Available");
  return known?.status === next.status ? known : { ...next, lastUpdateTime: timestamp(now) };
}

/** The condition if it changes; undefined keeps what stands. */
function progressing(input: StatusInput, counts: Counts): Condition | undefined {
  const { deployment, current, found, now } = input;
  const known = deployment.status?.conditions?.find(({ type }) => type === "Progressing");
  const name =
    current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  const say = (status: Condition["status"], reason: string, message: string): Condition => ({
    type: "Progressing",
    status,
    reason,
    message,
    lastUpdateTime: timestamp(now),
  });
  if (deployment.spec.paused === true) {
    return known?.reason === "DeploymentPaused"
      ? undefined
      : say("Unknown", "DeploymentPaused", "Deployment is paused");
  }
  if (found === "created")
    return say("True", "NewReplicaSetCreated", `Created new replica set "${current?.metadata.name ?? ""}"`);
  if (found === "found")
    return say("True", "FoundNewReplicaSet", `Found new replica set "${current?.metadata.name ?? ""}"`);
  if (isComplete(deployment, counts)) {
    if (known?.reason === "NewReplicaSetAvailable") return undefined;
    return say("True", "NewReplicaSetAvailable", `${name} has successfully progressed.`);
  }
  if (hasProgressed(deployment, counts)) return say("True", "ReplicaSetUpdated", `${name} is progressing.`);
  if (isLate(deployment, known, now))
    return say("False", "ProgressDeadlineExceeded", `${name} has timed out progressing.`);
  return undefined;
}

function isComplete(deployment: Deployment, counts: Counts): boolean {
  const wanted = deployment.spec.replicas ?? 1;
  return counts.updated === wanted && counts.replicas === wanted && counts.available === wanted;
}

function hasProgressed(deployment: Deployment, counts: Counts): boolean {
  const old = deployment.status ?? {};
  const oldUpdated = old.updatedReplicas ?? 0;
  return (
    counts.updated > oldUpdated ||
    counts.replicas - counts.updated < (old.replicas ?? 0) - oldUpdated ||
    counts.ready > (old.readyReplicas ?? 0) ||
    counts.available > (old.availableReplicas ?? 0)
  );
}

/** A finished rollout that later loses pods is no rollout: only a running one can be late. */
function isLate(deployment: Deployment, known: Condition | undefined, now: Instant): boolean {
  if (known === undefined || known.reason === "NewReplicaSetAvailable" || known.reason === "ProgressDeadlineExceeded")
    return false;
  const deadline = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
  return Date.parse(known.lastUpdateTime ?? "") + deadline * 1000 < now;
}
