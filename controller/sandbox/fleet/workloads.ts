// Workload objects for fleets: short descriptions in, whole Kubernetes objects out, written as people write them (what the
// server defaults is left out). Pure.
import type { KubeObject } from "../../kube/port.ts";
import type { IntOrPercent } from "../actors/objects.ts";

export interface WorkloadRow {
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet";
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** Ignored for a DaemonSet. */
  readonly replicas: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** No budget if absent. */
  readonly budget?: { readonly minAvailable: IntOrPercent } | { readonly maxUnavailable: IntOrPercent };
  /** A second container beside the first. */
  readonly sidecar?: string;
}

export function namespaceObject(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** The workload and its budget, if it has one. */
export function workloadObjects(row: WorkloadRow): readonly KubeObject[] {
  const { namespace, name, budget } = row;
  const selector = { matchLabels: { app: name } };
  const pdb: KubeObject = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace },
    spec: { ...budget, selector },
  };
  return budget === undefined ? [workload(row)] : [workload(row), pdb];
}

function workload(row: WorkloadRow): KubeObject {
  const { kind, namespace, name, replicas, labels = {}, annotations } = row;
  const metadata = {
    name,
    namespace,
    labels: { app: name, ...labels },
    ...(annotations === undefined ? {} : { annotations }),
  };
  const common = { selector: { matchLabels: { app: name } }, template: podTemplate(row) };
  switch (kind) {
    case "Deployment":
      return { apiVersion: "apps/v1", kind, metadata, spec: { replicas, ...common, progressDeadlineSeconds: 300 } };
    case "StatefulSet":
      return { apiVersion: "apps/v1", kind, metadata, spec: { replicas, serviceName: name, ...common } };
    case "DaemonSet":
      return {
        apiVersion: "apps/v1",
        kind,
        metadata,
        spec: { ...common, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "20%" } } },
      };
  }
}

function podTemplate({ kind, name, image, sidecar }: WorkloadRow) {
  const containers = [{ name: "main", image }, ...(sidecar === undefined ? [] : [{ name: "sidecar", image: sidecar }])];
  return {
    metadata: { labels: { app: name } },
    spec: {
      containers,
      ...(kind === "DaemonSet" ? { tolerations: [{ operator: "Exists", effect: "NoSchedule" }] } : {}),
    },
  };
}

/** A pod that no controller brings back. */
export function barePod(namespace: string, name: string, image: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name } },
    spec: { containers: [{ name: "main", image }] },
  };
}
