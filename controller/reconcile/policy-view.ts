// Policy in force, from a verified snapshot and the objects in the cluster: gathers what `policy/in-force.ts` decides from. Pure.
import type { PatchBaselineStatus } from "../api/patch-baseline.ts";
import type { PatchExceptionSpec } from "../api/patch-exception.ts";
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { RolloutRingStatus } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import type { Block, ExceptionInForce, PolicyInForce } from "../core/model.ts";
import type { CommitSha } from "../git/port.ts";
import type { KubeObject } from "../kube/port.ts";
import { toPolicyInForce } from "../policy/in-force.ts";
import type { LiveObject } from "../policy/live.ts";
import type { LoadedPolicy } from "../policy/load.ts";
import type { PolicyKind, PolicyObject } from "../policy/object.ts";
import { FROM_GIT, POLICY_KEYS, POLICY_LABEL } from "./apply-policy.ts";
import type { ClusterObjects } from "./cluster-kinds.ts";

/** Policy as the objects in the cluster say it: there is no repository, or it cannot be read and its copies must serve. */
export function fromCluster(
  objects: ClusterObjects,
  brakes: readonly Block[],
  spec?: PolicyRepositorySpec,
): PolicyInForce {
  return toPolicyInForce({
    ...gather(objects),
    loaded: { objects: [], problems: [] },
    commit: undefined,
    mode: "Apply",
    clusterName: spec?.clusterName ?? "cluster",
    inputTime: () => undefined,
    commitTime: 0,
    brakes,
    proposer: false,
  });
}

export interface GitInput {
  readonly spec: PolicyRepositorySpec;
  readonly head: CommitSha;
  readonly commitTime: Instant;
  readonly loaded: LoadedPolicy;
  /** What paths that are broken now held at the last good commit. */
  readonly previous: readonly PolicyObject[];
  /** When files of baselines and recipes last changed. */
  readonly inputTimes: ReadonlyMap<string, Instant>;
  readonly objects: ClusterObjects;
  readonly brakes: readonly Block[];
}

/** Policy as a verified snapshot says it, with what the cluster has stored about it. */
export function fromGit(input: GitInput): PolicyInForce {
  const { spec, head, commitTime, loaded, previous, inputTimes, objects, brakes } = input;
  return toPolicyInForce({
    ...gather(objects),
    loaded,
    previous,
    commit: head,
    mode: spec.mode ?? "Apply",
    clusterName: spec.clusterName,
    inputTime: (file) => inputTimes.get(file),
    commitTime,
    brakes,
    proposer: spec.proposer ?? true,
  });
}

function gather(objects: ClusterObjects): {
  readonly live: readonly LiveObject[];
  readonly baselineStatuses: ReadonlyMap<string, PatchBaselineStatus>;
  readonly ringStatuses: ReadonlyMap<string, RolloutRingStatus>;
  readonly retainedExceptions: readonly ExceptionInForce[];
} {
  const live = Object.entries(POLICY_KEYS).flatMap(([kind, key]) =>
    objects[key].map((object) => toLive(kind as PolicyKind, object)),
  );
  return {
    live,
    baselineStatuses: statuses<PatchBaselineStatus>(objects.baselines),
    ringStatuses: statuses<RolloutRingStatus>(objects.rings),
    retainedExceptions: objects.exceptions.map(({ metadata, spec }) => ({
      name: metadata.name,
      spec: spec as PatchExceptionSpec,
    })),
  };
}

function toLive(kind: PolicyKind, object: KubeObject): LiveObject {
  const { name, annotations, labels, creationTimestamp } = object.metadata;
  return {
    kind,
    name,
    spec: object.spec,
    ...(annotations === undefined ? {} : { annotations }),
    time: Date.parse(creationTimestamp ?? "1970-01-01T00:00:00Z"),
    fromRepository: labels?.[POLICY_LABEL] === FROM_GIT,
  } as LiveObject;
}

function statuses<Status>(list: readonly KubeObject[]): ReadonlyMap<string, Status> {
  return new Map(
    list.flatMap(({ metadata, status }) => (status === undefined ? [] : [[metadata.name, status as Status] as const])),
  );
}
