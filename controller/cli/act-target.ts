// `ringward retry` and `ringward release`: a person's word about one target, written into its patch state. The state is found by the
// target's name and must speak of that very target (B14); a node that is gone may still be released by its name.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import { UserError } from "../errors.ts";
import type { JsonPatchOperation } from "../kube/client.ts";
import { stateRef } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  NODE_PATCH_STATES,
  NODES,
  PODS,
  REPLICA_SETS,
  type Resource,
  STATEFUL_SETS,
  WORKLOAD_PATCH_STATES,
} from "../kube/resources.ts";
import type { AssetKind } from "../core/model.ts";
import { type Done, patchTested, referTo, type Scene } from "./act-scene.ts";
import { type AssetName, readAssetName } from "./asset-name.ts";

const RESOURCES: Readonly<Record<AssetKind, Resource>> = {
  Node: NODES,
  Deployment: DEPLOYMENTS,
  StatefulSet: STATEFUL_SETS,
  DaemonSet: DAEMON_SETS,
  ReplicaSet: REPLICA_SETS,
  Job: JOBS,
  Pod: PODS,
};

interface TargetState {
  readonly asset: AssetName;
  readonly label: string;
  readonly object: KubeObject;
  readonly resource: Resource;
  readonly status: NodePatchStateStatus | WorkloadPatchStateStatus;
}

/** Asks for another attempt: of the failed operation, or of what was given up and waits. */
export async function retryTarget(scene: Scene): Promise<Done> {
  const { label, object, resource, status } = await findState("retry", scene);
  const regarding = referTo(object, resource);
  const { operation, attempted } = status;
  if (operation?.release !== undefined)
    throw new UserError(
      "RW0225",
      `${label} is being released, for: ${operation.release.reason}`,
      "repeat the command when its budget is freed",
    );
  if (operation?.failure !== undefined) {
    const tests: readonly JsonPatchOperation[] = [
      { op: "test", path: "/status/operation/claimId", value: operation.claimId },
      { op: "test", path: "/status/operation/failure/time", value: operation.failure.time },
    ];
    const retry: JsonPatchOperation = {
      op: "add",
      path: "/status/operation/retryTime",
      // After the failure also where a clock was put back since.
      value: new Date(Math.max(scene.now, Date.parse(operation.failure.time) + 1_000)).toISOString(),
    };
    await patchTested(scene.client, resource, object, [...tests, retry], "status");
    return {
      text: `${label} is tried again from step ${operation.step}; it failed with ${operation.failure.reason}`,
      regarding,
    };
  }
  if (attempted !== undefined && attempted.length > 0) {
    const operations: readonly JsonPatchOperation[] = [
      { op: "test", path: "/status/attempted", value: attempted },
      { op: "remove", path: "/status/attempted" },
    ];
    await patchTested(scene.client, resource, object, operations, "status");
    const results = attempted.map(({ baseline, result }) => `${result} under ${baseline}`).join(", ");
    return { text: `${label} may be tried again; its last attempts are forgotten: ${results}`, regarding };
  }
  throw new UserError(
    "RW0225",
    operation === undefined
      ? `${label} did not fail: there is nothing to try again`
      : `${label} is at step ${operation.step} and did not fail: there is nothing to try again`,
    `ringward why ${label} tells what it waits for`,
  );
}

/** Gives the operation up, wherever it stands. */
export async function releaseTarget(scene: Scene): Promise<Done> {
  const { label, object, resource, status } = await findState("release", scene);
  const { operation } = status;
  if (operation === undefined)
    throw new UserError(
      "RW0225",
      `${label} has no operation under way: there is nothing to release`,
      `ringward why ${label}`,
    );
  if (operation.release !== undefined)
    return { text: `${label} is released already, for: ${operation.release.reason}` };
  const operations: readonly JsonPatchOperation[] = [
    { op: "test", path: "/status/operation/claimId", value: operation.claimId },
    {
      op: "add",
      path: "/status/operation/release",
      value: { reason: scene.reason, time: new Date(scene.now).toISOString() },
    },
  ];
  await patchTested(scene.client, resource, object, operations, "status");
  return {
    text: `${label} is given up at step ${operation.step}; its budget is freed next, and it is left alone until ringward retry`,
    regarding: referTo(object, resource),
  };
}

async function findState(command: string, { client, words, namespace }: Scene): Promise<TargetState> {
  const named = readAssetName(command, words, namespace);
  const asset = named.kind === "Node" ? named : { ...named, namespace: named.namespace ?? "default" };
  const label = `${asset.kind.toLowerCase()}/${asset.name}${asset.namespace === undefined ? "" : ` -n ${asset.namespace}`}`;
  const target = await client.get(RESOURCES[asset.kind], { name: asset.name, namespace: asset.namespace });
  const ref = stateRef({ ...asset, uid: target?.metadata.uid ?? "" });
  const resource = asset.kind === "Node" ? NODE_PATCH_STATES : WORKLOAD_PATCH_STATES;
  const object = await client.get(resource, ref);
  const status = object?.status as TargetState["status"] | undefined;
  const other = target !== undefined && status?.targetUID !== target.metadata.uid;
  if (object === undefined || status === undefined || other)
    throw new UserError(
      "RW0226",
      target === undefined
        ? `there is no ${asset.kind} ${asset.name}${asset.namespace === undefined ? "" : ` in namespace ${asset.namespace}`}`
        : `${label} has no ${resource.kind} yet: nothing was ever done to it`,
      "ringward status shows what there is",
    );
  return { asset, label, object, resource, status };
}
