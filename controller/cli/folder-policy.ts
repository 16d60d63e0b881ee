// Policy from a plain folder as the planner takes it: what a repository with this content would say of the cluster. A folder has no
// commits, so an input is as old as `at`, or as the last firing of its resolveSchedule: the preview shows the level that would be made.
import { createValidators } from "../api/validator.ts";
import type { Instant } from "../clock.ts";
import { lastTick } from "../core/levels/resolve-schedule.ts";
import type { BaselineInForce, Inventory, PolicyInForce, StoredStates } from "../core/model.ts";
import type { CommitSha } from "../git/port.ts";
import { compareFindings, type Finding, type ObjectRef } from "../policy/finding.ts";
import { readPolicyFolder } from "../policy/folder.ts";
import { type LoadedPolicy, loadPolicy } from "../policy/load.ts";
import type { PolicyObject } from "../policy/object.ts";
import { validatePolicy } from "../policy/validate.ts";
import type { ClusterObjects } from "../reconcile/cluster-kinds.ts";
import { fromGit } from "../reconcile/policy-view.ts";

export interface FolderPolicy {
  readonly policy: PolicyInForce;
  /** What the files hold. */
  readonly loaded: LoadedPolicy;
  /** Errors and warnings, in file order; with an error the policy is not to be planned with. */
  readonly findings: readonly Finding[];
}

export interface FolderInput {
  readonly folder: string;
  readonly at: Instant;
  /** Ringward's own objects in the cluster: what is stored about objects of the same names. */
  readonly objects: ClusterObjects;
  readonly clusterName: string;
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  /** What stood in the folder before: of objects that cannot be read now, what they last said. */
  readonly previous?: readonly PolicyObject[];
}

/** Reads, checks and joins a policy folder. Throws UserError where the folder cannot be read. */
export function readFolderPolicy(input: FolderInput): FolderPolicy {
  const { folder, at, inventory, stored, objects, clusterName } = input;
  const loaded = loadPolicy({ files: readPolicyFolder(folder), validators: createValidators() });
  const broken = loaded.problems.flatMap(({ object, severity }): ObjectRef[] =>
    object === undefined || severity !== "error" ? [] : [object],
  );
  const found = validatePolicy(loaded.objects, { now: at, broken, inventory, stored });
  const findings = [...loaded.problems, ...found].filter(({ severity }) => severity !== "note").sort(compareFindings);
  const policy = fromGit({
    spec: { url: "file:///", clusterName },
    head: "0".repeat(40) as CommitSha,
    commitTime: at,
    loaded,
    previous: input.previous ?? [],
    inputTimes: new Map(),
    objects,
    brakes: [],
  });
  const baselines = policy.baselines.map((baseline) => withSchedule(baseline, at));
  return { policy: { ...policy, baselines }, loaded, findings };
}

function withSchedule(baseline: BaselineInForce, at: Instant): BaselineInForce {
  const tick = lastTick(baseline.spec.resolveSchedule, at);
  if (tick.kind !== "At" || !Number.isFinite(tick.at)) return baseline;
  return { ...baseline, inputTime: Math.min(baseline.inputTime, tick.at) };
}
