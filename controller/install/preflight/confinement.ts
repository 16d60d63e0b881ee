// What confines the controller and recipes: the two namespaces and their Pod Security levels, the admission policies in this version's
// words, whether they are in force, and whether the images of the policy are among those that are allowed. Pure.
import { isAllowedImage } from "../../core/recipe-images.ts";
import { JOB_NAMESPACE } from "../../nodes/recipe-job.ts";
import type { InstallSettings, Manifest } from "../manifest.ts";
import { admissionManifests } from "../policies/index.ts";
import {
  type Answer,
  AS_ADMINISTRATOR,
  fieldsOf,
  holds,
  INSTALL,
  type Line,
  listOf,
  notKnown,
  textOf,
  UPGRADE,
} from "./line.ts";

const ENFORCE = "pod-security.kubernetes.io/enforce";

function levelOf(answer: Answer & { kind: "There" }): string | undefined {
  const level = fieldsOf(fieldsOf(fieldsOf(answer.body)["metadata"])["labels"])[ENFORCE];
  return typeof level === "string" ? level : undefined;
}

export function judgeOwnNamespace(namespace: string, answer: Answer, installed: boolean): Line {
  const name = "namespace";
  if (answer.kind === "Absent")
    return { name, verdict: installed ? "fail" : "warn", says: `${namespace} is not there`, todo: INSTALL };
  if (answer.kind !== "There") return notKnown(name, namespace, answer);
  const level = levelOf(answer);
  if (level === "restricted")
    return { name, verdict: "ok", says: `${namespace} is held to the Pod Security level restricted` };
  return {
    name,
    verdict: "warn",
    says: `${namespace} is held to ${level === undefined ? "no Pod Security level" : `the Pod Security level ${level}`}`,
    todo: `kubectl label --overwrite namespace ${namespace} ${ENFORCE}=restricted`,
  };
}

export function judgeJobNamespace(answer: Answer, installed: boolean): Line {
  const name = "job namespace";
  if (answer.kind === "Absent")
    return { name, verdict: installed ? "fail" : "warn", says: `${JOB_NAMESPACE} is not there`, todo: INSTALL };
  if (answer.kind !== "There") return notKnown(name, JOB_NAMESPACE, answer);
  const level = levelOf(answer);
  const todo = `kubectl label --overwrite namespace ${JOB_NAMESPACE} ${ENFORCE}=privileged`;
  if (level === "privileged")
    return { name, verdict: "ok", says: `${JOB_NAMESPACE} is held to recipes' steps by admission policies alone` };
  if (level === undefined)
    return {
      name,
      verdict: "warn",
      says: `${JOB_NAMESPACE} has no Pod Security level: the cluster's own decides whether a step may run`,
      todo,
    };
  return {
    name,
    verdict: "fail",
    says: `the Pod Security level ${level} of ${JOB_NAMESPACE} refuses every step that writes`,
    todo,
  };
}

/** Names of the admission policies; each has a binding of the same name. */
export function policyNames(settings: Pick<InstallSettings, "namespace">): readonly string[] {
  const made = admissionManifests({ ...settings, recipeImages: [] });
  return [...new Set(made.map(({ metadata }) => metadata.name))];
}

/** The prefixes of images that the policy of jobs allows; undefined: it cannot be told. */
export function allowedImages(jobs: Answer | undefined): readonly string[] | undefined {
  if (jobs?.kind !== "There") return undefined;
  const validations = listOf(fieldsOf(fieldsOf(jobs.body)["spec"])["validations"]);
  for (const one of validations) {
    const match = /^(\[.*\])\.exists\(p, variables\.step\.image\.startsWith\(p\)\)$/.exec(
      textOf(fieldsOf(one)["expression"]),
    );
    if (match === null) continue;
    try {
      const forms = listOf(JSON.parse(match[1] ?? "")).map(textOf);
      return forms.flatMap((form) => (form.endsWith("/") ? [form.slice(0, -1)] : []));
    } catch {
      return undefined;
    }
  }
  return undefined;
}

export interface PolicyAnswers {
  readonly settings: Pick<InstallSettings, "namespace">;
  readonly policies: ReadonlyMap<string, Answer>;
  readonly bindings: ReadonlyMap<string, Answer>;
  readonly installed: boolean;
}

export function judgePolicies({ settings, policies, bindings, installed }: PolicyAnswers): readonly Line[] {
  const name = "admission policies";
  const recipeImages = allowedImages(policies.get("ringward-jobs")) ?? [];
  const wanted = admissionManifests({ ...settings, recipeImages });
  const answerTo = ({ kind, metadata }: Manifest): Answer =>
    (kind === "ValidatingAdmissionPolicy" ? policies : bindings).get(metadata.name) ?? {
      kind: "Silent",
      says: "it was not asked",
    };
  const unseen = wanted.flatMap((one) => {
    const answer = answerTo(one);
    return answer.kind === "Refused" || answer.kind === "Silent" ? [answer] : [];
  });
  if (unseen[0] !== undefined) return [notKnown(name, `${unseen.length} of ${wanted.length} objects`, unseen[0])];
  const absent = wanted.filter((one) => answerTo(one).kind === "Absent");
  if (absent.length === wanted.length && !installed)
    return [{ name, verdict: "warn", says: "there are none yet", todo: INSTALL }];
  const lines = wanted.flatMap((one): readonly Line[] => {
    const answer = answerTo(one);
    const called = `${one.kind} ${one.metadata.name}`;
    if (answer.kind === "Absent") return [{ name, verdict: "fail", says: `${called} is not there`, todo: UPGRADE }];
    if (answer.kind === "There" && holds(fieldsOf(answer.body)["spec"], one["spec"])) return [];
    return [{ name, verdict: "fail", says: `${called} is not what this version of Ringward has`, todo: UPGRADE }];
  });
  const count = policies.size;
  return lines.length > 0
    ? lines
    : [{ name, verdict: "ok", says: `all ${count} are there with their bindings, as this version has them` }];
}

/** A job that no policy of ours may let through; asked as a dry run, so it is never made. The controller's account may ask it, too. */
export const BAD_JOB = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "ringward-check", namespace: JOB_NAMESPACE },
  spec: {
    template: {
      spec: { restartPolicy: "Never", containers: [{ name: "step", image: "registry.example.com/none" }] },
    },
  },
} as const;

export function judgeProbe(answer: Answer): Line {
  const name = "admission in force";
  if (answer.kind === "There")
    return { name, verdict: "fail", says: `${JOB_NAMESPACE} takes a job that is no step of a recipe`, todo: UPGRADE };
  if (answer.kind === "Refused" && answer.says.includes("'ringward-jobs'"))
    return { name, verdict: "ok", says: `${JOB_NAMESPACE} refuses a job that is no step of a recipe` };
  return notKnown(name, `a dry run of a bad job in ${JOB_NAMESPACE}`, answer);
}

export interface ImageUse {
  /** `UpdateRecipe apt, step update` */
  readonly where: string;
  readonly image: string;
}

/** Images of steps in recipes and levels. */
export function imagesOf(kind: string, objects: readonly unknown[]): readonly ImageUse[] {
  return objects.flatMap((object) => {
    const { metadata, spec } = fieldsOf(object);
    const inside = fieldsOf(spec);
    const steps = fieldsOf(inside["steps"] ?? fieldsOf(fieldsOf(inside["node"])["recipe"])["steps"]);
    return Object.entries(steps).flatMap(([step, said]) => {
      const image = textOf(fieldsOf(said)["image"]);
      return image === "" ? [] : [{ where: `${kind} ${textOf(fieldsOf(metadata)["name"])}, step ${step}`, image }];
    });
  });
}

export function judgeImages(uses: readonly ImageUse[], allowed: readonly string[] | undefined): readonly Line[] {
  const name = "recipe images";
  if (allowed === undefined)
    return [
      {
        name,
        verdict: "unknown",
        says: "the allow-list stands in the policy ringward-jobs, which could not be read",
        todo: AS_ADMINISTRATOR,
      },
    ];
  const todo = "set recipeImages of the chart, or --allow-recipe-image of the export, and install again";
  if (allowed.length === 0)
    return [
      {
        name,
        verdict: uses.length > 0 ? "fail" : "warn",
        says: "no image is allowed: the cluster refuses every step of every recipe",
        todo,
      },
    ];
  const refused = uses.filter(({ image }) => !isAllowedImage(image, allowed));
  if (refused.length > 0)
    return refused.map(({ where, image }) => ({
      name,
      verdict: "fail",
      says: `${where}: ${image} is not under ${allowed.join(", ")}`,
      todo,
    }));
  const where = `under ${allowed.join(", ")}`;
  const says =
    uses.length === 0
      ? `what is ${where} may run; no recipe is there yet`
      : `${uses.length} images of steps are ${where}`;
  return [{ name, verdict: "ok", says }];
}
