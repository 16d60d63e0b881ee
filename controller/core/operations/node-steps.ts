// The step machine of an operation on a node: Claimed → Prepared → Staged → Cordoned → Drained → Updated → Rebooted → Verified →
// Uncordoned → released. Each call looks at the real state and answers ONE act: a write, or a wait with its reason. Every act may be
// repeated. Until `Updating` each step has a way back; from then on the target finishes.
// Holds B3–B7, B10–B14: nothing is remembered but what stands in the patch state and on the node.
import type { NodeOperation, NodeStep } from "../../api/patch-state.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import { findHold } from "../interop/markers.ts";
import type { Block, Claim, NodeAsset } from "../model.ts";
import { blockedBy } from "../rollout/gates.ts";
import { isMeant } from "../rollout/pod-census.ts";
import { beginOperation } from "./begin.ts";
import { drainsNode } from "./forecast.ts";
import { drain, leaveDrained, lookAhead } from "./node-drain.ts";
import { enter, hasBegun, startedJob } from "./node-jobs.ts";
import { wasReleased } from "./released.ts";
import { findBackOut, findHeldCordon, giveUp, lostItsMark, recover, retreat } from "./node-retreat.ts";
import { afterUpdate, close, giveBack, reboot, verify } from "./node-verify.ts";
import {
  COMMITTED,
  EXIT_NOT_AVAILABLE,
  EXIT_NOT_YET,
  fail,
  hasStep,
  isThere,
  type JobView,
  type NodeAct,
  type NodeView,
  record,
  type RecipeStepName,
  type Scene,
  updateStep,
} from "./node-view.ts";

export {
  type CloseResult,
  type JobIdentity,
  type JobView,
  type NodeAct,
  type NodeView,
  type RecipeStepName,
  SETTLE_MS,
  type Trial,
} from "./node-view.ts";

/** The next act of a node's operation. */
export function nextNodeAct(view: NodeView): NodeAct {
  const { claim, node, state } = view;
  if (state?.history?.some((entry) => entry.claimId === claim.id) === true) return { kind: "Free", lost: false };
  const operation = state?.operation?.claimId === claim.id ? state.operation : undefined;
  if (node === undefined) return { kind: "Free", lost: operation !== undefined && wasDisrupted(operation) };
  if (operation === undefined) return start(view, node);
  if (view.level === undefined) return withoutLevel({ ...view, node, operation });
  return stepOn({ ...view, level: view.level, node, operation });
}

/** Nothing is written down for this claim yet. */
function start(view: NodeView, node: NodeAsset): NodeAct {
  const { claim, state, level } = view;
  // A mark without an operation: the state was lost, the claim was restored from the node. Hand the node back.
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: true };
  // Another claim still stands on the node (an older ledger was restored): that one is brought back and ended first (B6, B8).
  if (node.mark !== undefined || state?.operation !== undefined) return { kind: "Free", lost: false };
  // A claim that was restored from a mark says nothing of what was to be done; without its mark it is over.
  if (claim.digest === "" || wasReleased(state, claim)) return { kind: "Free", lost: false };
  return level === undefined
    ? { kind: "Close", result: "BackedOut", message: LEVEL_MISSING(claim).message }
    : (endsAtOnce(view, node) ?? begin(view, level, node));
}

/**
 * How an operation ends that has not begun, by what its node shows when it is read again: the plan was made from a cache. Whoever is about to
 * claim the node asks this first, so that nobody holds budget for it (K3); the operation asks again, because the node may change after that.
 */
export function endsAtOnce(
  view: Pick<NodeView, "now" | "retreat" | "cordonedNodes" | "assess"> & { readonly claim: Pick<Claim, "level"> },
  node: NodeAsset,
): Extract<NodeAct, { kind: "Close" }> | undefined {
  const why = view.retreat ?? findHold(node, view.now) ?? findForeignCordon(view, node);
  if (why !== undefined) return { kind: "Close", result: "BackedOut", message: why.message };
  // Nothing is done twice.
  return isThere(view.assess())
    ? { kind: "Close", result: "Succeeded", message: `was at ${view.claim.level} already` }
    : undefined;
}

const LEVEL_MISSING = (claim: Claim): Block => ({
  reason: "LevelMissing",
  message: `level ${claim.level} of the claim does not exist`,
});

/** Somebody else cordoned the node after it was planned. */
function findForeignCordon({ cordonedNodes }: Pick<NodeView, "cordonedNodes">, node: NodeAsset): Block | undefined {
  return node.unschedulable && cordonedNodes === "Skip"
    ? { reason: "CordonedByOther", message: `node ${node.name} was cordoned by somebody else` }
    : undefined;
}

/** What was not begun is undone; what was begun waits for its level. */
function withoutLevel(scene: Omit<Scene, "level">): NodeAct {
  const { operation, claim } = scene;
  if (operation.release !== undefined) return giveUp(scene);
  if (operation.backOut !== undefined || !COMMITTED.has(operation.step))
    return retreat(scene, operation.backOut ?? LEVEL_MISSING(claim));
  return { kind: "Wait", block: LEVEL_MISSING(claim) };
}

function begin({ now, claim, assess }: NodeView, level: PatchLevelSpec, node: NodeAsset): NodeAct {
  const operation: NodeOperation = {
    ...beginOperation(claim, now),
    bootId: node.bootId,
    priorUnschedulable: node.unschedulable,
    disrupt: drainsNode(level, node),
    ...(assess().offTarget ? { rollback: true } : {}),
  };
  return { kind: "Record", operation, note: "Claimed" };
}

/** Steps in which nothing was done to the node that pods would notice. */
const QUIET: ReadonlySet<NodeStep> = new Set(["Claimed", "Preparing", "Prepared", "Staging", "Staged"]);

/** Past the cordon a vanished node counts as failed in its ring. */
function wasDisrupted(operation: NodeOperation): boolean {
  return operation.rebootPending === true || !QUIET.has(operation.step);
}

function stepOn(scene: Scene): NodeAct {
  const act = advance(scene);
  return act.kind === "CreateJob" && scene.refusedJob !== undefined ? withoutJob(scene, scene.refusedJob) : act;
}

/** The cluster takes no such job: what can be undone is, and a node that was changed already waits for people who can mend that. */
function withoutJob(scene: Scene, refused: Block): NodeAct {
  const { operation } = scene;
  const begun = operation.step === "Updating" ? hasBegun(scene) : COMMITTED.has(operation.step);
  if (!begun && operation.rebootPending !== true) return retreat(scene, refused);
  return { kind: "Wait", block: { ...refused, since: Date.parse(operation.stepTime) } };
}

function advance(scene: Scene): NodeAct {
  const { operation } = scene;
  if (operation.release !== undefined) return giveUp(scene);
  if (operation.failure !== undefined) return recover(scene, operation.failure);
  const held = findHeldCordon(scene);
  if (held !== undefined) return { kind: "Wait", block: held };
  const backOut = operation.backOut ?? findBackOut(scene);
  if (backOut !== undefined) return retreat(scene, backOut);
  if (lostItsMark(scene))
    return {
      kind: "Mark",
      cordon: true,
      priorUnschedulable: operation.priorUnschedulable === true,
      ...priorMarksOf(operation),
    };
  switch (operation.step) {
    case "Claimed":
      return hasStep(scene, "prepare") ? enter(scene, "Preparing", "prepare") : stage(scene);
    case "Preparing":
      return runJob(scene, "prepare", () => record(scene, "Prepared"));
    case "Prepared":
      return stage(scene);
    case "Staging":
      return runJob(scene, "stage", () => record(scene, "Staged"));
    case "Staged":
      return prepareUpdate(scene);
    case "Cordoned":
      return drain(scene);
    case "Drained":
      return leaveDrained(scene) ?? (isDoneAlready(scene) ? record(scene, "Verified") : begun(scene));
    case "Updating":
      return runJob(scene, updateStep(operation), () => record(scene, "Updated"));
    case "Updated":
      return afterUpdate(scene);
    case "Rebooting":
      return reboot(scene);
    case "Rebooted":
      return verify(scene);
    case "Verified":
      return giveBack(scene);
    case "Uncordoned":
      return close(scene);
    default:
      return operation.step satisfies never;
  }
}

// ------------------------------------------------------------------------------------------------ the way forward

function stage(scene: Scene): NodeAct {
  return hasStep(scene, "stage") ? enter(scene, "Staging", "stage") : prepareUpdate(scene);
}

function prepareUpdate(scene: Scene): NodeAct {
  const { node, claim, operation } = scene;
  if (isDoneAlready(scene)) return record(scene, "Verified");
  // The plan was made from a cache, and to prepare and stage takes time: a pod that is not to be disturbed may have come meanwhile.
  const blocked = node.mark?.claimId === claim.id ? undefined : findBlocked(scene);
  if (blocked !== undefined) return retreat(scene, blocked);
  if (node.mark?.claimId !== claim.id)
    return (
      (operation.disrupt === true ? lookAhead(scene) : undefined) ?? {
        kind: "Mark",
        cordon: operation.disrupt === true,
        priorUnschedulable: node.unschedulable,
      }
    );
  const marked = { marked: true, priorUnschedulable: node.mark.priorUnschedulable, ...priorMarksOf(node.mark) };
  return operation.disrupt === true ? record(scene, "Cordoned", marked) : begun(scene, marked);
}

/** Kept in the operation too: whoever wipes the node's annotations must not make our marks look like somebody else's. */
function priorMarksOf({ priorMarks }: { readonly priorMarks?: string }): { readonly priorMarks?: string } {
  return priorMarks === undefined ? {} : { priorMarks };
}

function findBlocked({ blocking = [], pods, operation }: Scene): Block | undefined {
  if (operation.rebootPending === true) return undefined;
  for (const gate of blocking) {
    const names = pods.filter((pod) => isMeant(pod, gate.pods)).map(({ namespace, name }) => `${namespace}/${name}`);
    if (names.length > 0) return blockedBy(gate, names.sort());
  }
  return undefined;
}

/** Somebody was faster, or excepted the node meanwhile: there is nothing left to do to it. */
function isDoneAlready({ operation, assess }: Scene): boolean {
  return operation.attempt === 1 && operation.rebootPending !== true && isThere(assess());
}

/** Writes down the intent to update (or, on the second way through, to reboot). A reboot from here on is one of ours (B10). */
function begun(scene: Scene, change: Partial<NodeOperation> = {}): NodeAct {
  if (scene.operation.rebootPending === true) return enter(scene, "Rebooting", "reboot", change);
  return enter(scene, "Updating", updateStep(scene.operation), { ...change, bootId: scene.node.bootId });
}

function runJob(scene: Scene, step: RecipeStepName, done: () => NodeAct): NodeAct {
  if (!hasStep(scene, step)) return done();
  const job = startedJob(scene, step);
  switch (job.phase) {
    case "NotStarted":
      return job.act;
    case "Running":
      return { kind: "Wait", block: describeRunning(scene, step, job) };
    case "Succeeded":
      return done();
    case "Failed":
      return jobFailed(scene, step, job);
    default:
      return job satisfies never;
  }
}

function describeRunning(
  { node }: Scene,
  step: RecipeStepName,
  { paused, since }: Extract<JobView, { phase: "Running" }>,
): Block {
  if (paused) return { reason: "Updating", message: `the job of step ${step} is suspended: somebody paused it`, since };
  // The job of a dead node says nothing: it ends with its time.
  if (!node.ready)
    return { reason: "NodeNotReady", message: `step ${step} was begun on ${node.name}, which is not Ready`, since };
  return { reason: "Updating", message: `step ${step} runs`, since };
}

function jobFailed(scene: Scene, step: RecipeStepName, job: Extract<JobView, { phase: "Failed" }>): NodeAct {
  if (job.exitCode === EXIT_NOT_AVAILABLE && ["stage", "update", "rollback"].includes(step))
    return retreat(scene, {
      reason: "VersionNotAvailable",
      message: job.message || "the node's source does not have the exact version",
    });
  if (job.exitCode === EXIT_NOT_YET && step === "prepare")
    return retreat(scene, {
      reason: "NotPrepared",
      message: job.message || "the recipe says that the node may not be updated yet",
    });
  return fail(
    scene,
    job.timedOut ? "StepTimedOut" : "StepFailed",
    `step ${step} ${job.timedOut ? "did not end in time" : `ended with exit code ${job.exitCode ?? "unknown"}`}${job.message === "" ? "" : `: ${job.message}`}`,
  );
}
