// What a person does about each reason that needs one: `ringward why` and docs/reasons.md share it. A reason that needs a person and is not
// here does not compile, and neither does one that needs none. What is between backticks is typed or written as it stands.
import type { PersonReason, Reason } from "./reasons.ts";

const JOB = "mend the cause, which the step's log tells (jobs in namespace ringward-jobs), then `ringward retry`";
const PODS =
  "look at the workload's pods and mend the cause, then `ringward retry`; revert the promotion if the image is bad";
const SELECTORS = "change the selectors so that only one fits";
const FETCH = "mend what git complains of: the address, the credentials or the network";

const ADVICE: Readonly<Record<PersonReason, string>> = {
  WaitingForApproval:
    "merge the pull request that proposes it; for a ring that no repository holds: `ringward approve RING LEVEL`",
  RingSuspended: "`ringward resume RING`, or take `suspend` out of its file",
  RingHalted: "mend the failed targets, then `ringward retry` or `ringward release` each",
  RingEmpty: "change the ring's members, or let it say `completion: { onEmpty: Pass }`",
  GateUnknown: "let the gate's source answer again: the message says what is wrong",
  PDBBlocked: "bring the workload's other replicas up, or give it more",
  PDBNeverAllows:
    "let the budget spare a pod: `minAvailable` below the number of replicas, or `maxUnavailable` above 0",
  PDBConflict: "change the budgets so that one selects the pod",
  PodBlocksDrain: "ask the pod's owner, or write a rule into the ring's `drain.pods`",
  PodStuckTerminating: "look at the pod's finalizers, its volumes and its kubelet",
  DrainTimedOut: "mend what kept the pods from leaving, or give the ring's `drain.timeout` more",
  CordonedByOther: "uncordon the node when whoever cordoned it is done",
  NodeNotReady: "mend the node, or remove it",
  ReplacedByProvider:
    "upgrade it where it is made; to have it patched in place, name its provider's label in the recipe's `match.nodeSelector`",
  ManagedElsewhere: "change the image where the workload's manifests are kept",
  FieldContested: "find who writes the image (`kubectl get -o yaml --show-managed-fields`), and change it there",
  UpdateStrategyNotSupported: "give it the strategy RollingUpdate, or change the image by hand",
  RingObserves: "change the image by hand, or set `members.workloads.mode: Patch`",
  VersionNotAvailable: "give the baseline a source that has the version, or a version that the source has",
  VersionSkew: "upgrade the control plane first, or change the kubelet's version in the baseline",
  JobRefused:
    "mend what the API server complains of: allow the recipe's image at install, or mend permissions or quota",
  RollbackNotPossible: "take `enforce: Exact` out of the entry, or approve a level that can be reached",
  RingConflict: SELECTORS,
  BaselineConflict: SELECTORS,
  ScopeGrew: "raise `maxTargets` in the ring's entry",
  LevelMissing: "restore the level's file under `levels/`, or take the level out of the entry",
  LevelDigestMismatch: "restore the level's file as it was: nobody edits one",
  ReferenceMissing: "bring back what the message names, or take the reference out",
  PolicyInvalid: "mend or revert the file: `ringward validate` says where",
  HistoryRewritten:
    "push the old head back, or acknowledge the new one with `acknowledgedCommit` of the PolicyRepository",
  SignatureInvalid: "trust the signer, or revert the commit with a signed one",
  RepositoryStale: FETCH,
  RepositorySuspended: "take `suspend` out of the PolicyRepository",
  Observing: "`ringward enforce`",
  Stopped: "`ringward enforce`",
  ReleasedByPerson: "`ringward retry`, when it may be tried again",
  StepFailed: JOB,
  StepTimedOut: JOB,
  NodeNotBack: "bring the machine back, then `ringward retry`; or give it up with `ringward release`",
  VerificationFailed: "mend what keeps the target from running its level, then `ringward retry`",
  ProgressDeadlineExceeded: PODS,
  RolloutTimedOut: PODS,
  InventoryStale: "find out why the node's inventory jobs do not end: they run in namespace ringward-jobs",
  InventoryTruncated: "let the recipe's inventory step report less",
  InventoryMalformed: "mend the recipe's inventory step",
  KernelNotCovered: "list the kernel's series and flavour in `minimum.kernels` of the baseline",
  NotComparable: "write the version as the system writes it: `ringward compare-versions` tries it",
  RepositoryNotCovered: "name the image's full repository in the baseline, or among its `mirrors`",
  Regressed: "find out who changed what it runs",
  ReadFailed: FETCH,
  OneRepositoryOnly: "delete the PolicyRepository that is not wanted",
  OperationFailed: "mend the cause, then `ringward retry`, or give it up with `ringward release`",
  ProposalOpened: "merge it, or close it with a comment why",
  ProposalLimit: "merge or close open ones, or raise `spec.proposals.maxOpen` of the PolicyRepository",
};

/** What a person does about it; undefined where nobody has to do anything. */
export function adviseOn(reason: Reason): string | undefined {
  const table: Readonly<Partial<Record<Reason, string>>> = ADVICE;
  return table[reason];
}
