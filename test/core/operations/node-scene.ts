// A node in the middle of an operation, as its step machine is asked about it: one word for each thing that a test varies.
import type { NodeOperation, NodePatchStateStatus, NodeStep } from "../../../controller/api/patch-state.ts";
import type { Block, LevelInForce, NodeAsset, PodAsset } from "../../../controller/core/model.ts";
import {
  type JobView,
  nextNodeAct,
  type NodeAct,
  type NodeView,
  type RecipeStepName,
} from "../../../controller/core/operations/node-steps.ts";
import { assessNode } from "../../../controller/core/compliance/index.ts";
import { claimOn, HOUR, iso, kernelLevel, MINUTE, nodeAsset, nodeBaseline, START } from "../../support/fleet.ts";

export const LEVEL = kernelLevel(110);
export const CLAIM = claimOn(nodeAsset("n"), "prod", LEVEL);
export const MARK = { claimId: CLAIM.id, priorUnschedulable: false };
export const WINDOW_ENDED: Block = { reason: "OutsideWindow", message: "the window ended" };
export const NOT_THERE = { phase: "Absent" } as const satisfies JobView;
export const JOB = { uid: "job-1", resourceVersion: "7" };
export const PREPARED = { ...JOB, phase: "Prepared" } as const satisfies JobView;
export const RUNNING = { ...JOB, phase: "Running", since: START, paused: false } as const satisfies JobView;
export const SUCCEEDED = { ...JOB, phase: "Succeeded", at: START } as const satisfies JobView;
export const failed = (exitCode: number | undefined, timedOut = false, message = ""): JobView => ({
  ...JOB,
  phase: "Failed",
  at: START,
  exitCode,
  message,
  timedOut,
});

export const cordoned = (rest: Partial<NodeAsset> = {}): NodeAsset =>
  nodeAsset("n", { unschedulable: true, mark: MARK, ...rest });

export function operation(step: NodeStep, rest: Partial<NodeOperation> = {}): NodeOperation {
  return {
    claimId: CLAIM.id,
    ring: "prod",
    baseline: "ubuntu",
    level: LEVEL.name,
    digest: LEVEL.digest,
    startedTime: iso(START - HOUR),
    stepTime: iso(START - MINUTE),
    attempt: 1,
    step,
    bootId: "boot-1",
    priorUnschedulable: false,
    disrupt: true,
    ...(["Claimed", "Preparing", "Prepared", "Staging", "Staged"].includes(step) ? {} : { marked: true }),
    ...(["Preparing", "Staging", "Updating", "Rebooting"].includes(step) ? { jobUID: JOB.uid } : {}),
    ...rest,
  };
}

export function pod(name: string, rest: Partial<PodAsset> = {}): PodAsset {
  return {
    namespace: "shop",
    name,
    uid: name,
    nodeName: "n",
    labels: {},
    phase: "Running",
    deleting: false,
    ready: true,
    controller: { kind: "ReplicaSet", name: "web", uid: "rs" },
    mirror: false,
    emptyDir: false,
    priority: 0,
    job: false,
    ...rest,
  };
}

export interface Situation extends Partial<Omit<NodeView, "job" | "assess">> {
  readonly operation?: NodeOperation;
  readonly jobs?: Partial<Record<RecipeStepName, JobView>>;
  readonly of?: LevelInForce;
  readonly enforce?: "Floor" | "Exact";
}

export function act({ operation: under, jobs = {}, of = LEVEL, enforce = "Floor", ...rest }: Situation): NodeAct {
  const state: NodePatchStateStatus = rest.state ?? (under === undefined ? {} : { operation: under });
  const node = "node" in rest ? rest.node : nodeAsset("n");
  return nextNodeAct({
    now: START,
    claim: CLAIM,
    level: of.spec,
    drain: {},
    pods: [],
    pdbs: [],
    retreat: undefined,
    ...rest,
    node,
    state,
    job: (step) => jobs[step] ?? NOT_THERE,
    assess: () =>
      assessNode({
        node: node as NodeAsset,
        stored: state,
        baseline: nodeBaseline(),
        level: of,
        approved: true,
        withdrawn: false,
        enforce,
        exceptions: [],
        now: START,
      }),
  });
}

export const GRANTED = { kind: "Granted" } as const;
export const step = (made: NodeAct): string => (made.kind === "Record" ? made.note : made.kind);
