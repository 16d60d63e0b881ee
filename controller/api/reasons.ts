// Every reason that Ringward gives, in ONE closed table: conditions, events, metrics, alerts, the command line, pull requests
// and docs/reasons.md (generated) share it. A test fails on a reason that no scenario produces.

/** What a reader should do about it: `wait` resolves by itself, `person` needs one, `info` needs nobody. */
type Care = "wait" | "person" | "info";

const table = {
  // --- why a target, ring or level is not moving (blockedBy, decisions) -----------------------------------------
  OutsideWindow: ["wait", "No maintenance window of the ring's calendars is open, or its cutoff has passed."],
  Frozen: ["wait", "A freeze covers the ring."],
  Deferred: ["wait", "The level is younger than the ring's deferral."],
  GracePeriod: ["wait", "The target joined or came to need a reboot too recently."],
  WaitingForApproval: ["person", "The ring's entry does not name the level; a pull request waits to be merged."],
  PredecessorNotSoaked: ["wait", "A ring that this one comes after has not completed and soaked the level."],
  RingSuspended: ["person", "The ring says suspend, in Git or live."],
  RingHalted: ["person", "More targets of the ring failed than maxFailures allows."],
  RingEmpty: ["person", "The baseline's targets and the ring's members have nothing in common, and onEmpty is Block."],
  RingBudgetExhausted: ["wait", "As many of the ring's targets as its budget allows are unavailable or in change."],
  ZoneBudgetExhausted: ["wait", "As many nodes of the zone as the limits allow are unavailable or in change."],
  LimitReached: ["wait", "As many targets of the cluster as the ledger's limits allow are unavailable or in change."],
  ControlPlaneBusy: [
    "wait",
    "Another control-plane node is unavailable or in change, or a control-plane node is not ready.",
  ],
  EtcdQuorumAtRisk: [
    "wait",
    "Without the control-plane node too few members of etcd would be well for a quorum; it is left alone until they are.",
  ],
  ApiServerNotReady: [
    "wait",
    "The API server is not ready, or no other one would be while the control-plane node is away.",
  ],
  LedgerFull: ["wait", "The ledger holds as many claims as it can."],
  LedgerRebuilding: [
    "wait",
    "The ledger is new or lacks claims that stand on objects; nothing is claimed until they are back.",
  ],
  GateShut: ["wait", "A gate of the ring was looked at and does not hold."],
  GateUnknown: [
    "person",
    "Nobody knows whether a gate of the ring holds (no data, an error, a timeout, an old or unreadable answer), so it is shut.",
  ],
  BlockingPod: ["wait", "A pod that a gate of the ring names is on the node."],
  PDBBlocked: ["person", "A PodDisruptionBudget refuses the eviction of a pod."],
  PDBNeverAllows: [
    "person",
    "A PodDisruptionBudget wants as many healthy pods as there are, so it can never spare one; the node is not cordoned.",
  ],
  PDBConflict: [
    "person",
    "More than one PodDisruptionBudget selects a pod, and the API server evicts no such pod; the node is not cordoned.",
  ],
  PodBlocksDrain: ["person", "A pod that the drain policy does not evict is on the node."],
  PodStuckTerminating: ["person", "A pod was evicted, and is still there although its grace has ended."],
  WaitingForCompletion: ["wait", "The drain waits for pods that policy leaves to end by themselves."],
  VolumesAttached: ["wait", "Volumes of pods that left are still attached to the node; its update waits for that."],
  ServerBusy: ["wait", "The API server is overloaded and asked to come back later."],
  DrainTimedOut: ["person", "The drain took longer than its timeout and was backed out; it is tried again later."],
  CordonedByOther: ["person", "Somebody else cordoned the node and the ring skips such nodes."],
  UnderMaintenance: [
    "wait",
    "Another tool drains, reboots or updates the node; Ringward waits until its marks are gone.",
  ],
  LockedByOther: ["wait", "Another tool holds its lock or Lease for the node."],
  BeingRemoved: ["wait", "An autoscaler removes the node, or is about to."],
  NodeNotReady: ["person", "The node is not Ready, so nothing is started on it."],
  ReplacedByProvider: [
    "person",
    "The node is replaced, not patched, by its provider (Karpenter, Cluster API, a managed pool or an External recipe).",
  ],
  ManagedElsewhere: ["person", "Somebody else applies the workload's template; the change belongs in their manifests."],
  FieldContested: ["person", "Somebody else put the image back after it was patched; it is not written twice."],
  UpdateStrategyNotSupported: ["person", "The workload's update strategy is not RollingUpdate; it is observed only."],
  RingObserves: ["person", "The ring's workloads are in mode Observe."],
  VersionNotAvailable: [
    "person",
    "The target's source does not have the exact version; it is never given a newer one.",
  ],
  VersionSkew: ["person", "The kubelet would be newer than the API server, or too old for it."],
  JobRefused: [
    "person",
    "The cluster does not take the job of a recipe's step (an admission policy, permissions, a quota); the node is not cordoned for it.",
  ],
  NotPrepared: [
    "wait",
    "The recipe's prepare step says that the node may not be updated yet; it was handed back and is tried again later.",
  ],
  RollbackNotPossible: ["person", "The entry says Exact and the level cannot be gone back to."],
  RingConflict: ["person", "The asset is a member of more than one ring."],
  BaselineConflict: ["person", "The node is under more than one node baseline."],
  Unassigned: ["info", "The asset is in no ring: counted, never touched."],
  ScopeGrew: ["person", "More targets are in scope than the approval covers."],
  LevelMissing: [
    "person",
    "There is no level: the one that the entry names does not exist, or the baseline has not come to one yet.",
  ],
  LevelDigestMismatch: ["person", "The level's name does not match its content."],
  ResolveScheduled: [
    "wait",
    "The baseline changed since its resolveSchedule last fired; a new level is made when it fires next.",
  ],
  LevelWithdrawn: ["info", "The level's approval was taken back."],
  ReferenceMissing: [
    "person",
    "Something that the policy refers to does not exist; a missing reference closes the gate.",
  ],
  PolicyInvalid: ["person", "A policy file that this ring uses cannot be read."],
  HistoryRewritten: [
    "person",
    "The tracked branch did not move fast-forward; nothing is claimed until a person acknowledges the commit.",
  ],
  SignatureInvalid: [
    "person",
    "A commit of the tracked branch is not signed by anybody who is trusted, or this cannot be checked; what was verified last serves what is in flight, and nothing starts.",
  ],
  RepositoryStale: ["person", "The policy repository could not be read for longer than maxStaleness."],
  RepositorySuspended: ["person", "The PolicyRepository says suspend: nothing is fetched, applied or proposed."],
  DriftFromGit: ["info", "The live object differs from Git; it starts nothing and is put back."],
  WaitingForApply: [
    "wait",
    "The live object does not yet equal the tracked branch: nobody applied it (mode ReadOnly), or it could not be written (mode Apply).",
  ],
  Observing: ["person", "The ledger's mode is Observe: nothing is touched."],
  Stopped: ["person", "The ledger's mode is Stop: nothing starts, and what is in flight is brought to safety."],
  Superseded: ["info", "A newer level took the place of this one."],
  BackedOff: ["wait", "The last attempt was backed out; the next one waits."],
  ReleasedByPerson: [
    "person",
    "A person released the target from this level; it is left alone until `ringward retry`, or until another level.",
  ],
  UncordonedByPerson: ["info", "A person uncordoned the node in the middle of its operation."],
  // --- why an operation failed ----------------------------------------------------------------------------------
  StepFailed: ["person", "A recipe step ended with an error."],
  StepTimedOut: ["person", "A recipe step did not end in time."],
  NodeNotBack: ["person", "The node did not come back Ready after its reboot."],
  VerificationFailed: [
    "person",
    "The target does not run what the level says, although the update ended without an error.",
  ],
  ProgressDeadlineExceeded: ["person", "The workload's rollout did not progress."],
  RolloutTimedOut: ["person", "The workload's rollout did not end in time."],
  TargetVanished: ["info", "The target disappeared in the middle of its operation; it counts as failed."],
  // --- why a state is what it is --------------------------------------------------------------------------------
  InventoryMissing: ["wait", "There is no inventory of the node."],
  InventoryStale: ["person", "The inventory is too old to say."],
  InventoryTruncated: ["person", "The inventory report was cut short."],
  InventoryMalformed: ["person", "The inventory report is not one."],
  KernelNotCovered: ["person", "The running kernel's series or flavour is not listed in the baseline."],
  NotComparable: ["person", "The running version cannot be compared with the wanted one."],
  RepositoryNotCovered: ["person", "The image's repository matches the baseline's only by its tail."],
  RebootPending: ["wait", "What is wanted is installed but does not run yet."],
  Regressed: ["person", "The target was verified at the level and no longer runs it."],
  Drifted: ["info", "The target runs something newer than its level."],
  // --- conditions and progress -----------------------------------------------------------------------------------
  InSync: ["info", "Everything that is read is in force."],
  Compliant: ["info", "Every target runs its level."],
  Progressing: ["wait", "Targets are being updated."],
  Soaking: ["wait", "The ring is complete and is being observed."],
  Soaked: ["info", "The ring served its soak; the next rings may have the level."],
  ReadFailed: ["person", "The policy repository cannot be read."],
  OneRepositoryOnly: ["person", "A cluster has one PolicyRepository; this is a second one."],
  ForgeUnavailable: ["wait", "The forge does not answer; no gate opens by that."],
  // --- events ----------------------------------------------------------------------------------------------------
  Claimed: ["info", "Budget was taken for a target."],
  Released: ["info", "A target gave its budget back."],
  Cordoned: ["info", "A node was cordoned."],
  Draining: ["info", "A pod was evicted."],
  Updating: ["info", "An update was started."],
  Rebooting: ["info", "A reboot was started."],
  Verified: ["info", "A target runs its level."],
  Uncordoned: ["info", "A node was given back as it was before."],
  BackedOut: ["info", "An operation was undone before its update."],
  OperationFailed: ["person", "An operation failed; its claim is kept."],
  LevelResolved: ["info", "A baseline resolved to a new level."],
  RingStarted: ["info", "A ring started a level."],
  RingCompleted: ["info", "A ring completed a level."],
  ProposalOpened: ["person", "A pull request asks for an approval."],
  ProposalClosed: ["info", "A pull request was withdrawn."],
  Approved: ["info", "A proposal was merged: who did it and whose reviews it had stands in the ring's status."],
  ProposalLimit: ["person", "As many pull requests are open as the PolicyRepository allows."],
  OutsideProposalSchedule: ["wait", "The PolicyRepository opens pull requests on a schedule, and it is not its time."],
  ProposalRejected: ["info", "A person closed a pull request without merging; it is not opened again for that level."],
  Promoted: ["info", "A ring's entry was written to the tracked branch."],
  RequestedByPerson: ["info", "A person asked for it on the command line."],
} as const satisfies Record<string, readonly [Care, string]>;

export type Reason = keyof typeof table;

/** Those that need a person. */
export type PersonReason = { [R in Reason]: (typeof table)[R][0] extends "person" ? R : never }[Reason];

export const REASONS: readonly Reason[] = Object.keys(table) as Reason[];

/** What a reason means, for docs/reasons.md and `why`. */
export function describeReason(reason: Reason): { readonly care: Care; readonly text: string } {
  const [care, text] = table[reason];
  return { care, text };
}
