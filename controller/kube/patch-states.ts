// Reading and writing NodePatchState and WorkloadPatchState. Every write carries the resourceVersion of what was just read, so two
// controllers cannot both move an operation (K1, K4). A state that speaks of another UID than the target's is no state. While an operation
// is under way its target is never Ready, whatever was true before (S1, S2).
import { createHash } from "node:crypto";
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Reason } from "../api/reasons.ts";
import type { Client } from "./client.ts";
import { type Health, summarise } from "./conditions.ts";
import type { KubeObject } from "./port.ts";
import { NODE_PATCH_STATES, type ObjectRef, type Resource, WORKLOAD_PATCH_STATES } from "./resources.ts";

/** A patch state as it is stored; `status` is undefined where it is new or speaks of an earlier target of that name. */
export interface StoredState<Status> {
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly status: Status | undefined;
}

/** The target that a state belongs to. */
export interface StateTarget {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
}

const LONGEST_NAME = 253;

/** Name of a workload's state: `deployment-web`. */
export function stateRef(target: StateTarget): ObjectRef {
  if (target.kind === "Node") return { name: target.name };
  const name = `${target.kind.toLowerCase()}-${target.name}`;
  if (name.length <= LONGEST_NAME) return { namespace: target.namespace, name };
  // Two long names that begin alike must not share a state.
  const rest = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return { namespace: target.namespace, name: `${name.slice(0, LONGEST_NAME - rest.length - 1)}-${rest}` };
}

const resourceOf = (target: StateTarget): Resource =>
  target.kind === "Node" ? NODE_PATCH_STATES : WORKLOAD_PATCH_STATES;

export type StatusOf = NodePatchStateStatus | WorkloadPatchStateStatus;

/** The stored state of a target, as it is now; undefined when there is none. */
export async function readState<Status extends StatusOf>(
  client: Client,
  target: StateTarget,
): Promise<StoredState<Status> | undefined> {
  const resource = resourceOf(target);
  const object = await client.get(resource, stateRef(target));
  return object === undefined ? undefined : { resource, object, status: statusFor<Status>(object, target.uid) };
}

/** The status in an object, if it speaks of the target with that UID. */
export function statusFor<Status extends StatusOf>(object: KubeObject, uid: string): Status | undefined {
  const status = object.status as Status | undefined;
  return status?.targetUID === uid ? status : undefined;
}

/** Makes the state object of a target; the workload's is owned by it, the node's outlives it until its claim is settled. */
export async function createState(client: Client, target: StateTarget): Promise<void> {
  const { name, namespace } = stateRef(target);
  const owner = {
    apiVersion: "apps/v1",
    kind: target.kind,
    name: target.name,
    uid: target.uid,
  };
  await client.create(resourceOf(target), {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(target.kind === "Node"
        ? {}
        : {
            ownerReferences: [
              target.kind === "Pod"
                ? { ...owner, apiVersion: "v1" }
                : target.kind === "Job"
                  ? { ...owner, apiVersion: "batch/v1" }
                  : owner,
            ],
          }),
    },
    ...(target.kind === "Node" ? {} : { spec: { kind: target.kind, name: target.name } }),
  });
}

/** Writes a whole status under the resourceVersion that was read. Throws ApiError 409 when somebody was faster. */
export async function writeState<Status extends StatusOf>(
  client: Client,
  stored: StoredState<Status>,
  target: StateTarget,
  status: Status,
): Promise<StoredState<Status>> {
  const written = { ...status, ...operationConditions(status), targetUID: target.uid };
  const object = await client.updateStatus(stored.resource, { ...stored.object, status: written });
  return { resource: stored.resource, object, status: written };
}

/** What an operation under way makes of the conditions; nothing where there is none. Its own times say when something flipped. */
function operationConditions({ operation, blockedBy, conditions }: StatusOf): Pick<StatusOf, "conditions"> {
  if (operation === undefined) return {};
  const { failure, stepTime } = operation;
  return {
    conditions: summarise(
      conditions,
      healthOf(operation, blockedBy?.[0]),
      undefined,
      Date.parse(failure?.time ?? stepTime),
    ),
  };
}

type Operation = NonNullable<StatusOf["operation"]>;

function healthOf(operation: Operation, block: NonNullable<StatusOf["blockedBy"]>[number] | undefined): Health {
  const { failure, level, step } = operation;
  // Reasons in a state are written from the one list; the schema keeps them as text, so that an older reader takes a newer one.
  if (failure !== undefined) return { kind: "Stalled", reason: failure.reason as Reason, message: failure.message };
  const why = block ?? ("backOut" in operation ? operation.backOut : undefined);
  if (why !== undefined) return { kind: "Reconciling", reason: why.reason as Reason, message: why.message };
  return { kind: "Reconciling", reason: "Progressing", message: `at step ${step} towards ${level}` };
}
