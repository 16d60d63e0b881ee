// What Kubernetes' OpenAPI type maps do not say about the built-in kinds: list types and keys for apply (KEP-555 markers),
// patchStrategy/patchMergeKey for strategic merge (sig-architecture/strategic-merge-patch.md), and which optional fields Go
// writes although they are empty because they are structs or times, not pointers. Facts only; schema/builtin.ts gives them meaning.
import type { Json } from "../json.ts";

export interface FieldOverlay {
  readonly list?: "set" | "map";
  readonly keys?: readonly string[];
  readonly keyDefaults?: Readonly<Record<string, Json>>;
  /** patchStrategy=merge; a string is the patchMergeKey. */
  readonly merge?: string | true;
  readonly retainKeys?: true;
  /** mapType=atomic. */
  readonly atomic?: true;
}

export interface TypeOverlay {
  /** structType=atomic. */
  readonly atomic?: true;
  readonly fields?: Readonly<Record<string, FieldOverlay>>;
  /** Optional fields that Go always writes: structs become their own zero value, times null. */
  readonly always?: readonly string[];
  /** Fields without `omitempty` pointers: 0 and false are left out. */
  readonly omitZero?: readonly string[];
  /** Required by the documents but left out when empty. */
  readonly omitEmpty?: readonly string[];
}

const byName = { list: "map", keys: ["name"], merge: "name" } as const;
const byType = { list: "map", keys: ["type"], merge: "type" } as const;
const OBJECT = { always: ["spec", "status"] } as const;
const CONTAINER = {
  always: ["resources"],
  omitZero: ["stdin", "stdinOnce", "tty"],
  fields: {
    ports: {
      list: "map",
      keys: ["containerPort", "protocol"],
      keyDefaults: { protocol: "TCP" },
      merge: "containerPort",
    },
    env: byName,
    volumeMounts: { list: "map", keys: ["mountPath"], merge: "mountPath" },
    volumeDevices: { list: "map", keys: ["devicePath"], merge: "devicePath" },
  },
} as const;
const WORKLOAD_STATUS = { fields: { conditions: byType } } as const;

export const OVERLAY: Readonly<Record<string, TypeOverlay>> = {
  ObjectMeta: {
    omitZero: ["generation"],
    fields: { ownerReferences: { list: "map", keys: ["uid"], merge: "uid" }, finalizers: { list: "set", merge: true } },
  },
  OwnerReference: { atomic: true },
  LabelSelector: { atomic: true },
  ObjectReference: { atomic: true },
  LocalObjectReference: { atomic: true, omitEmpty: ["name"] },
  TypedLocalObjectReference: { atomic: true },
  ConfigMapKeySelector: { atomic: true, omitEmpty: ["name"] },
  SecretKeySelector: { atomic: true, omitEmpty: ["name"] },
  ObjectFieldSelector: { atomic: true },
  ResourceFieldSelector: { atomic: true },
  NodeSelector: { atomic: true },
  NodeSelectorTerm: { atomic: true },
  SecretReference: { atomic: true },
  RoleRef: { atomic: true },
  RbacV1Subject: { atomic: true },
  ScopeSelector: { atomic: true },

  Node: OBJECT,
  NodeSpec: { omitZero: ["unschedulable"], fields: { podCIDRs: { list: "set", merge: true } } },
  NodeStatus: {
    always: ["daemonEndpoints", "nodeInfo"],
    fields: { conditions: byType, addresses: { list: "map", keys: ["type"], merge: "type" } },
  },
  NodeDaemonEndpoints: { always: ["kubeletEndpoint"] },
  NodeCondition: { always: ["lastHeartbeatTime", "lastTransitionTime"] },
  Namespace: OBJECT,
  NamespaceStatus: { fields: { conditions: byType } },
  NamespaceCondition: { always: ["lastTransitionTime"] },

  Pod: OBJECT,
  PodSpec: {
    omitZero: ["hostNetwork", "hostPID", "hostIPC"],
    fields: {
      volumes: { ...byName, retainKeys: true },
      initContainers: byName,
      containers: byName,
      ephemeralContainers: byName,
      imagePullSecrets: byName,
      hostAliases: { list: "map", keys: ["ip"], merge: "ip" },
      topologySpreadConstraints: { list: "map", keys: ["topologyKey", "whenUnsatisfiable"], merge: "topologyKey" },
      schedulingGates: byName,
      resourceClaims: { ...byName, retainKeys: true },
      nodeSelector: { atomic: true },
    },
  },
  PodStatus: {
    fields: {
      conditions: byType,
      podIPs: { list: "map", keys: ["ip"], merge: "ip" },
      hostIPs: { merge: "ip" },
      resourceClaimStatuses: { ...byName, retainKeys: true },
    },
  },
  PodCondition: { always: ["lastProbeTime", "lastTransitionTime"], omitZero: ["observedGeneration"] },
  PodTemplateSpec: { always: ["metadata", "spec"] },
  Container: CONTAINER,
  EphemeralContainer: CONTAINER,
  ResourceRequirements: { fields: { claims: { list: "map", keys: ["name"] } } },
  ContainerStatus: { always: ["state", "lastState"] },
  ContainerStateTerminated: { always: ["startedAt", "finishedAt"], omitZero: ["signal"] },
  ContainerStateRunning: { always: ["startedAt"] },
  ContainerPort: { omitZero: ["hostPort"] },
  EnvVar: {},
  VolumeMount: { omitZero: ["readOnly"] },
  Probe: { omitZero: ["initialDelaySeconds"] },

  ServiceAccount: { fields: { secrets: byName } },
  Service: OBJECT,
  ServiceSpec: {
    fields: {
      ports: { list: "map", keys: ["port", "protocol"], keyDefaults: { protocol: "TCP" }, merge: "port" },
      selector: { atomic: true },
    },
    omitZero: ["healthCheckNodePort", "publishNotReadyAddresses"],
  },
  ServiceStatus: { always: ["loadBalancer"], fields: { conditions: byType } },
  ServicePort: { omitZero: ["nodePort"], always: ["targetPort"] },
  Event: {
    always: [
      "involvedObject",
      "source",
      "firstTimestamp",
      "lastTimestamp",
      "eventTime",
      "reportingComponent",
      "reportingInstance",
    ],
    omitZero: ["count"],
  },
  EventsEvent: {
    always: ["deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp", "regarding"],
    omitZero: ["deprecatedCount"],
  },
  PersistentVolumeClaim: OBJECT,
  PersistentVolumeClaimSpec: { always: ["resources"] },
  PersistentVolumeClaimStatus: { fields: { conditions: byType } },
  PersistentVolume: OBJECT,
  LimitRange: { always: ["spec"] },
  ResourceQuota: OBJECT,
  PodTemplate: { always: ["template"] },
  ReplicationController: OBJECT,

  Deployment: OBJECT,
  DeploymentSpec: {
    always: ["strategy"],
    omitEmpty: ["selector"],
    omitZero: ["paused", "minReadySeconds"],
    fields: { strategy: { retainKeys: true } },
  },
  DeploymentStatus: {
    ...WORKLOAD_STATUS,
    omitZero: [
      "observedGeneration",
      "replicas",
      "updatedReplicas",
      "readyReplicas",
      "availableReplicas",
      "unavailableReplicas",
    ],
  },
  DeploymentCondition: { always: ["lastUpdateTime", "lastTransitionTime"] },
  ReplicaSet: OBJECT,
  ReplicaSetSpec: { omitEmpty: ["selector"], always: ["template"], omitZero: ["minReadySeconds"] },
  ReplicaSetStatus: {
    ...WORKLOAD_STATUS,
    omitZero: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
  },
  ReplicaSetCondition: { always: ["lastTransitionTime"] },
  StatefulSet: OBJECT,
  StatefulSetSpec: {
    omitEmpty: ["selector"],
    always: ["serviceName", "updateStrategy"],
    omitZero: ["minReadySeconds"],
  },
  StatefulSetStatus: {
    ...WORKLOAD_STATUS,
    always: ["availableReplicas"],
    omitZero: ["observedGeneration", "readyReplicas", "currentReplicas", "updatedReplicas"],
  },
  StatefulSetCondition: { always: ["lastTransitionTime"] },
  DaemonSet: OBJECT,
  DaemonSetSpec: { omitEmpty: ["selector"], always: ["updateStrategy"], omitZero: ["minReadySeconds"] },
  DaemonSetStatus: {
    ...WORKLOAD_STATUS,
    omitZero: ["observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"],
  },
  DaemonSetCondition: { always: ["lastTransitionTime"] },

  Job: OBJECT,
  JobStatus: { omitZero: ["active", "succeeded", "failed"], fields: { conditions: { merge: "type" } } },
  JobCondition: { always: ["lastProbeTime", "lastTransitionTime"] },
  JobTemplateSpec: { always: ["metadata", "spec"] },
  CronJob: OBJECT,

  PodDisruptionBudget: OBJECT,
  PodDisruptionBudgetStatus: { fields: { conditions: byType }, omitZero: ["observedGeneration"] },
  PodDisruptionBudgetSpec: {},
  Condition: { omitZero: ["observedGeneration"] },
  Lease: { always: ["spec"] },
  Scale: OBJECT,
  ScaleSpec: { omitZero: ["replicas"] },

  CustomResourceDefinition: OBJECT,
  CustomResourceDefinitionStatus: {
    always: ["conditions", "acceptedNames", "storedVersions"],
    fields: { conditions: { list: "map", keys: ["type"] } },
  },
  CustomResourceDefinitionCondition: { always: ["lastTransitionTime"] },
  CustomResourceColumnDefinition: { omitZero: ["priority"] },
  JSONSchemaProps: {
    omitZero: [
      "exclusiveMaximum",
      "exclusiveMinimum",
      "uniqueItems",
      "nullable",
      "x-kubernetes-embedded-resource",
      "x-kubernetes-int-or-string",
    ],
  },
  ValidatingAdmissionPolicy: OBJECT,
  ValidatingAdmissionPolicySpec: { fields: { variables: byName, matchConditions: byName } },
  ValidatingAdmissionPolicyStatus: {
    fields: { conditions: { list: "map", keys: ["type"] } },
    omitZero: ["observedGeneration"],
  },
  ValidatingAdmissionPolicyBinding: { always: ["spec"] },
  SelfSubjectAccessReview: OBJECT,
  SubjectAccessReview: OBJECT,
  SubjectAccessReviewStatus: { omitZero: ["denied"] },
  SelfSubjectReview: { always: ["status"] },
};
