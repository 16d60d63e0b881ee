// What is loaded: the cluster of `npm run bench` (scene.ts), dressed, with the states of its nodes and the marks of its claims. Written
// as one JSON object a line into a stream, because all of it together is more than a string holds.
import type { Writable } from "node:stream";
import { once } from "node:events";
import type { Claim } from "../../../controller/core/model.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { takeSnapshot } from "../../../controller/reconcile/snapshot.ts";
import { makeObjects } from "../scene.ts";
import { claimNodes, makeScenePolicy, nodeState } from "../scene-policy.ts";
import { createDresser } from "./dress.ts";

const KINDS = ["nodes", "pods", "deployments", "replicasets", "pdbs", "leases"] as const;

/** Writes everything, and answers how many of each kind; `size`: nodes, unless the usual number. */
export async function writeObjects(output: Writable, size?: number): Promise<Readonly<Record<string, number>>> {
  const objects = makeObjects(size);
  const { inventory } = takeSnapshot({ ...objects, pods: [] }, { version: "v1.31.4", ready: true });
  const nodes = inventory.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const claims = claimNodes(nodes, makeScenePolicy(objects).candidates);
  const claimed = new Map(claims.map((claim) => [claim.uid, claim]));
  const write = async (object: KubeObject): Promise<void> => {
    if (!output.write(`${JSON.stringify(object)}\n`)) await once(output, "drain");
  };
  const dress = createDresser();
  for (const namespace of namespacesOf(objects.pods))
    await write({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, uid: `namespace-${namespace}` } });
  for (const key of KINDS)
    for (const object of objects[key]) await write(markObject(dress(object), claimed.get(object.metadata.uid ?? "")));
  for (const node of nodes)
    await write({
      apiVersion: "ringward.dev/v1alpha1",
      kind: "NodePatchState",
      metadata: {
        name: node.name,
        uid: `state-${node.uid}`,
        creationTimestamp: new Date(node.createdAt).toISOString().replace(".000", ""),
      },
      status: nodeState(node, claimed.get(node.uid)),
    });
  output.end();
  await once(output, "finish");
  return { ...Object.fromEntries(KINDS.map((key) => [key, objects[key].length])), nodeStates: nodes.length };
}

function namespacesOf(pods: readonly KubeObject[]): ReadonlySet<string> {
  return new Set([...pods.map(({ metadata }) => metadata.namespace ?? ""), "kube-node-lease"]);
}

/** As Ringward marks a node that it has cordoned. */
function markObject(object: KubeObject, claim: Claim | undefined): KubeObject {
  if (claim === undefined) return object;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: {
        ...object.metadata.annotations,
        "ringward.dev/claim": claim.id,
        "ringward.dev/prior-unschedulable": "false",
      },
    },
    spec: { ...(object.spec as object), unschedulable: true },
  };
}
