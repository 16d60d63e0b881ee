// Pods: defaults, what may change, status, binding, deletion with grace, and evictions under disruption budgets whose status is
// written by hand, so that both servers see the same numbers.
import { del, get, jsonPatch, merge, post, put, strategic, watch } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "/api/v1/namespaces/pods";
const PODS = `${NS}/pods`;
const PDBS = "/apis/policy/v1/namespaces/pods/poddisruptionbudgets";

function pod(name: string, labels: Record<string, string>, spec: object = {}): object {
  return {
    metadata: { name, labels },
    spec: { nodeName: "somewhere", containers: [{ name: "c", image: "registry.example.com/c:1" }], ...spec },
  };
}

function running(name: string, readiness = "True"): Step {
  return strategic(`${name} runs, ready ${readiness}`, `${PODS}/${name}/status`, {
    status: {
      phase: "Running",
      podIP: "192.0.2.7",
      conditions: [{ type: "Ready", status: readiness, lastTransitionTime: "2001-01-01T00:00:00Z" }],
    },
  });
}

function evict(name: string, of: string, more: object = {}, query = ""): Step {
  return post(name, `${PODS}/${of}/eviction${query}`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: of, namespace: "pods" },
    ...more,
  });
}

function budgetStatus(name: string, of: string, status: object): Step {
  return merge(name, `${PDBS}/${of}/status?fieldManager=disruption`, { status });
}

const OPEN = { observedGeneration: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, disruptionsAllowed: 1 };

export const pods: readonly Step[] = [
  post("namespace for pods", "/api/v1/namespaces", { metadata: { name: "pods" } }),
  post("a pod with nothing but a container", PODS, {
    metadata: { name: "plain" },
    spec: { containers: [{ name: "c", image: "registry.example.com/c" }] },
  }),
  post(
    "a pod as a job makes it",
    PODS,
    pod(
      "rich",
      { app: "rich" },
      {
        restartPolicy: "Never",
        hostPID: true,
        automountServiceAccountToken: false,
        priorityClassName: "system-node-critical",
        tolerations: [{ operator: "Exists" }],
        containers: [
          {
            name: "c",
            image: "registry.example.com/c@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            command: ["/bin/true"],
            env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
            securityContext: { privileged: true },
            resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "100m", memory: "64Mi" } },
            volumeMounts: [{ name: "host", mountPath: "/host" }],
            readinessProbe: { httpGet: { port: 80 } },
          },
        ],
        volumes: [
          { name: "host", hostPath: { path: "/" } },
          { name: "tmp", emptyDir: {} },
        ],
      },
    ),
  ),
  post(
    "a pod with requests alone",
    PODS,
    pod("burst", {}, { containers: [{ name: "c", image: "a:1", resources: { limits: { cpu: 1, memory: "0.5Gi" } } }] }),
  ),
  post("a pod without containers", PODS, { metadata: { name: "none" }, spec: {} }),
  post("a pod with the same container twice", PODS, {
    metadata: { name: "none" },
    spec: {
      containers: [
        { name: "c", image: "a" },
        { name: "c", image: "a" },
      ],
    },
  }),
  post("a pod with a container without an image", PODS, {
    metadata: { name: "none" },
    spec: { containers: [{ name: "c" }] },
  }),
  post("a pod with a container name that is none", PODS, {
    metadata: { name: "none" },
    spec: { containers: [{ name: "C_1", image: "a" }] },
  }),
  post("a pod with an unknown restart policy", PODS, {
    metadata: { name: "none" },
    spec: { restartPolicy: "Sometimes", containers: [{ name: "c", image: "a" }] },
  }),
  post("a pod with a priority class that is missing", PODS, {
    metadata: { name: "none" },
    spec: { priorityClassName: "nope", containers: [{ name: "c", image: "a" }] },
  }),
  post("a pod that mounts what it has not", PODS, {
    metadata: { name: "none" },
    spec: { containers: [{ name: "c", image: "a", volumeMounts: [{ name: "x", mountPath: "/x" }] }] },
  }),
  post("a pod with a quantity that is none", PODS, {
    metadata: { name: "none" },
    spec: { containers: [{ name: "c", image: "a", resources: { requests: { cpu: "much" } } }] },
  }),
  post("a pod with a status is created without", PODS, {
    metadata: { name: "status" },
    spec: { containers: [{ name: "c", image: "a:1" }] },
    status: { phase: "Running" },
  }),
  merge("a pod's image may change", `${PODS}/rich`, { spec: { activeDeadlineSeconds: 100 } }),
  jsonPatch("a pod's image by JSON patch", `${PODS}/rich`, [
    { op: "replace", path: "/spec/containers/0/image", value: "registry.example.com/c:2" },
  ]),
  merge("a pod's node does not change", `${PODS}/rich`, { spec: { nodeName: "elsewhere" } }),
  merge("a pod's status through the pod", `${PODS}/rich`, { status: { phase: "Failed" } }),
  running("rich"),
  merge("a pod's spec through its status", `${PODS}/rich/status`, { spec: { activeDeadlineSeconds: 5 } }),
  merge("a pod's labels through its status", `${PODS}/rich/status`, { metadata: { labels: { via: "status" } } }),
  get("pods of a node", "/api/v1/pods?fieldSelector=spec.nodeName%3Dsomewhere,metadata.namespace%3Dpods"),
  get("pods that run", `${PODS}?fieldSelector=status.phase%3DRunning`),
  get("pods that have not ended", `${PODS}?fieldSelector=status.phase!%3DSucceeded,status.phase!%3DFailed`),
  get("pods as a table", PODS, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" }),
  get("pods as a table with objects", `${PODS}?includeObject=Object&limit=1`, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  }),
  get("pods as a table without objects", `${PODS}?includeObject=None&limit=1`, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
  }),

  post("bind a pod", `${PODS}/plain/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "plain", annotations: { by: "hand" } },
    target: { kind: "Node", name: "cn1" },
  }),
  get("the pod that was bound", `${PODS}/plain`),
  post("bind it again", `${PODS}/plain/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "plain" },
    target: { kind: "Node", name: "cn2" },
  }),
  post("bind a pod that is missing", `${PODS}/nope/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "nope" },
    target: { kind: "Node", name: "cn2" },
  }),
  post("bind to nothing", `${PODS}/status/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "status" },
    target: {},
  }),
  post("bind through bindings", `${NS}/bindings`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "status" },
    target: { kind: "Node", name: "cn1" },
  }),
  post("a pod that nobody may schedule yet", PODS, {
    metadata: { name: "gated" },
    spec: { schedulingGates: [{ name: "example.com/wait" }], containers: [{ name: "c", image: "a:1" }] },
  }),
  post("bind a gated pod", `${PODS}/gated/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name: "gated" },
    target: { kind: "Node", name: "cn1" },
  }),

  post("a budget", PDBS, {
    metadata: { name: "web" },
    spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
  }),
  post("a budget of both kinds", PDBS, {
    metadata: { name: "both" },
    spec: { minAvailable: 1, maxUnavailable: 1, selector: {} },
  }),
  post("a budget of a percent that is none", PDBS, {
    metadata: { name: "both" },
    spec: { minAvailable: "half", selector: {} },
  }),
  post("a budget below nothing", PDBS, { metadata: { name: "both" }, spec: { maxUnavailable: -1, selector: {} } }),
  post("a budget with an unknown policy", PDBS, {
    metadata: { name: "both" },
    spec: { maxUnavailable: 1, selector: {}, unhealthyPodEvictionPolicy: "Never" },
  }),
  merge("a budget changes and counts", `${PDBS}/web`, { spec: { maxUnavailable: null, minAvailable: 1 } }),
  post("a first pod of the budget", PODS, pod("web-0", { app: "web" })),
  post("a second pod of the budget", PODS, pod("web-1", { app: "web" })),
  evict("evict a pod that has not started", "web-1", { deleteOptions: { dryRun: ["All"] } }),
  running("web-0"),
  running("web-1"),
  evict("evict while the budget was never looked at", "web-0"),
  budgetStatus("the budget is open", "web", OPEN),
  evict("evict as a dry run", "web-0", { deleteOptions: { dryRun: ["All"] } }),
  evict("evict as a dry run of the request", "web-0", {}, "?dryRun=All"),
  get("a dry run spends nothing", `${PDBS}/web`),
  evict("evict with another uid", "web-0", {
    deleteOptions: { preconditions: { uid: "88888888-8888-4888-8888-888888888888" } },
  }),
  evict("evict with another version", "web-0", { deleteOptions: { preconditions: { resourceVersion: "1" } } }),
  budgetStatus("the budget is open again", "web", { disruptionsAllowed: 1, disruptedPods: null, conditions: null }),
  evict("evict what is missing", "nope"),
  post("evict by another name", `${PODS}/web-0/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: "web-1" },
  }),
  post("evict without a kind", `${PODS}/web-0/eviction`, {
    metadata: { name: "web-0" },
    deleteOptions: { dryRun: ["All"] },
  }),
  post("evict by the old version", `${PODS}/web-0/eviction`, {
    apiVersion: "policy/v1beta1",
    kind: "Eviction",
    metadata: { name: "web-0" },
  }),
  evict("evict", "web-0", { deleteOptions: { gracePeriodSeconds: 7 } }),
  get("the evicted pod", `${PODS}/web-0`, { as: "evicted" }),
  get("the budget was spent", `${PDBS}/web`),
  evict("evict it again", "web-0"),
  evict("evict the next while nothing is left", "web-1"),
  evict("evict the next as a dry run", "web-1", { deleteOptions: { dryRun: ["All"] } }),
  budgetStatus("the budget lacks a healthy pod", "web", {
    currentHealthy: 0,
    desiredHealthy: 1,
    disruptionsAllowed: 0,
  }),
  evict("evict while a healthy pod is lacking", "web-1"),
  budgetStatus("the budget failed", "web", {
    currentHealthy: 2,
    conditions: [
      {
        type: "DisruptionAllowed",
        status: "False",
        reason: "SyncFailed",
        message: "no controller",
        lastTransitionTime: "2001-01-01T00:00:00Z",
        observedGeneration: 1,
      },
    ],
  }),
  evict("evict while the budget failed", "web-1"),
  merge("the budget's spec moves on", `${PDBS}/web`, { spec: { minAvailable: 2 } }),
  evict("evict while the budget is being looked at", "web-1"),
  budgetStatus("the budget allows less than nothing", "web", { observedGeneration: 2, disruptionsAllowed: -1 }),
  evict("evict from less than nothing", "web-1"),
  budgetStatus("the budget is used up", "web", {
    observedGeneration: 2,
    currentHealthy: 2,
    desiredHealthy: 2,
    disruptionsAllowed: 0,
    conditions: [],
  }),
  running("web-1", "False"),
  evict("evict a pod that is not ready from a budget that is met", "web-1", { deleteOptions: { dryRun: ["All"] } }),
  budgetStatus("the budget is not met", "web", { currentHealthy: 1, desiredHealthy: 2 }),
  evict("evict a pod that is not ready from a budget that is not met", "web-1"),
  merge("the budget lets the unhealthy go", `${PDBS}/web`, { spec: { unhealthyPodEvictionPolicy: "AlwaysAllow" } }),
  evict("evict a pod that is not ready, always allowed", "web-1", { deleteOptions: { dryRun: ["All"] } }),
  post("a second budget on the same pods", PDBS, {
    metadata: { name: "web-too" },
    spec: { maxUnavailable: 1, selector: { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] } },
  }),
  evict("evict under two budgets", "web-1"),
  evict("evict under two budgets as a dry run", "web-1", { deleteOptions: { dryRun: ["All"] } }),
  del("the second budget goes", `${PDBS}/web-too`),
  post("a budget that selects everything", PDBS, {
    metadata: { name: "all" },
    spec: { maxUnavailable: "50%", selector: {} },
  }),
  post("a budget that selects nothing", PDBS, { metadata: { name: "nobody" }, spec: { maxUnavailable: 0 } }),
  evict("a pod of no other budget is under the one that selects everything", "rich"),
  del("the budget that selects everything goes", `${PDBS}/all`),
  evict("evict without a budget", "rich", { deleteOptions: { gracePeriodSeconds: 0 } }),
  get("evicted without grace, a pod is gone", `${PODS}/rich`),
  get("budgets as a table", PDBS, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" }),
  post("a pod that ended", PODS, pod("ended", { app: "web" })),
  merge("it ended", `${PODS}/ended/status`, { status: { phase: "Succeeded" } }),
  evict("a pod that ended needs no budget", "ended"),
  get("a pod that ended goes at once", `${PODS}/ended`),

  post("a pod to delete", PODS, pod("slow", { app: "slow" }, { terminationGracePeriodSeconds: 20 }), { as: "slow" }),
  watch(
    "a pod is deleted with grace",
    `${PODS}?resourceVersion=\${slow.metadata.resourceVersion}&fieldSelector=metadata.name%3Dslow`,
    2,
    [
      del("delete with its own grace", `${PODS}/slow`),
      get("a pod that is going", `${PODS}/slow`),
      del("delete again with more grace", `${PODS}/slow`, { gracePeriodSeconds: 60 }),
      del("delete again with less grace", `${PODS}/slow`, { gracePeriodSeconds: 5 }),
    ],
  ),
  merge("a pod that is going may be labelled", `${PODS}/slow`, { metadata: { labels: { going: "1" } } }),
  watch("the kubelet takes it away", `${PODS}?fieldSelector=metadata.name%3Dslow`, 3, [
    del("delete without grace", `${PODS}/slow`, { gracePeriodSeconds: 0 }),
  ]),
  post("a pod on no node", PODS, {
    metadata: { name: "homeless" },
    spec: { containers: [{ name: "c", image: "a:1" }] },
  }),
  del("a pod on no node goes at once", `${PODS}/homeless`),
  post("a pod with a finalizer", PODS, {
    metadata: { name: "held", finalizers: ["example.com/hold"] },
    spec: { nodeName: "x", containers: [{ name: "c", image: "a:1" }] },
  }),
  del("a pod with a finalizer stays", `${PODS}/held`, { gracePeriodSeconds: 0 }),
  merge("its finalizer goes and so does it", `${PODS}/held`, { metadata: { finalizers: null } }),
  get("it is gone", `${PODS}/held`),
  post("a pod to force away", PODS, pod("forced", {})),
  del("delete with a grace below nothing", `${PODS}/forced`, { gracePeriodSeconds: -1 }),
  del("delete as a dry run", `${PODS}/forced?dryRun=All`),
  del("force delete", `${PODS}/forced?gracePeriodSeconds=0`),
  get("the log of a pod that is missing", `${PODS}/nope/log`),
  put("a budget by PUT without its version", `${PDBS}/nobody`, {
    metadata: { name: "nobody" },
    spec: { maxUnavailable: 1 },
  }),
];
