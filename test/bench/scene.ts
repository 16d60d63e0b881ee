// The cluster of the numbers: 5,000 nodes, 150,000 pods of 500 images, 10 baselines and 3 rings, in the middle of a rollout. Canary
// and early have soaked, broad is under way with claims at every step, so that every rule of the planner has work. From memory: the
// objects are made, projected as the controller projects them, and let go.
import type { PlanInput } from "../../controller/core/rollout/plan-input.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { generateFleet, materialiseFleet } from "../../controller/sandbox/fleet/generate.ts";
import { claimNodes, IMAGES, makeScenePolicy, markNode, nodeState, NOW } from "./scene-policy.ts";

const NODES = 5_000;
const PODS_PER_NODE = 30;

export interface Scene {
  readonly objects: ClusterObjects;
  readonly input: PlanInput;
}

/** The cluster's objects by kind, as lists of the API server hold them. */
export function makeObjects(nodes = NODES, podsPerNode = PODS_PER_NODE): ClusterObjects {
  const lists = Object.fromEntries(CLUSTER_KEYS.map((key): [ClusterKey, KubeObject[]] => [key, []]));
  // Of two keys of one kind the first: Leases are heartbeats.
  const byKind = new Map(CLUSTER_KEYS.toReversed().map((key) => [resourceOf(key).kind, key]));
  const fleet = generateFleet({ nodes, podsPerNode, seed: 1, images: IMAGES });
  for (const object of materialiseFleet(fleet, NOW)) {
    const key = byKind.get(object.kind ?? "");
    if (key !== undefined) lists[key]?.push(object);
  }
  return lists as unknown as ClusterObjects;
}

/** What one pass plans from. */
export function makeScene(objects: ClusterObjects): Scene {
  const { inventory } = takeSnapshot(objects, { version: "v1.31.4", ready: true });
  const { policy, candidates } = makeScenePolicy(objects);
  const claims = claimNodes(inventory.nodes, candidates);
  const claimed = new Map(claims.map((claim) => [claim.uid, claim]));
  return {
    objects,
    input: {
      now: NOW,
      policy,
      inventory: { ...inventory, nodes: inventory.nodes.map((node) => markNode(node, claimed.get(node.uid))) },
      stored: {
        nodes: new Map(inventory.nodes.map((node) => [node.uid, nodeState(node, claimed.get(node.uid))])),
        workloads: new Map(),
      },
      ledger: {
        spec: { mode: "Enforce", limits: { nodes: "10%", workloads: "10%", nodesPerZone: "25%" } },
        claims,
        rebuilding: false,
      },
      candidates,
      observedMs: 1_000,
    },
  };
}
