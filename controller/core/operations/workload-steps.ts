// The step machine of an operation on a workload's images: Claimed → Patched → Progressed → Verified → released, or rolled back.
// Only the image fields are ever written, with the old value as a precondition; an image that somebody puts back is not written
// twice (FieldContested). Holds B3, B8, B9, K1, K2.
import type { WorkloadOperation, WorkloadPatchStateStatus, WorkloadStep } from "../../api/patch-state.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Instant } from "../../clock.ts";
import { desiredImages } from "../rollout/desired-images.ts";
import type { Assessment, Block, Claim, WorkloadAsset } from "../model.ts";
import { beginOperation } from "./begin.ts";
import { wasPutBack, wasReleased } from "./released.ts";

export interface WorkloadView {
  readonly now: Instant;
  readonly claim: Claim;
  /** undefined: the level of the claim is gone; what is to be written stands in the operation. */
  readonly level: PatchLevelSpec | undefined;
  readonly onFailure: "Halt" | "RollBackTarget";
  /** As just read; undefined: gone, or another UID. */
  readonly workload: WorkloadAsset | undefined;
  readonly state: WorkloadPatchStateStatus | undefined;
  readonly assess: () => Assessment;
  readonly retreat: Block | undefined;
}

export type WorkloadAct =
  | { readonly kind: "Record"; readonly operation: WorkloadOperation; readonly note: string }
  /** Set images (each with its old value as a test) and the mark, in one JSON patch. */
  | { readonly kind: "SetImages"; readonly images: readonly ImageChange[] }
  | { readonly kind: "Unmark" }
  | {
      readonly kind: "Close";
      readonly result: "Succeeded" | "BackedOut" | "RolledBack" | "Released";
      readonly message: string;
      readonly contested?: boolean;
    }
  | { readonly kind: "Free"; readonly lost: boolean }
  | { readonly kind: "Wait"; readonly block: Block };

export interface ImageChange {
  readonly container: string;
  readonly init: boolean;
  readonly from: string;
  readonly to: string;
}

/** A rollout that neither completes nor reports a missed progress deadline for so long has failed. */
export const ROLLOUT_LIMIT_MS = 60 * 60_000;

/** The next act of a workload's operation. */
export function nextWorkloadAct(view: WorkloadView): WorkloadAct {
  const { claim, workload, state } = view;
  const closed = state?.history?.find((entry) => entry.claimId === claim.id);
  if (closed !== undefined) return { kind: "Free", lost: closed.result === "RolledBack" };
  const operation = state?.operation?.claimId === claim.id ? state.operation : undefined;
  if (workload === undefined) return { kind: "Free", lost: operation !== undefined && operation.step !== "Claimed" };
  if (operation === undefined) {
    // A mark without an operation: the state was lost, the claim was restored from the workload. Hand it back.
    if (workload.mark?.claimId === claim.id) return { kind: "Unmark" };
    // Another claim still stands on the workload (an older ledger was restored): that one is brought back and ended first.
    if (workload.mark !== undefined || state?.operation !== undefined || claim.digest === "")
      return { kind: "Free", lost: false };
    if (wasReleased(state, claim)) return { kind: "Free", lost: false };
    if (wasPutBack(state, claim))
      return {
        kind: "Close",
        result: "BackedOut",
        message: "somebody else put the image back; it is not written twice",
        contested: true,
      };
    if (view.level === undefined)
      return { kind: "Close", result: "BackedOut", message: `level ${claim.level} of the claim does not exist` };
    if (view.retreat !== undefined) return { kind: "Close", result: "BackedOut", message: view.retreat.message };
    // The plan was made from a cache; the workload as just read may be there already.
    const { state: there } = view.assess();
    if (there === "Installed" || there === "Exempt")
      return {
        kind: "Close",
        result: "Succeeded",
        message: there === "Exempt" ? "excepted meanwhile" : `was at ${claim.level} already`,
      };
    return begin(view, view.level, workload);
  }
  return stepOn({ ...view, workload, operation });
}

interface Scene extends WorkloadView {
  readonly workload: WorkloadAsset;
  readonly operation: WorkloadOperation;
}

function begin({ now, claim }: WorkloadView, level: PatchLevelSpec, workload: WorkloadAsset): WorkloadAct {
  const images = desiredImages(workload, level)
    .filter((image) => image.from !== image.to)
    .map(({ container, init, from, to }) => ({ container, from, to, ...(init ? { init: true } : {}) }));
  const operation: WorkloadOperation = {
    ...beginOperation(claim, now),
    images,
  };
  return { kind: "Record", operation, note: "Claimed" };
}

function stepOn(scene: Scene): WorkloadAct {
  const { operation, retreat } = scene;
  if (operation.release !== undefined) return finish(scene, "Released", operation.release.reason);
  if (operation.failure !== undefined) return recover(scene, operation.failure);
  switch (operation.step) {
    case "Claimed":
      return retreat === undefined ? record(scene, "Patching") : finish(scene, "BackedOut", retreat.message);
    case "Patching":
      return patch(scene);
    case "Patched":
      return watchRollout(scene);
    case "Progressed":
      return verify(scene);
    case "Verified":
      return finish(scene, "Succeeded", `at ${operation.level}`);
    case "RollingBack":
      return rollBack(scene);
    case "RolledBack":
      return finish(scene, "RolledBack", "the rollout did not progress and was rolled back");
    default:
      return operation.step satisfies never;
  }
}

/** What the live template has for each image of the operation. */
function templateHas({ workload, operation }: Scene): "from" | "to" | "other" {
  const images = operation.images.map((image) => {
    const live = workload.containers.find(
      (container) => container.name === image.container && container.init === (image.init ?? false),
    );
    return live?.image === image.to ? "to" : live?.image === image.from ? "from" : "other";
  });
  if (images.every((image) => image === "to")) return "to";
  return images.every((image) => image === "from") ? "from" : "other";
}

function patch(scene: Scene): WorkloadAct {
  switch (templateHas(scene)) {
    case "to":
      return record(scene, "Patched");
    case "from":
      // Image and mark are one write: with our mark on it the image was written, and somebody put it back before we looked.
      if (scene.operation.attempt === 1 && scene.workload.mark?.claimId === scene.claim.id)
        return record(scene, "Patched");
      if (scene.retreat !== undefined) return finish(scene, "BackedOut", scene.retreat.message);
      // Read just now: somebody may have taken the template over since the plan was made.
      if (scene.workload.managedBy !== undefined)
        return finish(scene, "BackedOut", `the template is applied by ${scene.workload.managedBy}`);
      return { kind: "SetImages", images: changes(scene.operation) };
    case "other":
      return finish(scene, "BackedOut", "somebody else changed the images first");
  }
}

function watchRollout(scene: Scene): WorkloadAct {
  const { workload, operation, now } = scene;
  if (templateHas(scene) !== "to") return contest(scene);
  const since = Date.parse(operation.stepTime);
  if (workload.rollout.complete) return record(scene, "Progressed");
  if (workload.rollout.deadlineExceeded)
    return failed(
      scene,
      "ProgressDeadlineExceeded",
      `the rollout of ${workload.kind} ${workload.namespace}/${workload.name} did not progress`,
    );
  if (now - since >= ROLLOUT_LIMIT_MS)
    return failed(
      scene,
      "RolloutTimedOut",
      `the rollout of ${workload.kind} ${workload.namespace}/${workload.name} did not end`,
    );
  return {
    kind: "Wait",
    block: {
      reason: "Updating",
      message: `${workload.rollout.available} of ${workload.rollout.desired} replicas are available`,
      since,
    },
  };
}

function contest(scene: Scene): WorkloadAct {
  if (scene.workload.mark?.claimId === scene.claim.id) return { kind: "Unmark" };
  return { kind: "Close", result: "BackedOut", message: "somebody else put the image back", contested: true };
}

function verify(scene: Scene): WorkloadAct {
  if (templateHas(scene) !== "to") return contest(scene);
  const { state } = scene.assess();
  if (state === "Installed" || state === "Exempt") return record(scene, "Verified");
  const since = Date.parse(scene.operation.stepTime);
  if (scene.now - since >= ROLLOUT_LIMIT_MS)
    return failed(scene, "VerificationFailed", "pods still run another image although the rollout is complete");
  return { kind: "Wait", block: { reason: "RebootPending", message: "pods still run another image", since } };
}

function failed(scene: Scene, reason: Block["reason"], message: string): WorkloadAct {
  const { operation, now } = scene;
  const time = new Date(now).toISOString();
  if (scene.onFailure === "RollBackTarget" && operation.step !== "RollingBack" && operation.images.length > 0)
    return { kind: "Record", operation: { ...operation, step: "RollingBack", stepTime: time }, note: reason };
  return { kind: "Record", operation: { ...operation, failure: { reason, message, time } }, note: "OperationFailed" };
}

function rollBack(scene: Scene): WorkloadAct {
  const { operation, workload, now } = scene;
  switch (templateHas(scene)) {
    case "to":
      return {
        kind: "SetImages",
        images: changes(operation).map(({ from, to, ...image }) => ({ ...image, from: to, to: from })),
      };
    case "from":
      if (workload.rollout.complete) return record(scene, "RolledBack");
      if (now - Date.parse(operation.stepTime) >= ROLLOUT_LIMIT_MS)
        return failed(scene, "RolloutTimedOut", "the roll-back did not end");
      return {
        kind: "Wait",
        block: { reason: "ProgressDeadlineExceeded", message: "rolling back", since: Date.parse(operation.stepTime) },
      };
    case "other":
      return contest(scene);
  }
}

/** A failed workload keeps its claim until its rollout completes after all, a person asks for another attempt, or gives it up. */
function recover(scene: Scene, failure: NonNullable<WorkloadOperation["failure"]>): WorkloadAct {
  const { operation, workload, now } = scene;
  const { failure: _, retryTime: __, ...rest } = operation;
  const time = new Date(now).toISOString();
  if (operation.step === "RollingBack") {
    if (templateHas(scene) === "from" && workload.rollout.complete)
      return { kind: "Record", operation: { ...rest, step: "RolledBack", stepTime: time }, note: "Recovered" };
  } else if (templateHas(scene) === "to" && workload.rollout.complete && !stillFails(scene, failure))
    return { kind: "Record", operation: { ...rest, step: "Progressed", stepTime: time }, note: "Recovered" };
  if (operation.retryTime === undefined || Date.parse(operation.retryTime) <= Date.parse(failure.time))
    return {
      kind: "Wait",
      block: { reason: failure.reason as Block["reason"], message: failure.message, since: Date.parse(failure.time) },
    };
  return {
    kind: "Record",
    operation: { ...rest, step: "Patching", stepTime: time, attempt: operation.attempt + 1 },
    note: "Retried",
  };
}

/** A rollout that is complete while its pods run something else has not recovered from that. */
function stillFails(scene: Scene, failure: NonNullable<WorkloadOperation["failure"]>): boolean {
  return failure.reason === "VerificationFailed" && !["Installed", "Exempt"].includes(scene.assess().state);
}

function finish(scene: Scene, result: Extract<WorkloadAct, { kind: "Close" }>["result"], message: string): WorkloadAct {
  if (scene.workload.mark?.claimId === scene.claim.id) return { kind: "Unmark" };
  return { kind: "Close", result, message };
}

function changes(operation: WorkloadOperation): readonly ImageChange[] {
  return operation.images.map(({ container, init, from, to }) => ({ container, init: init ?? false, from, to }));
}

function record(scene: Scene, step: WorkloadStep): WorkloadAct {
  return {
    kind: "Record",
    operation: { ...scene.operation, step, stepTime: new Date(scene.now).toISOString() },
    note: step,
  };
}
