// Assesses one asset under one baseline: its level's components, each with its state, and the worst of them.
// Pure in its arguments (so it may be memoised) and exact: same inputs, same bytes, whatever the order of any list (R6).
// Unknown is never compliant, and no level is Unknown too.
import type { LevelImage } from "../../api/patch-level.ts";
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import { type Reason, REASONS } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import type {
  Assessment,
  AssetRef,
  BaselineInForce,
  ComponentState,
  ExceptionInForce,
  LevelInForce,
  NodeAsset,
  WorkloadAsset,
} from "../model.ts";
import { coversComponent, exceptionsFor } from "./exceptions.ts";
import { type ImageIndex, indexImages } from "./image-index.ts";
import { observeNode } from "./node-evidence.ts";
import { type Evidence, judge, type Standing } from "./rules.ts";
import { worstState } from "./states.ts";
import { observeWorkload } from "./workload-evidence.ts";

export interface AssessInput {
  readonly baseline: BaselineInForce;
  /** What the asset's ring is approved to run, else the candidate, else nothing. */
  readonly level: LevelInForce | undefined;
  readonly approved: boolean;
  /** The level's approval was taken back in the asset's ring. */
  readonly withdrawn: boolean;
  readonly exceptions: readonly ExceptionInForce[];
  readonly now: Instant;
  /** Why there is no level, where the caller knows. */
  readonly missing?: Reason;
}

export interface AssessNodeInput extends AssessInput {
  readonly node: NodeAsset;
  readonly stored: NodePatchStateStatus | undefined;
  readonly enforce: "Floor" | "Exact";
}

export interface AssessWorkloadInput extends AssessInput {
  readonly workload: WorkloadAsset;
  readonly stored: WorkloadPatchStateStatus | undefined;
  /** Of the level's images, for who assesses many workloads under it. */
  readonly index?: ImageIndex<LevelImage> | undefined;
}

interface Judged {
  readonly component: ComponentState;
  readonly offTarget: boolean;
}

type Observed = Omit<ComponentState, "state" | "reason"> & { readonly evidence: Evidence };

/** The state of a node under a node baseline. */
export function assessNode(input: AssessNodeInput): Assessment {
  const { node, baseline, now } = input;
  const asset: AssetRef = { kind: "Node", namespace: undefined, name: node.name, uid: node.uid };
  const level = input.level?.spec.node;
  if (input.level === undefined || level === undefined || input.level.mismatch !== undefined)
    return withoutLevel(asset, input);
  const stored = ofThis(input.stored, node.uid);
  const standing = standingOf(input, input.level, stored, input.enforce === "Exact");
  const exceptions = exceptionsFor(
    input.exceptions,
    { kind: "Node", name: node.name, labels: node.labels },
    baseline.name,
    now,
  );
  const observed = observeNode({ node, stored, baseline, digest: input.level.digest, now }, level);
  const components = observed.map((one) => judgeComponent(one, standing, exceptions));
  return conclude(asset, input, input.level, components);
}

/** The state of a workload under an image baseline. Images are always exact. */
export function assessWorkload(input: AssessWorkloadInput): Assessment {
  const { workload, baseline, now } = input;
  const { kind, namespace, name, uid, labels } = workload;
  const asset: AssetRef = { kind, namespace, name, uid };
  const images = input.level?.spec.image?.images;
  if (input.level === undefined || images === undefined || input.level.mismatch !== undefined)
    return withoutLevel(asset, input);
  const standing = standingOf(input, input.level, ofThis(input.stored, uid), true);
  const exceptions = exceptionsFor(
    input.exceptions,
    { kind: "Workload", name: `${namespace}/${name}`, labels },
    baseline.name,
    now,
  );
  const observed = observeWorkload(workload, input.index ?? indexImages(images));
  const components = observed.map((one) => judgeComponent(one, standing, exceptions));
  return conclude(asset, input, input.level, mergeContainers(components));
}

/** What is stored of another object of the same name says nothing about this one. */
function ofThis<T extends { readonly targetUID?: string }>(stored: T | undefined, uid: string): T | undefined {
  return stored?.targetUID === undefined || stored.targetUID === uid ? stored : undefined;
}

function standingOf(
  input: AssessInput,
  level: LevelInForce,
  stored: NodePatchStateStatus | WorkloadPatchStateStatus | undefined,
  exact: boolean,
): Standing {
  const operation = stored?.operation;
  const failure = operation?.digest === level.digest ? operation.failure : undefined;
  return {
    approved: input.approved,
    withdrawn: input.withdrawn,
    exact,
    failure: failure && (REASONS.find((reason) => reason === failure.reason) ?? "StepFailed"),
    verifiedBefore:
      stored?.verified?.some((one) => one.baseline === input.baseline.name && one.digest === level.digest) === true,
  };
}

function judgeComponent(observed: Observed, standing: Standing, exceptions: readonly ExceptionInForce[]): Judged {
  const { name, running, desired, scheme, evidence } = observed;
  const excepted = exceptions.length > 0 && coversComponent(exceptions, name);
  const { state, reason, offTarget = false } = judge(evidence, standing, excepted);
  const component: ComponentState =
    reason === undefined
      ? { name, running, desired, scheme, state }
      : { name, running, desired, scheme, state, reason };
  return { component, offTarget };
}

/** Containers of one image are one component: the worst of them, with all that runs. */
function mergeContainers(judged: readonly Judged[]): readonly Judged[] {
  if (judged.length < 2) return judged;
  const byName = Map.groupBy(judged, ({ component }) => component.name);
  return [...byName.values()].flatMap((group) => {
    const worst = findWorst(group.map((one) => one.component));
    if (worst === undefined) return [];
    const running = [...new Set(group.map((one) => one.component.running ?? ""))].sort().join(", ");
    return [{ component: { ...worst, running }, offTarget: group.some((one) => one.offTarget) }];
  });
}

/** The worst; of equally bad ones the first that has a reason, by reason and then by what runs. */
function findWorst(components: readonly ComponentState[]): ComponentState | undefined {
  const state = worstState(components.map((component) => component.state));
  const key = (one: ComponentState): string => `${one.reason ?? "~"} ${one.name} ${one.running ?? ""}`;
  let worst: ComponentState | undefined;
  for (const one of components) if (one.state === state && (worst === undefined || key(one) < key(worst))) worst = one;
  return worst;
}

function conclude(asset: AssetRef, input: AssessInput, level: LevelInForce, judged: readonly Judged[]): Assessment {
  const components = judged
    .map(({ component }) => component)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const worst = findWorst(components);
  return {
    asset,
    baseline: input.baseline.name,
    level: level.name,
    digest: level.digest,
    approved: input.approved,
    state: worst?.state ?? "NotApplicable",
    ...(worst?.reason === undefined ? {} : { reason: worst.reason }),
    components,
    offTarget: judged.some((one) => one.offTarget),
  };
}

/** There is nothing to compare with, or nothing that may be used. */
function withoutLevel(asset: AssetRef, { level, baseline, missing }: AssessInput): Assessment {
  return {
    asset,
    baseline: baseline.name,
    level: level?.name,
    digest: level?.digest,
    approved: false,
    state: "Unknown",
    reason: level?.mismatch === undefined ? (missing ?? "LevelMissing") : "LevelDigestMismatch",
    components: [],
    offTarget: false,
  };
}
