// After the update: whether the node has to reboot, the reboot itself, verification from the node, and giving it back (B6, B10, B12).
// What a job says of itself is never taken for truth about the node.
import { parseDuration } from "../duration.ts";
import type { ComponentState } from "../model.ts";
import { enter, findPrepared, startedJob } from "./node-jobs.ts";
import {
  DEFAULT_STEP_MS,
  fail,
  hasStep,
  isThere,
  type NodeAct,
  record,
  RETRY_DRAIN_MS,
  type Scene,
} from "./node-view.ts";

/** Looks at the node again, and decides whether it has to reboot. */
export function afterUpdate(scene: Scene): NodeAct {
  const { operation, level, state, node } = scene;
  const look = needInventory(scene);
  if (look !== undefined) return look;
  const policy = level.node?.rebootPolicy ?? "IfRequired";
  const pending =
    policy !== "Never" && (policy === "Always" || state?.inventory?.rebootRequired === true || isBehind(scene));
  if (!pending || operation.noReboot === true) return verify(scene);
  if (operation.disrupt === true) {
    // A person uncordoned after the update: verify, do not reboot, end as pending reboot.
    if (!node.unschedulable) return record(scene, "Updated", { noReboot: true });
    return findControlPlaneHold(scene) ?? enter(scene, "Rebooting", "reboot");
  }
  // A reboot that turns out to be needed goes back through cordon and drain in the same claim. The mark that stood without a
  // cordon is taken off first: the cordon writes its own, with the schedulability as it is then (B6).
  if (scene.retreat !== undefined) return record(scene, "Updated", { noReboot: true });
  if (node.mark?.claimId === scene.claim.id) return { kind: "Unmark", uncordon: false };
  return record(scene, "Staged", {
    disrupt: true,
    rebootPending: true,
    marked: false,
    priorUnschedulable: node.unschedulable,
  });
}

const HOLDS: ReadonlySet<string> = new Set(["EtcdQuorumAtRisk", "ApiServerNotReady"]);

/** The target finishes, but its reboot waits while it would take the control plane with it. */
function findControlPlaneHold({ retreat }: Scene): NodeAct | undefined {
  return retreat !== undefined && HOLDS.has(retreat.reason) ? { kind: "Wait", block: retreat } : undefined;
}

/** Whether a component that only a reboot brings does not run yet. What is not known is no reason to reboot. */
function isBehind({ assess, operation }: Scene): boolean {
  const { components, offTarget } = assess();
  const goesBack = operation.rollback === true && offTarget;
  return components.some(({ name, state }) => {
    if (state === "InstalledPendingReboot") return true;
    return (
      (name === "osImage" || name === "kernel") && (state === "Missing" || (goesBack && state === "InstalledOther"))
    );
  });
}

/** Waits for another boot id; asks for a reboot only while it is the recorded one. */
export function reboot(scene: Scene): NodeAct {
  const { operation, node, now, level } = scene;
  const since = Date.parse(operation.stepTime);
  const limit = parseDuration(level.node?.recipe.steps?.reboot?.timeout ?? "30m") ?? DEFAULT_STEP_MS;
  if (node.bootId !== operation.bootId) {
    if (node.ready) return record(scene, "Rebooted");
    if (now - since < limit)
      return {
        kind: "Wait",
        block: { reason: "Rebooting", message: `${node.name} booted and is not Ready yet`, since },
      };
    return fail(scene, "NodeNotBack", `${node.name} booted but did not become Ready`);
  }
  if (!hasStep(scene, "reboot"))
    return fail(scene, "StepFailed", `${node.name} needs a reboot, and the recipe has no reboot step`);
  const { phase } = scene.job("reboot");
  const waits = phase === "Absent" || phase === "Prepared";
  if (waits && operation.disrupt === true && !node.unschedulable)
    return findPrepared(scene) ?? record(scene, "Updated", { noReboot: true });
  const hold = waits ? findControlPlaneHold(scene) : undefined;
  if (hold !== undefined) return hold;
  // Somebody deleted the job that was written down. It may have been let run, and a node is not asked twice (B10).
  const isGone = phase === "Absent" && operation.jobUID !== undefined;
  const job = isGone ? undefined : startedJob(scene, "reboot");
  if (job?.phase === "NotStarted") return job.act;
  // A reboot kills its own job: how the job ended says nothing, the boot id does (B10, B12).
  const lost = isGone ? ": somebody deleted the job that was to reboot it, and nobody knows whether it ran" : "";
  if (now - since < limit)
    return { kind: "Wait", block: { reason: "Rebooting", message: `${node.name} reboots${lost}`, since } };
  return fail(scene, "NodeNotBack", `${node.name} did not come back with a new boot id${lost}`);
}

/** Takes the node's own word for what it runs. */
export function verify(scene: Scene): NodeAct {
  const { operation, node, now } = scene;
  const look = needInventory(scene);
  if (look !== undefined) return look;
  const since = Date.parse(operation.stepTime);
  if (!node.ready) {
    if (now - since < DEFAULT_STEP_MS)
      return { kind: "Wait", block: { reason: "NodeNotReady", message: `${node.name} is not Ready`, since } };
    return fail(scene, "NodeNotBack", `${node.name} did not become Ready`);
  }
  const assessment = scene.assess();
  if (isThere(assessment)) return record(scene, "Verified");
  if (lacksOnlyBoot(scene) && operation.step === "Updated") return record(scene, "Verified", { rebootPending: true });
  const wrong = assessment.components.find((component) => component.state === assessment.state);
  return fail(
    scene,
    "VerificationFailed",
    `${wrong?.name ?? "the node"} is ${wrong?.running ?? "unknown"}, ${wrong?.desired ?? scene.claim.level} is wanted, although the update ended without an error`,
  );
}

/** Whether a boot is all that is left to do. Of a way back there is nothing to see before it but that what is to go still runs. */
function lacksOnlyBoot({ assess, operation, node }: Scene): boolean {
  const { state, offTarget, components } = assess();
  if (state === "InstalledPendingReboot") return true;
  if (operation.noReboot !== true || operation.rollback !== true || node.bootId !== operation.bootId) return false;
  const isBooted = ({ name, reason }: ComponentState): boolean =>
    reason !== "Drifted" || name === "osImage" || name === "kernel";
  return state === "InstalledOther" && offTarget && components.every(isBooted);
}

/** Inventory must be of this step, after the one that changed the node. Its time would not tell: clocks are put back. */
function needInventory(scene: Scene): NodeAct | undefined {
  const { operation, state } = scene;
  if (!hasStep(scene, "inventory")) return undefined;
  if (state?.inventory !== undefined && operation.looked === true) return undefined;
  const job = scene.job("inventory");
  if (job.phase === "Absent") return { kind: "CreateJob", step: "inventory", suspended: false };
  if (job.phase === "Prepared" || job.phase === "Running")
    return {
      kind: "Wait",
      block: {
        reason: "InventoryMissing",
        message: "looking at the node again",
        ...(job.phase === "Running" ? { since: job.since } : {}),
      },
    };
  if (job.phase === "Succeeded") return { kind: "ReadInventory" };
  return fail(scene, "VerificationFailed", `the inventory step failed: ${job.message}`);
}

/** Takes the mark off and restores the schedulability that was there before. */
export function giveBack(scene: Scene): NodeAct {
  const { node, claim, operation } = scene;
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  return record(scene, "Uncordoned");
}

/** Ends the operation in its patch state, before the claim is freed. */
export function close(scene: Scene): NodeAct {
  const { operation, claim, now } = scene;
  if (!lacksOnlyBoot(scene))
    return {
      kind: "Close",
      result: "Succeeded",
      message: scene.assess().state === "Exempt" ? "excepted meanwhile" : `at ${claim.level}`,
    };
  // The person who uncordoned is not answered with another cordon at once.
  if (operation.noReboot === true && operation.disrupt === true)
    return {
      kind: "Close",
      result: "BackedOut",
      message:
        "a person uncordoned the node after its update: a reboot is left to do, by hand or in the next attempt, which drains it first",
      retryAt: now + RETRY_DRAIN_MS,
      pendingReboot: operation.bootId,
    };
  return {
    kind: "Close",
    result: "Succeeded",
    message: "a reboot is left to do",
    ...(operation.noReboot === true ? { pendingReboot: operation.bootId } : {}),
  };
}
