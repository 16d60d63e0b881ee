// What the step machine of a node sees, and the acts that it answers with: the words that its rooms share. Pure values only.
import type { NodeOperation, NodePatchStateStatus, NodeStep } from "../../api/patch-state.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Gate } from "../../api/gate.ts";
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Attachment } from "./drain.ts";
import type { Assessment, Block, Claim, NodeAsset, PdbAsset, PodAsset, VolumeAsset } from "../model.ts";

/** One job as it was read; what it is changed under. */
export interface JobIdentity {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A recipe step's job, as the cluster shows it. */
export type JobView =
  | { readonly phase: "Absent" }
  /** Made, and never let run. */
  | ({ readonly phase: "Prepared" } & JobIdentity)
  /** `paused`: somebody suspended it while it ran. */
  | ({ readonly phase: "Running"; readonly since: Instant; readonly paused: boolean } & JobIdentity)
  | ({ readonly phase: "Succeeded"; readonly at: Instant } & JobIdentity)
  | ({
      readonly phase: "Failed";
      readonly at: Instant;
      readonly exitCode: number | undefined;
      readonly message: string;
      readonly timedOut: boolean;
    } & JobIdentity);

export type RecipeStepName = "inventory" | "prepare" | "stage" | "update" | "reboot" | "rollback";

export interface NodeView {
  readonly now: Instant;
  readonly claim: Claim;
  /** undefined: the level of the claim is gone, so nothing new can be decided, only undone. */
  readonly level: PatchLevelSpec | undefined;
  readonly drain: DrainPolicy;
  /** As just read from the API server; undefined: gone, or another UID. */
  readonly node: NodeAsset | undefined;
  /** The stored state as just read. */
  readonly state: NodePatchStateStatus | undefined;
  /** Gates of the ring whose pods hold their node back; they are looked for once more before the cordon. */
  readonly blocking?: readonly Gate[];
  /** Live pods of the node, where the step needs them. */
  readonly pods: readonly PodAsset[];
  readonly pdbs: readonly PdbAsset[];
  readonly volumes?: readonly VolumeAsset[];
  /** VolumeAttachments of the node, looked at when its pods are gone. */
  readonly attachments?: readonly Attachment[];
  /** What the rehearsal answered; undefined: there was none yet. */
  readonly trial?: Trial;
  /** Why the cluster does not take the job that the next act wants to make; undefined: nothing is known against it. */
  readonly refusedJob?: Block;
  /** The job of a step of this claim and attempt. */
  readonly job: (step: RecipeStepName) => JobView;
  /** The node against the level of the claim, as it stands now. */
  readonly assess: () => Assessment;
  /** Why an operation that can still be undone should be. */
  readonly retreat: Block | undefined;
  /** The ring's word on nodes that somebody else cordoned; left out: a node that was cordoned when it was claimed is updated. */
  readonly cordonedNodes?: "Skip" | "Update";
}

/** The first refusal of a rehearsal, or none. */
export type Trial = { readonly kind: "Granted" } | { readonly kind: "Refused"; readonly block: Block };

export type NodeAct =
  /** Write the operation as given; one status write. */
  | { readonly kind: "Record"; readonly operation: NodeOperation; readonly note: string }
  /** Cordon and mark in one JSON patch, or only mark. */
  | {
      readonly kind: "Mark";
      readonly cordon: boolean;
      readonly priorUnschedulable: boolean;
      /** Of a mark that was wiped: the do-not-remove marks as they were before it. */
      readonly priorMarks?: string;
    }
  /** Ask the API server for a dry run of these evictions and jobs, and then for the next act again: the last look before a cordon. */
  | { readonly kind: "Rehearse"; readonly pods: readonly PodAsset[]; readonly steps: readonly RecipeStepName[] }
  | { readonly kind: "Evict"; readonly pods: readonly PodAsset[]; readonly wait: Block }
  /** Make the job of a step; a suspended one touches nothing. */
  | { readonly kind: "CreateJob"; readonly step: RecipeStepName; readonly suspended: boolean }
  /** Let this very job run, if it is as it was read. */
  | { readonly kind: "ResumeJob"; readonly step: RecipeStepName; readonly job: JobIdentity }
  /** Delete this very job, which never ran, if it is as it was read. */
  | { readonly kind: "DeleteJob"; readonly step: RecipeStepName; readonly job: JobIdentity }
  | { readonly kind: "ReadInventory" }
  /** Remove the mark and, if we had cordoned, restore the prior schedulability. */
  | { readonly kind: "Unmark"; readonly uncordon: boolean }
  /** Close the operation: history, verified, attempted; then the claim is freed. `pendingReboot`: the boot in which the update waits for another. */
  | {
      readonly kind: "Close";
      readonly result: CloseResult;
      readonly message: string;
      readonly retryAt?: Instant;
      readonly pendingReboot?: string;
    }
  /** The operation is closed or the target is gone: free the claim. */
  | { readonly kind: "Free"; readonly lost: boolean }
  /** `until`: when to look again where nothing will tell; left out: something will, or the next usual look is soon enough. */
  | { readonly kind: "Wait"; readonly block: Block; readonly until?: Instant };

export type CloseResult = "Succeeded" | "BackedOut" | "NotAvailable" | "Released";

/** After a cordon the scheduler may still bind pods for a moment (Karpenter waits as long). */
export const SETTLE_MS = 5_000;
/** A recipe says with this exit code that its source does not have the exact version and that nothing was changed (sysexits.h: EX_UNAVAILABLE). */
export const EXIT_NOT_AVAILABLE = 69;
/** A recipe's `prepare` says with this exit code that the node may not be updated yet (sysexits.h: EX_TEMPFAIL). */
export const EXIT_NOT_YET = 75;
export const RETRY_NOT_AVAILABLE_MS = 60 * 60_000;
/** After a claim that met a drain that cannot succeed: the plan forecasts it by itself as soon as it has heard of it. */
export const RETRY_FORECAST_MS = 60_000;
export const RETRY_DRAIN_MS = 15 * 60_000;
export const RETRY_NOT_PREPARED_MS = 15 * 60_000;
export const RETRY_JOB_MS = 15 * 60_000;
export const DEFAULT_STEP_MS = 30 * 60_000;

/** Steps from which there is no way back. */
export const COMMITTED: ReadonlySet<NodeStep> = new Set([
  "Updating",
  "Updated",
  "Rebooting",
  "Rebooted",
  "Verified",
  "Uncordoned",
]);

export interface Scene extends NodeView {
  readonly level: PatchLevelSpec;
  readonly node: NodeAsset;
  readonly operation: NodeOperation;
}

/** Whether nothing is left to do to the node. */
export function isThere({ state, offTarget }: Assessment): boolean {
  return !offTarget && (state === "Installed" || state === "InstalledOther" || state === "Exempt");
}

/** The recipe step that changes the node in this operation. */
export function updateStep(operation: NodeOperation): RecipeStepName {
  return operation.rollback === true ? "rollback" : "update";
}

/** Whether the level's recipe has a step. */
export function hasStep({ level }: Scene, step: RecipeStepName): boolean {
  return level.node?.recipe.steps?.[step] !== undefined;
}

/** The next state, reached now. The job of the last one is not its job, and its look not its look. */
export function record(scene: Scene, step: NodeStep, change: Partial<NodeOperation> = {}): NodeAct {
  const { jobUID: _, looked: __, ...rest } = scene.operation;
  return {
    kind: "Record",
    operation: { ...rest, ...change, step, stepTime: new Date(scene.now).toISOString() },
    note: step,
  };
}

/** A failure that is written down; the claim is kept. */
export function fail(scene: Scene, reason: Block["reason"], message: string): NodeAct {
  return {
    kind: "Record",
    operation: {
      ...scene.operation,
      failure: { reason, message: message.slice(0, 512), time: new Date(scene.now).toISOString() },
    },
    note: "OperationFailed",
  };
}
