// What the controller may change of a workload: the version of its containers' images under a claim, and the claim's mark (B9). Not the
// repository that an image comes from: a level moves tags and digests, so nobody can have another program run through us.
import { DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS } from "../../kube/resources.ts";
import { CLAIM_MARK } from "../../workloads/set-images.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, ANNOTATIONS, madeBy, sameBut, sameMetadata, target, text } from "./policy.ts";

/** The API server counts a DaemonSet's templates in this annotation, itself, before it asks the policies. */
const GENERATION = "deprecated.daemonset.template.generation";

/** An image without tag and digest. */
function repositoryOf(image: string): string {
  return `[${image}.split("@")[0]].map(i, i.lastIndexOf(":") > i.lastIndexOf("/") ? i.substring(0, i.lastIndexOf(":")) : i)[0]`;
}

/** The same containers in the same order, each the same but for the version of its image. */
function sameContainers(now: string, before: string): string {
  return [
    `${now}.map(c, c.name) == ${before}.map(c, c.name)`,
    `${now}.all(c, ${before}.exists(o, o.name == c.name && ${sameBut("c", "o", ["image"])} && ${repositoryOf("c.image")} == ${repositoryOf("o.image")}))`,
  ].join(" && ");
}

export function workloadPolicy(settings: InstallSettings): readonly Manifest[] {
  const podSpec = "dyn(object).spec.template.spec";
  const podSpecBefore = "dyn(oldObject).spec.template.spec";
  return admissionPolicy({
    name: "ringward-workloads",
    targets: [target([DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS], ["UPDATE"])],
    when: [madeBy(accountName(settings))],
    variables: [
      ...ANNOTATIONS,
      { name: "containers", expression: `${podSpec}.containers` },
      { name: "containersBefore", expression: `${podSpecBefore}.containers` },
      { name: "initContainers", expression: `${podSpec}.?initContainers.orValue([])` },
      { name: "initContainersBefore", expression: `${podSpecBefore}.?initContainers.orValue([])` },
    ],
    rules: [
      {
        expression: sameMetadata(),
        message: "of a workload's metadata Ringward may change its own annotation, and nothing else",
      },
      {
        expression: sameBut("variables.annotations", "variables.before", [CLAIM_MARK, GENERATION]),
        message: `of a workload's annotations Ringward may change ${CLAIM_MARK}, and nothing else`,
      },
      {
        expression: [
          sameBut("object.spec", "oldObject.spec", ["template"]),
          sameBut("object.spec.template", "oldObject.spec.template", ["spec"]),
          sameBut("object.spec.template.spec", "oldObject.spec.template.spec", ["containers", "initContainers"]),
        ].join(" && "),
        message: "of a workload's spec Ringward may change container images, and nothing else",
      },
      {
        expression: `(${sameContainers("variables.containers", "variables.containersBefore")}) && (${sameContainers("variables.initContainers", "variables.initContainersBefore")})`,
        message:
          "of a workload's containers Ringward may change the tag and digest of the image, and neither its repository nor anything else",
      },
      {
        expression: `object.spec == oldObject.spec || ${text(CLAIM_MARK)} in variables.annotations`,
        message: `Ringward may change a workload's images only under its claim (${CLAIM_MARK})`,
      },
    ],
  });
}
