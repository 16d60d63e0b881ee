// A Node object (and the kubelet's Lease) as the core sees it. Must never throw: a node writes most of this itself (V4).
import type { Instant } from "../clock.ts";
import type { NodeAsset, NodeMark, NodeProvider } from "../core/model.ts";
import { holdsOnNode } from "./foreign.ts";
import { entryOf, fieldsAt, instantOf, listOf, textOf } from "./fields.ts";
import { annotationsOf, claimOf, conditionOf, identify, type Projected } from "./projected.ts";

type Strings = Readonly<Record<string, string>>;

const ZONES = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];
const CONTROL_PLANE = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
];

/** Who replaces such nodes: by label or annotation, most specific first. */
const PROVIDERS: readonly (readonly [NodeProvider, readonly string[]])[] = [
  ["Karpenter", ["karpenter.sh/nodepool", "karpenter.sh/provisioner-name"]],
  ["ClusterAPI", ["cluster.x-k8s.io/machine", "cluster.x-k8s.io/cluster-name"]],
  [
    "ManagedPool",
    [
      "eks.amazonaws.com/nodegroup",
      "cloud.google.com/gke-nodepool",
      "kubernetes.azure.com/agentpool",
      "doks.digitalocean.com/node-pool",
    ],
  ],
];

/** Projects a node; `lease` is the object of its name in kube-node-lease, where there is one. */
export function projectNode(object: unknown, lease?: unknown): Projected<NodeAsset> {
  const identity = identify("Node", false, object);
  if (!identity.ok) return identity;
  const { name, uid, resourceVersion, labels, createdAt } = identity.value;
  const annotations = annotationsOf(object);
  const info = fieldsAt(object, "status", "nodeInfo");
  const claimId = claimOf(annotations);
  const foreign = holdsOnNode(object, labels, annotations);
  return {
    ok: true,
    value: {
      name,
      uid,
      resourceVersion,
      labels,
      zone: ZONES.map((key) => entryOf(labels, key)).find((zone) => zone !== undefined && zone !== ""),
      createdAt,
      ready: conditionOf(object, "Ready")?.status === "True",
      unschedulable: fieldsAt(object, "spec")["unschedulable"] === true,
      controlPlane: CONTROL_PLANE.some((key) => Object.hasOwn(labels, key)),
      provider: providerOf(labels, annotations),
      bootId: textOf(info["bootID"], 64),
      kernelVersion: textOf(info["kernelVersion"], 128),
      kubeletVersion: textOf(info["kubeletVersion"], 128),
      containerRuntimeVersion: textOf(info["containerRuntimeVersion"], 128),
      osImage: textOf(info["osImage"], 256),
      architecture: textOf(info["architecture"], 32),
      heardAt: lease === undefined ? undefined : readHeardAt(lease, uid),
      mark: claimId === undefined ? undefined : readMark(claimId, annotations),
      ...(foreign.length === 0 ? {} : { foreign }),
    },
  };
}

function readMark(claimId: string, annotations: Strings): NodeMark {
  const priorMarks = entryOf(annotations, "ringward.dev/prior-marks");
  return {
    claimId,
    priorUnschedulable: entryOf(annotations, "ringward.dev/prior-unschedulable") === "true",
    ...(priorMarks === undefined ? {} : { priorMarks }),
  };
}

function providerOf(labels: Strings, annotations: Strings): NodeProvider | undefined {
  return PROVIDERS.find(([, keys]) =>
    keys.some((key) => Object.hasOwn(labels, key) || Object.hasOwn(annotations, key)),
  )?.[0];
}

/** When the kubelet last renewed its Lease. The Lease of another node that had this name says nothing about this one. */
export function readHeardAt(lease: unknown, uid: string): Instant | undefined {
  const owners = listOf(fieldsAt(lease, "metadata")["ownerReferences"]).map((owner) => fieldsAt(owner)["uid"]);
  if (owners.length > 0 && !owners.includes(uid)) return undefined;
  return instantOf(fieldsAt(lease, "spec")["renewTime"]);
}
