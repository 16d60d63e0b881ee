// Templates of the chart that are made from what `ringward install --export` makes: definitions, namespaces, roles and admission policies.
// The very objects are built with stand-ins for what an installation decides (namespace, image prefixes), and the stand-ins become
// template actions. So the chart cannot say something else than the code's tables.
import { stringify } from "yaml";
import { installManifests } from "../../../controller/install/export.ts";
import { type Manifest } from "../../../controller/install/manifest.ts";
import { JOB_NAMESPACE } from "../../../controller/nodes/recipe-job.ts";
import { list } from "../../../controller/install/policies/policy.ts";
import { prefixForms } from "../../../controller/core/recipe-images.ts";

const NAMESPACE = "namespace-of-the-release";
const PREFIX = "stand-in.invalid/prefix";
const PREFIX_LIST = list(prefixForms(PREFIX));

const HEAD = "{{- /* Made by `npm run generate` from controller/install/. Do not edit. */ -}}\n";

/** What stands for what, in a text. */
const STAND_INS: readonly (readonly [string, string])[] = [
  [PREFIX_LIST, '(include "ringward.recipeImageForms" .)'],
  [PREFIX, '(include "ringward.recipeImages" .)'],
  [NAMESPACE, ".Release.Namespace"],
];

/** Actions that stand in the YAML under a plain word until it is text. */
type Actions = string[];
const word = (at: number): string => `ACTION-${at}-OF-THE-TEMPLATE`;
const LABELS_WORD = "LABELS-OF-THE-RELEASE";

/** Path of a template below charts/ringward/templates -> text. */
export function chartTemplates(): ReadonlyMap<string, string> {
  const given = installManifests({ namespace: NAMESPACE, recipeImages: [PREFIX] });
  const none = installManifests({ namespace: NAMESPACE, recipeImages: [] });
  const files = new Map<string, string[]>();
  given.forEach((manifest, at) => {
    const { path, when } = placeOf(manifest);
    const text = template(manifest, none[at] as Manifest);
    const documents = files.get(path) ?? [];
    files.set(path, [...documents, when === undefined ? text : `{{- if ${when} }}\n${text}{{- end }}\n`]);
  });
  return new Map([...files].map(([path, documents]) => [path, HEAD + documents.map((one) => `---\n${one}`).join("")]));
}

function placeOf({ kind, metadata }: Manifest): { readonly path: string; readonly when?: string } {
  if (kind === "CustomResourceDefinition")
    return { path: `crds/${metadata.name.split(".")[0]}.yaml`, when: ".Values.crds.install" };
  if (kind.startsWith("ValidatingAdmissionPolicy")) return { path: `policies/${metadata.name}.yaml` };
  if (kind !== "Namespace") return { path: "rbac.yaml" };
  const group = metadata.name === JOB_NAMESPACE ? "jobNamespace" : "namespace";
  return { path: "namespaces.yaml", when: `.Values.${group}.create` };
}

function template(manifest: Manifest, without: Manifest): string {
  const actions: Actions = [];
  const { labels = {}, ...metadata } = manifest.metadata;
  const { "app.kubernetes.io/part-of": _, ...own } = labels;
  const marked = {
    ...manifest,
    metadata: {
      ...metadata,
      ...(manifest.kind === "CustomResourceDefinition" ? { annotations: "KEEP-IT" } : {}),
      // People's Secrets and Helm's own are in the one, steps that run in the other: a package manager is not to be killed half-way.
      ...(manifest.kind === "Namespace" ? { annotations: { "helm.sh/resource-policy": "keep" } } : {}),
      labels: { ...own, [LABELS_WORD]: null },
    },
  };
  const body = mark(marked, { ...without, metadata: marked.metadata }, actions);
  const yaml = stringify(body, { aliasDuplicateObjects: false, lineWidth: 0 });
  if (yaml.includes("{{"))
    throw new Error(`${manifest.kind} ${manifest.metadata.name}: holds {{, which a template would run`);
  return withActions(yaml, actions);
}

/** The object with a word in place of every text that an installation decides; `without` is the same where no image is allowed. */
function mark(value: unknown, without: unknown, actions: Actions): unknown {
  if (typeof value === "string") return markText(value, without, actions);
  if (Array.isArray(value)) {
    const others = without as readonly unknown[];
    if (value.length !== others.length) throw new Error("the rules differ in number with the images that are allowed");
    return value.map((one, at) => mark(one, others[at], actions));
  }
  if (typeof value !== "object" || value === null) return value;
  const other = without as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mark(one, other[key], actions)]));
}

function markText(value: string, without: unknown, actions: Actions): string {
  const action = actionOf(value);
  if (value === without) return action === undefined ? value : put(actions, `{{ ${action} | toJson }}`);
  if (typeof without !== "string" || action === undefined) throw new Error(`two texts of one place: ${value}`);
  const otherwise = actionOf(without) ?? JSON.stringify(without);
  return put(
    actions,
    `{{ if .Values.recipeImages }}{{ ${action} | toJson }}{{ else }}{{ ${otherwise} | toJson }}{{ end }}`,
  );
}

function put(actions: Actions, action: string): string {
  actions.push(action);
  return word(actions.length - 1);
}

/** `printf` with what stands for the stand-ins; undefined: there are none. */
function actionOf(value: string): string | undefined {
  const parts = STAND_INS.reduce<readonly (string | readonly [string])[]>(
    (before, [standIn, action]) =>
      before.flatMap((part) =>
        typeof part === "string"
          ? part.split(standIn).flatMap((piece, at) => (at === 0 ? [piece] : [[action] as const, piece]))
          : [part],
      ),
    [value],
  );
  const found = parts.flatMap((part) => (typeof part === "string" ? [] : part));
  if (found.length === 0) return undefined;
  const format = parts.map((part) => (typeof part === "string" ? part.replaceAll("%", "%%") : "%s")).join("");
  return format === "%s" ? found.join("") : `printf ${JSON.stringify(format)} ${found.join(" ")}`;
}

function withActions(yaml: string, actions: Actions): string {
  return yaml
    .split("\n")
    .map((line) => {
      const labels = new RegExp(`^( *)${LABELS_WORD}: null$`).exec(line);
      if (labels !== null) return `${labels[1]}{{- include "ringward.labels" . | nindent ${labels[1]?.length} }}`;
      if (line === "  annotations: KEEP-IT") return '  {{- include "ringward.keepDefinitions" . | nindent 2 }}';
      return actions.reduce((text, action, at) => text.replace(word(at), () => action), line);
    })
    .join("\n");
}
