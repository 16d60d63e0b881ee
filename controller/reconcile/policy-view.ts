// Policy in force, from a verified snapshot or from the objects in the cluster. Pure.
// Without a repository every ring is approved with kubectl; with one, the planner reads a ring's spec from the snapshot, never from the
// live object, and only rings that no repository contains are the cluster's own.
import type { PatchBaselineSpec, PatchBaselineStatus } from "../api/patch-baseline.ts";
import { INPUT_TIME, type PatchLevelSpec } from "../api/patch-level.ts";
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { RolloutRingSpec, RolloutRingStatus } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import { checkLevel, levelDigest } from "../core/levels/index.ts";
import type { Block, LevelInForce, PolicyInForce, RingInForce } from "../core/model.ts";
import type { CommitSha } from "../git/port.ts";
import type { KubeObject } from "../kube/port.ts";
import type { LoadedPolicy } from "../policy/load.ts";
import { FROM_GIT, POLICY_LABEL } from "./apply-policy.ts";
import type { ClusterObjects } from "./cluster.ts";

/** Policy as the objects in the cluster say it. */
export function fromCluster(objects: ClusterObjects, brakes: readonly Block[], spec?: PolicyRepositorySpec): PolicyInForce {
  return {
    clusterName: spec?.clusterName ?? "cluster",
    baselines: objects.baselines.map((object) => ({
      name: object.metadata.name,
      spec: object.spec as PatchBaselineSpec,
      status: object.status as PatchBaselineStatus | undefined,
      inputTime: createdAt(object),
    })),
    rings: objects.rings.map((object) => ringOf(object)),
    calendars: named(objects.calendars),
    exceptions: named(objects.exceptions),
    recipes: named(objects.recipes),
    levels: objects.levels.map(levelOf),
    brakes,
    proposer: false,
  };
}

function ringOf(object: KubeObject): RingInForce {
  const spec = object.spec as RolloutRingSpec;
  return {
    name: object.metadata.name,
    spec,
    status: object.status as RolloutRingStatus | undefined,
    authority: { kind: "Cluster" },
    suspendedLive: spec.suspend === true,
    brakes: [],
  };
}

function named<Spec>(list: readonly KubeObject[]): readonly { readonly name: string; readonly spec: Spec }[] {
  return list.map((object) => ({ name: object.metadata.name, spec: object.spec as Spec }));
}

/** A level as it stands in the cluster or in a file. */
export function levelOf(object: Pick<KubeObject, "metadata" | "spec">): LevelInForce {
  const spec = object.spec as PatchLevelSpec;
  const mismatch = checkLevel(object.metadata.name, spec);
  return {
    name: object.metadata.name,
    digest: levelDigest(spec),
    spec,
    inputTime: inputTimeOf(object.metadata.name, object.metadata.annotations),
    ...(mismatch === undefined ? {} : { mismatch }),
  };
}

/** The annotation, or the date in the name. */
export function inputTimeOf(name: string, annotations: Readonly<Record<string, string>> | undefined): Instant {
  const time = Date.parse(annotations?.[INPUT_TIME] ?? "");
  if (!Number.isNaN(time)) return time;
  const date = /-(\d{4})(\d{2})(\d{2})-[0-9a-f]{12}$/.exec(name);
  return date === null ? 0 : Date.parse(`${date[1]}-${date[2]}-${date[3]}T00:00:00Z`);
}

function createdAt(object: KubeObject): Instant {
  return Date.parse(object.metadata.creationTimestamp ?? "1970-01-01T00:00:00Z");
}

export interface GitInput {
  readonly spec: PolicyRepositorySpec;
  readonly head: CommitSha;
  readonly loaded: LoadedPolicy;
  /** By file. */
  readonly inputTimes: ReadonlyMap<string, Instant>;
  readonly objects: ClusterObjects;
  readonly brakes: readonly Block[];
}

/** Rings in the cluster that no repository contains. Copies of rings that Git dropped are nobody's, until they are removed. */
export function clusterRings(objects: ClusterObjects, inGit: ReadonlySet<string>): readonly RingInForce[] {
  return objects.rings.filter((ring) => !inGit.has(ring.metadata.name) && ring.metadata.labels?.[POLICY_LABEL] !== FROM_GIT).map((ring) => ringOf(ring));
}
