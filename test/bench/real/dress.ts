// Objects as they are in real clusters: what the fleet generator says of a node or pod, and around it all that kubelets, controllers and
// people write there and Ringward does not read: managed fields, probes, volumes, environment, sidecars, lists of images. Pure.
import { createHash } from "node:crypto";
import type { KubeObject, ManagedFieldsEntry } from "../../../controller/kube/port.ts";

type Json = Record<string, unknown>;

interface Container extends Json {
  readonly name: string;
  readonly image: string;
}

type TemplateSpec = Json & { readonly containers: readonly Container[]; readonly initContainers: readonly Container[] };

/** What the pods of one workload have in common. */
interface PodStyle {
  readonly app: string;
  readonly spec: TemplateSpec;
  readonly fields: Json;
}

/** A function that dresses objects; equal objects are dressed equally. Pods of one workload should come one after the other. */
export function createDresser(): (object: KubeObject) => KubeObject {
  let style: PodStyle | undefined;
  return (object) => {
    if (object.kind !== "Pod") return dress(object);
    const app = object.metadata.labels?.["app"] ?? object.metadata.name;
    if (style?.app !== app) {
      const spec = dressTemplateSpec(object.spec as Json, app);
      style = { app, spec, fields: podFields(spec) };
    }
    return dressPod(object, style);
  };
}

function dress(object: KubeObject): KubeObject {
  switch (object.kind) {
    case "Node":
      return dressNode(object);
    case "Deployment":
    case "ReplicaSet":
      return dressWorkload(object);
    default:
      return object;
  }
}

function dressPod(pod: KubeObject, { app, spec, fields }: PodStyle): KubeObject {
  const { metadata } = pod;
  const status = pod.status as Json & { readonly containerStatuses: readonly Json[] };
  const time = metadata.creationTimestamp ?? "";
  const [first] = status.containerStatuses;
  const statuses = spec.containers.map((container) => ({ ...first, ...statusOf(container, metadata.name, first) }));
  const inits = spec.initContainers.map((container) => ({
    ...statusOf(container, metadata.name, undefined),
    ready: true,
    started: false,
    restartCount: 0,
    state: { terminated: { exitCode: 0, reason: "Completed", startedAt: time, finishedAt: time } },
    lastState: {},
  }));
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: metadata.name.replace(/\d+$/, ""),
      labels: { ...metadata.labels, ...appLabels(app) },
      annotations: podAnnotations(app),
      managedFields: [
        managed("kube-controller-manager", time, fields),
        managed("kubelet", time, statusFields(spec.containers), "status"),
      ],
    },
    spec: { ...spec, nodeName: (pod.spec as Json)["nodeName"], tolerations: TOLERATIONS },
    status: {
      ...status,
      observedGeneration: 1,
      hostIPs: [{ ip: status["hostIP"] }],
      qosClass: "Burstable",
      containerStatuses: statuses,
      initContainerStatuses: inits,
    },
  };
}

function dressWorkload(workload: KubeObject): KubeObject {
  const { metadata } = workload;
  const spec = workload.spec as Json & { readonly template: Json & { readonly spec: Json; readonly metadata: Json } };
  const app = (spec["selector"] as { readonly matchLabels: { readonly app: string } }).matchLabels.app;
  const time = metadata.creationTimestamp ?? "";
  const template = dressTemplateSpec(spec.template.spec, app);
  const labels = { ...(spec.template.metadata["labels"] as Record<string, string>), ...appLabels(app) };
  return {
    ...workload,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...appLabels(app) },
      annotations: { ...metadata.annotations, "deployment.kubernetes.io/revision": "7" },
      managedFields: [
        managed("deploy-pipeline", time, { "f:spec": { "f:template": podFields(template) } }),
        managed("kube-controller-manager", time, { "f:status": { "f:replicas": {}, "f:conditions": {} } }, "status"),
      ],
    },
    spec: {
      ...spec,
      template: { metadata: { labels, annotations: podAnnotations(app) }, spec: template },
    },
  };
}

function dressNode(node: KubeObject): KubeObject {
  const { metadata } = node;
  const status = node.status as Json;
  const time = metadata.creationTimestamp ?? "";
  const number = Number.parseInt(digest(metadata.name).slice(0, 4), 16);
  return {
    ...node,
    metadata: {
      ...metadata,
      labels: {
        ...metadata.labels,
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "region-1",
        "node.example.com/pool": `pool-${number % 12}`,
        "node.example.com/rack": `rack-${number % 80}`,
      },
      annotations: {
        ...metadata.annotations,
        "csi.volume.kubernetes.io/nodeid": JSON.stringify({ "disk.csi.example.com": metadata.name }),
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
      },
      managedFields: [
        managed("kube-controller-manager", time, fieldsOf(metadata.labels ?? {}, "f:metadata", "f:labels")),
        managed("kubelet", time, nodeStatusFields(status), "status"),
      ],
    },
    status: {
      ...status,
      // A kubelet names up to 50 images.
      images: Array.from({ length: 50 }, (_, index) => {
        const image = (number + index * 7) % 500;
        const repository = `registry.example.com/apps/image-${String(image).padStart(3, "0")}`;
        return {
          names: [`${repository}@sha256:${digest(`${repository} ${index}`)}`, `${repository}:1.${index % 3}.0`],
          sizeBytes: 40_000_000 + image * 10_007,
        };
      }),
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: true } }],
    },
  };
}

/** What a chart and two admission webhooks make of the template: probes, environment, volumes, a sidecar or two. */
function dressTemplateSpec(spec: Json, app: string): TemplateSpec {
  const [main] = spec["containers"] as readonly Container[];
  if (main === undefined) throw new Error(`${app}: a template without containers`);
  const kind = Number.parseInt(digest(app).slice(0, 2), 16);
  const token = {
    name: "kube-api-access-x7k2p",
    mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
    readOnly: true,
  };
  const volumes: Json[] = [
    { name: "config", configMap: { name: `${app}-config`, defaultMode: 420 } },
    { name: "tls", secret: { secretName: `${app}-tls`, defaultMode: 420 } },
    { name: "tmp", emptyDir: {} },
    TOKEN_VOLUME,
  ];
  const whole = (container: Container, env: number): Container => ({
    ...container,
    env: environment(app, env),
    ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    volumeMounts: [
      { name: "config", mountPath: "/etc/app", readOnly: true },
      { name: "tls", mountPath: "/etc/tls", readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
      token,
    ],
    livenessProbe: probe("/healthz"),
    readinessProbe: probe("/readyz"),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
  });
  const sidecars: Container[] = [
    ...(kind % 3 === 1 ? [{ name: "proxy", image: "registry.example.com/mesh/proxy:1.24.1" }] : []),
    ...(kind % 8 === 0 ? [{ name: "logs", image: "registry.example.com/platform/log-shipper:3.2.2" }] : []),
  ];
  return {
    ...spec,
    containers: [whole(main, 8), ...sidecars.map((container) => whole(container, 4))],
    initContainers: kind % 4 === 0 ? [whole({ name: "migrate", image: main.image }, 4)].map(withoutProbes) : [],
    volumes,
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } },
          },
        ],
      },
    },
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    serviceAccountName: app,
    schedulerName: "default-scheduler",
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    securityContext: { fsGroup: 2000, seccompProfile: { type: "RuntimeDefault" } },
  };
}

/** Init containers have none. */
function withoutProbes(container: Container): Container {
  const { livenessProbe: _live, readinessProbe: _ready, ...rest } = container;
  return rest as Container;
}

const TOKEN_VOLUME = {
  name: "kube-api-access-x7k2p",
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
};

const TOLERATIONS = ["not-ready", "unreachable"].map((key) => ({
  key: `node.kubernetes.io/${key}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 300,
}));

function probe(path: string): Json {
  return {
    httpGet: { path, port: 8080, scheme: "HTTP" },
    initialDelaySeconds: 5,
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

function environment(app: string, count: number): readonly Json[] {
  const fromField = (name: string, fieldPath: string): Json => ({
    name,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  });
  const plain = Array.from({ length: count - 2 }, (_, index) => ({
    name: `SETTING_${index}`,
    value: `https://${app}.svc.example.com/settings/${index}`,
  }));
  return [fromField("POD_NAME", "metadata.name"), fromField("NODE_NAME", "spec.nodeName"), ...plain];
}

function appLabels(app: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": app,
    "app.kubernetes.io/instance": `${app}-prod`,
    "app.kubernetes.io/managed-by": "deploy-pipeline",
  };
}

function podAnnotations(app: string): Record<string, string> {
  return {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "8080",
    "checksum/config": digest(`${app} config`),
    "checksum/secret": digest(`${app} secret`),
  };
}

function statusOf(container: Container, pod: string, like: Json | undefined): Json {
  const { name, image } = container;
  const repository = image.replace(/:[^:/]+$/, "");
  const imageID = name === "main" && like !== undefined ? like["imageID"] : `${repository}@sha256:${digest(image)}`;
  return {
    name,
    image,
    imageID,
    containerID: `containerd://${digest(`${pod} ${name}`)}`,
    volumeMounts: [
      { name: "config", mountPath: "/etc/app", readOnly: true, recursiveReadOnly: "Disabled" },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

// ------------------------------------------------------------------------------------------------------ managed fields

function managed(manager: string, time: string, fieldsV1: Json, subresource?: string): ManagedFieldsEntry {
  const entry = { manager, operation: "Update", apiVersion: "v1", time, fieldsType: "FieldsV1", fieldsV1 } as const;
  return subresource === undefined ? entry : { ...entry, subresource };
}

/** Every field that `value` has, in the way of managed fields; list items by their names. */
function fieldsOf(value: unknown, ...path: readonly string[]): Json {
  const fields = path.reduceRight<Json>((inner, key) => ({ [key]: inner }), leaves(value));
  return fields;
}

function leaves(value: unknown): Json {
  if (Array.isArray(value))
    return Object.fromEntries(
      value.flatMap((item: unknown) => {
        const key =
          (item as Json | null)?.["name"] ?? (item as Json | null)?.["type"] ?? (item as Json | null)?.["mountPath"];
        return typeof key === "string" ? [[`k:${JSON.stringify({ name: key })}`, { ".": {}, ...leaves(item) }]] : [];
      }),
    );
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [`f:${key}`, leaves(inner)]));
}

function podFields({ containers, initContainers, ...spec }: Json): Json {
  return fieldsOf({ ...spec, containers, initContainers }, "f:spec");
}

function statusFields(containers: readonly Container[]): Json {
  const statuses = containers.map(({ name }) => ({ name, ...STATUS_FIELDS }));
  return fieldsOf(
    { conditions: ["Ready", "Initialized", "ContainersReady"].map((type) => ({ type, status: "" })), statuses },
    "f:status",
  );
}

const STATUS_FIELDS = { image: "", imageID: "", containerID: "", ready: true, started: true, restartCount: 0 };

function nodeStatusFields(status: Json): Json {
  return fieldsOf(
    { conditions: status["conditions"], allocatable: status["allocatable"], capacity: status["capacity"] },
    "f:status",
  );
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
