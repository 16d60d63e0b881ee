// Kubernetes objects as an API server answers them, for the tests of the projections.

export type Json = Record<string, unknown>;

export function meta(name: string, rest: Json = {}): Json {
  return { name, uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: "2026-11-01T00:00:00Z", ...rest };
}

export function nodeObject(name: string, rest: { metadata?: Json; spec?: Json; status?: Json } = {}): Json {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: meta(name, rest.metadata),
    spec: rest.spec ?? {},
    status: {
      conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-11-21T11:59:00Z" }],
      nodeInfo: {
        bootID: "boot-1",
        kernelVersion: "5.15.0-125-generic",
        kubeletVersion: "v1.33.6",
        containerRuntimeVersion: "containerd://1.7.24",
        osImage: "Ubuntu 22.04.5 LTS",
        architecture: "amd64",
      },
      ...rest.status,
    },
  };
}

export function lease(name: string, renewTime: string, ownerUid?: string): Json {
  const ownerReferences = ownerUid === undefined ? [] : [{ apiVersion: "v1", kind: "Node", name, uid: ownerUid }];
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { ...meta(name), uid: `uid-lease-${name}`, namespace: "kube-node-lease", ownerReferences },
    spec: { renewTime },
  };
}

export function controlledBy(kind: string, name: string): Json {
  return { ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: `uid-${name}`, controller: true }] };
}

const WEB = "registry.example.com/shop/web";

export function podObject(name: string, rest: { metadata?: Json; spec?: Json; status?: Json } = {}): Json {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta(name, { namespace: "shop", labels: { app: "web" }, ...rest.metadata }),
    spec: { nodeName: "worker-1", containers: [{ name: "web", image: `${WEB}:1.27.3` }], ...rest.spec },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [{ name: "web", image: `${WEB}:1.27.3`, imageID: `${WEB}@sha256:${"ab".repeat(32)}` }],
      ...rest.status,
    },
  };
}

export function workloadObject(
  kind: string,
  name: string,
  rest: { metadata?: Json; spec?: Json; status?: Json } = {},
): Json {
  return {
    apiVersion: kind === "Job" ? "batch/v1" : "apps/v1",
    kind,
    metadata: meta(name, { namespace: "shop", generation: 2, ...rest.metadata }),
    spec: { replicas: 2, template: { spec: { containers: [{ name: "web", image: `${WEB}:1.27.3` }] } }, ...rest.spec },
    status: {
      observedGeneration: 2,
      replicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      readyReplicas: 2,
      ...rest.status,
    },
  };
}
