// Nodes as the controller and the kubelets write them: registration, status, cordon under tests, taints, marks, and their tables.
import { apply, del, get, jsonPatch, merge, post, put, strategic, watch } from "../step.ts";
import type { Step } from "../step.ts";

const NODE = "/api/v1/nodes/cn1";

export const nodes: readonly Step[] = [
  post(
    "register a node",
    "/api/v1/nodes",
    {
      metadata: { name: "cn1", labels: { "kubernetes.io/hostname": "cn1", "topology.kubernetes.io/zone": "z1" } },
      spec: { providerID: "test://cn1", podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24"] },
      status: {
        capacity: { cpu: "4", memory: "8Gi" },
        nodeInfo: { kernelVersion: "5.15.0-100-generic", osImage: "Ubuntu 22.04" },
      },
    },
    { as: "n" },
  ),
  post("a node with a taint of its own", "/api/v1/nodes", {
    metadata: { name: "cn2" },
    spec: { taints: [{ key: "own", effect: "NoExecute" }], unschedulable: true },
  }),
  post("a node with a name that is none", "/api/v1/nodes", { metadata: { name: "N_1" } }),
  post("a node with a taint that is none", "/api/v1/nodes", {
    metadata: { name: "cn3" },
    spec: { taints: [{ key: "own", effect: "Sometimes" }] },
  }),
  post("a node with the same taint twice", "/api/v1/nodes", {
    metadata: { name: "cn3" },
    spec: {
      taints: [
        { key: "own", effect: "NoExecute" },
        { key: "own", effect: "NoExecute" },
      ],
    },
  }),
  strategic(
    "the kubelet's status",
    `${NODE}/status`,
    {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "True",
            reason: "KubeletReady",
            message: "ok",
            lastHeartbeatTime: "2001-01-01T00:00:00Z",
            lastTransitionTime: "2001-01-01T00:00:00Z",
          },
        ],
        addresses: [
          { type: "InternalIP", address: "192.0.2.1" },
          { type: "Hostname", address: "cn1" },
        ],
        nodeInfo: {
          machineID: "m",
          systemUUID: "u",
          bootID: "b1",
          kernelVersion: "5.15.0-119-generic",
          osImage: "Ubuntu 22.04.4 LTS",
          containerRuntimeVersion: "containerd://1.7.20",
          kubeletVersion: "v1.35.2",
          kubeProxyVersion: "",
          operatingSystem: "linux",
          architecture: "amd64",
        },
        images: [
          {
            names: ["registry.example.com/a@sha256:0000000000000000000000000000000000000000000000000000000000000000"],
            sizeBytes: 1,
          },
        ],
      },
    },
    { as: "ready" },
  ),
  strategic("a condition merges by its type", `${NODE}/status`, {
    status: { conditions: [{ type: "DiskPressure", status: "False" }] },
  }),
  strategic("a condition changes", `${NODE}/status`, {
    status: { conditions: [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }] },
  }),
  merge("the status does not change the spec", `${NODE}/status`, { spec: { unschedulable: true } }),
  merge("the status changes metadata", `${NODE}/status`, {
    metadata: { labels: { via: "status" }, annotations: { via: "status" } },
  }),
  merge("the spec does not change the status", NODE, { status: { nodeInfo: { kernelVersion: "other" } } }),
  get("the node before the cordon", NODE, { as: "before" }),
  jsonPatch(
    "cordon with tests and marks",
    NODE,
    [
      { op: "test", path: "/metadata/uid", value: "${n.metadata.uid}" },
      { op: "test", path: "/metadata/resourceVersion", value: "${before.metadata.resourceVersion}" },
      { op: "add", path: "/metadata/annotations/ringward.dev~1claim", value: "c1" },
      { op: "add", path: "/spec/unschedulable", value: true },
    ],
    { as: "cordoned" },
  ),
  jsonPatch("cordon again under the old version", NODE, [
    { op: "test", path: "/metadata/uid", value: "${n.metadata.uid}" },
    { op: "test", path: "/metadata/resourceVersion", value: "${before.metadata.resourceVersion}" },
    { op: "add", path: "/spec/unschedulable", value: true },
  ]),
  jsonPatch("release with the marks", NODE, [
    { op: "test", path: "/metadata/uid", value: "${n.metadata.uid}" },
    { op: "test", path: "/metadata/resourceVersion", value: "${cordoned.metadata.resourceVersion}" },
    { op: "remove", path: "/metadata/annotations/ringward.dev~1claim" },
    { op: "remove", path: "/spec/unschedulable" },
  ]),
  jsonPatch("release again", NODE, [{ op: "remove", path: "/spec/unschedulable" }]),
  merge("kubectl cordon", NODE, { spec: { unschedulable: true } }),
  get("nodes that are cordoned", "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue"),
  get(
    "nodes that are not",
    "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse&labelSelector=kubernetes.io/hostname",
  ),
  strategic("kubectl uncordon", NODE, { spec: { unschedulable: null } }),
  merge("taints are replaced as a whole", NODE, {
    spec: { taints: [{ key: "maintenance", value: "yes", effect: "NoSchedule" }] },
  }),
  apply("apply a taint", NODE, "tainter", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "cn1" },
    spec: { taints: [{ key: "x", effect: "NoSchedule" }] },
  }),
  merge("the provider id does not change", NODE, { spec: { providerID: "test://other" } }),
  merge("the pod range does not change", NODE, { spec: { podCIDR: "10.1.0.0/24" } }),
  put("a status by PUT", `${NODE}/status`, "${before}"),
  get("nodes as a table", "/api/v1/nodes?labelSelector=kubernetes.io/hostname%3Dcn1", {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  }),
  get("a node as a table", NODE, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" }),
  get("nodes as metadata", "/api/v1/nodes?labelSelector=kubernetes.io/hostname%3Dcn1", {
    accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  }),
  watch(
    "a node is watched while it is cordoned",
    "/api/v1/nodes?resourceVersion=${ready.metadata.resourceVersion}&fieldSelector=metadata.name%3Dcn2",
    1,
    [merge("uncordon the second", "/api/v1/nodes/cn2", { spec: { unschedulable: null } })],
  ),
  watch("a node leaves the selection of the cordoned", "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue", 2, [
    merge("cordon under a watch", "/api/v1/nodes/cn2", { spec: { unschedulable: true } }),
    merge("uncordon under a watch", "/api/v1/nodes/cn2", { spec: { unschedulable: null } }),
  ]),
  del("a node is deleted at once", "/api/v1/nodes/cn2"),
  del("delete a node with another uid", NODE, { preconditions: { uid: "77777777-7777-4777-8777-777777777777" } }),
];
