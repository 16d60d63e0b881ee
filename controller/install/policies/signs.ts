// Small writes that could harm if they went elsewhere: events, the Lease, evictions.
import { REPORTING_CONTROLLER } from "../../kube/events.ts";
import { CONTROLLER_LEASE } from "../../kube/lease.ts";
import { EVENTS, LEASES, PODS } from "../../kube/resources.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, madeBy, target, text } from "./policy.ts";

export function signPolicies(settings: InstallSettings): readonly Manifest[] {
  const when = [madeBy(accountName(settings))];
  const isOurs = (object: string): string =>
    `dyn(${object}).?reportingController.orValue("") == ${text(REPORTING_CONTROLLER)}`;
  return [
    ...admissionPolicy({
      name: "ringward-events",
      targets: [target([EVENTS], ["CREATE", "UPDATE"])],
      when,
      rules: [
        {
          expression: `${isOurs("object")} && (request.operation != "UPDATE" || ${isOurs("oldObject")})`,
          message: `Ringward may write only its own events (reportingController ${REPORTING_CONTROLLER})`,
        },
      ],
    }),
    ...admissionPolicy({
      name: "ringward-lease",
      targets: [target([LEASES], ["CREATE", "UPDATE"])],
      when,
      rules: [
        {
          expression: `request.namespace == ${text(settings.namespace)} && object.metadata.name == ${text(CONTROLLER_LEASE)}`,
          message: `Ringward may write only the Lease ${settings.namespace}/${CONTROLLER_LEASE}`,
        },
      ],
    }),
    ...admissionPolicy({
      name: "ringward-evictions",
      targets: [target([PODS], ["CREATE"], ["eviction"])],
      when,
      rules: [
        {
          expression: `dyn(object).?deleteOptions.?preconditions.?uid.orValue("") != ""`,
          message: "Ringward may evict only a pod that it names by UID",
        },
        {
          expression: `dyn(object).?deleteOptions.?gracePeriodSeconds.orValue(1) > 0`,
          message: "Ringward may not cut a pod's grace period to nothing",
        },
      ],
    }),
  ];
}
