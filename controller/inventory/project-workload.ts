// Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs as the core sees them, without their pods. Must never throw (V4).
// A rollout is complete only when the controller has seen the newest spec and every replica runs it and is available, as
// `kubectl rollout status` judges it.
import type { WorkloadAsset, WorkloadKind } from "../core/model.ts";
import { countOf, type Fields, fieldsAt } from "./fields.ts";
import { managedBy } from "./managed-by.ts";
import { containersOf } from "./project-pod.ts";
import {
  annotationsOf,
  claimOf,
  conditionOf,
  identify,
  type Identity,
  type Owner,
  type Projected,
} from "./projected.ts";

export type ControllerKind = Exclude<WorkloadKind, "Pod">;

/** A workload before its pods are joined to it. */
export interface WorkloadHead extends Omit<WorkloadAsset, "pods"> {
  readonly controller: Owner | undefined;
  /** Runs nothing and will not by itself: a finished Job, an old revision of somebody's. Never an asset. */
  readonly dormant: boolean;
}

type Rollout = WorkloadAsset["rollout"];

interface Parts {
  readonly identity: Identity;
  readonly object: unknown;
  readonly spec: Fields;
  readonly status: Fields;
}

/** Projects an object of one of the kinds that make pods. */
export function projectWorkload(kind: ControllerKind, object: unknown): Projected<WorkloadHead> {
  const identity = identify(kind, true, object);
  if (!identity.ok) return identity;
  const { name, namespace, uid, resourceVersion, labels, createdAt, controller } = identity.value;
  const parts: Parts = {
    identity: identity.value,
    object,
    spec: fieldsAt(object, "spec"),
    status: fieldsAt(object, "status"),
  };
  const annotations = annotationsOf(object);
  const claimId = claimOf(annotations);
  return {
    ok: true,
    value: {
      kind,
      namespace,
      name,
      uid,
      resourceVersion,
      labels,
      createdAt,
      containers: containersOf(fieldsAt(parts.spec, "template", "spec")),
      rollingUpdate: isRollingUpdate(kind, parts.spec),
      managedBy: managedBy(object, { labels, annotations }, controller, ["spec", "template", "spec"]),
      rollout: ROLLOUTS[kind](parts),
      mark: claimId === undefined ? undefined : { claimId },
      controller,
      dormant: isDormant(kind, parts),
    },
  };
}

/** Whether a changed template reaches all pods by itself: not while paused, on delete only, or held back by a partition. */
function isRollingUpdate(kind: ControllerKind, spec: Fields): boolean {
  switch (kind) {
    case "Deployment":
      return (fieldsAt(spec, "strategy")["type"] ?? "RollingUpdate") === "RollingUpdate" && spec["paused"] !== true;
    case "StatefulSet": {
      const partition = fieldsAt(spec, "updateStrategy", "rollingUpdate")["partition"];
      return (
        (fieldsAt(spec, "updateStrategy")["type"] ?? "RollingUpdate") === "RollingUpdate" && countOf(partition) === 0
      );
    }
    case "DaemonSet":
      return (fieldsAt(spec, "updateStrategy")["type"] ?? "RollingUpdate") === "RollingUpdate";
    default:
      return false;
  }
}

/** Without a generation (a dump by hand) there is nothing newer that the controller could have missed. */
function isObserved({ identity, status }: Parts): boolean {
  return identity.generation === undefined || countOf(status["observedGeneration"], -1) >= identity.generation;
}

const ROLLOUTS: Readonly<Record<ControllerKind, (parts: Parts) => Rollout>> = {
  Deployment(parts) {
    const desired = countOf(parts.spec["replicas"], 1);
    const { replicas, updatedReplicas, availableReplicas } = parts.status;
    const updated = countOf(updatedReplicas);
    const available = countOf(availableReplicas);
    return {
      complete: isObserved(parts) && updated >= desired && countOf(replicas) <= updated && available >= updated,
      deadlineExceeded: conditionOf(parts.object, "Progressing")?.reason === "ProgressDeadlineExceeded",
      desired,
      available,
    };
  },
  StatefulSet(parts) {
    const desired = countOf(parts.spec["replicas"], 1);
    const { updatedReplicas, currentRevision, updateRevision, readyReplicas } = parts.status;
    const available = countOf(parts.status["availableReplicas"], countOf(readyReplicas));
    const updated = currentRevision === updateRevision || countOf(updatedReplicas) >= desired;
    return {
      complete: isObserved(parts) && updated && available >= desired,
      deadlineExceeded: false,
      desired,
      available,
    };
  },
  DaemonSet(parts) {
    const desired = countOf(parts.status["desiredNumberScheduled"]);
    const updated = countOf(parts.status["updatedNumberScheduled"]);
    const available = countOf(parts.status["numberAvailable"]);
    return {
      complete: isObserved(parts) && updated >= desired && available >= desired,
      deadlineExceeded: false,
      desired,
      available,
    };
  },
  ReplicaSet(parts) {
    const desired = countOf(parts.spec["replicas"], 1);
    const available = countOf(parts.status["availableReplicas"]);
    return { complete: isObserved(parts) && available >= desired, deadlineExceeded: false, desired, available };
  },
  Job({ status }) {
    const desired = countOf(status["active"]);
    const available = Math.min(desired, countOf(status["ready"], desired));
    return { complete: available >= desired, deadlineExceeded: false, desired, available };
  },
};

function isDormant(kind: ControllerKind, { identity, object, spec, status }: Parts): boolean {
  if (kind === "ReplicaSet") return identity.controller !== undefined && countOf(spec["replicas"], 1) === 0;
  if (kind !== "Job") return false;
  if (conditionOf(object, "Complete")?.status === "True" || conditionOf(object, "Failed")?.status === "True")
    return true;
  return identity.controller?.kind === "CronJob" && countOf(status["active"]) === 0;
}
