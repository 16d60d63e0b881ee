// Every YAML block of the documentation is what the product takes: whole objects by the validator of their kind, parts of one put where
// they belong, and anything else is named with the reason. Files of a page's policy are validated as a folder, too.
import { describe, expect, it } from "vitest";
import { findKind } from "../../controller/api/kinds.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { readDocuments } from "../../controller/policy/documents.ts";
import { formatFinding } from "../../controller/policy/finding.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { type Block, blocksOf, PAGES } from "./pages.ts";

const validators = createValidators();
const YAML = PAGES.flatMap((page) => blocksOf(page)).filter(({ language }) => language === "yaml");
const ofRingward = (text: string): boolean => /^apiVersion: ringward\.dev\//m.test(text);

/** Parts of objects: the block, and the object that it becomes. */
const PARTS: readonly { readonly page: string; readonly first: string; readonly whole: (part: string) => string }[] = [
  { page: "docs/gates.md", first: "gates:", whole: (part) => ring(part) },
  ...["- name: errors", "- name: alerts", "- name: ceph"].map((first) => ({
    page: "docs/gates.md",
    first,
    whole: (part: string) => ring(`gates:\n${part}`),
  })),
  {
    page: "policies/baselines/README.md",
    first: "minimum:",
    whole: (part) =>
      `${head("PatchBaseline", "debian")}spec:\n  target: Node\n  node:\n    product: { id: debian }\n    recipeRef: { name: apt }\n${indent(part, 4)}`,
  },
  {
    page: "docs/manifests.md",
    first: "# PatchBaseline, in Git",
    whole: (part) =>
      part
        .split("---\n")
        .map((text, index) => head(["PatchBaseline", "PolicyRepository"][index] ?? "", "policy") + text)
        .join("---\n")
        .replace("spec:\n  manifestRepositories", `spec:\n  ${REPOSITORY}\n  manifestRepositories`),
  },
  {
    page: "docs/manifests.md",
    first: "- { ring: edge, repository: apps, path: live/edge.yaml",
    whole: (part) =>
      `${head("PatchBaseline", "web")}spec:\n  target: Image\n  image:\n    images:\n      - repository: registry.example.com/shop/nginx\n        tag: "1"\n        manifests:\n${indent(part, 10)}`,
  },
  {
    page: "docs/recipes.md",
    first: "prepare:",
    whole: (part) =>
      `${head("UpdateRecipe", "apt")}spec:\n  match: { product: { id: debian } }\n  strategy: InPlace\n  steps:\n${indent(`${part}\nupdate: ${part.slice("prepare:".length)}`, 4)}`,
  },
];

/** Blocks of other kinds than ours. */
const FOREIGN: readonly { readonly page: string; readonly first: string; readonly why: string }[] = [
  {
    page: "docs/metrics.md",
    first: "global: { scrape_interval",
    why: "Prometheus' own; test/e2e/monitoring/panels.test.ts gives it the same",
  },
  {
    page: "docs/operations.md",
    first: "args: [controller",
    why: "a part of a Deployment; test/chart renders a whole one",
  },
  {
    page: "docs/how-to/migrating.md",
    first: "# old/kured.yaml",
    why: "what kubectl prints of kured; the page's commands read it",
  },
  {
    page: "docs/notifications.md",
    first: "destinations:",
    why: "the file of --notifications; test/notify/settings.test.ts reads it",
  },
  {
    page: "docs/notifications.md",
    first: "notifications:",
    why: "values of the chart; test/chart renders them from ci/full-values.yaml",
  },
  { page: "docs/how-to/argocd-and-flux.md", first: "spec:", why: "part of an Application of Argo CD" },
  { page: "docs/health.md", first: "current:", why: "a line of a Kustomization of Flux; test/health runs its like" },
  { page: "docs/rehearse.md", first: "name: policy", why: "a workflow of GitHub Actions" },
  {
    page: "charts/ringward/README.md",
    first: "secretMounts:",
    why: "values of the chart; test/chart holds them to its schema",
  },
];

const REPOSITORY = "url: https://git.example.com/a/b.git\n  clusterName: prod";

function head(kind: string, name: string): string {
  return `apiVersion: ringward.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
}

function ring(spec: string): string {
  return `${head("RolloutRing", "prod")}spec:\n  members: { nodes: { selector: { matchLabels: { a: b } } } }\n${indent(spec, 2)}`;
}

function indent(text: string, columns: number): string {
  return text
    .split("\n")
    .map((line) => " ".repeat(columns) + line)
    .join("\n");
}

function firstOf({ lines }: Block): string {
  return lines[0]?.trim() ?? "";
}

/** What is wrong with objects, each with its place on the page. */
function problemsOf(block: Block, text: string): readonly string[] {
  const at = `${block.page}:${block.line}`;
  const { documents, problems } = readDocuments(at, text);
  if (problems.length > 0) return problems.map(({ message }) => `${at}: ${message}`);
  if (documents.length === 0) return [`${at}: holds no object`];
  return documents.flatMap(({ value }) => {
    const kind = findKind(String(value["kind"]));
    if (kind === undefined) return [`${at}: ${String(value["kind"])} is no kind`];
    return validators.closed(kind, value).problems.map((problem) => `${at}: ${kind.kind}: ${JSON.stringify(problem)}`);
  });
}

describe("YAML of the documentation", () => {
  const whole = YAML.filter((block) => ofRingward(block.lines.join("\n")));

  it("is valid where it is a whole object", () => {
    expect(whole.length).toBeGreaterThan(2);
    expect(whole.flatMap((block) => problemsOf(block, block.lines.join("\n")))).toEqual([]);
  });

  it("loads as policy where it is one", () => {
    const policy = whole.filter(
      (block) => !/^kind: (PolicyRepository|DisruptionLedger)$/m.test(block.lines.join("\n")),
    );
    const wrong = policy.flatMap((block) => {
      const recipe = /^kind: UpdateRecipe$/m.test(block.lines.join("\n"));
      const path = `${recipe ? "recipes" : "policy"}/${block.page.replaceAll("/", "-")}-${block.line}.yaml`;
      return loadPolicy({ files: [{ path, blob: "", text: block.lines.join("\n") }], validators }).problems;
    });

    expect(wrong.map(formatFinding)).toEqual([]);
  });

  it("is valid where it is a part of one, put where it belongs", () => {
    const wrong = YAML.flatMap((block) => {
      const part = PARTS.find(({ page, first }) => page === block.page && firstOf(block).startsWith(first));
      return part === undefined ? [] : problemsOf(block, part.whole(block.lines.join("\n")));
    });

    expect(wrong).toEqual([]);
  });

  it("is one of these, or of another kind for a reason that is named; no row is idle", () => {
    const rows = [...PARTS, ...FOREIGN];
    const named = (block: Block) =>
      rows.filter(({ page, first }) => page === block.page && firstOf(block).startsWith(first));

    const rest = YAML.filter((block) => !whole.includes(block));
    expect(rest.filter((block) => named(block).length !== 1).map(({ page, line }) => `${page}:${line}`)).toEqual([]);
    expect(rows.filter((row) => !rest.some((block) => named(block).includes(row)))).toEqual([]);
  });

  it("is told when it is wrong", () => {
    const block: Block = { page: "page.md", line: 3, language: "yaml", lines: [] };
    expect(problemsOf(block, ring("soak: tomorrow"))).toHaveLength(1);
    expect(problemsOf(block, ring("sock: 1h")).join()).toContain("sock");
    expect(problemsOf(block, "")).toEqual(["page.md:3: holds no object"]);
  });
});
