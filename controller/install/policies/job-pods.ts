// Pods in the job namespace, whoever makes or changes them. The job controller makes them, so "only our account" cannot be asked of a Pod: it is held
// to the shape of a step again, must belong to a Job, and nobody enters it afterwards.
import { PODS } from "../../kube/resources.ts";
import { JOB_NAMESPACE } from "../../nodes/recipe-job.ts";
import type { InstallSettings, Manifest } from "../manifest.ts";
import { admissionPolicy, target } from "./policy.ts";
import { STEP_CHANGED, stepRules, stepVariables } from "./step-shape.ts";

export function jobPodPolicies({ recipeImages }: InstallSettings): readonly Manifest[] {
  return [
    ...admissionPolicy({
      name: "ringward-job-pods",
      // Of a pod that stands only the image can be changed, and the kubelet then runs that one instead.
      targets: [target([PODS], ["CREATE", "UPDATE"])],
      namespace: JOB_NAMESPACE,
      when: [STEP_CHANGED],
      variables: stepVariables("object.spec"),
      rules: [
        {
          expression:
            'dyn(object).metadata.?ownerReferences.orValue([]).exists(o, o.apiVersion == "batch/v1" && o.kind == "Job" && o.?controller.orValue(false))',
          message: "a pod in the job namespace belongs to a Job",
        },
        ...stepRules("Pod", recipeImages),
      ],
    }),
    ...admissionPolicy({
      name: "ringward-job-pods-closed",
      targets: [
        target([PODS], ["CONNECT"], ["attach", "exec", "portforward", "proxy"]),
        target([PODS], ["UPDATE"], ["ephemeralcontainers"]),
      ],
      namespace: JOB_NAMESPACE,
      rules: [{ expression: "false", message: "nobody enters the pod of a recipe step; read its log" }],
    }),
  ];
}
