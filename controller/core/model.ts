// The values that the core reasons about: inventory as it was observed, policy as it is in force, and what comes out of
// assessing and planning. Plain readonly data; whoever fills it in (inventory/, policy/, dumps, tests) is not known here.
import type { Claim, DisruptionLedgerSpec } from "../api/disruption-ledger.ts";
import type { LabelSelector } from "../api/schema.ts";
import type { MaintenanceCalendarSpec } from "../api/maintenance-calendar.ts";
import type { PatchBaselineSpec, PatchBaselineStatus } from "../api/patch-baseline.ts";
import type { PatchExceptionSpec } from "../api/patch-exception.ts";
import type { PatchLevelSpec } from "../api/patch-level.ts";
import type {
  NodeInventoryStatus,
  NodeOperation,
  NodePatchStateStatus,
  Phase,
  State,
  WorkloadOperation,
  WorkloadPatchStateStatus,
} from "../api/patch-state.ts";
import type { Reason } from "../api/reasons.ts";
import type { RingLevelStatus, RolloutRingSpec, RolloutRingStatus } from "../api/rollout-ring.ts";
import type { UpdateRecipeSpec } from "../api/update-recipe.ts";
import type { Instant } from "../clock.ts";
import type { ForeignHold } from "./interop/markers.ts";

export type {
  Claim,
  LabelSelector,
  NodeInventoryStatus,
  NodeOperation,
  Phase,
  RingLevelStatus,
  State,
  WorkloadOperation,
};

/** sha256 of a level's canonical spec, hex. */
export type Digest = string & { readonly __brand: "Digest" };

// ---------------------------------------------------------------------------------------------------- inventory

export type NodeProvider = "Karpenter" | "ClusterAPI" | "ManagedPool";

export interface NodeAsset {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string | undefined;
  readonly createdAt: Instant;
  readonly ready: boolean;
  /** `spec.unschedulable`, whoever set it. */
  readonly unschedulable: boolean;
  readonly controlPlane: boolean;
  /** Set where something else replaces such nodes. */
  readonly provider: NodeProvider | undefined;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly kubeletVersion: string;
  readonly containerRuntimeVersion: string;
  readonly osImage: string;
  readonly architecture: string;
  /** When the kubelet last renewed its Lease: nodeInfo is as fresh as that. Undefined: no Lease was found. */
  readonly heardAt: Instant | undefined;
  /** Ringward's marks: annotations written in the cordon patch itself. */
  readonly mark: NodeMark | undefined;
  /** What other tools are doing to the node, as their marks say. */
  readonly foreign?: readonly ForeignHold[];
}

export interface NodeMark {
  readonly claimId: string;
  readonly priorUnschedulable: boolean;
  /** The do-not-remove marks as they were before, as the mark's annotation says it. */
  readonly priorMarks?: string;
}

export type WorkloadKind = "Deployment" | "StatefulSet" | "DaemonSet" | "Pod" | "Job" | "ReplicaSet";

export interface ContainerImage {
  readonly name: string;
  readonly init: boolean;
  /** As the template says it. */
  readonly image: string;
}

/** One pod of a workload, as far as images go. */
export interface PodImages {
  readonly name: string;
  readonly ready: boolean;
  /** Container name -> what the status says runs: reference and imageID. */
  readonly running: readonly { readonly container: string; readonly image: string; readonly imageId: string }[];
}

export interface WorkloadAsset {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Instant;
  readonly containers: readonly ContainerImage[];
  readonly pods: readonly PodImages[];
  /** Only Deployment, StatefulSet and DaemonSet with RollingUpdate can be patched. */
  readonly rollingUpdate: boolean;
  /** Who applies the template, if not a person: `Helm release shop/web`, `Argo CD application x`, `ReplicaSet y`. */
  readonly managedBy: string | undefined;
  readonly rollout: {
    /** The controller has seen the newest spec and every replica runs it and is available. */
    readonly complete: boolean;
    readonly deadlineExceeded: boolean;
    readonly desired: number;
    readonly available: number;
  };
  /** Ringward's marks on the object. */
  readonly mark: { readonly claimId: string } | undefined;
}

export interface PodAsset {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  readonly deleting: boolean;
  readonly ready: boolean;
  readonly controller: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  readonly mirror: boolean;
  readonly emptyDir: boolean;
  readonly priority: number;
  readonly job: boolean;
  /** Being deleted: when its grace ends. */
  readonly endsAt?: Instant;
  readonly finalizers?: readonly string[];
  /** The annotation with which its owner asks not to be evicted. */
  readonly doNotEvict?: string;
  readonly hostPath?: boolean;
  /** PersistentVolumeClaims of its namespace. */
  readonly volumeClaims?: readonly string[];
}

/** A PersistentVolume, as far as a drain needs it. */
export interface VolumeAsset {
  readonly name: string;
  /** `namespace/name` of the claim that it is bound to. */
  readonly claim: string | undefined;
  /** On a disk of one node (`local`, `hostPath`). */
  readonly local: boolean;
}

export interface PdbAsset {
  readonly namespace: string;
  readonly name: string;
  readonly selector: LabelSelector | undefined;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  /** Pods that it counts when all are there. */
  readonly expectedPods?: number;
  /** Its status is older than its spec: the API server refuses to evict by it. */
  readonly outdated?: boolean;
  /** `unhealthyPodEvictionPolicy: AlwaysAllow`. */
  readonly alwaysAllowsUnhealthy?: boolean;
}

/** A static pod of the control plane. */
export interface ControlPlanePod {
  readonly component: "etcd" | "kube-apiserver";
  readonly node: string;
  readonly ready: boolean;
  /** Of its image's tag, where that is one. */
  readonly version: string | undefined;
}

/** Everything observed in the cluster. Lists are sorted by (namespace, name); the planner sorts again, so order never matters (R6). */
export interface Inventory {
  readonly nodes: readonly NodeAsset[];
  readonly workloads: readonly WorkloadAsset[];
  readonly pods: readonly PodAsset[];
  readonly pdbs: readonly PdbAsset[];
  readonly volumes?: readonly VolumeAsset[];
  /** `v1.36.2`, or undefined where unknown (a dump). */
  readonly apiServerVersion: string | undefined;
  /** The control plane's own pods, and what the API server says of itself (`/readyz`; undefined: nobody asked). */
  readonly controlPlane?: { readonly pods: readonly ControlPlanePod[]; readonly ready: boolean | undefined };
}

/** What is stored about a target between passes (NodePatchState, WorkloadPatchState), by the target's UID. */
export interface StoredStates {
  readonly nodes: ReadonlyMap<string, NodePatchStateStatus>;
  readonly workloads: ReadonlyMap<string, WorkloadPatchStateStatus>;
}

// ------------------------------------------------------------------------------------------------------- policy

/** Where a policy object stands, for messages. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

export interface BaselineInForce {
  readonly name: string;
  readonly spec: PatchBaselineSpec;
  readonly status: PatchBaselineStatus | undefined;
  /** When its file, or its recipe's, last changed (committer date): an input's age. */
  readonly inputTime: Instant;
  readonly origin?: Origin;
}

export interface RingInForce {
  readonly name: string;
  readonly spec: RolloutRingSpec;
  /** What is stored about it. */
  readonly status: RolloutRingStatus | undefined;
  /** Who approves: the repository that contains it, or people with kubectl. */
  readonly authority: { readonly kind: "Git"; readonly commit: string } | { readonly kind: "Cluster" };
  /** Live says suspend: true (the more careful of Git and live wins). */
  readonly suspendedLive: boolean;
  /** Reasons that stop new claims for the whole ring, found while reading policy (DriftFromGit never is one by itself). */
  readonly brakes: readonly Block[];
  readonly origin?: Origin;
}

export interface LevelInForce {
  readonly name: string;
  readonly digest: Digest;
  readonly spec: PatchLevelSpec;
  /** When its newest input was made. */
  readonly inputTime: Instant;
  /** Set where the file's name and content disagree: never used. */
  readonly mismatch?: string;
}

export interface ExceptionInForce {
  readonly name: string;
  readonly spec: PatchExceptionSpec;
}

/** Policy as one verified snapshot says it (or as kubectl applied it, where there is no repository). */
export interface PolicyInForce {
  readonly clusterName: string;
  readonly baselines: readonly BaselineInForce[];
  readonly rings: readonly RingInForce[];
  readonly calendars: readonly { readonly name: string; readonly spec: MaintenanceCalendarSpec }[];
  readonly exceptions: readonly ExceptionInForce[];
  readonly recipes: readonly { readonly name: string; readonly spec: UpdateRecipeSpec }[];
  readonly levels: readonly LevelInForce[];
  /** Reasons that stop new claims everywhere: HistoryRewritten, SignatureInvalid, RepositoryStale. */
  readonly brakes: readonly Block[];
  /** Whether this cluster writes proposals. */
  readonly proposer: boolean;
}

// ------------------------------------------------------------------------------------------------------ results

/** Why something stands still. `since` is filled in from the stored state where the same reason was there before. */
export interface Block {
  readonly reason: Reason;
  readonly message: string;
  readonly since?: Instant;
}

export interface ComponentState {
  /** `kernel`, `kubelet`, `containerRuntime`, `osImage`, `package:NAME`, `image:REPOSITORY`. */
  readonly name: string;
  /** What runs, as the target says it; undefined: absent or not known. */
  readonly running: string | undefined;
  readonly desired: string;
  readonly scheme: string;
  readonly state: State;
  readonly reason?: Reason;
}

export type AssetKind = "Node" | WorkloadKind;

export interface AssetRef {
  readonly kind: AssetKind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
}

/** One asset under one baseline. */
export interface Assessment {
  readonly asset: AssetRef;
  readonly baseline: string;
  /** Level that it was compared with, and whether that is approved for it. Undefined: there is none yet. */
  readonly level: string | undefined;
  readonly digest: Digest | undefined;
  readonly approved: boolean;
  readonly state: State;
  readonly reason?: Reason;
  readonly components: readonly ComponentState[];
  /** An exact level that is not run (drift above, or a rollback): counted as its state says, but brought back where it can be. */
  readonly offTarget: boolean;
}

export interface AssetRow extends Assessment {
  readonly ring: string | undefined;
  readonly phase: Phase;
  readonly blockedBy: readonly Block[];
}

export interface LedgerView {
  readonly spec: DisruptionLedgerSpec;
  readonly claims: readonly Claim[];
  /** New, restored empty, or lacking claims whose marks stand on objects. */
  readonly rebuilding: boolean;
}
