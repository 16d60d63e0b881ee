// The policy of the numbers, and what is under way: the quickstart's rings with a baseline for every image; canary and early have soaked,
// broad has claims at every step. Made from files and an inventory alone, so that it is the same for objects from memory and for those
// of a real API server.
import type { NodePatchStateStatus } from "../../controller/api/patch-state.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { resolveLevel } from "../../controller/core/levels/index.ts";
import type { Claim, LevelInForce, NodeAsset, PolicyInForce, RingInForce } from "../../controller/core/model.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import type { ClusterObjects } from "../../controller/reconcile/cluster-kinds.ts";
import { fromGit } from "../../controller/reconcile/policy-view.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** A Monday morning inside the quickstart's window. */
export const NOW = Date.parse("2024-12-16T09:00:00Z");
const HOUR = 3_600_000;
export const IMAGES = 500;
const IMAGE_BASELINES = 7;
const CLAIMED_NODES = 100;
const STEPS = ["Claimed", "Staged", "Cordoned", "Drained", "Updated"] as const;

/** What is in force, with levels approved, and the levels by baseline. */
export interface ScenePolicy {
  readonly policy: PolicyInForce;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
}

export function makeScenePolicy(objects: ClusterObjects): ScenePolicy {
  const policy = makePolicy(objects);
  const candidates = resolveAll(policy);
  const levels = [...candidates.values()];
  return { policy: { ...policy, levels, rings: policy.rings.map((ring) => approveAll(ring, levels)) }, candidates };
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

export function claimNodes(
  nodes: readonly NodeAsset[],
  candidates: ReadonlyMap<string, LevelInForce>,
): readonly Claim[] {
  const level = candidates.get("ubuntu-2204");
  if (level === undefined) throw new Error("the bench's policy has no level for ubuntu-2204");
  const members = nodes.filter(
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

export function markNode(node: NodeAsset, claim: Claim | undefined): NodeAsset {
  if (claim === undefined) return node;
  return { ...node, unschedulable: true, mark: { claimId: claim.id, priorUnschedulable: false } };
}

/** What an inventory job has said of a node, and the operation under way on it. */
export function nodeState(node: NodeAsset, claim: Claim | undefined): NodePatchStateStatus {
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
