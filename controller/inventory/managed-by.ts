// Who applies a workload's template, if not a person: whoever that is would put our change back, so it belongs in their Git.
// Only reads marks; must never throw (V4). Sources: Argo CD "resource tracking", Flux kustomize- and helm-controller labels,
// Helm's release annotations, and Kubernetes' server-side apply (managedFields).
import { entryOf, fieldsAt, isFields, listOf, textOf } from "./fields.ts";
import type { Owner } from "./projected.ts";

type Strings = Readonly<Record<string, string>>;

interface Marks {
  readonly labels: Strings;
  readonly annotations: Strings;
}

/** Each names the owner, or undefined; the first that answers counts. */
const DETECTORS: readonly ((marks: Marks) => string | undefined)[] = [
  ({ labels, annotations }) => {
    const tracking = entryOf(annotations, "argocd.argoproj.io/tracking-id")?.split(":")[0];
    return named("Argo CD application", tracking ?? entryOf(labels, "argocd.argoproj.io/instance"));
  },
  ({ labels }) => flux("HelmRelease", "helm.toolkit.fluxcd.io", labels),
  ({ labels }) => flux("Kustomization", "kustomize.toolkit.fluxcd.io", labels),
  (marks) => {
    const tool = either(marks, "app.kubernetes.io/managed-by");
    const release = entryOf(marks.annotations, "meta.helm.sh/release-name");
    if (tool !== "Helm" || release === undefined) return undefined;
    const namespace = entryOf(marks.annotations, "meta.helm.sh/release-namespace");
    return named("Helm release", namespace === undefined ? release : `${namespace}/${release}`);
  },
];

function either({ labels, annotations }: Marks, key: string): string | undefined {
  return entryOf(labels, key) ?? entryOf(annotations, key);
}

function flux(kind: string, prefix: string, labels: Strings): string | undefined {
  const name = entryOf(labels, `${prefix}/name`);
  const namespace = entryOf(labels, `${prefix}/namespace`);
  return named(`Flux ${kind}`, name === undefined || namespace === undefined ? name : `${namespace}/${name}`);
}

function named(what: string, name: string | undefined): string | undefined {
  return name === undefined || name === "" ? undefined : `${what} ${name}`;
}

/** Names who applies the object's template; undefined: a person. `podSpecPath` leads to the pod spec: `spec.template.spec`. */
export function managedBy(
  object: unknown,
  marks: Marks,
  controller: Owner | undefined,
  podSpecPath: readonly string[],
): string | undefined {
  if (controller !== undefined) return `${controller.kind} ${controller.name}`;
  for (const detect of DETECTORS) {
    const owner = detect(marks);
    if (owner !== undefined) return owner;
  }
  return applierOfImages(object, podSpecPath);
}

/** Ringward's own field managers, and kubectl's (`kubectl`, `kubectl-client-side-apply`, `kubectl-edit` …), which are a person. */
const PEOPLE = /^(?:ringward|kubectl)(?:[-.].*)?$/;

function applierOfImages(object: unknown, podSpecPath: readonly string[]): string | undefined {
  const path = podSpecPath.map((key) => `f:${key}`);
  const names = listOf(fieldsAt(object, "metadata")["managedFields"]).flatMap((entry) => {
    const { manager, operation, fieldsV1 } = fieldsAt(entry);
    const name = textOf(manager, 128);
    if (operation !== "Apply" || name === "" || PEOPLE.test(name)) return [];
    const spec = fieldsAt(fieldsV1, ...path);
    return ownsImage(spec["f:containers"]) || ownsImage(spec["f:initContainers"]) ? [name] : [];
  });
  return named("field manager", names.sort()[0]);
}

function ownsImage(containers: unknown): boolean {
  return (
    isFields(containers) &&
    Object.values(containers).some((fields) => isFields(fields) && Object.hasOwn(fields, "f:image"))
  );
}
