// Carries a claimed workload one act forward: reads the real state, asks the step machine for one act, does it. It decides nothing.
import type { WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Instant } from "../clock.ts";
import type { Assessment, Block, Claim, LevelInForce, WorkloadAsset } from "../core/model.ts";
import { nextWorkloadAct, type WorkloadAct } from "../core/operations/workload-steps.ts";
import type { Client } from "../kube/client.ts";
import { closeOperation } from "../kube/closing.ts";
import { createState, readState, type StateTarget, type StoredState, writeState } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import { DAEMON_SETS, DEPLOYMENTS, type Resource, STATEFUL_SETS } from "../kube/resources.ts";
import { setImages, unmarkWorkload } from "./set-images.ts";

export interface WorkloadOperationInput {
  readonly client: Client;
  readonly now: Instant;
  readonly claim: Claim;
  readonly level: LevelInForce | undefined;
  readonly onFailure: "Halt" | "RollBackTarget";
  readonly retreat: Block | undefined;
  /** Reads the workload's pods too, because what runs is in them. */
  readonly project: (object: KubeObject, resource: Resource) => Promise<WorkloadAsset | undefined>;
  readonly assess: (
    workload: WorkloadAsset,
    state: WorkloadPatchStateStatus | undefined,
    level: LevelInForce | undefined,
  ) => Assessment;
  readonly tell: (event: {
    readonly type: "Normal" | "Warning";
    readonly reason: string;
    readonly note: string;
  }) => void;
}

export type WorkloadResult =
  | { readonly kind: "Moved"; readonly note: string }
  | { readonly kind: "Waiting"; readonly block: Block }
  | { readonly kind: "Free"; readonly lost: boolean };

/** The kinds that can be patched. */
export const PATCHED_KINDS: Readonly<Record<string, Resource>> = {
  Deployment: DEPLOYMENTS,
  StatefulSet: STATEFUL_SETS,
  DaemonSet: DAEMON_SETS,
};

/** One act on one workload. Throws ApiError on conflicts and outages; nothing is lost by that. */
export async function operateWorkload(input: WorkloadOperationInput): Promise<WorkloadResult> {
  const { client, claim, level } = input;
  const resource = PATCHED_KINDS[claim.kind];
  if (resource === undefined) return { kind: "Free", lost: false };
  const target: StateTarget = { kind: claim.kind, namespace: claim.namespace, name: claim.name, uid: claim.uid };
  const object = await client.get(resource, { namespace: claim.namespace, name: claim.name });
  const live = object !== undefined && object.metadata.uid === claim.uid ? object : undefined;
  const workload = live === undefined ? undefined : await input.project(live, resource);
  const stored = await readState<WorkloadPatchStateStatus>(client, target);
  if (stored === undefined && workload !== undefined) {
    await createState(client, target);
    return { kind: "Moved", note: "StateCreated" };
  }
  const state = stored?.status;
  const act = nextWorkloadAct({
    now: input.now,
    claim,
    level: level?.spec,
    onFailure: input.onFailure,
    workload,
    state,
    assess: () => input.assess(workload as WorkloadAsset, state, level),
    retreat: input.retreat,
  });
  return perform(act, { input, level, resource, target, live, workload, stored, state });
}

interface Scene {
  readonly input: WorkloadOperationInput;
  readonly level: LevelInForce | undefined;
  readonly resource: Resource;
  readonly target: StateTarget;
  readonly live: KubeObject | undefined;
  readonly workload: WorkloadAsset | undefined;
  readonly stored: StoredState<WorkloadPatchStateStatus> | undefined;
  readonly state: WorkloadPatchStateStatus | undefined;
}

async function perform(act: WorkloadAct, scene: Scene): Promise<WorkloadResult> {
  const { input, live, state, resource } = scene;
  const { client, claim, tell } = input;
  switch (act.kind) {
    case "Free":
      return { kind: "Free", lost: act.lost };
    case "Wait":
      return { kind: "Waiting", block: act.block };
    case "Record": {
      const failure = act.operation.failure;
      const blockedBy =
        failure === undefined ? [] : [{ reason: failure.reason, message: failure.message, since: failure.time }];
      await write(scene, { ...state, phase: "InProgress", ring: claim.ring, blockedBy, operation: act.operation });
      if (failure !== undefined)
        tell({ type: "Warning", reason: "OperationFailed", note: `${failure.reason}: ${failure.message}` });
      else if (act.note === "Claimed" || act.note === "Verified")
        tell({ type: "Normal", reason: act.note, note: `${act.note} for ${claim.level} in ring ${claim.ring}` });
      return { kind: "Moved", note: act.note };
    }
    case "SetImages":
      if (live !== undefined) await setImages(client, resource, live, act.images, claim.id);
      tell({
        type: "Normal",
        reason: "Updating",
        note: act.images.map((image) => `${image.container}: ${image.to}`).join(", "),
      });
      return { kind: "Moved", note: "SetImages" };
    case "Unmark":
      if (live !== undefined) await unmarkWorkload(client, resource, live);
      return { kind: "Moved", note: "Unmark" };
    case "Close":
      await close(scene, act);
      return { kind: "Moved", note: act.result };
    default:
      return act satisfies never;
  }
}

async function write(scene: Scene, status: WorkloadPatchStateStatus): Promise<void> {
  if (scene.stored !== undefined) await writeState(scene.input.client, scene.stored, scene.target, status);
}

async function close(scene: Scene, act: Extract<WorkloadAct, { kind: "Close" }>): Promise<void> {
  const { input, state, workload, level } = scene;
  await write(
    scene,
    closeOperation(state, {
      claim: input.claim,
      now: input.now,
      result: act.result,
      reason: act.contested === true ? "FieldContested" : act.result,
      message: act.message,
      verified:
        act.result === "Succeeded" &&
        workload !== undefined &&
        input.assess(workload, state, level).state === "Installed",
      contested: act.contested,
    }),
  );
  const good = act.result === "Succeeded";
  input.tell({
    type: good ? "Normal" : "Warning",
    reason: good ? "Released" : act.contested === true ? "FieldContested" : "BackedOut",
    note: `${act.result}: ${act.message}`,
  });
}
