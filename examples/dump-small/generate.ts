// Writes the small example: levels and their names in the rings of examples/policy-small, and the dump beside this file. Eight nodes
// and seven workloads in the middle of a rollout, with Ringward's own objects. Run it again after a baseline or recipe changed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dump } from "js-yaml";
import { INPUT_TIME, LEVEL_DIGEST } from "../../controller/api/patch-level.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { resolveLevel } from "../../controller/core/levels/index.ts";
import type { LevelInForce } from "../../controller/core/model.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { objectsOf } from "../../controller/policy/object.ts";

const POLICY = new URL("../policy-small/", import.meta.url);
const API = "ringward.dev/v1alpha1";
/** A Tuesday evening, an hour and a half into prod's window. */
const NOW = "2026-11-17T22:30:00Z";
const INPUT = "2026-11-10T08:00:00Z";

function uid(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

// ------------------------------------------------------------------------------------------------------- levels

function resolveLevels(): ReadonlyMap<string, LevelInForce> {
  const { objects } = loadPolicy({ files: readPolicyFolder(POLICY.pathname), validators: createValidators() });
  const recipes = objectsOf(objects, "UpdateRecipe").map(({ name, spec }) => ({ name, spec }));
  const levels = new Map<string, LevelInForce>();
  for (const { name, spec } of objectsOf(objects, "PatchBaseline")) {
    const baseline = { name, spec, status: undefined, inputTime: Date.parse(INPUT) };
    const resolved = resolveLevel({ baseline, recipes, levels: [], now: Date.parse(NOW) });
    if (resolved.kind === "Level") levels.set(name, resolved.level);
  }
  return levels;
}

function writeLevel({ name, digest, spec }: LevelInForce): void {
  const metadata = { name, annotations: { [INPUT_TIME]: INPUT, [LEVEL_DIGEST]: digest } };
  const text = dump({ apiVersion: API, kind: "PatchLevel", metadata, spec }, { lineWidth: -1, noRefs: true, quotingType: '"' });
  writeFileSync(new URL(`levels/${name}.yaml`, POLICY), `# Written by Ringward: a level is named after its content and never changed.\n${text}`);
}

function nameLevels(ubuntu: string, images: string): void {
  for (const ring of ["canary", "prod"]) {
    const file = new URL(`rings/${ring}.yaml`, POLICY);
    const text = readFileSync(file, "utf8")
      .replaceAll(/(baseline: ubuntu-2204\n\s+level: )\S+/g, `$1${ubuntu}`)
      .replaceAll(/(baseline: web-images\n\s+level: )\S+/g, `$1${images}`);
    writeFileSync(file, text);
  }
}

// -------------------------------------------------------------------------------------------------------- nodes

interface NodeRow {
  readonly name: string;
  readonly ring: string;
  readonly zone: string;
  readonly os: "ubuntu" | "flatcar";
  readonly kernel: string;
  readonly kubelet: string;
  readonly osImage?: string;
  readonly cordoned?: boolean;
  /** A claim's mark. */
  readonly claim?: string;
}

const OLD = { os: "ubuntu", kernel: "5.15.0-153-generic", kubelet: "v1.34.1" } as const;
const NEW = { os: "ubuntu", kernel: "5.15.0-161-generic", kubelet: "v1.34.2" } as const;
const NODES: readonly NodeRow[] = [
  { name: "worker-1", ring: "canary", zone: "zone-a", ...NEW },
  { name: "worker-2", ring: "canary", zone: "zone-b", ...NEW },
  { name: "worker-3", ring: "prod", zone: "zone-a", ...OLD, cordoned: true, claim: "3f1c9a7b5d2e4c60" },
  { name: "worker-4", ring: "prod", zone: "zone-b", ...OLD },
  { name: "worker-5", ring: "prod", zone: "zone-a", ...OLD, cordoned: true },
  { name: "worker-6", ring: "prod", zone: "zone-b", ...NEW },
  { name: "edge-1", ring: "prod", zone: "zone-a", os: "flatcar", kernel: "6.6.95-flatcar", kubelet: "v1.34.1", osImage: "4230.2.2" },
  { name: "edge-2", ring: "prod", zone: "zone-b", os: "flatcar", kernel: "6.6.106-flatcar", kubelet: "v1.34.1", osImage: "4230.2.4" },
];

function nodeObjects(row: NodeRow): readonly object[] {
  const { name, zone, ring, os, cordoned, claim, kernel, kubelet } = row;
  const annotations = claim === undefined ? {} : { annotations: { "ringward.dev/claim": claim, "ringward.dev/prior-unschedulable": "false" } };
  const osImage = os === "ubuntu" ? "Ubuntu 22.04.5 LTS" : `Flatcar Container Linux by Kinvolk ${row.osImage} (Oklo)`;
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: uid(name),
      resourceVersion: "4711",
      creationTimestamp: "2026-06-01T08:00:00Z",
      labels: { "kubernetes.io/hostname": name, "node-restriction.kubernetes.io/ring": ring, "topology.kubernetes.io/zone": zone },
      ...annotations,
    },
    spec: cordoned === true ? { unschedulable: true, taints: [{ effect: "NoSchedule", key: "node.kubernetes.io/unschedulable" }] } : {},
    status: {
      conditions: [
        { type: "MemoryPressure", status: "False", lastHeartbeatTime: "2026-11-17T22:27:10Z", lastTransitionTime: "2026-06-01T08:00:00Z" },
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: "2026-11-17T22:27:10Z", lastTransitionTime: "2026-06-01T08:00:00Z" },
      ],
      nodeInfo: {
        architecture: "amd64",
        bootID: uid(`${name} boot`),
        containerRuntimeVersion: "containerd://2.1.4",
        kernelVersion: kernel,
        kubeletVersion: kubelet,
        operatingSystem: "linux",
        osImage,
      },
    },
  };
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name,
      namespace: "kube-node-lease",
      uid: uid(`${name} lease`),
      resourceVersion: "4712",
      creationTimestamp: "2026-06-01T08:00:00Z",
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: uid(name) }],
    },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: NOW.replace("Z", ".000000Z") },
  };
  return [node, lease];
}

// ---------------------------------------------------------------------------------------------------- workloads

interface WorkloadRow {
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet";
  readonly namespace: string;
  readonly name: string;
  readonly ring?: string;
  readonly image: string;
  readonly onDelete?: boolean;
  readonly helm?: boolean;
}

const NGINX = "registry.example.com/shop/nginx";
const WORKLOADS: readonly WorkloadRow[] = [
  { kind: "Deployment", namespace: "shop", name: "web", ring: "canary", image: `${NGINX}:1.29.3` },
  { kind: "DaemonSet", namespace: "platform", name: "logs", ring: "canary", image: "registry.example.com/platform/fluent-bit:4.0.9" },
  { kind: "Deployment", namespace: "shop", name: "cart", ring: "prod", image: `${NGINX}:1.28.0` },
  { kind: "Deployment", namespace: "tools", name: "wiki", ring: "prod", image: `${NGINX}:1.28.0`, helm: true },
  { kind: "StatefulSet", namespace: "shop", name: "assets", ring: "prod", image: `${NGINX}:1.28.0`, onDelete: true },
  { kind: "Deployment", namespace: "tools", name: "docs", image: `${NGINX}:1.28.0` },
  { kind: "Deployment", namespace: "shop", name: "mirror", ring: "prod", image: "docker.io/shop/nginx:1.29.3" },
];

function workloadObjects({ kind, namespace, name, ring, image, onDelete, helm }: WorkloadRow): readonly object[] {
  const labels = {
    app: name,
    ...(ring === undefined ? {} : { "ringward.example/ring": ring }),
    ...(helm === true ? { "app.kubernetes.io/managed-by": "Helm" } : {}),
  };
  const annotations = helm === true ? { annotations: { "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace } } : {};
  const metadata = { name, namespace, uid: uid(`${namespace}/${name}`), resourceVersion: "900", generation: 1, creationTimestamp: "2026-06-02T08:00:00Z", labels, ...annotations };
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image }] } };
  const counts = { observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1 };
  const selector = { matchLabels: { app: name } };
  const pod = (owner: { readonly kind: string; readonly name: string; readonly uid: string }, hash: Record<string, string>, node: string, suffix: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${owner.name}-${suffix}`,
      namespace,
      uid: uid(`${namespace}/${name} pod ${node}`),
      resourceVersion: "901",
      creationTimestamp: "2026-06-02T08:00:05Z",
      labels: { app: name, ...hash },
      ownerReferences: [{ apiVersion: "apps/v1", controller: true, blockOwnerDeletion: true, ...owner }],
    },
    spec: { nodeName: node, containers: [{ name: "main", image }] },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-06-02T08:00:20Z" }],
      containerStatuses: [
        { name: "main", image, imageID: `${image.split(":")[0]}@sha256:${createHash("sha256").update(image).digest("hex")}`, ready: true, restartCount: 0 },
      ],
    },
  });
  if (kind === "Deployment") {
    const hash = { "pod-template-hash": createHash("sha256").update(image).digest("hex").slice(0, 10) };
    const set = { kind: "ReplicaSet", name: `${name}-${hash["pod-template-hash"]}`, uid: uid(`${namespace}/${name} set`) };
    const owner = { apiVersion: "apps/v1", kind, name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
    return [
      { apiVersion: "apps/v1", kind, metadata, spec: { replicas: 1, selector, strategy: { type: "RollingUpdate" }, template }, status: counts },
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: { ...metadata, name: set.name, uid: set.uid, labels: { app: name, ...hash }, annotations: {}, ownerReferences: [owner] },
        spec: { replicas: 1, selector, template },
        status: { observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1 },
      },
      pod(set, hash, "worker-4", "x7k2p"),
    ];
  }
  const owner = { kind, name, uid: metadata.uid };
  if (kind === "StatefulSet") {
    const updateStrategy = { type: onDelete === true ? "OnDelete" : "RollingUpdate" };
    const status = { ...counts, currentRevision: `${name}-1`, updateRevision: `${name}-1` };
    return [{ apiVersion: "apps/v1", kind, metadata, spec: { replicas: 1, serviceName: name, selector, updateStrategy, template }, status }, pod(owner, {}, "worker-1", "0")];
  }
  const nodes = NODES.map((node) => node.name);
  const status = { observedGeneration: 1, desiredNumberScheduled: nodes.length, currentNumberScheduled: nodes.length, updatedNumberScheduled: nodes.length, numberReady: nodes.length, numberAvailable: nodes.length, numberMisscheduled: 0 };
  return [
    { apiVersion: "apps/v1", kind, metadata, spec: { selector, updateStrategy: { type: "RollingUpdate" }, template }, status },
    ...nodes.map((node) => pod(owner, {}, node, node)),
  ];
}

const BUDGET = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web", namespace: "shop", uid: uid("pdb"), resourceVersion: "77", creationTimestamp: "2026-06-02T08:00:00Z" },
  spec: { maxUnavailable: 1, selector: { matchLabels: { app: "web" } } },
  status: { currentHealthy: 1, desiredHealthy: 0, disruptionsAllowed: 1, expectedPods: 1, observedGeneration: 1 },
};

// ------------------------------------------------------------------------------------------- Ringward's own objects

function ownObjects(ubuntu: LevelInForce, images: LevelInForce): readonly object[] {
  const own = (kind: string, name: string, rest: object, namespace?: string): object => ({
    apiVersion: API,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid: uid(`${kind} ${name}`), resourceVersion: "5000", creationTimestamp: "2026-06-03T08:00:00Z" },
    ...rest,
  });
  const level = (of: LevelInForce): object => ({ baseline: of.spec.baseline, level: of.name, digest: of.digest });
  const past = (of: LevelInForce, ring: string, start: string, end: string): object => ({
    claimId: "0000000000000001",
    level: of.name,
    ring,
    result: "Succeeded",
    startedTime: start,
    finishedTime: end,
  });
  const state = (name: string, openssl: string, rest: object): object =>
    own("NodePatchState", name, {
      status: {
        targetUID: uid(name),
        inventory: {
          time: "2026-11-17T20:11:00Z",
          digest: createHash("sha256").update(name).digest("hex"),
          osId: "ubuntu",
          osVersionId: "22.04",
          scheme: "dpkg",
          installedKernels: ["5.15.0-153-generic"],
          rebootRequired: false,
          packages: [{ name: "openssl", version: openssl }],
        },
        ...rest,
      },
    });
  const done = "3.0.2-0ubuntu1.21";
  const old = "3.0.2-0ubuntu1.19";
  const claim = {
    uid: uid("worker-3"),
    id: "3f1c9a7b5d2e4c60",
    kind: "Node",
    name: "worker-3",
    cluster: "cluster",
    zone: "zone-a",
    ring: "prod",
    ...level(ubuntu),
    since: "2026-11-17T22:21:00Z",
  };
  const operation = {
    claimId: claim.id,
    ring: "prod",
    ...level(ubuntu),
    startedTime: claim.since,
    stepTime: "2026-11-17T22:24:30Z",
    attempt: 1,
    step: "Cordoned",
    bootId: uid("worker-3 boot"),
    priorUnschedulable: false,
    marked: true,
    disrupt: true,
  };
  const verified = (of: LevelInForce, time: string): object => ({ verified: [{ baseline: of.spec.baseline, digest: of.digest, time }] });
  return [
    own("DisruptionLedger", "cluster", {
      spec: { mode: "Enforce", limits: { nodes: 2, workloads: 2, nodesPerZone: 2, controlPlane: 1 } },
      status: { rebuiltTime: "2026-06-03T08:00:00Z", claims: [claim], held: { nodes: 1, workloads: 0 } },
    }),
    own("RolloutRing", "canary", {
      spec: { members: { nodes: { selector: { matchLabels: { "node-restriction.kubernetes.io/ring": "canary" } } } } },
      status: {
        observedCommit: "4f1c2ab0",
        levels: [
          { ...level(ubuntu), offeredTime: "2026-11-16T09:00:00Z", startedTime: "2026-11-16T09:00:10Z", completedTime: "2026-11-16T09:40:00Z", soakedSeconds: 7200, soakedTime: "2026-11-16T11:40:00Z", targets: 2, done: 2, failed: 0, inFlight: 0, phase: "Done" },
          { ...level(images), offeredTime: "2026-11-17T18:00:00Z", startedTime: "2026-11-17T18:00:10Z", soakedSeconds: 0, targets: 2, done: 1, failed: 0, inFlight: 0, phase: "InProgress" },
        ],
      },
    }),
    own("RolloutRing", "prod", {
      spec: { members: { nodes: { selector: { matchLabels: { "node-restriction.kubernetes.io/ring": "prod" } } } } },
      status: {
        observedCommit: "4f1c2ab0",
        levels: [{ ...level(ubuntu), offeredTime: "2026-11-16T12:00:00Z", startedTime: "2026-11-17T21:01:00Z", soakedSeconds: 0, targets: 4, done: 1, failed: 0, inFlight: 1, phase: "InProgress" }],
      },
    }),
    state("worker-1", done, { ...verified(ubuntu, "2026-11-16T09:18:00Z"), history: [past(ubuntu, "canary", "2026-11-16T09:00:10Z", "2026-11-16T09:18:10Z")] }),
    state("worker-2", done, { ...verified(ubuntu, "2026-11-16T09:39:00Z"), history: [past(ubuntu, "canary", "2026-11-16T09:19:00Z", "2026-11-16T09:39:00Z")] }),
    state("worker-3", old, { operation }),
    state("worker-4", old, { blockedBy: [{ reason: "RingBudgetExhausted", message: "as before", since: "2026-11-17T21:01:00Z" }] }),
    state("worker-5", old, { blockedBy: [{ reason: "CordonedByOther", message: "as before", since: "2026-11-15T07:00:00Z" }] }),
    state("worker-6", old, { ...verified(ubuntu, "2026-11-17T21:19:00Z"), history: [past(ubuntu, "prod", "2026-11-17T21:01:00Z", "2026-11-17T21:20:00Z")] }),
  ];
}

/** As `kubectl get … -A -o json` prints a list of mixed kinds. */
function writeList(file: string, items: readonly object[]): void {
  const list = { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
  writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(list, undefined, 2)}\n`);
}

rmSync(new URL("levels/", POLICY), { recursive: true, force: true });
mkdirSync(new URL("levels/", POLICY));
const levels = resolveLevels();
const ubuntu = levels.get("ubuntu-2204");
const images = levels.get("web-images");
if (ubuntu === undefined || images === undefined) throw new Error("examples/policy-small does not resolve to levels");
for (const level of [ubuntu, images]) writeLevel(level);
nameLevels(ubuntu.name, images.name);
writeList("nodes.json", NODES.flatMap(nodeObjects));
writeList("workloads.json", [...WORKLOADS.flatMap(workloadObjects), BUDGET]);
writeList("ringward.json", ownObjects(ubuntu, images));
