// Policy in the cluster where Git rules (mode Apply): the controller may write copies that say that they come from Git, and remove those
// that say so. What people made with kubectl it cannot delete; what is written without the label it cannot write.
import {
  MAINTENANCE_CALENDARS,
  PATCH_BASELINES,
  PATCH_EXCEPTIONS,
  PATCH_LEVELS,
  ROLLOUT_RINGS,
  UPDATE_RECIPES,
} from "../../kube/resources.ts";
import { FROM_GIT, POLICY_LABEL } from "../../reconcile/apply-policy.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, madeBy, mapAt, sameMetadata, target, text } from "./policy.ts";

const KINDS = [PATCH_BASELINES, ROLLOUT_RINGS, MAINTENANCE_CALENDARS, PATCH_EXCEPTIONS, UPDATE_RECIPES, PATCH_LEVELS];

function isFromGit(object: string): string {
  return `${mapAt(`${object}.metadata.labels`)}[?${text(POLICY_LABEL)}].orValue("") == ${text(FROM_GIT)}`;
}

export function policyCopiesPolicy(settings: InstallSettings): readonly Manifest[] {
  return admissionPolicy({
    name: "ringward-policy-copies",
    targets: [target(KINDS, ["CREATE", "UPDATE", "DELETE"])],
    when: [madeBy(accountName(settings))],
    rules: [
      {
        expression: `request.operation == "DELETE" || ${isFromGit("object")}`,
        message: `Ringward may write policy only as a copy of what Git says (label ${POLICY_LABEL}: ${FROM_GIT})`,
      },
      {
        expression: `request.operation != "DELETE" || ${isFromGit("oldObject")}`,
        message: `Ringward may delete only copies of what Git said (label ${POLICY_LABEL}: ${FROM_GIT})`,
      },
      {
        expression: `request.operation != "UPDATE" || (${sameMetadata(["annotations", "labels"])})`,
        message: "of a policy object's metadata Ringward may change labels and annotations, and nothing else",
      },
    ],
  });
}
