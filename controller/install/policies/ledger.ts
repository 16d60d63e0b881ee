// What people alone say: the ledger's mode and limits, and where policy comes from. The controller makes the first ledger, which says
// nothing, and so observes; from then on it writes claims. It may ask for a look at the repository as anybody may, by one annotation.
import { LEDGER_NAME } from "../../api/disruption-ledger.ts";
import { REQUESTED_AT } from "../../api/policy-repository.ts";
import { DISRUPTION_LEDGERS, POLICY_REPOSITORIES } from "../../kube/resources.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, mapAt, madeBy, onlyKeys, sameBut, sameMetadata, target, text } from "./policy.ts";

export function ledgerPolicy(settings: InstallSettings): readonly Manifest[] {
  return admissionPolicy({
    name: "ringward-ledger",
    targets: [
      target([DISRUPTION_LEDGERS], ["CREATE", "UPDATE", "DELETE"]),
      target([DISRUPTION_LEDGERS], ["UPDATE"], ["status"]),
      target([POLICY_REPOSITORIES], ["CREATE", "UPDATE", "DELETE"]),
      target([POLICY_REPOSITORIES], ["UPDATE"], ["status"]),
    ],
    when: [madeBy(accountName(settings))],
    variables: [
      { name: "spec", expression: `request.operation == "DELETE" ? {} : ${mapAt("object.spec")}` },
      { name: "before", expression: `request.operation == "CREATE" ? {} : ${mapAt("oldObject.spec")}` },
      {
        name: "annotations",
        expression: `request.operation == "DELETE" ? {} : ${mapAt("object.metadata.annotations")}`,
      },
      {
        name: "annotationsBefore",
        expression: `request.operation == "CREATE" ? {} : ${mapAt("oldObject.metadata.annotations")}`,
      },
    ],
    rules: [
      {
        expression: `request.operation != "DELETE"`,
        message: "a DisruptionLedger and a PolicyRepository are deleted by people alone",
      },
      {
        expression: `request.operation != "CREATE" || (request.resource.resource == ${text(DISRUPTION_LEDGERS.plural)} && object.metadata.name == ${text(LEDGER_NAME)} && ${onlyKeys("variables.spec", ["mode"])} && (!("mode" in variables.spec) || dyn(variables.spec).mode == "Observe"))`,
        message: `Ringward may make the DisruptionLedger ${LEDGER_NAME} in mode Observe and without limits, and no other, and no PolicyRepository`,
      },
      {
        expression: `request.operation != "UPDATE" || (${sameBut("variables.spec", "variables.before", [])})`,
        message: "the spec of a DisruptionLedger or PolicyRepository is people's: Ringward may write its status alone",
      },
      {
        expression: `request.operation != "UPDATE" || (${sameMetadata()} && ${sameBut("variables.annotations", "variables.annotationsBefore", [REQUESTED_AT])})`,
        message: `of the metadata of a DisruptionLedger or PolicyRepository Ringward may change the annotation ${REQUESTED_AT}, and nothing else`,
      },
    ],
  });
}
