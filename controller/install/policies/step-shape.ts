// The shape of a recipe's step, as nodes/recipe-job.ts makes it, told twice to the API server: of the template of each Job in the job
// namespace, and of each Pod there. Keys are closed lists: what a step does not need cannot be written. With an empty allow-list no image
// runs at all.
import { prefixForms } from "../../core/recipe-images.ts";
import { list, onlyKeys, type Rule, text, type Variable } from "./policy.ts";

/** Longest deadline of a step, seconds: seven days. */
export const LONGEST_STEP_SECONDS = 7 * 24 * 3600;

/** Reference grammar, by digest, with a registry in front: no `..`, no short names. */
const IMAGE =
  "^[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}$";

/** A job or pod that stands may be let go of (finalizers, labels) whatever the rules were when it was made. */
export const STEP_CHANGED: Variable = {
  name: "changed",
  expression: 'request.operation == "CREATE" || object.spec != oldObject.spec',
};

/** `pod` is the CEL path of a pod's spec. */
export function stepVariables(pod: string): readonly Variable[] {
  return [
    { name: "pod", expression: `dyn(${pod})` },
    { name: "step", expression: "variables.pod.containers[0]" },
    { name: "security", expression: "variables.step.?securityContext.orValue({})" },
    { name: "writes", expression: "variables.security.?privileged.orValue(false)" },
    { name: "mounts", expression: "variables.step.?volumeMounts.orValue([])" },
    { name: "volumes", expression: "variables.pod.?volumes.orValue([])" },
  ];
}

/** Keys of a pod's spec that a step sets, and those that the API server fills in. */
const TEMPLATE_KEYS = [
  "automountServiceAccountToken",
  "containers",
  "dnsPolicy",
  "enableServiceLinks",
  "hostPID",
  "nodeName",
  "restartPolicy",
  "schedulerName",
  "securityContext",
  "terminationGracePeriodSeconds",
  "tolerations",
  "volumes",
];

/** What admission adds to the pod itself. */
const POD_KEYS = [...TEMPLATE_KEYS, "preemptionPolicy", "priority", "serviceAccount", "serviceAccountName"];

const CONTAINER_KEYS = [
  "args",
  "command",
  "env",
  "image",
  "imagePullPolicy",
  "name",
  "resources",
  "securityContext",
  "terminationMessagePath",
  "terminationMessagePolicy",
  "volumeMounts",
];

export function stepRules(of: "Job" | "Pod", recipeImages: readonly string[]): readonly Rule[] {
  const prefixes = recipeImages.flatMap(prefixForms);
  return [
    {
      expression: onlyKeys("variables.pod", of === "Job" ? TEMPLATE_KEYS : POD_KEYS),
      message: `the pod of a recipe step sets nothing but ${TEMPLATE_KEYS.join(", ")}: no host network, no host IPC, no service account, no other containers`,
    },
    {
      expression: `variables.pod.?automountServiceAccountToken.orValue(true) == false && variables.pod.?serviceAccountName.orValue("default") in ["", "default"]`,
      message: "a recipe step runs without a service-account token (automountServiceAccountToken: false)",
    },
    {
      expression: `variables.pod.?nodeName.orValue("") != ""`,
      message: "a recipe step is pinned to its node (nodeName)",
    },
    {
      expression: `variables.pod.?restartPolicy.orValue("") == "Never"`,
      message: "a recipe step is not restarted (restartPolicy: Never)",
    },
    {
      expression: "variables.pod.?securityContext.orValue({}).size() == 0",
      message: "the pod of a recipe step has no security context of its own",
    },
    {
      expression: `variables.pod.containers.size() == 1 && variables.step.name == "step" && ${onlyKeys("variables.step", CONTAINER_KEYS)}`,
      message: `a recipe step is one container, named step, that sets nothing but ${CONTAINER_KEYS.join(", ")}`,
    },
    {
      expression: `variables.step.image.matches(${text(IMAGE)})`,
      message: "the image of a recipe step names its registry and its digest (REGISTRY/PATH@sha256:…)",
    },
    {
      expression: `${list(prefixes)}.exists(p, variables.step.image.startsWith(p))`,
      message:
        recipeImages.length === 0
          ? "no recipe image is allowed on nodes: install Ringward with --allow-recipe-image"
          : `the image of this recipe step is not under an allowed prefix (ringward install --allow-recipe-image): ${recipeImages.join(", ")}`,
    },
    {
      expression: `variables.step.?env.orValue([]).all(e, ${onlyKeys("e", ["name", "value"])})`,
      message: "the environment of a recipe step is literal: nothing from secrets, config maps or fields",
    },
    {
      expression: `variables.volumes.size() == 1 && ${onlyKeys("variables.volumes[0]", ["name", "hostPath"])} && variables.volumes[0].name == "host" && variables.volumes[0].?hostPath.?path.orValue("") == "/" && variables.volumes[0].hostPath.?type.orValue("") == ""`,
      message: "a recipe step has one volume: the node's root, named host",
    },
    {
      expression: `variables.mounts.size() == 1 && ${onlyKeys("variables.mounts[0]", ["name", "mountPath", "readOnly", "recursiveReadOnly"])} && variables.mounts[0].name == "host" && variables.mounts[0].mountPath == "/host"`,
      message: "a recipe step has the node's root at /host, and no other mount",
    },
    {
      expression: `variables.writes ? ${onlyKeys("variables.security", ["privileged"])} : (${onlyKeys("variables.security", ["privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem"])} && variables.security.?allowPrivilegeEscalation.orValue(true) == false && variables.security.?readOnlyRootFilesystem.orValue(false) == true && variables.mounts[0].?readOnly.orValue(false) == true && variables.pod.?hostPID.orValue(false) == false)`,
      message:
        "a recipe step that is not privileged (host: ReadOnly) reads the node's root only, has a read-only root of its own, gains no privileges and has no host PID namespace",
    },
  ];
}
