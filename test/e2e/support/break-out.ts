// Attempts to use the controller's account for what it is not meant for: each is one request and the rule that must refuse it.
import type { ApiRequest } from "../../../controller/kube/port.ts";

export interface Attempt {
  readonly what: string;
  readonly request: Pick<ApiRequest, "method" | "path" | "body" | "contentType">;
  /** Where the account has nothing but its own roles. */
  readonly refusal: RegExp;
  /** Where somebody bound it to cluster-admin; left out: the same. */
  readonly asAdmin?: RegExp;
}

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
/** RBAC's words. */
export const RBAC = /cannot \w+ resource/;
const ACCOUNT = /'ringward-account'.*not among the permissions/;

const NODE = "/api/v1/nodes/n1";
const WEB = "/apis/apps/v1/namespaces/shop/deployments/web";
const RINGWARD = "/apis/ringward.dev/v1alpha1";
const CLAIM = "/metadata/annotations/ringward.dev~1claim";

export function patch(path: string, ...body: readonly object[]): Attempt["request"] {
  return { method: "PATCH", path, body, contentType: JSON_PATCH };
}

export function post(path: string, body: object): Attempt["request"] {
  return { method: "POST", path, body };
}

function remove(path: string): Attempt["request"] {
  return { method: "DELETE", path, body: { kind: "DeleteOptions", apiVersion: "v1" } };
}

const nodes: readonly Attempt[] = [
  { what: "delete a node", request: remove(NODE), refusal: RBAC, asAdmin: ACCOUNT },
  {
    what: "taint a node",
    request: patch(NODE, { op: "add", path: "/spec/taints", value: [{ key: "mine", effect: "NoExecute" }] }),
    refusal: /'ringward-nodes'.*spec Ringward may change unschedulable/,
  },
  {
    what: "label a node",
    request: patch(NODE, { op: "add", path: "/metadata/labels/node-role.kubernetes.io~1control-plane", value: "" }),
    refusal: /'ringward-nodes'.*metadata Ringward may change its own annotations/,
  },
  {
    what: "take a label off a node",
    request: patch(NODE, { op: "remove", path: "/metadata/labels/ring" }),
    refusal: /'ringward-nodes'.*metadata Ringward may change its own annotations/,
  },
  {
    what: "give a node another provider id",
    request: patch(NODE, { op: "add", path: "/spec/providerID", value: "cloud://another" }),
    refusal: /'ringward-nodes'.*spec Ringward may change unschedulable/,
  },
  {
    what: "put a finalizer on a node",
    request: patch(NODE, { op: "add", path: "/metadata/finalizers", value: ["example.com/stays"] }),
    refusal: /'ringward-nodes'.*metadata Ringward may change its own annotations/,
  },
  {
    what: "write somebody else's annotation on a node",
    request: patch(NODE, { op: "add", path: "/metadata/annotations/example.com~1owner", value: "me" }),
    refusal: /'ringward-nodes'.*annotations Ringward may change ringward\.dev\/claim/,
  },
  {
    what: "take somebody else's annotation off a node",
    request: patch(NODE, { op: "remove", path: "/metadata/annotations/example.com~1note" }),
    refusal: /'ringward-nodes'.*annotations Ringward may change ringward\.dev\/claim/,
  },
  {
    what: "cordon a node without a claim",
    request: { method: "PATCH", path: NODE, body: { spec: { unschedulable: true } }, contentType: MERGE_PATCH },
    refusal: /'ringward-nodes'.*cordon a Node only together with its claim/,
  },
  {
    what: "uncordon a node that a person cordoned",
    request: patch("/api/v1/nodes/n2", { op: "remove", path: "/spec/unschedulable" }),
    refusal: /'ringward-nodes'.*uncordon only a Node that carries its claim/,
  },
  {
    what: "uncordon a claimed node that a person had cordoned before",
    request: patch("/api/v1/nodes/n3", { op: "remove", path: "/spec/unschedulable" }, { op: "remove", path: CLAIM }),
    refusal: /'ringward-nodes'.*that nobody else had cordoned/,
  },
  {
    what: "write a node's status",
    request: patch(`${NODE}/status`, { op: "add", path: "/status/capacity", value: { cpu: "1" } }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "make a node",
    request: post("/api/v1/nodes", { metadata: { name: "n9" } }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
];

function container(path: string, value: unknown, op = "add"): Attempt["request"] {
  return patch(WEB, { op, path: `/spec/template/spec/containers/0${path}`, value });
}

const OF_CONTAINERS = /'ringward-workloads'.*tag and digest of the image/;
const OF_SPEC = /'ringward-workloads'.*spec Ringward may change container images/;

const workloads: readonly Attempt[] = [
  {
    what: "scale a workload",
    request: patch(WEB, { op: "replace", path: "/spec/replicas", value: 0 }),
    refusal: OF_SPEC,
  },
  {
    what: "scale a workload through its subresource",
    request: {
      method: "PATCH",
      path: `${WEB}/scale`,
      body: { spec: { replicas: 0 } },
      contentType: MERGE_PATCH,
    },
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  { what: "change a container's command", request: container("/command", ["sh"]), refusal: OF_CONTAINERS },
  {
    what: "change a container's environment",
    request: container("/env", [{ name: "A", value: "b" }]),
    refusal: OF_CONTAINERS,
  },
  {
    what: "make a container privileged",
    request: container("/securityContext", { privileged: true }),
    refusal: OF_CONTAINERS,
  },
  {
    what: "add a container",
    request: patch(WEB, {
      op: "add",
      path: "/spec/template/spec/containers/-",
      value: { name: "more", image: "registry.example.com/shop/nginx:1" },
    }),
    refusal: OF_CONTAINERS,
  },
  {
    what: "take an init container away",
    request: patch(WEB, { op: "remove", path: "/spec/template/spec/initContainers" }),
    refusal: OF_CONTAINERS,
  },
  {
    what: "take an image from another repository, under a claim",
    request: patch(
      WEB,
      {
        op: "replace",
        path: "/spec/template/spec/containers/0/image",
        value: "registry.example.com/evil/nginx:1.27.3",
      },
      { op: "add", path: CLAIM, value: "c1" },
    ),
    refusal: OF_CONTAINERS,
  },
  {
    what: "take an image from a registry whose name only begins alike",
    request: container("/image", "registry.example.com:5000/shop/nginx:1.27.3", "replace"),
    refusal: OF_CONTAINERS,
  },
  {
    what: "change an image without a claim",
    request: container("/image", "registry.example.com/shop/nginx:1.27.9", "replace"),
    refusal: /'ringward-workloads'.*images only under its claim/,
  },
  {
    what: "give a workload a host network",
    request: patch(WEB, { op: "add", path: "/spec/template/spec/hostNetwork", value: true }),
    refusal: OF_SPEC,
  },
  {
    what: "give a workload another service account",
    request: patch(WEB, { op: "add", path: "/spec/template/spec/serviceAccountName", value: "admin" }),
    refusal: OF_SPEC,
  },
  {
    what: "label a workload's pods",
    request: patch(WEB, { op: "add", path: "/spec/template/metadata/labels/more", value: "x" }),
    refusal: OF_SPEC,
  },
  {
    what: "label a workload",
    request: patch(WEB, { op: "add", path: "/metadata/labels/ring", value: "canary" }),
    refusal: /'ringward-workloads'.*metadata Ringward may change its own annotation/,
  },
  { what: "delete a workload", request: remove(WEB), refusal: RBAC, asAdmin: ACCOUNT },
];

const ledger: readonly Attempt[] = [
  {
    what: "release the brake in the ledger's spec",
    request: {
      method: "PATCH",
      path: `${RINGWARD}/disruptionledgers/cluster`,
      body: { spec: { mode: "Enforce" } },
      contentType: MERGE_PATCH,
    },
    refusal: RBAC,
    asAdmin: /'ringward-(ledger|account)'/,
  },
  {
    what: "delete the ledger",
    request: remove(`${RINGWARD}/disruptionledgers/cluster`),
    refusal: RBAC,
    asAdmin: /'ringward-(ledger|account)'/,
  },
  {
    what: "make a second ledger that acts",
    request: post(`${RINGWARD}/disruptionledgers`, {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "DisruptionLedger",
      metadata: { name: "cluster" },
      spec: { mode: "Enforce" },
    }),
    refusal: /'ringward-ledger'.*in mode Observe and without limits/,
  },
  {
    what: "make a ledger with limits of its own",
    request: post(`${RINGWARD}/disruptionledgers`, {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "DisruptionLedger",
      metadata: { name: "cluster" },
      spec: { limits: { nodes: "100%" } },
    }),
    refusal: /'ringward-ledger'.*in mode Observe and without limits/,
  },
  {
    what: "say where policy comes from",
    request: {
      method: "PATCH",
      path: `${RINGWARD}/policyrepositories/policy`,
      body: { spec: { url: "https://git.example.net/evil.git" } },
      contentType: MERGE_PATCH,
    },
    refusal: /'ringward-ledger'.*spec of a DisruptionLedger or PolicyRepository is people's/,
  },
  {
    what: "write somebody else's annotation on the policy repository",
    request: patch(`${RINGWARD}/policyrepositories/policy`, {
      op: "add",
      path: "/metadata/annotations",
      value: { "example.com/owner": "me" },
    }),
    refusal: /'ringward-ledger'.*annotation ringward\.dev\/reconcile-requested-at, and nothing else/,
  },
  {
    what: "label the policy repository",
    request: patch(`${RINGWARD}/policyrepositories/policy`, {
      op: "add",
      path: "/metadata/labels",
      value: { mine: "" },
    }),
    refusal: /'ringward-ledger'.*annotation ringward\.dev\/reconcile-requested-at, and nothing else/,
  },
  {
    what: "put a finalizer on the policy repository",
    request: patch(`${RINGWARD}/policyrepositories/policy`, {
      op: "add",
      path: "/metadata/finalizers",
      value: ["example.com/stays"],
    }),
    refusal: /'ringward-ledger'.*annotation ringward\.dev\/reconcile-requested-at, and nothing else/,
  },
];

const policy: readonly Attempt[] = [
  {
    what: "delete a ring that people made with kubectl",
    request: remove(`${RINGWARD}/rolloutrings/peoples`),
    refusal: /'ringward-policy-copies'.*delete only copies of what Git said/,
  },
  {
    what: "make policy that does not come from Git",
    request: post(`${RINGWARD}/maintenancecalendars`, {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "MaintenanceCalendar",
      metadata: { name: "mine" },
      spec: { timeZone: "UTC", windows: [{ name: "all", schedule: "0 0 * * *", duration: "1h" }] },
    }),
    refusal: /'ringward-policy-copies'.*only as a copy of what Git says/,
  },
];

const elsewhere: readonly Attempt[] = [
  { what: "read secrets", request: { method: "GET", path: "/api/v1/namespaces/shop/secrets" }, refusal: RBAC },
  {
    what: "delete a pod",
    request: remove("/api/v1/namespaces/shop/pods/lonely"),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "evict a pod without naming its UID",
    request: post("/api/v1/namespaces/shop/pods/lonely/eviction", {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "lonely", namespace: "shop" },
    }),
    refusal: /'ringward-evictions'.*names by UID/,
  },
  {
    what: "evict a pod at once",
    request: post("/api/v1/namespaces/shop/pods/lonely/eviction", {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "lonely", namespace: "shop" },
      deleteOptions: { gracePeriodSeconds: 0, preconditions: { uid: "00000000-0000-0000-0000-000000000000" } },
    }),
    refusal: /'ringward-evictions'.*grace period/,
  },
  {
    what: "bind itself to cluster-admin",
    request: post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "mine" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "ServiceAccount", name: "ringward-controller", namespace: "ringward-system" }],
    }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "add a rule to its own role",
    request: patch("/apis/rbac.authorization.k8s.io/v1/clusterroles/ringward-controller", {
      op: "add",
      path: "/rules/-",
      value: { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "ask for another account's token",
    request: post("/api/v1/namespaces/kube-system/serviceaccounts/default/token", { spec: {} }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "make a secret",
    request: post("/api/v1/namespaces/shop/secrets", { metadata: { name: "s" } }),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "enter a pod",
    request: post("/api/v1/namespaces/shop/pods/lonely/exec", {}),
    refusal: RBAC,
    asAdmin: ACCOUNT,
  },
  {
    what: "take another component's Lease",
    request: post("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", {
      metadata: { name: "kube-scheduler" },
    }),
    refusal: RBAC,
    asAdmin: /'ringward-(lease|account)'/,
  },
  {
    what: "take another Lease in its own namespace",
    request: post("/apis/coordination.k8s.io/v1/namespaces/ringward-system/leases", { metadata: { name: "others" } }),
    refusal: /'ringward-lease'.*only the Lease ringward-system\/ringward-controller/,
  },
  {
    what: "write an event in another component's name",
    request: post("/apis/events.k8s.io/v1/namespaces/default/events", {
      metadata: { name: "n1.forged" },
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "kubelet",
      reportingInstance: "n1",
      action: "Rebooted",
      reason: "Rebooted",
      regarding: { kind: "Node", name: "n1" },
      type: "Normal",
    }),
    refusal: /'ringward-events'.*only its own events/,
  },
  {
    what: "change another component's event",
    request: {
      method: "PATCH",
      path: "/apis/events.k8s.io/v1/namespaces/default/events/n1.theirs",
      body: { series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" } },
      contentType: MERGE_PATCH,
    },
    refusal: /'ringward-events'.*only its own events/,
  },
  {
    what: "make a pod in the job namespace",
    request: post("/api/v1/namespaces/ringward-jobs/pods", {
      metadata: { name: "mine" },
      spec: { containers: [{ name: "step", image: "registry.example.com/ringward/apt:1" }] },
    }),
    refusal: RBAC,
    asAdmin: /'ringward-(account|job-pods)'/,
  },
];

export const ATTEMPTS: readonly Attempt[] = [...nodes, ...workloads, ...ledger, ...policy, ...elsewhere];
