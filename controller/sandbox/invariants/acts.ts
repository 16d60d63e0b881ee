// Names what a controller did to a target in one stored version: marked, cordoned, evicted, made a job or let one run, set images.
import type { StoredVersion } from "../apiserver/index.ts";
import {
  at,
  CLAIM_MARK,
  evictableFrom,
  JOB_NAMESPACE,
  listAt,
  NODE_LABEL,
  readWorkload,
  STEP_LABEL,
  textAt,
} from "./readings.ts";
import type { Act, Step, World } from "./world.ts";

type Change = Omit<Step, "acts">;

/** The acts of one change by a controller; none for changes of Ringward's own kinds. */
export function nameAct(change: Change, world: World): readonly Act[] {
  switch (change.version.resource) {
    case "nodes":
      return nodeActs(change, world);
    case "pods":
      return evictions(change.version, world);
    case "jobs.batch":
      return jobs(change.version);
    case "deployments.apps":
    case "statefulsets.apps":
    case "daemonsets.apps":
      return workloadActs(change.version);
    default:
      return [];
  }
}

function nodeActs({ version, nodeBefore }: Change, world: World): readonly Act[] {
  const { name, uid = "" } = version.object.metadata;
  const after = version.type === "DELETED" ? undefined : world.nodes.get(name);
  const about = { uid, target: name };
  if (after === undefined || nodeBefore === undefined)
    return [{ kind: "NodeWrite", claimId: after?.claimId, ...about }];
  const claimId = after.claimId ?? nodeBefore.claimId;
  const acts: Act[] = [];
  if (after.claimId !== undefined && after.claimId !== nodeBefore.claimId)
    acts.push({ kind: "Mark", claimId, ...about });
  if (after.claimId === undefined && nodeBefore.claimId !== undefined) acts.push({ kind: "Unmark", claimId, ...about });
  if (after.unschedulable && !nodeBefore.unschedulable) acts.push({ kind: "Cordon", claimId, ...about });
  if (!after.unschedulable && nodeBefore.unschedulable) acts.push({ kind: "Uncordon", claimId, ...about });
  return acts.length > 0 ? acts : [{ kind: "NodeWrite", claimId, ...about }];
}

/** A pod that a controller sets on its way out, or takes away. */
function evictions({ object, previous, type }: StoredVersion, world: World): readonly Act[] {
  if (object.metadata.namespace === JOB_NAMESPACE || previous?.metadata.deletionTimestamp !== undefined) return [];
  if (type !== "DELETED" && object.metadata.deletionTimestamp === undefined) return [];
  const name = evictableFrom(previous ?? object) ?? textAt(object.spec, "nodeName") ?? "";
  const node = world.nodes.get(name);
  return [{ kind: "Evict", uid: node?.uid ?? "", claimId: node?.claimId, target: name }];
}

function jobs(version: StoredVersion): readonly Act[] {
  const { object } = version;
  const kind = jobActKind(version);
  if (kind === undefined) return [];
  const labels = object.metadata.labels ?? {};
  return [
    {
      kind,
      uid: labels[NODE_LABEL] ?? "",
      claimId: labels[CLAIM_MARK],
      target: textAt(object.spec, "template", "spec", "nodeName") ?? "",
      step: labels[STEP_LABEL] ?? "",
    },
  ];
}

function jobActKind({ object, previous, type }: StoredVersion): "PrepareJob" | "Job" | "KillJob" | undefined {
  if (type === "ADDED") return isSuspended(object) ? "PrepareJob" : "Job";
  if (previous === undefined) return undefined;
  if (type === "MODIFIED") return isSuspended(previous) && !isSuspended(object) ? "Job" : undefined;
  return isSuspended(previous) || hasEnded(previous) ? undefined : "KillJob";
}

function isSuspended(job: unknown): boolean {
  return at(job, "spec", "suspend") === true;
}

function hasEnded(job: unknown): boolean {
  return listAt(job, "status", "conditions").some((condition) =>
    ["Complete", "Failed"].includes(textAt(condition, "type") ?? ""),
  );
}

function workloadActs({ object, previous, type }: StoredVersion): readonly Act[] {
  const after = readWorkload(object);
  const before = previous === undefined ? undefined : readWorkload(previous);
  const about = {
    uid: after.uid,
    target: `${after.namespace}/${after.name}`,
    claimId: after.claimId ?? before?.claimId,
  };
  if (type !== "MODIFIED" || after.images !== before?.images) return [{ kind: "Images", ...about }];
  return [{ kind: "WorkloadMark", ...about }];
}
