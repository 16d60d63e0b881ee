// Workloads and jobs: defaults, selectors, what does not change, scale, status, suspended jobs. No controller runs on either side.
import { del, get, jsonPatch, merge, post, put, strategic } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "workloads";
const APPS = `/apis/apps/v1/namespaces/${NS}`;
const BATCH = `/apis/batch/v1/namespaces/${NS}`;
const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

function template(app: string, spec: object = {}): object {
  return {
    metadata: { labels: { app } },
    spec: { containers: [{ name: "c", image: "registry.example.com/c:1" }], ...spec },
  };
}

function workload(name: string, spec: object = {}): object {
  return { metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: template(name), ...spec } };
}

const JOB_TEMPLATE = {
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "c", image: "registry.example.com/recipe:1", command: ["/step"] }],
  },
};

export const workloads: readonly Step[] = [
  post("namespace for workloads", "/api/v1/namespaces", { metadata: { name: NS } }),
  post("a deployment", `${APPS}/deployments`, workload("web", { replicas: 3 }), { as: "web" }),
  post("a deployment that recreates", `${APPS}/deployments`, workload("recreate", { strategy: { type: "Recreate" } })),
  post(
    "a deployment that recreates and rolls",
    `${APPS}/deployments`,
    workload("bad", { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
  ),
  post(
    "a deployment whose selector misses its pods",
    `${APPS}/deployments`,
    workload("bad", { template: template("other") }),
  ),
  post("a deployment without a selector", `${APPS}/deployments`, {
    metadata: { name: "bad" },
    spec: { template: template("bad") },
  }),
  post("a deployment with an empty selector", `${APPS}/deployments`, workload("bad", { selector: {} })),
  post(
    "a deployment of pods that end",
    `${APPS}/deployments`,
    workload("bad", { template: template("bad", { restartPolicy: "Never" }) }),
  ),
  post("a deployment below nothing", `${APPS}/deployments`, workload("bad", { replicas: -1 })),
  post(
    "a deployment that may neither surge nor lack",
    `${APPS}/deployments`,
    workload("bad", { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
  ),
  post(
    "a deployment without containers",
    `${APPS}/deployments`,
    workload("bad", { template: { metadata: { labels: { app: "bad" } }, spec: {} } }),
  ),
  post(
    "a deployment with an operator that is unknown",
    `${APPS}/deployments`,
    workload("bad", { selector: { matchExpressions: [{ key: "app", operator: "Near", values: ["bad"] }] } }),
  ),
  merge("the selector does not change", `${APPS}/deployments/web`, {
    spec: { selector: { matchLabels: { app: "web2" } } },
  }),
  jsonPatch("an image by JSON patch with tests, as the controller writes it", `${APPS}/deployments/web`, [
    { op: "test", path: "/metadata/uid", value: "${web.metadata.uid}" },
    { op: "test", path: "/spec/template/spec/containers/0/name", value: "c" },
    { op: "test", path: "/spec/template/spec/containers/0/image", value: "registry.example.com/c:1" },
    {
      op: "replace",
      path: "/spec/template/spec/containers/0/image",
      value: "registry.example.com/c@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    },
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/ringward.dev~1claim", value: "c1" },
  ]),
  jsonPatch("the same patch again", `${APPS}/deployments/web`, [
    { op: "test", path: "/spec/template/spec/containers/0/image", value: "registry.example.com/c:1" },
    { op: "replace", path: "/spec/template/spec/containers/0/image", value: "registry.example.com/c:2" },
  ]),
  merge("annotations do not count as a generation", `${APPS}/deployments/web`, {
    metadata: { annotations: { "deployment.kubernetes.io/revision": "2" } },
  }),
  strategic("kubectl rollout restart", `${APPS}/deployments/web`, {
    spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "2001-01-01T00:00:00Z" } } } },
  }),
  merge("a deployment's status", `${APPS}/deployments/web/status`, {
    metadata: { labels: { via: "status" }, annotations: { via: "status" } },
    spec: { replicas: 9 },
    status: {
      observedGeneration: 3,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 2,
      unavailableReplicas: 1,
      conditions: [
        {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "m",
          lastUpdateTime: "2001-01-01T00:00:00Z",
          lastTransitionTime: "2001-01-01T00:00:00Z",
        },
      ],
    },
  }),
  merge("a status below nothing", `${APPS}/deployments/web/status`, { status: { replicas: -1 } }),
  merge("a status with more ready than there are", `${APPS}/deployments/web/status`, {
    status: { replicas: 1, readyReplicas: 5 },
  }),
  get("deployments as a table", `${APPS}/deployments`, TABLE),
  get("the scale", `${APPS}/deployments/web/scale`, { as: "scale" }),
  merge("scale by patch", `${APPS}/deployments/web/scale`, { spec: { replicas: 4 } }),
  put("scale by PUT under the old version", `${APPS}/deployments/web/scale`, "${scale}"),
  put("scale by PUT without a version", `${APPS}/deployments/web/scale`, {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: "web", namespace: NS },
    spec: { replicas: 5 },
  }),
  merge("scale below nothing", `${APPS}/deployments/web/scale`, { spec: { replicas: -1 } }),
  merge("scale to nothing", `${APPS}/deployments/web/scale`, { spec: { replicas: 0 } }),
  merge("scale as a dry run", `${APPS}/deployments/web/scale?dryRun=All`, { spec: { replicas: 7 } }),
  get("the scale of what is missing", `${APPS}/deployments/nope/scale`),
  put("a deployment by PUT", `${APPS}/deployments/web`, workload("web", { replicas: 1 })),
  put("the same deployment again", `${APPS}/deployments/web`, workload("web", { replicas: 1 })),
  merge("a deployment is paused", `${APPS}/deployments/web`, { spec: { paused: true } }),
  merge("a deployment's replicas away", `${APPS}/deployments/web`, { spec: { replicas: null } }),

  post("a replica set", `${APPS}/replicasets`, {
    metadata: {
      name: "web-1",
      labels: { app: "web" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          name: "web",
          uid: "${web.metadata.uid}",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template: template("web") },
  }),
  merge("a replica set's status", `${APPS}/replicasets/web-1/status`, {
    status: { replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, observedGeneration: 1 },
  }),
  get("replica sets as a table", `${APPS}/replicasets`, TABLE),
  post(
    "a stateful set",
    `${APPS}/statefulsets`,
    workload("db", {
      serviceName: "db",
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    }),
  ),
  post("a stateful set without a service", `${APPS}/statefulsets`, workload("lone")),
  merge("a stateful set's service does not change", `${APPS}/statefulsets/db`, { spec: { serviceName: "other" } }),
  merge("a stateful set's image changes", `${APPS}/statefulsets/db`, {
    spec: { template: template("db", { containers: [{ name: "c", image: "registry.example.com/c:2" }] }) },
  }),
  merge("a stateful set's partition", `${APPS}/statefulsets/db`, {
    spec: { updateStrategy: { rollingUpdate: { partition: 2 } } },
  }),
  merge("a stateful set's status", `${APPS}/statefulsets/db/status`, {
    status: {
      replicas: 1,
      readyReplicas: 1,
      currentReplicas: 1,
      updatedReplicas: 1,
      observedGeneration: 1,
      currentRevision: "a",
      updateRevision: "b",
    },
  }),
  get("stateful sets as a table", `${APPS}/statefulsets`, TABLE),
  post("a daemon set", `${APPS}/daemonsets`, workload("agent")),
  post(
    "a daemon set that updates on delete",
    `${APPS}/daemonsets`,
    workload("ondelete", { updateStrategy: { type: "OnDelete" } }),
  ),
  merge("a daemon set's template counts", `${APPS}/daemonsets/agent`, {
    spec: { template: template("agent", { containers: [{ name: "c", image: "registry.example.com/c:2" }] }) },
  }),
  merge("a daemon set's status", `${APPS}/daemonsets/agent/status`, {
    status: {
      currentNumberScheduled: 2,
      desiredNumberScheduled: 2,
      numberReady: 1,
      observedGeneration: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberUnavailable: 1,
    },
  }),
  get("daemon sets as a table", `${APPS}/daemonsets`, TABLE),
  post("a controller revision", `${APPS}/controllerrevisions`, {
    metadata: { name: "agent-1" },
    data: { spec: { template: 1 } },
    revision: 1,
  }),
  merge("a controller revision's data does not change", `${APPS}/controllerrevisions/agent-1`, {
    data: { spec: { template: 2 } },
  }),

  post(
    "a suspended job",
    `${BATCH}/jobs`,
    {
      metadata: { name: "step" },
      spec: {
        suspend: true,
        backoffLimit: 0,
        activeDeadlineSeconds: 1800,
        ttlSecondsAfterFinished: 3600,
        template: JOB_TEMPLATE,
      },
    },
    { as: "step" },
  ),
  jsonPatch("a job is resumed under its uid and version", `${BATCH}/jobs/step`, [
    { op: "test", path: "/metadata/uid", value: "${step.metadata.uid}" },
    { op: "test", path: "/metadata/resourceVersion", value: "${step.metadata.resourceVersion}" },
    { op: "add", path: "/metadata/annotations", value: { "ringward.dev/resumed": "2001-01-01T00:00:00.000Z" } },
    { op: "replace", path: "/spec/suspend", value: false },
  ]),
  jsonPatch("a job is resumed twice", `${BATCH}/jobs/step`, [
    { op: "test", path: "/metadata/resourceVersion", value: "${step.metadata.resourceVersion}" },
    { op: "replace", path: "/spec/suspend", value: false },
  ]),
  merge("a job is suspended again", `${BATCH}/jobs/step`, { spec: { suspend: true } }),
  merge("a suspended job's template is fixed but for scheduling", `${BATCH}/jobs/step`, {
    spec: { template: { spec: { nodeSelector: { a: "b" } } } },
  }),
  strategic("a suspended job's image does not change", `${BATCH}/jobs/step`, {
    spec: { template: { spec: { containers: [{ name: "c", image: "registry.example.com/recipe:2" }] } } },
  }),
  merge("a running job's node selector does not change", `${BATCH}/jobs/step`, {
    spec: { suspend: false, template: { spec: { nodeSelector: { c: "d" } } } },
  }),
  merge("a job's parallelism may change", `${BATCH}/jobs/step`, { spec: { parallelism: 0 } }),
  merge("a job's completions do not change", `${BATCH}/jobs/step`, { spec: { completions: 5 } }),
  merge("a job's backoff limit may change", `${BATCH}/jobs/step`, { spec: { backoffLimit: 2 } }),
  merge("a job's selector does not change", `${BATCH}/jobs/step`, { spec: { selector: { matchLabels: { a: "b" } } } }),
  post("a job that takes its name's place", `${BATCH}/jobs`, {
    metadata: { name: "step" },
    spec: { template: JOB_TEMPLATE },
  }),
  post("a job without a restart policy", `${BATCH}/jobs`, {
    metadata: { name: "bad" },
    spec: { template: { spec: { containers: [{ name: "c", image: "a" }] } } },
  }),
  post("a job that restarts for ever", `${BATCH}/jobs`, {
    metadata: { name: "bad" },
    spec: { template: { spec: { restartPolicy: "Always", containers: [{ name: "c", image: "a" }] } } },
  }),
  post("a job below nothing", `${BATCH}/jobs`, {
    metadata: { name: "bad" },
    spec: { backoffLimit: -1, template: JOB_TEMPLATE },
  }),
  post("a job with a pod failure policy", `${BATCH}/jobs`, {
    metadata: { name: "policy" },
    spec: {
      podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [3] } }] },
      template: JOB_TEMPLATE,
    },
  }),
  merge("a job's status", `${BATCH}/jobs/step/status`, {
    status: { startTime: "2001-01-01T00:00:00Z", active: 1, ready: 0, uncountedTerminatedPods: {} },
  }),
  merge("a job is complete without having begun", `${BATCH}/jobs/policy/status`, {
    status: { conditions: [{ type: "Complete", status: "True" }] },
  }),
  merge("a job failed", `${BATCH}/jobs/policy/status`, {
    status: {
      startTime: "2001-01-01T00:00:00Z",
      failed: 1,
      conditions: [
        {
          type: "FailureTarget",
          status: "True",
          reason: "BackoffLimitExceeded",
          message: "m",
          lastProbeTime: "2001-01-01T00:00:00Z",
          lastTransitionTime: "2001-01-01T00:00:00Z",
        },
        {
          type: "Failed",
          status: "True",
          reason: "BackoffLimitExceeded",
          message: "m",
          lastProbeTime: "2001-01-01T00:00:00Z",
          lastTransitionTime: "2001-01-01T00:00:00Z",
        },
      ],
    },
  }),
  get("jobs as a table", `${BATCH}/jobs`, TABLE),
  get("jobs by success", `${BATCH}/jobs?fieldSelector=status.successful%3D0`),
  del("delete a job without saying how", `${BATCH}/jobs/policy`),
  post("a cron job", `${BATCH}/cronjobs`, {
    metadata: { name: "nightly" },
    spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: JOB_TEMPLATE } } },
  }),
  post("a cron job with a schedule that is none", `${BATCH}/cronjobs`, {
    metadata: { name: "bad" },
    spec: { schedule: "often", jobTemplate: { spec: { template: JOB_TEMPLATE } } },
  }),
  merge("a cron job is suspended", `${BATCH}/cronjobs/nightly`, { spec: { suspend: true } }),
  get("cron jobs as a table", `${BATCH}/cronjobs`, TABLE),
  post("a service", `/api/v1/namespaces/${NS}/services`, {
    metadata: { name: "headless" },
    spec: { clusterIP: "None", selector: { app: "web" }, ports: [{ port: 80 }] },
  }),
  post("a claim", `/api/v1/namespaces/${NS}/persistentvolumeclaims`, {
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  }),
];
