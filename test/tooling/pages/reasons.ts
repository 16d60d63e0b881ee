// docs/reasons.md: the closed table of reasons, those that need a person first and with what that person does. A reason that needs one and
// has no advice here is an error, and so is advice for one that does not.
import { describeReason, type Reason, REASONS } from "../../../controller/api/reasons.ts";

const LOOK =
  "`ringward why` names the job: read its log (`kubectl -n ringward-jobs logs job/NAME`), mend the cause, then `ringward retry`.";
const PODS =
  "Look at the workload's pods, mend the cause, then `ringward retry`; revert the promotion if the image is bad.";
const ONE = "Change the selectors so that only one fits.";

const ADVICE: Readonly<Partial<Record<Reason, string>>> = {
  WaitingForApproval:
    "Merge the pull request that proposes it ([proposals](proposals.md)); for a ring that no repository holds: `ringward approve RING LEVEL`.",
  RingSuspended: "`ringward resume RING`; if the ring's file says `suspend`, take it out there, too.",
  RingHalted:
    "Mend the failed targets, then `ringward retry` or `ringward release` each; if the level is bad, revert its promotion ([runbook](runbooks/RingwardRingHalted.md)).",
  RingEmpty: "Mend the selectors, or let the ring say `completion.onEmpty: Pass`.",
  GateUnknown: "Let the gate's source answer again; the message says what is wrong ([gates](gates.md)).",
  PDBBlocked: "Bring the workload's other replicas up, or give it more.",
  PDBNeverAllows:
    "Let the budget spare a pod: `minAvailable` below the number of replicas, or `maxUnavailable` above 0.",
  PDBConflict: "Change the budgets so that one selects the pod.",
  PodBlocksDrain: "Ask the pod's owner, or write a rule into the ring's `drain.pods`.",
  PodStuckTerminating: "Look at the pod's finalizers, its volumes and its kubelet.",
  DrainTimedOut: "`ringward why` names what did not leave: mend that, or give `drain.timeout` more.",
  CordonedByOther: "Uncordon it when whoever cordoned it is done, or let the ring say `cordonedNodes: Update`.",
  NodeNotReady: "Mend the node, or remove it.",
  ReplacedByProvider:
    "Upgrade it where it is made. To have it patched in place all the same, name its provider's label in the recipe's `match.nodeSelector`.",
  ManagedElsewhere:
    "Change the image in the manifests; Ringward proposes that where the baseline says where they are ([manifests](manifests.md)).",
  FieldContested: "Find who writes the image (`kubectl get -o yaml --show-managed-fields`), and change it there.",
  UpdateStrategyNotSupported: "Give it the strategy RollingUpdate, or change the image by hand.",
  RingObserves: "Let the ring say `members.workloads.mode: Patch`, or change the image by hand.",
  VersionNotAvailable: "Give the baseline a source that has the version, or a version that the source has.",
  VersionSkew: "Upgrade the control plane first, or lower the kubelet's version in the baseline.",
  JobRefused:
    "The message is the API server's: allow the recipe's image at install ([install](install.md)), or mend permissions or quota.",
  RollbackNotPossible: "Take `enforce: Exact` out of the entry, or approve a level that can be reached.",
  RingConflict: ONE,
  BaselineConflict: ONE,
  ScopeGrew: "Merge the proposal that raises the entry's `maxTargets`, or take targets out of the ring.",
  LevelMissing:
    "Restore the level's file under `levels/`. A baseline with `follow: Offered` has its first level after the first inventories.",
  LevelDigestMismatch: "Restore the level's file as it was: nobody edits one.",
  ReferenceMissing: "Bring back what the message names, or take the reference out.",
  PolicyInvalid:
    "Mend or revert the file; `ringward validate` says where ([runbook](runbooks/RingwardPolicyInvalid.md)).",
  HistoryRewritten:
    "Push the old head back, or acknowledge the new one with `spec.acknowledgedCommit` ([runbook](runbooks/RingwardHistoryRewritten.md)).",
  SignatureInvalid:
    "Trust the signer, or revert the commit with a signed one ([runbook](runbooks/RingwardSignatureInvalid.md)).",
  RepositoryStale: "Let the repository be read again ([runbook](runbooks/RingwardPolicySyncFailing.md)).",
  RepositorySuspended: "Take `suspend` out of the PolicyRepository.",
  Observing: "`ringward enforce`, when the plan is what you want.",
  Stopped: "`ringward enforce`, when what was wrong is mended.",
  ReleasedByPerson: "`ringward retry`, when it may be tried again.",
  StepFailed: LOOK,
  StepTimedOut: LOOK,
  NodeNotBack: "Bring the machine back, then `ringward retry`; or give it up with `ringward release`.",
  VerificationFailed:
    "`ringward why` shows what it runs and what it should: mend the recipe or the node, then `ringward retry`.",
  ProgressDeadlineExceeded: PODS,
  RolloutTimedOut: PODS,
  InventoryStale: "Look why the node's inventory jobs do not end ([runbook](runbooks/RingwardInventoryStale.md)).",
  InventoryTruncated: "Let the recipe's inventory report less ([limits](recipes.md#the-inventory-report)).",
  InventoryMalformed: "Mend the recipe's inventory step ([what it prints](recipes.md#the-inventory-report)).",
  KernelNotCovered: "List the series and flavour in the baseline's `minimum.kernels`.",
  NotComparable: "Write the version as the system writes it; `ringward compare-versions` tries it.",
  RepositoryNotCovered: "Write the image's full repository into the baseline, as `repository` or in `mirrors`.",
  Regressed: "`ringward why` shows what it runs now: find out who changed it.",
  ReadFailed:
    "The message is git's: mend the address, the credentials or the network ([runbook](runbooks/RingwardPolicySyncFailing.md)).",
  OneRepositoryOnly: "Delete the one that is not wanted.",
  OperationFailed: "Mend the cause, then `ringward retry`, or give it up with `ringward release`.",
  ProposalOpened: "Merge it, or close it with a comment why ([proposals](proposals.md)).",
  ProposalLimit: "Merge or close open ones, or raise `spec.proposals.maxOpen`.",
};

export function reasonsPage(): string {
  return `<!-- Made by \`npm run generate\` from controller/api/reasons.ts and test/tooling/pages/reasons.ts. Do not edit. -->
# Reasons

Every standstill has a name. These are all the names there are: conditions, events, metrics, the command line, pull requests
and the documentation use this one table. \`ringward why KIND/NAME\` tells those of one node or workload, with a message and since when.

## Needs a person

| reason | meaning | what to do |
|---|---|---|
${ofCare("person").join("\n")}

## Resolves by itself

| reason | meaning |
|---|---|
${ofCare("wait").join("\n")}

## Needs nobody

What happened, or is so on purpose.

| reason | meaning |
|---|---|
${ofCare("info").join("\n")}
`;
}

function ofCare(wanted: ReturnType<typeof describeReason>["care"]): readonly string[] {
  return REASONS.flatMap((reason) => {
    const { care, text } = describeReason(reason);
    if (care !== wanted) return [];
    const advice = ADVICE[reason];
    if ((advice === undefined) === (care === "person"))
      throw new Error(
        `${reason}: what needs a person needs advice in test/tooling/pages/reasons.ts, and nothing else has it`,
      );
    return [
      `| <a id="${reason.toLowerCase()}"></a>\`${reason}\` | ${text} |${advice === undefined ? "" : ` ${advice} |`}`,
    ];
  });
}
