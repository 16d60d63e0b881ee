// Builds policy from short YAML for tests: a file is named, its text is what a person would write.
import { createValidators, type Validators } from "../../../controller/api/validator.ts";
import type { PolicyFile } from "../../../controller/git/port.ts";
import { type Finding, formatFinding } from "../../../controller/policy/finding.ts";
import { type LoadedPolicy, loadPolicy } from "../../../controller/policy/load.ts";
import { validatePolicy, type ValidateOptions } from "../../../controller/policy/validate.ts";

const validators: Validators = createValidators();
export const NOW = Date.parse("2026-11-21T12:00:00Z");

export function file(path: string, text: string): PolicyFile {
  return { path, blob: path, text };
}

/** One document of a kind; `body` is its spec, indented by two. */
export function doc(kind: string, name: string, spec: string): string {
  const body = spec
    .split("\n")
    .map((line) => (line === "" ? line : `  ${line}`))
    .join("\n");
  return `apiVersion: ringward.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${body}\n`;
}

/** A ring of nodes with one protected label. */
export function ring(name: string, more = ""): string {
  const label = "node-restriction.kubernetes.io/ring";
  const members = `members:\n  nodes:\n    selector:\n      matchLabels:\n        ${label}: ${name}`;
  return doc("RolloutRing", name, more === "" ? members : `${members}\n${more}`);
}

export const CALENDAR = 'windows:\n  - schedule: "0 1 * * 2"\n    duration: 4h';

export function recipe(name: string, product = "ubuntu"): string {
  const image = `registry.example.com/recipes/apt@sha256:${"a".repeat(64)}`;
  const step = `{image: "${image}", command: [run]}`;
  return doc(
    "UpdateRecipe",
    name,
    `match: {product: {id: ${product}}}\nstrategy: InPlace\nsteps:\n  inventory: ${step}\n  update: ${step}`,
  );
}

export function nodeBaseline(name: string, more = "", product = "{id: ubuntu, versionId: '22.04'}"): string {
  const node = `target: Node\nnode:\n  product: ${product}\n  source: {snapshot: 20261115T000000Z}\n  recipeRef: {name: apt}`;
  const minimum = "  minimum: {kubelet: v1.35.2}";
  return doc("PatchBaseline", name, `${node}\n${more === "" ? minimum : more}`);
}

export function load(files: Readonly<Record<string, string>>): LoadedPolicy {
  return loadPolicy({ files: Object.entries(files).map(([path, text]) => file(path, text)), validators });
}

/** Findings of loading and checking, as `severity code file:line path: message (hint)`. */
export function judge(
  files: Readonly<Record<string, string>>,
  options: Partial<ValidateOptions> = {},
): readonly Finding[] {
  const { objects, problems } = load(files);
  const broken = problems.flatMap(({ object, severity }) =>
    severity === "error" && object !== undefined ? [object] : [],
  );
  return [...problems, ...validatePolicy(objects, { now: NOW, broken, ...options })].filter(
    ({ severity }) => severity !== "note",
  );
}

/** One file's findings as people see them, with the code in front. It lies where recipes may stand, too, and is called p.yaml. */
export function lines(
  text: string | Readonly<Record<string, string>>,
  options: Partial<ValidateOptions> = {},
): string[] {
  const files = typeof text === "string" ? { "recipes/p.yaml": text } : text;
  return judge(files, options).map((finding) =>
    `${finding.code} ${formatFinding(finding)}`.replaceAll("recipes/p.yaml:", "p.yaml:"),
  );
}
