// One object of each kind that is read as protobuf and that people make, with what the projections read of it.
import type { KubeObject } from "../../../controller/kube/port.ts";

const template = (app: string): object => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 0,
    initContainers: [{ name: "init", image: "registry.example.com/apps/init:1.0.0" }],
    containers: [{ name: "main", image: "registry.example.com/apps/main:1.0.0", env: [{ name: "A", value: "b" }] }],
    volumes: [{ name: "scratch", emptyDir: {} }],
    tolerations: [{ operator: "Exists" }],
  },
});

function workload(apiVersion: string, kind: string, name: string, spec: object): KubeObject {
  const metadata = { name, namespace: "default", labels: { app: name }, annotations: { note: "grün, 緑" } };
  return { apiVersion, kind, metadata, spec };
}

const ON_ONE_NODE = {
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["a"] }] }],
  },
};

function volume(name: string, source: object): KubeObject {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "1Gi" },
      claimRef: { namespace: "default", name: `claim-of-${name}` },
      ...source,
    },
  };
}

const selector = (app: string): object => ({ matchLabels: { app } });

export const WORKLOADS: readonly KubeObject[] = [
  workload("apps/v1", "Deployment", "web", { replicas: 2, selector: selector("web"), template: template("web") }),
  workload("apps/v1", "Deployment", "none", {
    replicas: 0,
    paused: true,
    selector: selector("none"),
    template: template("none"),
  }),
  workload("apps/v1", "StatefulSet", "db", {
    replicas: 1,
    serviceName: "db",
    selector: selector("db"),
    template: template("db"),
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } },
  }),
  workload("apps/v1", "DaemonSet", "agent", { selector: selector("agent"), template: template("agent") }),
  workload("batch/v1", "Job", "once", {
    suspend: true,
    template: { spec: { restartPolicy: "Never", containers: [{ name: "x", image: "registry.example.com/x:1" }] } },
  }),
  workload("policy/v1", "PodDisruptionBudget", "web", {
    maxUnavailable: "50%",
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "app", operator: "In", values: ["web", "y"] }] },
  }),
  // Never scheduled: what its volumes and finalizers say is what counts.
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "kept", namespace: "default", finalizers: ["example.com/keep"] },
    spec: {
      schedulingGates: [{ name: "example.com/never" }],
      containers: [{ name: "main", image: "registry.example.com/apps/main:1.0.0" }],
      volumes: [
        { name: "host", hostPath: { path: "/srv" } },
        { name: "data", persistentVolumeClaim: { claimName: "data" } },
        {
          name: "own",
          ephemeral: {
            volumeClaimTemplate: {
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
          },
        },
      ],
    },
  },
  volume("disk-of-a-node", { local: { path: "/mnt/a" }, nodeAffinity: ON_ONE_NODE }),
  volume("path-of-a-node", { hostPath: { path: "/mnt/b" } }),
  volume("anywhere", { nfs: { server: "nfs.example.com", path: "/" } }),
];
