// docs/reasons.md: the closed table of reasons, those that need a person first, and with what that person does.
import { adviseOn } from "../../../controller/api/advice.ts";
import { describeReason, type Reason, REASONS } from "../../../controller/api/reasons.ts";

/** Where more is said. */
const MORE: Readonly<Partial<Record<Reason, string>>> = {
  WaitingForApproval: "[proposals](proposals.md)",
  RingHalted: "[runbook](runbooks/RingwardRingHalted.md)",
  GateUnknown: "[gates](gates.md)",
  PDBBlocked: "[runbook](runbooks/RingwardDrainBlocked.md)",
  PDBNeverAllows: "[runbook](runbooks/RingwardDrainBlocked.md)",
  PodBlocksDrain: "[fields](kinds/rolloutring.md)",
  CordonedByOther: "[other tools](interop.md)",
  ManagedElsewhere: "[manifests](manifests.md)",
  VersionNotAvailable: "[recipes](recipes.md#exit-codes)",
  JobRefused: "[install](install.md)",
  PolicyInvalid: "[runbook](runbooks/RingwardPolicyInvalid.md)",
  HistoryRewritten: "[runbook](runbooks/RingwardHistoryRewritten.md)",
  SignatureInvalid: "[runbook](runbooks/RingwardSignatureInvalid.md)",
  RepositoryStale: "[runbook](runbooks/RingwardPolicySyncFailing.md)",
  ReadFailed: "[runbook](runbooks/RingwardPolicySyncFailing.md)",
  Stopped: "[runbook](runbooks/RingwardStopped.md)",
  StepFailed: "[runbook](runbooks/RingwardUpdateFailed.md)",
  InventoryStale: "[runbook](runbooks/RingwardInventoryStale.md)",
  InventoryTruncated: "[limits](recipes.md#the-inventory-report)",
  InventoryMalformed: "[what it prints](recipes.md#the-inventory-report)",
  ProposalOpened: "[proposals](proposals.md)",
};

export function reasonsPage(): string {
  return `<!-- Made by \`npm run generate\` from controller/api/reasons.ts and advice.ts. Do not edit. -->
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
    return [`| <a id="${reason.toLowerCase()}"></a>\`${reason}\` | ${text} |${toDo(reason)}`];
  });
}

/** The third cell, as a sentence; none where nobody has to do anything. */
function toDo(reason: Reason): string {
  const advice = adviseOn(reason);
  if (advice === undefined) return "";
  const more = MORE[reason];
  return ` ${advice.charAt(0).toUpperCase()}${advice.slice(1)}${more === undefined ? "" : ` (${more})`}. |`;
}
