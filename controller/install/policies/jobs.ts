// Jobs in the job namespace, whoever makes them: the shape of a recipe's step, and nothing else (DESIGN, "What makes it secure"). The
// controller itself may afterwards let a job run that was made suspended, and change nothing more.
import { JOBS } from "../../kube/resources.ts";
import { JOB_NAMESPACE, RESUMED } from "../../nodes/recipe-job.ts";
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { admissionPolicy, ANNOTATIONS, madeBy, onlyKeys, sameBut, sameMetadata, target } from "./policy.ts";
import { LONGEST_STEP_SECONDS, STEP_CHANGED, stepRules, stepVariables } from "./step-shape.ts";

/** Keys of a job's spec that a step sets, and those that the API server fills in. */
const JOB_KEYS = [
  "activeDeadlineSeconds",
  "backoffLimit",
  "completionMode",
  "completions",
  "manualSelector",
  "parallelism",
  "podReplacementPolicy",
  "selector",
  "suspend",
  "template",
  "ttlSecondsAfterFinished",
];

export function jobPolicies(settings: InstallSettings): readonly Manifest[] {
  return [
    ...admissionPolicy({
      name: "ringward-jobs",
      targets: [target([JOBS], ["CREATE", "UPDATE"])],
      namespace: JOB_NAMESPACE,
      when: [STEP_CHANGED],
      variables: [{ name: "job", expression: "dyn(object.spec)" }, ...stepVariables("object.spec.template.spec")],
      rules: [
        {
          expression: `${onlyKeys("variables.job", JOB_KEYS)} && variables.job.?manualSelector.orValue(false) == false`,
          message: `the job of a recipe step sets nothing but ${JOB_KEYS.join(", ")}`,
        },
        {
          expression:
            'variables.job.backoffLimit == 0 && variables.job.completions == 1 && variables.job.parallelism == 1 && variables.job.?completionMode.orValue("NonIndexed") == "NonIndexed" && variables.job.?podReplacementPolicy.orValue("") == "Failed"',
          message:
            "a recipe step is one pod that is never repeated (backoffLimit 0, completions 1, parallelism 1, podReplacementPolicy Failed)",
        },
        {
          expression: `variables.job.?activeDeadlineSeconds.orValue(0) > 0 && variables.job.activeDeadlineSeconds <= ${LONGEST_STEP_SECONDS}`,
          message: `a recipe step has a deadline of at most ${LONGEST_STEP_SECONDS} s (activeDeadlineSeconds)`,
        },
        ...stepRules("Job", settings.recipeImages),
      ],
    }),
    ...admissionPolicy({
      name: "ringward-job-changes",
      targets: [target([JOBS], ["UPDATE"])],
      when: [madeBy(accountName(settings))],
      variables: ANNOTATIONS,
      rules: [
        {
          expression: `${sameBut("object.spec", "oldObject.spec", ["suspend"])} && (dyn(object).spec.?suspend.orValue(false) == false || dyn(oldObject).spec.?suspend.orValue(false) == true)`,
          message: "of a job's spec Ringward may change suspend, from true to false, and nothing else",
        },
        {
          expression: `${sameMetadata()} && ${sameBut("variables.annotations", "variables.before", [RESUMED])}`,
          message: `of a job's metadata Ringward may change the annotation ${RESUMED}, and nothing else`,
        },
      ],
    }),
  ];
}
