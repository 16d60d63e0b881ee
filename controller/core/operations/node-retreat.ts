// The way back of an operation on a node: why it is undone, how the node is handed back, and how a failed one goes on (B6, B7, B14).
// Until the update starts every step has a way back; a failed target keeps its claim.
import type { NodeOperation } from "../../api/patch-state.ts";
import { findHold } from "../interop/markers.ts";
import type { Block } from "../model.ts";
import { findPrepared, hasBegun, ranAway } from "./node-jobs.ts";
import {
  COMMITTED,
  type NodeAct,
  RETRY_DRAIN_MS,
  RETRY_FORECAST_MS,
  RETRY_JOB_MS,
  RETRY_NOT_AVAILABLE_MS,
  RETRY_NOT_PREPARED_MS,
  type Scene,
} from "./node-view.ts";

/**
 * Why the operation should be undone, if it still can be. A person's uncordon wins over everything (B7): our own mark on a node that
 * is schedulable means that, because mark and cordon are one write. The intent to update is undone too while its job was not let run.
 */
export function findBackOut(scene: Scene): Block | undefined {
  const { operation, node, claim, retreat: away } = scene;
  if (operation.step === "Updating" ? hasBegun(scene) : COMMITTED.has(operation.step)) return undefined;
  const cordoned = ["Cordoned", "Drained", "Updating"].includes(operation.step) || node.mark?.claimId === claim.id;
  if (operation.disrupt === true && cordoned && !node.unschedulable)
    return { reason: "UncordonedByPerson", message: `a person uncordoned ${node.name}` };
  if (node.mark !== undefined && node.mark.claimId !== claim.id)
    return { reason: "CordonedByOther", message: `node ${node.name} carries the mark of another claim` };
  // Before the cordon that the other tool set with its marks: they say more.
  const hold = cordoned ? undefined : findHold(node, scene.now);
  if (hold !== undefined) return hold;
  if (!cordoned && node.unschedulable && operation.priorUnschedulable !== true)
    return { reason: "CordonedByOther", message: `node ${node.name} was cordoned by somebody else` };
  return away;
}

/**
 * Another tool works on a node that bears our cordon. Until it is done nothing is evicted, and not even the cordon is taken off: that
 * would make the node schedulable in the middle of the other's drain. A person's word (Stop, release, an uncordon) goes first.
 */
export function findHeldCordon(scene: Scene): Block | undefined {
  const { operation, node, now, claim, retreat: away } = scene;
  if (operation.step === "Updating" ? hasBegun(scene) : COMMITTED.has(operation.step)) return undefined;
  if (operation.disrupt !== true || node.mark?.claimId !== claim.id || !node.unschedulable) return undefined;
  if (away?.reason === "Stopped" || operation.backOut?.reason === "Stopped") return undefined;
  return findHold(node, now);
}

/** Our annotations are gone but the cordon is not: nothing is evicted before they are back (B4). */
export function lostItsMark({ operation, node }: Scene): boolean {
  return operation.disrupt === true && node.mark === undefined && ["Cordoned", "Drained"].includes(operation.step);
}

/** How long a node is left alone after it was handed back, where trying again at once would only repeat it. */
const RETRY_MS: Readonly<Record<string, number>> = {
  VersionNotAvailable: RETRY_NOT_AVAILABLE_MS,
  DrainTimedOut: RETRY_DRAIN_MS,
  PodBlocksDrain: RETRY_FORECAST_MS,
  PDBConflict: RETRY_FORECAST_MS,
  PDBNeverAllows: RETRY_FORECAST_MS,
  UncordonedByPerson: RETRY_DRAIN_MS,
  NotPrepared: RETRY_NOT_PREPARED_MS,
  JobRefused: RETRY_JOB_MS,
};

/** One step back: the reason is written down, a job that waits is deleted, the node is handed back, the operation is closed. */
export function retreat(
  scene: Omit<Scene, "level">,
  why: { readonly reason: string; readonly message: string },
): NodeAct {
  const { operation, now, node, claim } = scene;
  if (operation.backOut === undefined)
    return {
      kind: "Record",
      operation: {
        ...operation,
        backOut: { reason: why.reason, message: why.message.slice(0, 512), time: new Date(now).toISOString() },
      },
      note: "BackingOut",
    };
  if (ranAway(scene)) {
    const { backOut: _, ...rest } = operation;
    return { kind: "Record", operation: rest, note: operation.step };
  }
  const waiting = findPrepared(scene);
  if (waiting !== undefined) return waiting;
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  const notAvailable = why.reason === "VersionNotAvailable";
  const delay = RETRY_MS[why.reason];
  return {
    kind: "Close",
    result: notAvailable ? "NotAvailable" : "BackedOut",
    message: why.message,
    ...(delay === undefined ? {} : { retryAt: now + delay }),
  };
}

/** A person gave the target up: hand the node back as it was, whatever state it is in. */
export function giveUp(scene: Omit<Scene, "level">): NodeAct {
  const { node, claim, operation } = scene;
  const waiting = findPrepared(scene);
  if (waiting !== undefined) return waiting;
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  return { kind: "Close", result: "Released", message: operation.release?.reason ?? "" };
}

/** A level that is wanted no more need not be tried again; a window that ends must not forget a failure. */
const GIVEN_UP: ReadonlySet<string> = new Set(["LevelWithdrawn", "Superseded"]);

/** A failed target keeps its claim until it recovers by itself, a person asks for another attempt, or gives it up (B14). */
export function recover(scene: Scene, failure: NonNullable<NodeOperation["failure"]>): NodeAct {
  const { operation, node, now, claim, assess } = scene;
  const { failure: _, retryTime: __, jobUID: ___, looked: ____, ...rest } = operation;
  if (COMMITTED.has(operation.step) && node.ready && assess().state === "Installed")
    return {
      kind: "Record",
      operation: { ...rest, step: "Verified", stepTime: new Date(now).toISOString() },
      note: "Recovered",
    };
  // Back after all: what was read of it before says nothing of it now, so it is looked at and verified like any other.
  const booted = operation.step !== "Rebooting" || node.bootId !== operation.bootId;
  if (failure.reason === "NodeNotBack" && node.ready && booted)
    return {
      kind: "Record",
      operation: {
        ...rest,
        step: operation.step === "Rebooting" ? "Rebooted" : operation.step,
        stepTime: new Date(now).toISOString(),
      },
      note: "Recovered",
    };
  if (!COMMITTED.has(operation.step)) {
    const away =
      operation.backOut ??
      (scene.retreat !== undefined && GIVEN_UP.has(scene.retreat.reason) ? scene.retreat : undefined);
    if (away !== undefined) return retreat(scene, away);
  }
  if (operation.retryTime === undefined || Date.parse(operation.retryTime) <= Date.parse(failure.time))
    return {
      kind: "Wait",
      block: { reason: failure.reason as Block["reason"], message: failure.message, since: Date.parse(failure.time) },
    };
  // The node may have been uncordoned while it waited: another attempt begins with a cordon of its own, and with the schedulability
  // that people left it in.
  const held = node.mark?.claimId === claim.id;
  const cordoned = held && operation.disrupt === true && operation.marked === true && node.unschedulable;
  if (held && !cordoned) return { kind: "Unmark", uncordon: false };
  return {
    kind: "Record",
    operation: {
      ...rest,
      step: cordoned ? "Cordoned" : "Claimed",
      stepTime: new Date(now).toISOString(),
      attempt: operation.attempt + 1,
      bootId: node.bootId,
      rebootPending: false,
      noReboot: false,
      ...(cordoned ? {} : { marked: false, priorUnschedulable: node.unschedulable }),
    },
    note: "Retried",
  };
}
