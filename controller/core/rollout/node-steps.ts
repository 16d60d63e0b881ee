// The step machine of an operation on a node: Claimed → Staged → Cordoned → Drained → Updated → Rebooted → Verified →
// Uncordoned → released. Each call looks at the real state and answers ONE act: a write, or a wait with its reason. Every act may be
// repeated. Until `Updating` each step has a way back; from then on the target finishes.
// Holds B3–B7, B10–B14: nothing is remembered but what stands in the patch state and on the node.
import type { NodeOperation, NodePatchStateStatus, NodeStep } from "../../api/patch-state.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { Assessment, Block, Claim, NodeAsset, PdbAsset, PodAsset } from "../model.ts";
import { andMore, budgetsOf, describeRefusals, type DrainView, isDrained, viewDrain } from "./drain.ts";

/** A recipe step's job, as the cluster shows it. */
export type JobView =
  | { readonly phase: "Absent" }
  | { readonly phase: "Running"; readonly since: Instant }
  | { readonly phase: "Succeeded"; readonly at: Instant }
  | {
      readonly phase: "Failed";
      readonly at: Instant;
      readonly exitCode: number | undefined;
      readonly message: string;
      readonly timedOut: boolean;
    };

export type RecipeStepName = "inventory" | "stage" | "update" | "reboot" | "rollback";

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
  /** Live pods of the node. */
  readonly pods: readonly PodAsset[];
  readonly pdbs: readonly PdbAsset[];
  /** The job of a step of this claim and attempt. */
  readonly job: (step: RecipeStepName) => JobView;
  /** The node against the level of the claim, as it stands now. */
  readonly assess: () => Assessment;
  /** Why an operation that can still be undone should be. */
  readonly retreat: Block | undefined;
  /** The ring's word on nodes that somebody else cordoned; left out: a node that was cordoned when it was claimed is updated. */
  readonly cordonedNodes?: "Skip" | "Update";
}

export type NodeAct =
  /** Write the operation as given; one status write. */
  | { readonly kind: "Record"; readonly operation: NodeOperation; readonly note: string }
  /** Cordon and mark in one JSON patch, or only mark. */
  | { readonly kind: "Mark"; readonly cordon: boolean; readonly priorUnschedulable: boolean }
  | { readonly kind: "Evict"; readonly pods: readonly PodAsset[]; readonly wait: Block }
  | { readonly kind: "StartJob"; readonly step: RecipeStepName }
  | { readonly kind: "ReadInventory" }
  /** Remove the mark and, if we had cordoned, restore the prior schedulability. */
  | { readonly kind: "Unmark"; readonly uncordon: boolean }
  /** Close the operation: history, verified, attempted; then the claim is freed. */
  | { readonly kind: "Close"; readonly result: CloseResult; readonly message: string; readonly retryAt?: Instant }
  /** The operation is closed or the target is gone: free the claim. */
  | { readonly kind: "Free"; readonly lost: boolean }
  | { readonly kind: "Wait"; readonly block: Block };

export type CloseResult = "Succeeded" | "BackedOut" | "NotAvailable" | "Released";

/** After a cordon the scheduler may still bind pods for a moment (Karpenter waits as long). */
export const SETTLE_MS = 5_000;
/** A recipe says with this exit code that its source does not have the exact version and that nothing was changed (sysexits.h: EX_UNAVAILABLE). */
export const EXIT_NOT_AVAILABLE = 69;
const RETRY_NOT_AVAILABLE_MS = 60 * 60_000;
const RETRY_DRAIN_MS = 15 * 60_000;
const DEFAULT_STEP_MS = 30 * 60_000;

/** Steps from which there is no way back. */
const COMMITTED: ReadonlySet<NodeStep> = new Set([
  "Updating",
  "Updated",
  "Rebooting",
  "Rebooted",
  "Verified",
  "Uncordoned",
]);

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

interface Scene extends NodeView {
  readonly level: PatchLevelSpec;
  readonly node: NodeAsset;
  readonly operation: NodeOperation;
}

/** Nothing is written down for this claim yet. */
function start(view: NodeView, node: NodeAsset): NodeAct {
  const { claim, state, level, retreat: away } = view;
  // A mark without an operation: the state was lost, the claim was restored from the node. Hand the node back.
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: true };
  // Another claim still stands on the node (an older ledger was restored): that one is brought back and ended first (B6, B8).
  if (node.mark !== undefined || state?.operation !== undefined) return { kind: "Free", lost: false };
  // A claim that was restored from a mark says nothing of what was to be done; without its mark it is over.
  if (claim.digest === "") return { kind: "Free", lost: false };
  const why = level === undefined ? LEVEL_MISSING(claim) : (away ?? findForeignCordon(view, node));
  if (why !== undefined) return { kind: "Close", result: "BackedOut", message: why.message };
  // The plan was made from a cache; the node as just read may be there already (nothing is done twice).
  if (isThere(view.assess())) return { kind: "Close", result: "Succeeded", message: `was at ${claim.level} already` };
  return level === undefined ? { kind: "Free", lost: false } : begin(view, level, node);
}

const LEVEL_MISSING = (claim: Claim): Block => ({
  reason: "LevelMissing",
  message: `level ${claim.level} of the claim does not exist`,
});

/** Somebody else cordoned the node after it was planned. */
function findForeignCordon({ cordonedNodes }: NodeView, node: NodeAsset): Block | undefined {
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

function isThere({ state, offTarget }: Assessment): boolean {
  return !offTarget && (state === "Installed" || state === "InstalledOther" || state === "Exempt");
}

function begin({ now, claim, assess }: NodeView, level: PatchLevelSpec, node: NodeAsset): NodeAct {
  const time = new Date(now).toISOString();
  const disrupt = level.disruption === "Reboot" || level.node?.drain === "Always";
  const operation: NodeOperation = {
    claimId: claim.id,
    ring: claim.ring,
    baseline: claim.baseline,
    level: claim.level,
    digest: claim.digest,
    startedTime: time,
    stepTime: time,
    attempt: 1,
    step: "Claimed",
    bootId: node.bootId,
    priorUnschedulable: node.unschedulable,
    disrupt,
    ...(assess().offTarget ? { rollback: true } : {}),
  };
  return { kind: "Record", operation, note: "Claimed" };
}

/** Past the cordon a vanished node counts as failed in its ring. */
function wasDisrupted(operation: NodeOperation): boolean {
  return operation.rebootPending === true || !["Claimed", "Staging", "Staged"].includes(operation.step);
}

function stepOn(scene: Scene): NodeAct {
  const { operation } = scene;
  if (operation.release !== undefined) return giveUp(scene);
  if (operation.failure !== undefined) return recover(scene, operation.failure);
  const backOut = operation.backOut ?? findBackOut(scene);
  if (backOut !== undefined) return retreat(scene, backOut);
  if (lostItsMark(scene))
    return { kind: "Mark", cordon: true, priorUnschedulable: operation.priorUnschedulable === true };
  switch (operation.step) {
    case "Claimed":
      return hasStep(scene, "stage") ? record(scene, "Staging") : prepareUpdate(scene);
    case "Staging":
      return runJob(scene, "stage", () => record(scene, "Staged"));
    case "Staged":
      return prepareUpdate(scene);
    case "Cordoned":
      return drain(scene);
    case "Drained":
      return leaveDrained(scene);
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

// ------------------------------------------------------------------------------------------------ the way back

/**
 * Why the operation should be undone, if it still can be. A person's uncordon wins over everything (B7): our own mark on a node that
 * is schedulable means that, because mark and cordon are one write. The intent to update is undone too while its job is not there.
 */
function findBackOut(scene: Scene): Block | undefined {
  const { operation, node, claim, retreat: away } = scene;
  if (
    operation.step === "Updating" ? scene.job(updateStep(operation)).phase !== "Absent" : COMMITTED.has(operation.step)
  )
    return undefined;
  const cordoned = ["Cordoned", "Drained", "Updating"].includes(operation.step) || node.mark?.claimId === claim.id;
  if (operation.disrupt === true && cordoned && !node.unschedulable)
    return { reason: "UncordonedByPerson", message: `a person uncordoned ${node.name}` };
  if (node.mark !== undefined && node.mark.claimId !== claim.id)
    return { reason: "CordonedByOther", message: `node ${node.name} carries the mark of another claim` };
  if (!cordoned && node.unschedulable && operation.priorUnschedulable !== true)
    return { reason: "CordonedByOther", message: `node ${node.name} was cordoned by somebody else` };
  return away;
}

/** Our annotations are gone but the cordon is not: nothing is evicted before they are back (B4). */
function lostItsMark({ operation, node }: Scene): boolean {
  return operation.disrupt === true && node.mark === undefined && ["Cordoned", "Drained"].includes(operation.step);
}

function updateStep(operation: NodeOperation): RecipeStepName {
  return operation.rollback === true ? "rollback" : "update";
}

function retreat(scene: Omit<Scene, "level">, why: { readonly reason: string; readonly message: string }): NodeAct {
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
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  const notAvailable = why.reason === "VersionNotAvailable";
  const delay = notAvailable
    ? RETRY_NOT_AVAILABLE_MS
    : ["DrainTimedOut", "UncordonedByPerson"].includes(why.reason)
      ? RETRY_DRAIN_MS
      : undefined;
  return {
    kind: "Close",
    result: notAvailable ? "NotAvailable" : "BackedOut",
    message: why.message,
    ...(delay === undefined ? {} : { retryAt: now + delay }),
  };
}

/** A person gave the target up: hand the node back as it was, whatever state it is in. */
function giveUp({ node, claim, operation }: Omit<Scene, "level">): NodeAct {
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  return { kind: "Close", result: "Released", message: operation.release?.reason ?? "" };
}

/** A level that is wanted no more need not be tried again; a window that ends must not forget a failure. */
const GIVEN_UP: ReadonlySet<string> = new Set(["LevelWithdrawn", "Superseded"]);

/** A failed target keeps its claim until it recovers by itself, a person asks for another attempt, or gives it up (B14). */
function recover(scene: Scene, failure: NonNullable<NodeOperation["failure"]>): NodeAct {
  const { operation, node, now, claim, assess } = scene;
  const { failure: _, retryTime: __, ...rest } = operation;
  if (COMMITTED.has(operation.step) && node.ready && assess().state === "Installed")
    return {
      kind: "Record",
      operation: { ...rest, step: "Verified", stepTime: new Date(now).toISOString() },
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

// ------------------------------------------------------------------------------------------------ the way forward

function prepareUpdate(scene: Scene): NodeAct {
  const { node, claim, operation } = scene;
  if (isDoneAlready(scene)) return record(scene, "Verified");
  if (node.mark?.claimId !== claim.id)
    return { kind: "Mark", cordon: operation.disrupt === true, priorUnschedulable: node.unschedulable };
  const marked = { marked: true, priorUnschedulable: node.mark.priorUnschedulable };
  return operation.disrupt === true ? record(scene, "Cordoned", marked) : begun(scene, marked);
}

/** Somebody was faster, or excepted the node meanwhile: there is nothing left to do to it. */
function isDoneAlready({ operation, assess }: Scene): boolean {
  return operation.attempt === 1 && operation.rebootPending !== true && isThere(assess());
}

/** Writes down the intent to update (or, on the second way through, to reboot). A reboot from here on is one of ours (B10). */
function begun(scene: Scene, change: Partial<NodeOperation> = {}): NodeAct {
  if (scene.operation.rebootPending === true) return record(scene, "Rebooting", change);
  return record(scene, "Updating", { ...change, bootId: scene.node.bootId });
}

function drain(scene: Scene): NodeAct {
  const { now, operation, pods } = scene;
  const since = Date.parse(operation.stepTime);
  const view = viewDrain(pods, scene.drain);
  if (isDrained(view))
    return now - since < SETTLE_MS
      ? { kind: "Wait", block: { reason: "Draining", message: "waiting for late bindings after the cordon", since } }
      : record(scene, "Drained");
  const block = describeDrain(scene, view, since);
  const timeout = parseDuration(scene.drain.timeout ?? "15m") ?? 15 * 60_000;
  if (now - since >= timeout && (scene.drain.onTimeout ?? "BackOut") === "BackOut")
    return retreat(scene, {
      reason: "DrainTimedOut",
      message: `the drain did not end in ${scene.drain.timeout ?? "15m"}: ${block.message}`,
    });
  return view.evict.length === 0 ? { kind: "Wait", block } : { kind: "Evict", pods: view.evict, wait: block };
}

function describeDrain({ pdbs, state }: Scene, view: DrainView, since: Instant): Block {
  const block =
    view.standing.length > 0
      ? standing(view)
      : (describeRefusals(
          view.evict.filter((pod) => budgetsOf(pod, pdbs).some((pdb) => pdb.disruptionsAllowed <= 0)),
          pdbs,
        ) ?? { reason: "Draining" as const, message: `${view.evict.length + view.ending.length} pods have to leave` });
  const before = state?.blockedBy?.find((other) => other.reason === block.reason)?.since;
  return { ...block, since: before === undefined ? since : Date.parse(before) };
}

function standing(view: DrainView): Block {
  const [first] = view.standing;
  const name = first === undefined ? "a pod" : `pod ${first.pod.namespace}/${first.pod.name}`;
  const others = andMore(view.standing.length - 1);
  return { reason: "PodBlocksDrain", message: `${name}${others}: ${first?.why ?? ""}` };
}

/** Pods that were bound late send us back to draining; the update starts only from a live list that says drained (B5). */
function leaveDrained(scene: Scene): NodeAct {
  const view = viewDrain(scene.pods, scene.drain);
  if (!isDrained(view)) return drain(scene);
  return isDoneAlready(scene) ? record(scene, "Verified") : begun(scene);
}

function runJob(scene: Scene, step: RecipeStepName, done: () => NodeAct): NodeAct {
  if (!hasStep(scene, step)) return done();
  const job = scene.job(step);
  switch (job.phase) {
    case "Absent":
      return { kind: "StartJob", step };
    case "Running":
      return { kind: "Wait", block: { reason: "Updating", message: `step ${step} runs`, since: job.since } };
    case "Succeeded":
      return done();
    case "Failed":
      return jobFailed(scene, step, job);
    default:
      return job satisfies never;
  }
}

function jobFailed(scene: Scene, step: RecipeStepName, job: Extract<JobView, { phase: "Failed" }>): NodeAct {
  if (job.exitCode === EXIT_NOT_AVAILABLE && ["stage", "update", "rollback"].includes(step))
    return retreat(scene, {
      reason: "VersionNotAvailable",
      message: job.message || "the node's source does not have the exact version",
    });
  return fail(
    scene,
    job.timedOut ? "StepTimedOut" : "StepFailed",
    `step ${step} ${job.timedOut ? "did not end in time" : `ended with exit code ${job.exitCode ?? "unknown"}`}${job.message === "" ? "" : `: ${job.message}`}`,
  );
}

/** Looks at the node again, and decides whether it has to reboot. */
function afterUpdate(scene: Scene): NodeAct {
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
    return record(scene, "Rebooting");
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

function reboot(scene: Scene): NodeAct {
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
  const job = scene.job("reboot");
  if (job.phase === "Absent") {
    if (operation.disrupt === true && !node.unschedulable) return record(scene, "Updated", { noReboot: true });
    return { kind: "StartJob", step: "reboot" };
  }
  // A reboot kills its own job: how the job ended says nothing, the boot id does (B10, B12).
  if (now - since < limit)
    return { kind: "Wait", block: { reason: "Rebooting", message: `${node.name} reboots`, since } };
  return fail(scene, "NodeNotBack", `${node.name} did not come back with a new boot id`);
}

function verify(scene: Scene): NodeAct {
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
  if (assessment.state === "InstalledPendingReboot" && operation.step === "Updated")
    return record(scene, "Verified", { rebootPending: true });
  const wrong = assessment.components.find((component) => component.state === assessment.state);
  return fail(
    scene,
    "VerificationFailed",
    `${wrong?.name ?? "the node"} is ${wrong?.running ?? "unknown"}, ${wrong?.desired ?? scene.claim.level} is wanted, although the update ended without an error`,
  );
}

/** Inventory must be newer than the step that changed the node. */
function needInventory(scene: Scene): NodeAct | undefined {
  const { operation, state } = scene;
  if (!hasStep(scene, "inventory")) return undefined;
  const since = Date.parse(operation.stepTime);
  if (state?.inventory !== undefined && Date.parse(state.inventory.time) >= since) return undefined;
  const job = scene.job("inventory");
  if (job.phase === "Absent") return { kind: "StartJob", step: "inventory" };
  if (job.phase === "Running")
    return {
      kind: "Wait",
      block: { reason: "InventoryMissing", message: "looking at the node again", since: job.since },
    };
  if (job.phase === "Succeeded") return { kind: "ReadInventory" };
  return fail(scene, "VerificationFailed", `the inventory step failed: ${job.message}`);
}

function giveBack(scene: Scene): NodeAct {
  const { node, claim, operation } = scene;
  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };
  return record(scene, "Uncordoned");
}

function close(scene: Scene): NodeAct {
  const { operation, claim, now } = scene;
  const { state } = scene.assess();
  if (state !== "InstalledPendingReboot")
    return {
      kind: "Close",
      result: "Succeeded",
      message: state === "Exempt" ? "excepted meanwhile" : `at ${claim.level}`,
    };
  // The person who uncordoned is not answered with another cordon at once.
  if (operation.noReboot === true && operation.disrupt === true)
    return {
      kind: "Close",
      result: "BackedOut",
      message: "a person uncordoned the node: a reboot is left to do",
      retryAt: now + RETRY_DRAIN_MS,
    };
  return { kind: "Close", result: "Succeeded", message: "a reboot is left to do" };
}

function hasStep({ level }: Scene, step: RecipeStepName): boolean {
  return level.node?.recipe.steps?.[step] !== undefined;
}

function record(scene: Scene, step: NodeStep, change: Partial<NodeOperation> = {}): NodeAct {
  return {
    kind: "Record",
    operation: { ...scene.operation, ...change, step, stepTime: new Date(scene.now).toISOString() },
    note: step,
  };
}

function fail(scene: Scene, reason: Block["reason"], message: string): NodeAct {
  return {
    kind: "Record",
    operation: {
      ...scene.operation,
      failure: { reason, message: message.slice(0, 512), time: new Date(scene.now).toISOString() },
    },
    note: "OperationFailed",
  };
}
