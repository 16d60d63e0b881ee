// The cluster of the numbers: 5,000 nodes, 150,000 pods of 500 images, 10 baselines and 3 rings, in the middle of a rollout. Canary
// and early have soaked, broad is under way with claims at every step, so that every rule of the planner has work. From memory: the
// objects are made, projected as the controller projects them, and let go.
import type { NodePatchStateStatus } from "../../controller/api/patch-state.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { resolveLevel } from "../../controller/core/levels/index.ts";
import type {
  Claim,
  Inventory,
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  RingInForce,
} from "../../controller/core/model.ts";
import type { PlanInput } from "../../controller/core/rollout/plan.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { CLUSTER_KEYS, type ClusterKey, type ClusterObjects, resourceOf } from "../../controller/reconcile/cluster.ts";
import { fromGit } from "../../controller/reconcile/policy-view.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { generateFleet, materialiseFleet } from "../../controller/sandbox/fleet/generate.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** A Monday morning inside the quickstart's window. */
const NOW = Date.parse("2024-12-16T09:00:00Z");
const HOUR = 3_600_000;
const NODES = 5_000;
const PODS_PER_NODE = 30;
const IMAGES = 500;
const IMAGE_BASELINES = 7;
const CLAIMED_NODES = 100;
const STEPS = ["Claimed", "Staged", "Cordoned", "Drained", "Updated"] as const;

export interface Scene {
  readonly objects: ClusterObjects;
  readonly input: PlanInput;
}

/** The cluster's objects by kind, as lists of the API server hold them. */
export function makeObjects(): ClusterObjects {
  const lists = Object.fromEntries(CLUSTER_KEYS.map((key): [ClusterKey, KubeObject[]] => [key, []]));
  // Of two keys of one kind the first: Leases are heartbeats.
  const byKind = new Map(CLUSTER_KEYS.toReversed().map((key) => [resourceOf(key).kind, key]));
  const fleet = generateFleet({ nodes: NODES, podsPerNode: PODS_PER_NODE, seed: 1, images: IMAGES });
  for (const object of materialiseFleet(fleet, NOW)) {
    const key = byKind.get(object.kind ?? "");
    if (key !== undefined) lists[key]?.push(object);
  }
  return lists as unknown as ClusterObjects;
}

/** What one pass plans from. */
export function makeScene(objects: ClusterObjects): Scene {
  const { inventory } = takeSnapshot(objects, { version: "v1.31.4", ready: true });
  const policy = makePolicy(objects);
  const candidates = resolveAll(policy);
  const levels = [...candidates.values()];
  const claims = claimNodes(inventory, candidates);
  const claimed = new Map(claims.map((claim) => [claim.uid, claim]));
  return {
    objects,
    input: {
      now: NOW,
      policy: { ...policy, levels, rings: policy.rings.map((ring) => approveAll(ring, levels)) },
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

/** The quickstart's policy with budgets of that size and a baseline for every image. */
function makePolicy(objects: ClusterObjects): PolicyInForce {
  const files = readPolicyFolder(`${ROOT}examples/quickstart`)
    .filter(({ path }) => !path.startsWith("exceptions/"))
    .map((file) => ({ ...file, text: file.text.replace(/budget: .*/, 'budget: { nodes: "5%", workloads: "5%" }') }));
  const images = Array.from({ length: IMAGE_BASELINES }, (_, index) => imageBaseline(index));
  const loaded = loadPolicy({ files: [...files, ...images], validators: createValidators() });
  const bad = loaded.problems.find(({ severity }) => severity === "error");
  if (bad !== undefined) throw new Error(`the bench's policy is broken: ${bad.file}: ${bad.path}: ${bad.message}`);
  return fromGit({
    spec: { url: "https://git.example.com/policy", clusterName: "bench" },
    head: "0".repeat(40) as CommitSha,
    commitTime: NOW - 48 * HOUR,
    loaded,
    previous: [],
    inputTimes: new Map(),
    objects,
    brakes: [],
  });
}

function imageBaseline(index: number): { path: string; blob: string; text: string } {
  const name = `apps-${index}`;
  const lines = Array.from({ length: IMAGES }, (_, image) => image)
    .filter((image) => image % IMAGE_BASELINES === index)
    .map(
      (image) =>
        `      - { repository: registry.example.com/apps/image-${String(image).padStart(3, "0")}, tag: 1.2.0 }`,
    );
  const text = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: ${name} }
spec:
  target: Image
  image:
    images:
${lines.join("\n")}
`;
  return { path: `baselines/${name}.yaml`, blob: name, text };
}

function resolveAll(policy: PolicyInForce): ReadonlyMap<string, LevelInForce> {
  // shared-images is about none of these workloads, so that ten baselines are left: three of nodes, seven of images.
  const wanted = policy.baselines.filter(({ name }) => name !== "shared-images");
  return new Map(
    wanted.map((baseline) => {
      const resolved = resolveLevel({ baseline, recipes: policy.recipes, levels: [], now: NOW });
      if (resolved.kind === "None") throw new Error(`${baseline.name}: ${resolved.block.message}`);
      return [baseline.name, resolved.level];
    }),
  );
}

function approveAll(ring: RingInForce, levels: readonly LevelInForce[]): RingInForce {
  const soaked = ring.name !== "broad";
  const at = (hoursAgo: number): string => new Date(NOW - hoursAgo * HOUR).toISOString();
  const records = levels.map((level) => ({
    baseline: level.spec.baseline,
    level: level.name,
    digest: level.digest,
    offeredTime: at(30),
    ...(soaked ? { startedTime: at(29), completedTime: at(26), soakedTime: at(25), soakedSeconds: 3_600 } : {}),
  }));
  return {
    ...ring,
    spec: { ...ring.spec, levels: levels.map(({ name, spec }) => ({ baseline: spec.baseline, level: name })) },
    status: { levels: records },
  };
}

// ------------------------------------------------------------------------------------------------- claims under way

function claimNodes(inventory: Inventory, candidates: ReadonlyMap<string, LevelInForce>): readonly Claim[] {
  const level = candidates.get("ubuntu-2204");
  if (level === undefined) throw new Error("the bench's policy has no level for ubuntu-2204");
  const members = inventory.nodes.filter(
    (node) => node.name.startsWith("ubuntu") && node.labels["node-restriction.kubernetes.io/ring"] === "broad",
  );
  return members.slice(0, CLAIMED_NODES).map((node) => ({
    uid: node.uid,
    id: `claim-${node.name}`,
    kind: "Node",
    name: node.name,
    cluster: "bench",
    ...(node.zone === undefined ? {} : { zone: node.zone }),
    ring: "broad",
    baseline: level.spec.baseline,
    level: level.name,
    digest: level.digest,
    since: new Date(NOW - 60_000).toISOString(),
  }));
}

function markNode(node: NodeAsset, claim: Claim | undefined): NodeAsset {
  if (claim === undefined) return node;
  return { ...node, unschedulable: true, mark: { claimId: claim.id, priorUnschedulable: false } };
}

/** What an inventory job has said of a node, and the operation under way on it. */
function nodeState(node: NodeAsset, claim: Claim | undefined): NodePatchStateStatus {
  const debian = node.name.startsWith("ubuntu");
  const packages = debian
    ? [
        { name: "libssl3", version: "3.0.2-0ubuntu1.15" },
        { name: "openssl", version: "3.0.2-0ubuntu1.15" },
      ]
    : [
        { name: "glibc", version: "2.34-100.el9_4.2" },
        { name: "openssl-libs", version: "1:3.0.7-27.el9" },
      ];
  const time = new Date(NOW - 600_000).toISOString();
  return {
    targetUID: node.uid,
    ...(node.name.startsWith("flatcar")
      ? {}
      : {
          inventory: {
            time,
            digest: "0".repeat(64),
            osId: debian ? "ubuntu" : "rocky",
            osVersionId: debian ? "22.04" : "9",
            scheme: debian ? "dpkg" : "rpm",
            installedKernels: [node.kernelVersion],
            rebootRequired: false,
            packages,
            offered: [],
          },
        }),
    ...(claim === undefined ? {} : { operation: operationOf(node, claim) }),
  };
}

function operationOf(node: NodeAsset, claim: Claim): NonNullable<NodePatchStateStatus["operation"]> {
  const number = Number(/\d+$/.exec(node.name)?.[0] ?? 0);
  return {
    claimId: claim.id,
    ring: claim.ring,
    baseline: claim.baseline,
    level: claim.level,
    digest: claim.digest,
    startedTime: claim.since,
    stepTime: claim.since,
    attempt: 1,
    step: STEPS[number % STEPS.length] ?? "Claimed",
    bootId: node.bootId,
    priorUnschedulable: false,
    marked: true,
    disrupt: true,
  };
}
