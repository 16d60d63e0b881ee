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
    selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "app", operator: "In", values: ["web", "y"] }] },
  }),
];
