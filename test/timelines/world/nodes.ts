// Nodes of a little world: what an act of the step machine does to one, and what its jobs do by themselves.
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import { assessNode } from "../../../controller/core/compliance/index.ts";
import type { Claim, LevelInForce, PdbAsset, PodAsset } from "../../../controller/core/model.ts";
import type { NodeAct, RecipeStepName } from "../../../controller/core/operations/node-steps.ts";
import { closeOperation } from "../../../controller/kube/closing.ts";
import { MINUTE } from "../../support/fleet.ts";
import { type Ground, type Job, loseTarget, type Machine, must } from "./ground.ts";

export function jobKey(claim: Claim, step: RecipeStepName, state: NodePatchStateStatus | undefined): string {
  return [claim.id, step, state?.operation?.attempt ?? 0].join("/");
}

export function podsOf(machine: Machine): readonly PodAsset[] {
  return Array.from({ length: machine.pods }, (_, index) => ({
    namespace: "shop",
    name: `${machine.asset.name}-pod-${index}`,
    uid: `${machine.asset.uid}-pod-${index}`,
    nodeName: machine.asset.name,
    labels: { app: "web" },
    phase: "Running",
    deleting: false,
    ready: true,
    controller: { kind: "ReplicaSet", name: "web", uid: "rs" },
    mirror: false,
    emptyDir: false,
    priority: 0,
    job: false,
  }));
}

export function pdbsOf({ trouble }: Machine): readonly PdbAsset[] {
  if (trouble !== "PodStays") return [];
  return [
    {
      namespace: "shop",
      name: "web",
      selector: { matchLabels: { app: "web" } },
      disruptionsAllowed: 0,
      currentHealthy: 2,
      desiredHealthy: 2,
    },
  ];
}

const QUIET = new Set(["Claimed", "Preparing", "Prepared", "Staging", "Staged", "Uncordoned"]);

/** Does it; true where it changed something. `free` collects targets whose claim ends. */
export function doNodeAct(
  ground: Ground,
  act: NodeAct,
  claim: Claim,
  machine: Machine | undefined,
  level: LevelInForce | undefined,
  free: Set<string>,
): boolean {
  const state = ground.states.nodes.get(claim.uid) ?? {};
  must(
    ground,
    ground.claims.some((other) => other.id === claim.id),
    "B3",
    `act on ${claim.name} without its claim`,
  );
  switch (act.kind) {
    case "Free":
      if (act.lost) loseTarget(ground, claim);
      free.add(claim.uid);
      return false;
    case "Rehearse":
      throw new Error("the drain was tried, and is to be tried again");
    case "Wait":
      return false;
    case "Record": {
      const { failure, backOut } = act.operation;
      ground.states.nodes.set(claim.uid, { ...state, operation: act.operation });
      if (failure !== undefined)
        ground.chronicle.note(claim.ring, claim.name, `FAILED ${failure.reason}: ${failure.message}`);
      else if (act.note === "BackingOut")
        ground.chronicle.note(claim.ring, claim.name, `backs out: ${backOut?.reason}: ${backOut?.message}`);
      else if (!QUIET.has(act.note)) ground.chronicle.note(claim.ring, claim.name, act.note);
      return true;
    }
    case "Mark":
      if (machine === undefined) return false;
      machine.asset = {
        ...machine.asset,
        mark:
          machine.asset.mark?.claimId === claim.id
            ? machine.asset.mark
            : { claimId: claim.id, priorUnschedulable: act.priorUnschedulable },
        unschedulable: machine.asset.unschedulable || act.cordon,
      };
      return true;
    case "Unmark": {
      if (machine === undefined) return false;
      const restored =
        act.uncordon && machine.asset.mark?.priorUnschedulable !== true ? false : machine.asset.unschedulable;
      if (machine.asset.unschedulable && !restored) ground.chronicle.note(claim.ring, claim.name, "Uncordoned");
      machine.asset = { ...machine.asset, mark: undefined, unschedulable: restored };
      if (!restored) machine.pods = 2;
      return true;
    }
    case "Evict":
      must(
        ground,
        machine?.asset.unschedulable === true && machine.asset.mark?.claimId === claim.id,
        "B4",
        `eviction on ${claim.name} without our cordon`,
      );
      if (machine === undefined || machine.trouble === "PodStays") {
        ground.chronicle.tellWait(claim, `waits: ${act.wait.reason}: ${act.wait.message}`);
        return false;
      }
      machine.pods = 0;
      return true;
    case "CreateJob":
      if (machine !== undefined) createJob(ground, act.step, act.suspended, claim, machine, level, state);
      return true;
    case "ResumeJob": {
      const job = ground.jobs.get(jobKey(claim, act.step, state));
      must(ground, job?.view.phase === "Prepared", "B11", `the job ${act.step} on ${claim.name} was let run twice`);
      must(
        ground,
        state.operation?.jobUID === act.job.uid,
        "S4",
        `the job ${act.step} on ${claim.name} is not written down`,
      );
      job?.run();
      return true;
    }
    case "DeleteJob":
      ground.jobs.delete(jobKey(claim, act.step, state));
      return true;
    case "ReadInventory":
      return false;
    case "Close":
      ground.states.nodes.set(
        claim.uid,
        closeOperation(state, {
          claim,
          now: ground.now,
          result: act.result,
          reason: state.operation?.backOut?.reason ?? act.result,
          message: act.message,
          retryAt: act.retryAt,
          pendingReboot: act.pendingReboot,
          verified: act.result === "Succeeded" && isInstalled(ground, claim, machine, level),
        }),
      );
      ground.chronicle.note(
        claim.ring,
        claim.name,
        act.result === "Succeeded"
          ? `done (${act.message.replace(claim.level, ground.chronicle.levelOf(claim))})`
          : `closed ${act.result}`,
      );
      return true;
    default:
      return act satisfies never;
  }
}

function isInstalled(
  ground: Ground,
  claim: Claim,
  machine: Machine | undefined,
  level: LevelInForce | undefined,
): boolean {
  const baseline = ground.policy.baselines.find((other) => other.name === claim.baseline);
  if (machine === undefined || baseline === undefined) return false;
  return (
    assessNode({
      node: machine.asset,
      stored: undefined,
      baseline,
      level,
      approved: true,
      withdrawn: false,
      enforce: "Floor",
      exceptions: [],
      now: ground.now,
    }).state === "Installed"
  );
}

function createJob(
  ground: Ground,
  step: RecipeStepName,
  suspended: boolean,
  claim: Claim,
  machine: Machine,
  level: LevelInForce | undefined,
  state: NodePatchStateStatus,
): void {
  const key = jobKey(claim, step, state);
  if (ground.jobs.has(key)) return;
  const minutes = step === "reboot" ? 3 : (ground.options.updateMinutes ?? 4);
  const identity = { uid: key, resourceVersion: "1" };
  const job: Job = {
    identity,
    end: ground.now,
    view: { ...identity, phase: "Prepared" },
    run: () => {
      const disrupts = ground.states.nodes.get(claim.uid)?.operation?.disrupt === true;
      if (disrupts)
        must(
          ground,
          machine.asset.unschedulable && machine.pods === 0,
          "B5",
          `job ${step} on ${claim.name} before the drain`,
        );
      const { bootId } = ground.states.nodes.get(claim.uid)?.operation ?? {};
      if (step === "reboot") must(ground, machine.asset.bootId === bootId, "B10", `a second reboot of ${claim.name}`);
      job.view = { ...identity, phase: "Running", since: ground.now, paused: false };
      job.end = ground.now + minutes * MINUTE;
      if (step === "reboot") machine.asset = { ...machine.asset, ready: false };
    },
    effect: () => {
      if (step === "reboot") boot(machine);
      else if (machine.trouble === "UpdateFails") return { exitCode: 1 };
      else if (machine.trouble === "NotAvailable") return { exitCode: 69 };
      else install(machine, level);
      return { exitCode: 0 };
    },
  };
  ground.jobs.set(key, job);
  if (!suspended) job.run();
}

function install(machine: Machine, level: LevelInForce | undefined): void {
  for (const component of level?.spec.node?.components ?? []) {
    if (component.name.startsWith("kernel")) machine.installedKernel = component.version;
    if (component.name === "kubelet") machine.asset = { ...machine.asset, kubeletVersion: component.version };
  }
}

function boot(machine: Machine): void {
  machine.asset = {
    ...machine.asset,
    bootId: `${machine.asset.bootId}+`,
    kernelVersion: machine.installedKernel,
    ready: machine.trouble !== "NeverReady",
  };
}

/** Jobs that have come to their end. */
export function endJobs({ jobs, now }: Ground): void {
  for (const job of jobs.values()) {
    if (job.view.phase !== "Running" || now < job.end) continue;
    const { exitCode } = job.effect();
    job.view =
      exitCode === 0
        ? { ...job.identity, phase: "Succeeded", at: now }
        : {
            ...job.identity,
            phase: "Failed",
            at: now,
            exitCode,
            message: exitCode === 69 ? "the mirror does not have it" : "dpkg was interrupted",
            timedOut: false,
          };
  }
}
