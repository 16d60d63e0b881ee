// Cluster objects of the examples as `kubectl get … -o json` prints them: nodes with their Leases, workloads with their pods, and budgets for pods. Each is made from a row
// of a table, with UIDs that follow from names, so that the same table gives the same bytes.
import { createHash } from "node:crypto";

export const API = "ringward.dev/v1alpha1";
const CREATED = "2026-06-01T08:00:00Z";

export function uid(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export interface NodeRow {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly osImage: string;
  readonly kernel: string;
  readonly kubelet: string;
  /** Id of the claim under which the node is cordoned. */
  readonly claim?: string;
  readonly taints?: readonly { readonly key: string; readonly effect: string }[];
}

/** A Node and its Lease, renewed at that time. */
export function nodeObjects(row: NodeRow, now: string): readonly object[] {
  const { name, zone, labels, claim, taints = [] } = row;
  const marks = { "ringward.dev/claim": claim, "ringward.dev/prior-unschedulable": "false" };
  const cordon = [{ effect: "NoSchedule", key: "node.kubernetes.io/unschedulable" }];
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: uid(name),
      resourceVersion: "4711",
      creationTimestamp: CREATED,
      labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone, ...labels },
      ...(claim === undefined ? {} : { annotations: marks }),
    },
    spec: {
      ...(claim === undefined ? {} : { unschedulable: true }),
      ...(claim === undefined && taints.length === 0
        ? {}
        : { taints: [...taints, ...(claim === undefined ? [] : cordon)] }),
    },
    status: {
      conditions: [
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now, lastTransitionTime: CREATED },
      ],
      nodeInfo: {
        architecture: "amd64",
        bootID: uid(`${name} boot`),
        containerRuntimeVersion: "containerd://2.1.4",
        kernelVersion: row.kernel,
        kubeletVersion: row.kubelet,
        operatingSystem: "linux",
        osImage: row.osImage,
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
      creationTimestamp: CREATED,
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: uid(name) }],
    },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: now.replace("Z", ".000000Z") },
  };
  return [node, lease];
}

export interface WorkloadRow {
  readonly kind: "Deployment" | "StatefulSet" | "Job";
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly image: string;
  /** A pod on each of these nodes. */
  readonly nodes: readonly string[];
  /** Pods that are not Ready, by their place in `nodes`. */
  readonly notReady?: readonly number[];
  /** At most so many may be away (PodDisruptionBudget); left out: no budget. */
  readonly maxUnavailable?: number;
}

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

function metadataOf({ namespace, name, labels = {} }: WorkloadRow): Readonly<Record<string, unknown>> {
  return {
    name,
    namespace,
    uid: uid(`${namespace}/${name}`),
    resourceVersion: "900",
    generation: 1,
    creationTimestamp: CREATED,
    labels: { app: name, ...labels },
  };
}

function podObjects(row: WorkloadRow, owner: Owner, more: Readonly<Record<string, string>>): readonly object[] {
  const { kind, namespace, name, image, nodes, podLabels = {}, notReady = [] } = row;
  return nodes.map((node, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${owner.name}-${kind === "StatefulSet" ? index : uid(`${name} ${index}`).slice(0, 5)}`,
      namespace,
      uid: uid(`${namespace}/${name} pod ${index}`),
      resourceVersion: "901",
      creationTimestamp: CREATED,
      labels: { app: name, ...podLabels, ...more },
      ownerReferences: [{ controller: true, blockOwnerDeletion: true, ...owner }],
    },
    spec: { nodeName: node, containers: [{ name: "main", image }] },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: notReady.includes(index) ? "False" : "True", lastTransitionTime: CREATED }],
      containerStatuses: [
        {
          name: "main",
          image,
          imageID: `${image.split(":")[0]}@sha256:${createHash("sha256").update(image).digest("hex")}`,
          ready: !notReady.includes(index),
          restartCount: 0,
        },
      ],
    },
  }));
}

function budgetObject({ namespace, name, nodes, notReady = [], maxUnavailable = 0 }: WorkloadRow): object {
  const currentHealthy = nodes.length - notReady.length;
  const desiredHealthy = nodes.length - maxUnavailable;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      name,
      namespace,
      uid: uid(`${namespace}/${name} pdb`),
      resourceVersion: "77",
      generation: 1,
      creationTimestamp: CREATED,
    },
    spec: { maxUnavailable, selector: { matchLabels: { app: name } } },
    status: {
      currentHealthy,
      desiredHealthy,
      disruptionsAllowed: Math.max(0, currentHealthy - desiredHealthy),
      expectedPods: nodes.length,
      observedGeneration: 1,
    },
  };
}

/** A workload, what stands between it and its pods, its pods, and its PodDisruptionBudget. */
export function workloadObjects(row: WorkloadRow): readonly object[] {
  const { kind, namespace, name, image, nodes, notReady = [], podLabels = {} } = row;
  const metadata = metadataOf(row);
  const replicas = nodes.length;
  const ready = replicas - notReady.length;
  const selector = { matchLabels: { app: name } };
  const template = {
    metadata: { labels: { app: name, ...podLabels } },
    spec: { containers: [{ name: "main", image }] },
  };
  const status = {
    observedGeneration: 1,
    replicas,
    readyReplicas: ready,
    availableReplicas: ready,
    updatedReplicas: replicas,
  };
  const budget = row.maxUnavailable === undefined ? [] : [budgetObject(row)];
  const head: Owner = {
    apiVersion: kind === "Job" ? "batch/v1" : "apps/v1",
    kind,
    name,
    uid: uid(`${namespace}/${name}`),
  };
  if (kind === "Job")
    return [
      {
        ...pick(head),
        metadata,
        spec: { parallelism: replicas, completions: replicas, template },
        status: { active: replicas },
      },
      ...podObjects(row, head, { "batch.kubernetes.io/job-name": name }),
    ];
  if (kind === "StatefulSet") {
    const spec = { replicas, serviceName: name, selector, updateStrategy: { type: "RollingUpdate" }, template };
    const revisions = { currentRevision: `${name}-1`, updateRevision: `${name}-1` };
    return [
      { ...pick(head), metadata, spec, status: { ...status, ...revisions } },
      ...podObjects(row, head, {}),
      ...budget,
    ];
  }
  const hash = { "pod-template-hash": createHash("sha256").update(image).digest("hex").slice(0, 10) };
  const set: Owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: `${name}-${hash["pod-template-hash"]}`,
    uid: uid(`${namespace}/${name} set`),
  };
  const setMetadata = {
    ...metadata,
    name: set.name,
    uid: set.uid,
    labels: { app: name, ...hash },
    ownerReferences: [{ ...head, controller: true, blockOwnerDeletion: true }],
  };
  return [
    { ...pick(head), metadata, spec: { replicas, selector, strategy: { type: "RollingUpdate" }, template }, status },
    { ...pick(set), metadata: setMetadata, spec: { replicas, selector, template }, status },
    ...podObjects(row, set, hash),
    ...budget,
  ];
}

function pick({ apiVersion, kind }: Owner): object {
  return { apiVersion, kind };
}
