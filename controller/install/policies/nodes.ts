// What the controller may change of a Node: whether pods may be scheduled, and its own marks. A cordon comes with the claim that it is for,
// and only a cordon of our own is taken off (B4, B6, B7): here the API server holds us to it, too.
import { KEEP_MARKS } from "../../core/interop/markers.ts";
import { NODES } from "../../kube/resources.ts";
import { CLAIM_MARK, PRIOR_MARK, PRIOR_MARKS } from "../../nodes/mark.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, ANNOTATIONS, madeBy, sameBut, sameMetadata, target, text } from "./policy.ts";

/** Annotations of nodes that the controller writes: its own, and those that keep autoscalers away while it holds the node. */
export const NODE_ANNOTATIONS: readonly string[] = [CLAIM_MARK, PRIOR_MARK, PRIOR_MARKS, ...KEEP_MARKS];

export function nodePolicy(settings: InstallSettings): readonly Manifest[] {
  return admissionPolicy({
    name: "ringward-nodes",
    targets: [target([NODES], ["UPDATE"])],
    when: [madeBy(accountName(settings))],
    variables: [
      ...ANNOTATIONS,
      { name: "unschedulable", expression: "dyn(object).?spec.?unschedulable.orValue(false)" },
      { name: "wasUnschedulable", expression: "dyn(oldObject).?spec.?unschedulable.orValue(false)" },
    ],
    rules: [
      {
        expression: sameMetadata(),
        message: "of a Node's metadata Ringward may change its own annotations, and nothing else",
      },
      {
        expression: sameBut("variables.annotations", "variables.before", NODE_ANNOTATIONS),
        message: `of a Node's annotations Ringward may change ${NODE_ANNOTATIONS.join(", ")}, and nothing else`,
      },
      {
        expression: sameBut("object.spec", "oldObject.spec", ["unschedulable"]),
        message: "of a Node's spec Ringward may change unschedulable, and nothing else",
      },
      {
        expression: `!variables.unschedulable || variables.wasUnschedulable || ${text(CLAIM_MARK)} in variables.annotations`,
        message: `Ringward may cordon a Node only together with its claim (${CLAIM_MARK})`,
      },
      {
        expression: `variables.unschedulable || !variables.wasUnschedulable || (${text(CLAIM_MARK)} in variables.before && (!(${text(PRIOR_MARK)} in variables.before) || variables.before[${text(PRIOR_MARK)}] != "true"))`,
        message: `Ringward may uncordon only a Node that carries its claim (${CLAIM_MARK}) and that nobody else had cordoned (${PRIOR_MARK})`,
      },
    ],
  });
}
