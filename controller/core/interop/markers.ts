// The marks that other tools leave while they work on a node: who, where the mark stands, what it means, and where that is said.
// docs/interop.md is made of this table. Only read, never written or taken away, and never fought: a node that bears one is
// left alone and says so. Whoever can write a node or its Lease writes this: nothing here may throw, and text is bounded (V4).
import type { Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";

type Strings = Readonly<Record<string, string>>;

/** What the table looks at: a node's own labels, annotations, taints and conditions that are True. */
export interface NodeMarks {
  readonly labels: Strings;
  readonly annotations: Strings;
  /** Taint key -> value. */
  readonly taints: Strings;
  /** Types of the conditions whose status is True. */
  readonly conditions: ReadonlySet<string>;
}

export type HoldReason = Extract<Reason, "UnderMaintenance" | "LockedByOther" | "BeingRemoved">;

/** A tool's claim on a node, as one of its marks says it. */
export interface ForeignHold {
  readonly reason: HoldReason;
  /** `kured: its lock is held (…)`. */
  readonly message: string;
  /** When the mark stops to count by itself; left out: never. */
  readonly until?: Instant;
  /** Where the mark stands if not on the node itself: `DaemonSet kube-system/kured`. */
  readonly at?: string;
}

export interface ForeignMarker {
  readonly tool: string;
  /** For the docs: what object, and which part of it. */
  readonly where: string;
  readonly means: string;
  readonly reason: HoldReason;
  /** Documentation or source file of the tool. */
  readonly source: string;
  /** Part of the mark that is shown; undefined: it is not there. Left out: the mark stands on another object (see foreign.ts in inventory/). */
  readonly find?: (node: NodeMarks) => string | undefined;
}

const FLUO = "flatcar-linux-update.v1.flatcar-linux.net/";
const MCO = "machineconfiguration.openshift.io/";
/** States of NVIDIA's driver upgrade between "wanted" and "done" (k8s-operator-libs, pkg/upgrade/consts.go). */
const NVIDIA_BUSY: ReadonlySet<string> = new Set([
  "node-maintenance-required",
  "cordon-required",
  "wait-for-jobs-required",
  "pod-deletion-required",
  "drain-required",
  "pod-restart-required",
  "validation-required",
  "uncordon-required",
]);
const NVIDIA_STATE = /^nvidia\.com\/[a-z0-9-]{1,40}-driver-upgrade-state$/;

/** What the conditions of KEP-5683 say. */
const CONDITIONS = {
  DrainInProgress: "that it is being drained",
  Drained: "that it was drained",
  MaintenanceInProgress: "that maintenance is under way",
  MaintenancePlanned: "that maintenance is planned",
} as const;

/** The table. The first mark of a node that answers is the one that is shown first. */
export const FOREIGN_MARKERS: readonly ForeignMarker[] = [
  {
    tool: "Cluster Autoscaler",
    where: "Node, taint `ToBeDeletedByClusterAutoscaler`",
    means: "the node is drained and deleted",
    reason: "BeingRemoved",
    source: "autoscaler: cluster-autoscaler/utils/taints",
    find: ({ taints }) => keyIn(taints, "ToBeDeletedByClusterAutoscaler"),
  },
  {
    tool: "Cluster Autoscaler",
    where: "Node, taint `DeletionCandidateOfClusterAutoscaler`",
    means: "the node is unneeded and may be deleted soon",
    reason: "BeingRemoved",
    source: "autoscaler: cluster-autoscaler/utils/taints",
    find: ({ taints }) => keyIn(taints, "DeletionCandidateOfClusterAutoscaler"),
  },
  {
    tool: "Karpenter",
    where: "Node, taint `karpenter.sh/disrupted` (`karpenter.sh/disruption` before v1)",
    means: "its NodeClaim is being disrupted: the node is drained and terminated",
    reason: "BeingRemoved",
    source: "karpenter: pkg/apis/v1/taints.go",
    find: ({ taints }) => keyIn(taints, "karpenter.sh/disrupted") ?? keyIn(taints, "karpenter.sh/disruption"),
  },
  {
    tool: "Kubernetes",
    where: "Node, taint `node.kubernetes.io/out-of-service` or `node.cloudprovider.kubernetes.io/shutdown`",
    means: "somebody declared the machine dead, or its cloud shut it down",
    reason: "BeingRemoved",
    source: "kubernetes.io/docs/reference/labels-annotations-taints",
    find: ({ taints }) =>
      keyIn(taints, "node.kubernetes.io/out-of-service") ?? keyIn(taints, "node.cloudprovider.kubernetes.io/shutdown"),
  },
  ...(["DrainInProgress", "Drained", "MaintenanceInProgress", "MaintenancePlanned"] as const).map(
    (type): ForeignMarker => ({
      tool: "Node lifecycle conditions",
      where: `Node, condition \`${type}\` True`,
      means: `whoever maintains the node says ${CONDITIONS[type]}`,
      reason: "UnderMaintenance",
      source: "KEP-5683",
      find: ({ conditions }) => (conditions.has(type) ? `condition ${type}` : undefined),
    }),
  ),
  {
    tool: "kubelet",
    where: "Node, condition `GracefulNodeShutdownInProgress` True",
    means: "the machine shuts down",
    reason: "UnderMaintenance",
    source: "KEP-5683",
    find: ({ conditions }) =>
      conditions.has("GracefulNodeShutdownInProgress") ? "condition GracefulNodeShutdownInProgress" : undefined,
  },
  {
    tool: "Node Maintenance Operator",
    where: "Node, taint `medik8s.io/drain`",
    means: "a NodeMaintenance cordons and drains the node until it is deleted",
    reason: "UnderMaintenance",
    source: "medik8s/node-maintenance-operator: controllers/taint.go",
    find: ({ taints }) => keyIn(taints, "medik8s.io/drain"),
  },
  {
    tool: "Flatcar Linux Update Operator",
    where: `Node, annotations \`${FLUO}reboot-ok\` and \`…/reboot-needed\`, or \`…/reboot-in-progress\`, or labels \`…/before-reboot\`, \`…/after-reboot\`, \`true\``,
    means: "the node may reboot now, reboots, or waits for its checks before or after",
    reason: "UnderMaintenance",
    source: "flatcar-linux-update-operator: pkg/constants",
    find: findFluo,
  },
  {
    tool: "Machine Config Operator",
    where: `Node, annotation \`${MCO}state\` Working or Rebooting, or \`…/desiredDrain\` (drain-…) not yet in \`…/lastAppliedDrain\``,
    means: "the node is drained, changed or rebooted for its MachineConfig",
    reason: "UnderMaintenance",
    source: "openshift/machine-config-operator: pkg/daemon/constants",
    find: findMco,
  },
  {
    tool: "NVIDIA driver upgrade",
    where: "Node, label `nvidia.com/<driver>-driver-upgrade-state`, from cordon-required to uncordon-required",
    means: "the node is cordoned, drained and gets another driver",
    reason: "UnderMaintenance",
    source: "NVIDIA/k8s-operator-libs: pkg/upgrade/consts.go",
    find: ({ labels }) => {
      const found = Object.entries(labels).find(([key, state]) => NVIDIA_STATE.test(key) && NVIDIA_BUSY.has(state));
      return found === undefined ? undefined : `${found[0]}=${found[1]}`;
    },
  },
  {
    tool: "tuppr",
    where: "Node, label `tuppr.home-operations.com/upgrading`",
    means: "the node is being upgraded",
    reason: "UnderMaintenance",
    source: "home-operations/tuppr: internal/constants",
    find: ({ labels }) => keyIn(labels, "tuppr.home-operations.com/upgrading"),
  },
  {
    tool: "system-upgrade-controller",
    where: "Job with label `upgrade.cattle.io/node`, not finished",
    means: "a Plan's job cordons, drains or upgrades the node",
    reason: "UnderMaintenance",
    source: "rancher/system-upgrade-controller: pkg/upgrade/job",
  },
  {
    tool: "kured",
    where: "DaemonSet, annotation `weave.works/kured-node-lock` that names the node, within its TTL",
    means: "kured holds its reboot lock for the node",
    reason: "LockedByOther",
    source: "kured: pkg/daemonsetlock",
  },
  {
    tool: "medik8s",
    where: "Lease `medik8s-leases/node-<name>` with a holder, within its duration",
    means: "the holder maintains or remediates the node",
    reason: "LockedByOther",
    source: "medik8s/common: pkg/lease",
  },
];

/** Marks that Ringward sets on a claimed node, so that no autoscaler takes it away in the middle of its update. */
export const KEEP_MARKS = [
  "cluster-autoscaler.kubernetes.io/scale-down-disabled",
  "karpenter.sh/do-not-disrupt",
] as const;

/** What a node's own marks say. */
export function findHolds(node: NodeMarks): readonly ForeignHold[] {
  return FOREIGN_MARKERS.flatMap(({ tool, means, reason, find }) => {
    const shown = find?.(node);
    return shown === undefined ? [] : [{ reason, message: `${tool}: ${means} (${shown.slice(0, 160)})` }];
  });
}

/** The first hold that still counts, as a block. */
export function findHold(
  { foreign }: { readonly foreign?: readonly ForeignHold[] },
  now: Instant,
): { readonly reason: HoldReason; readonly message: string } | undefined {
  const hold = foreign?.find(({ until }) => until === undefined || until > now);
  return hold && { reason: hold.reason, message: hold.message };
}

function keyIn(map: Strings, key: string): string | undefined {
  if (!Object.hasOwn(map, key)) return undefined;
  const value = map[key] ?? "";
  return value === "" ? key : `${key}=${value}`;
}

function saysTrue(map: Strings, key: string): boolean {
  return Object.hasOwn(map, key) && map[key] === "true";
}

function findFluo({ labels, annotations }: NodeMarks): string | undefined {
  const named = ["before-reboot", "after-reboot"].find((name) => saysTrue(labels, FLUO + name));
  if (named !== undefined) return FLUO + named;
  if (saysTrue(annotations, `${FLUO}reboot-in-progress`)) return `${FLUO}reboot-in-progress`;
  return saysTrue(annotations, `${FLUO}reboot-ok`) && saysTrue(annotations, `${FLUO}reboot-needed`)
    ? `${FLUO}reboot-ok`
    : undefined;
}

function findMco({ annotations }: NodeMarks): string | undefined {
  const say = (name: string): string => (Object.hasOwn(annotations, MCO + name) ? (annotations[MCO + name] ?? "") : "");
  if (["Working", "Rebooting"].includes(say("state"))) return `${MCO}state=${say("state")}`;
  const wanted = say("desiredDrain");
  return wanted.startsWith("drain-") && wanted !== say("lastAppliedDrain") ? `${MCO}desiredDrain=${wanted}` : undefined;
}
