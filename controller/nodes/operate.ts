// Carries a claimed node one act forward: reads the real state, asks the step machine for one act, does it. It decides nothing.
// An API conflict is not an error: somebody was faster, and the next pass looks again.
import type { NodePatchStateStatus } from "../api/patch-state.ts";
import type { Gate } from "../api/gate.ts";
import type { DrainPolicy } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import type {
  Assessment,
  Block,
  Claim,
  LevelInForce,
  NodeAsset,
  PdbAsset,
  PodAsset,
  VolumeAsset,
} from "../core/model.ts";
import { indexBudgets } from "../core/operations/budgets.ts";
import { type Attachment, isDrained, viewDrain } from "../core/operations/drain.ts";
import { jobsToSee } from "../core/operations/node-jobs.ts";
import {
  type JobView,
  type NodeAct,
  nextNodeAct,
  type NodeView,
  type RecipeStepName,
  type Trial,
} from "../core/operations/node-steps.ts";
import { parseReport } from "../inventory/report.ts";
import { storeInventory } from "../inventory/store-inventory.ts";
import type { Client } from "../kube/client.ts";
import { closeOperation } from "../kube/closing.ts";
import { createState, readState, type StateTarget, type StoredState, writeState } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import { NODES, PODS, VOLUME_ATTACHMENTS } from "../kube/resources.ts";
import { type EvictionPauses, type Evictor, evictPods, tryEvictions } from "./evict.ts";
import { markNode, unmarkNode } from "./mark.ts";
import {
  createJob,
  deletePreparedJob,
  jobName,
  type JobRequest,
  readJobLog,
  resumeJob,
  viewJob,
} from "./recipe-job.ts";

export interface NodeOperationInput {
  readonly client: Client;
  readonly now: Instant;
  readonly claim: Claim;
  readonly level: LevelInForce | undefined;
  readonly drain: DrainPolicy;
  readonly cordonedNodes: "Skip" | "Update";
  /** Gates whose pods hold their node back. */
  readonly blocking: readonly Gate[];
  readonly retreat: Block | undefined;
  readonly pdbs: readonly PdbAsset[];
  readonly project: {
    readonly node: (object: KubeObject) => NodeAsset | undefined;
    readonly pod: (object: KubeObject) => PodAsset | undefined;
    readonly attachment: (object: KubeObject, node: string) => Attachment | undefined;
  };
  /** The node against the level of the claim. */
  readonly assess: (
    node: NodeAsset,
    state: NodePatchStateStatus | undefined,
    level: LevelInForce | undefined,
  ) => Assessment;
  /** What an inventory of this node has to keep. */
  readonly keep: InventoryKeep;
  readonly volumes: readonly VolumeAsset[];
  readonly pauses: EvictionPauses;
  /** Hears of each eviction that the API server refused. */
  readonly onRefusal?: Evictor["onRefusal"];
  readonly tell: (event: OperationEvent) => void;
}

/** Packages that baselines and levels name, and whether everything on offer matters. */
export interface InventoryKeep {
  readonly packages: ReadonlySet<string>;
  readonly followsOffered: boolean;
}

export interface OperationEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly note: string;
}

export type OperationResult =
  | { readonly kind: "Moved"; readonly note: string }
  /** `until`: as in NodeAct. */
  | { readonly kind: "Waiting"; readonly block: Block; readonly until?: Instant | undefined }
  /** The claim may be freed; `lost` counts as a failure of its ring for ever. */
  | { readonly kind: "Free"; readonly lost: boolean };

/** One act on one node. Throws ApiError on conflicts and outages; nothing is lost by that. */
export async function operateNode(input: NodeOperationInput): Promise<OperationResult> {
  const { client, claim, level } = input;
  const target: StateTarget = { kind: "Node", name: claim.name, uid: claim.uid };
  const object = await client.get(NODES, { name: claim.name });
  const live = object !== undefined && object.metadata.uid === claim.uid ? object : undefined;
  const node = live === undefined ? undefined : input.project.node(live);
  const stored = await readState<NodePatchStateStatus>(client, target);
  if (stored === undefined && node !== undefined) {
    await createState(client, target);
    return { kind: "Moved", note: "StateCreated" };
  }
  const state = stored?.status;
  const pods = await livePods(input, state);
  const jobs = await liveJobs(input, state);
  const view: NodeView = {
    now: input.now,
    claim,
    level: level?.spec,
    drain: input.drain,
    cordonedNodes: input.cordonedNodes,
    blocking: input.blocking,
    node,
    state,
    pods,
    pdbs: input.pdbs,
    volumes: input.volumes,
    attachments: await liveAttachments(input, state, live, pods),
    job: (step) => jobs.get(step) ?? { phase: "Absent" },
    assess: () => input.assess(node as NodeAsset, state, level),
    retreat: input.retreat,
  };
  const scene: Scene = { input, level, target, live, node, stored, state };
  const first = nextNodeAct(view);
  const seen = first.kind === "Rehearse" ? { ...view, trial: await rehearse(scene, first) } : view;
  const act = seen === view ? first : nextNodeAct(seen);
  if (isDoubtful(act, state) && !(await isAsRead(scene))) return { kind: "Moved", note: "LookAgain" };
  if (act.kind !== "CreateJob") return perform(act, scene);
  const refusedJob = await create(scene, act);
  if (refusedJob === undefined) return { kind: "Moved", note: `Job:${act.step}` };
  return perform(nextNodeAct({ ...seen, refusedJob }), scene);
}

/**
 * Whether an act says that a person interfered, or that something failed. The state was read after the node: where another leader cordoned
 * and wrote that down in between, the two together look like a cordon that a person took off.
 */
function isDoubtful(act: NodeAct, state: NodePatchStateStatus | undefined): boolean {
  if (act.kind !== "Record") return false;
  const [before, { backOut, failure, noReboot }] = [state?.operation, act.operation];
  return (
    (backOut !== undefined && before?.backOut === undefined) ||
    (failure !== undefined && before?.failure === undefined) ||
    (noReboot === true && before?.noReboot !== true)
  );
}

/** Whether the node is still as it was before its state was read: then the two belong together. */
async function isAsRead({ input: { client, claim }, live }: Scene): Promise<boolean> {
  const now = await client.get(NODES, { name: claim.name });
  return now?.metadata.resourceVersion === live?.metadata.resourceVersion;
}

/** Would the pods go, and the jobs be taken? Nothing is changed by asking. */
async function rehearse(scene: Scene, { pods, steps }: Extract<NodeAct, { kind: "Rehearse" }>): Promise<Trial> {
  const trial = await tryEvictions(evictorOf(scene.input), pods);
  if (trial.kind === "Refused") return trial;
  for (const step of steps) {
    const block = await create(scene, { step, suspended: true }, true);
    if (block !== undefined) return { kind: "Refused", block };
  }
  return trial;
}

/** Steps that look at the node's pods: those of the drain, and those that a cordon may follow. */
const WITH_PODS: ReadonlySet<string> = new Set(["Claimed", "Prepared", "Staged", "Cordoned", "Drained"]);
const BEFORE_CORDON: ReadonlySet<string> = new Set(["Claimed", "Prepared", "Staged"]);
const DRAINING: ReadonlySet<string> = new Set(["Cordoned", "Drained"]);

async function livePods(
  { client, claim, project, blocking }: NodeOperationInput,
  state: NodePatchStateStatus | undefined,
): Promise<readonly PodAsset[]> {
  const operation = state?.operation?.claimId === claim.id ? state.operation : undefined;
  if (operation === undefined || !WITH_PODS.has(operation.step)) return [];
  if (operation.disrupt !== true && !(blocking.length > 0 && BEFORE_CORDON.has(operation.step))) return [];
  const { items } = await client.list(PODS, { fieldSelector: `spec.nodeName=${claim.name}` });
  return items.flatMap((pod) => project.pod(pod) ?? []);
}

/** The node's attachments, looked at only when its pods are gone and it says that volumes are attached. */
async function liveAttachments(
  { client, claim, drain, volumes, project }: NodeOperationInput,
  state: NodePatchStateStatus | undefined,
  live: KubeObject | undefined,
  pods: readonly PodAsset[],
): Promise<readonly Attachment[]> {
  if (state?.operation?.claimId !== claim.id || !DRAINING.has(state.operation.step)) return [];
  if (drain.volumes === "Ignore" || !isDrained(viewDrain(pods, drain, volumes))) return [];
  if (live === undefined || !hasVolumes(live)) return [];
  const { items } = await client.list(VOLUME_ATTACHMENTS);
  return items.flatMap((object) => project.attachment(object, claim.name) ?? []);
}

/** What the attach controller keeps in the node's status. */
function hasVolumes({ status }: KubeObject): boolean {
  const attached = (status as { readonly volumesAttached?: unknown } | undefined)?.volumesAttached;
  return Array.isArray(attached) && attached.length > 0;
}

async function liveJobs(
  { client, claim, now, level }: NodeOperationInput,
  state: NodePatchStateStatus | undefined,
): Promise<ReadonlyMap<RecipeStepName, JobView>> {
  const operation = state?.operation?.claimId === claim.id ? state.operation : undefined;
  const views = new Map<RecipeStepName, JobView>();
  if (operation === undefined) return views;
  const steps = level?.spec.node?.recipe.steps;
  for (const step of jobsToSee(operation))
    // Without its level an operation is only undone: whatever waits to run is looked for.
    if (level === undefined || steps?.[step] !== undefined)
      views.set(step, await viewJob(client, jobName(claim.id, step, operation), now));
  return views;
}

interface Scene {
  readonly input: NodeOperationInput;
  readonly level: LevelInForce | undefined;
  readonly target: StateTarget;
  readonly live: KubeObject | undefined;
  readonly node: NodeAsset | undefined;
  readonly stored: StoredState<NodePatchStateStatus> | undefined;
  readonly state: NodePatchStateStatus | undefined;
}

async function perform(act: NodeAct, scene: Scene): Promise<OperationResult> {
  const { input, live, state } = scene;
  const { client, claim, tell } = input;
  switch (act.kind) {
    case "Free":
      return { kind: "Free", lost: act.lost };
    case "Wait":
      await showBlock(scene, act.block);
      return { kind: "Waiting", block: act.block, until: act.until };
    case "Record": {
      const failure = act.operation.failure;
      const blockedBy =
        failure === undefined ? [] : [{ reason: failure.reason, message: failure.message, since: failure.time }];
      await write(scene, { ...state, phase: "InProgress", ring: claim.ring, blockedBy, operation: act.operation });
      if (failure !== undefined)
        tell({ type: "Warning", reason: "OperationFailed", note: `${failure.reason}: ${failure.message}` });
      else
        tell({
          type: "Normal",
          reason: eventFor(act.note),
          note: `${act.note} for ${claim.level} in ring ${claim.ring}`,
        });
      return { kind: "Moved", note: act.note };
    }
    case "Mark":
      if (live !== undefined)
        await markNode(client, live, {
          claimId: claim.id,
          cordon: act.cordon,
          priorUnschedulable: act.priorUnschedulable,
          ...(act.priorMarks === undefined ? {} : { priorMarks: act.priorMarks }),
        });
      return { kind: "Moved", note: act.cordon ? "Cordon" : "Mark" };
    case "Unmark":
      if (live !== undefined) await unmarkNode(client, live, act.uncordon, priorMarksOf(scene));
      return { kind: "Moved", note: "Uncordon" };
    case "Rehearse":
    case "CreateJob":
      // Asked for and answered before: a second one would be a fault of the step machine.
      throw new Error(`${act.kind} of ${claim.name} was answered, and is asked for again`);
    case "Evict":
      return evict(scene, act.pods, act.wait);
    case "ResumeJob":
      await resumeJob(client, nameOfJob(scene, act.step), act.job, input.now);
      return { kind: "Moved", note: `Resume:${act.step}` };
    case "DeleteJob":
      await deletePreparedJob(client, nameOfJob(scene, act.step), act.job);
      return { kind: "Moved", note: `Delete:${act.step}` };
    case "ReadInventory":
      return readInventory(scene);
    case "Close":
      await close(scene, act);
      return { kind: "Moved", note: act.result };
    default:
      return act satisfies never;
  }
}

/** What this claim's operation remembers of the node's do-not-remove marks. */
function priorMarksOf({ state, input }: Scene): string | undefined {
  return state?.operation?.claimId === input.claim.id ? state.operation.priorMarks : undefined;
}

function eventFor(note: string): string {
  const known: Readonly<Record<string, string>> = {
    Claimed: "Claimed",
    Cordoned: "Cordoned",
    Updating: "Updating",
    Rebooting: "Rebooting",
    Verified: "Verified",
    Uncordoned: "Uncordoned",
    BackingOut: "BackedOut",
  };
  return known[note] ?? "Progressing";
}

async function write(scene: Scene, status: NodePatchStateStatus): Promise<void> {
  if (scene.stored !== undefined) await writeState(scene.input.client, scene.stored, scene.target, status);
}

/** Reasons that people can do something about are shown in the node's own state, once, with their time. */
const SHOWN: ReadonlySet<string> = new Set([
  "EtcdQuorumAtRisk",
  "ApiServerNotReady",
  "PDBBlocked",
  "PDBNeverAllows",
  "PDBConflict",
  "PodBlocksDrain",
  "PodStuckTerminating",
  "WaitingForCompletion",
  "VolumesAttached",
  "ServerBusy",
  "UnderMaintenance",
  "LockedByOther",
  "BeingRemoved",
  "NodeNotReady",
  "NodeNotBack",
  "VersionNotAvailable",
  "JobRefused",
]);

async function showBlock(scene: Scene, block: Block): Promise<void> {
  const { state, input } = scene;
  if (state?.operation === undefined || state.operation.failure !== undefined) return;
  const before = state.blockedBy?.[0];
  const shown = SHOWN.has(block.reason);
  if (shown ? before?.reason === block.reason && before.message === block.message : before === undefined) return;
  const since = new Date(block.since ?? input.now).toISOString();
  await write(scene, {
    ...state,
    blockedBy: shown ? [{ reason: block.reason, message: block.message.slice(0, 512), since }] : [],
  });
  if (shown) input.tell({ type: "Warning", reason: block.reason, note: block.message });
}

/** Evicts, and shows what was refused. */
async function evict(scene: Scene, pods: readonly PodAsset[], wait: Block): Promise<OperationResult> {
  const { input, state } = scene;
  const { granted, block: refusal } = await evictPods(evictorOf(input), pods);
  if (granted > 0) input.tell({ type: "Normal", reason: "Draining", note: `evicting ${granted} pods` });
  const block = refusal ?? wait;
  const before = state?.blockedBy?.find((other) => other.reason === block.reason)?.since;
  const dated: Block = { ...block, since: before === undefined ? input.now : Date.parse(before) };
  if (granted === 0 || refusal !== undefined) await showBlock(scene, dated);
  return granted > 0 ? { kind: "Moved", note: "Evict" } : { kind: "Waiting", block: dated };
}

function evictorOf({ client, claim, now, pdbs, pauses, project, onRefusal }: NodeOperationInput): Evictor {
  return {
    client,
    now,
    pauses,
    onRefusal,
    budgets: indexBudgets(pdbs),
    async isHeld() {
      const live = await client.get(NODES, { name: claim.name });
      if (live?.metadata.uid !== claim.uid) return false;
      const node = project.node(live);
      return node?.unschedulable === true && node.mark?.claimId === claim.id;
    },
  };
}

function nameOfJob({ input, state }: Scene, step: RecipeStepName): string {
  if (state?.operation === undefined) throw new Error(`no operation on ${input.claim.name}, so no job of step ${step}`);
  return jobName(input.claim.id, step, state.operation);
}

/** Makes the job of a step, or asks whether it could be made; answers why the cluster does not take it. */
async function create(
  { input, level, node, state }: Scene,
  { step, suspended }: Pick<Extract<NodeAct, { kind: "CreateJob" }>, "step" | "suspended">,
  dryRun = false,
): Promise<Block | undefined> {
  const recipe = level?.spec.node?.recipe.steps?.[step];
  const operation = state?.operation;
  if (recipe === undefined || node === undefined || operation === undefined) return undefined;
  const request: JobRequest = {
    name: jobName(input.claim.id, step, operation),
    step,
    suspended,
    recipe,
    node,
    claimId: input.claim.id,
    attempt: operation.attempt,
    level,
  };
  const message = await createJob(input.client, request, dryRun);
  return message === undefined ? undefined : { reason: "JobRefused", message };
}

async function readInventory(scene: Scene): Promise<OperationResult> {
  const { input, state } = scene;
  const operation = state?.operation;
  if (state === undefined || operation === undefined) return { kind: "Moved", note: "Inventory" };
  const log = await readJobLog(input.client, jobName(input.claim.id, "inventory", operation));
  const parsed = parseReport(log ?? "");
  const time = new Date(input.now).toISOString();
  if (!parsed.ok) {
    const failure = { reason: "VerificationFailed", message: parsed.message, time };
    await write(scene, {
      ...state,
      blockedBy: [{ reason: failure.reason, message: failure.message, since: time }],
      operation: { ...operation, failure },
    });
    return { kind: "Moved", note: "OperationFailed" };
  }
  const { inventoryProblem: _, ...rest } = state;
  const inventory = storeInventory(parsed.report, { ...input.keep, now: input.now });
  await write(scene, { ...rest, inventory, operation: { ...operation, looked: true } });
  return { kind: "Moved", note: "Inventory" };
}

async function close(scene: Scene, act: Extract<NodeAct, { kind: "Close" }>): Promise<void> {
  const { input, state, node, level } = scene;
  const backOut = state?.operation?.backOut;
  await write(
    scene,
    closeOperation(state, {
      claim: input.claim,
      now: input.now,
      result: act.result,
      reason: backOut?.reason ?? act.result,
      message: act.message,
      retryAt: act.retryAt,
      pendingReboot: act.pendingReboot,
      verified:
        act.result === "Succeeded" && node !== undefined && input.assess(node, state, level).state === "Installed",
    }),
  );
  const good = act.result === "Succeeded";
  input.tell({
    type: good ? "Normal" : "Warning",
    reason: good ? "Released" : "BackedOut",
    note: `${act.result}: ${act.message}`,
  });
}
