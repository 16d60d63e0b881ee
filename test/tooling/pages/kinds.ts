// docs/kinds/*.md: a reference page for each kind, from the same schema that makes the CRD, below a short guide. An object that a page has
// said already (a label selector, a recipe's step) is said once, and pointed at from the other places.
import { objectSchema, type StructuralSchema } from "../../../controller/api/crd.ts";
import { KIND_GUIDES } from "./kind-guides.ts";
import { API_VERSION, type KindDefinition } from "../../../controller/api/schema.ts";

const AUTHORS = {
  Policy: "Written by people, in Git or with kubectl.",
  Cluster: "Written by people, with kubectl or the chart only. In policy content it is an error.",
  Level: "Written by Ringward, into Git, by the commit that first names it.",
  Observed: "Written by Ringward, in the cluster only. In policy content it is an error.",
} as const;

const SHORT_AUTHORS = {
  Policy: "people, in Git or with kubectl",
  Cluster: "people, with kubectl or the chart",
  Level: "Ringward, into Git",
  Observed: "Ringward, in the cluster",
} as const;

/** An object of fewer fields is repeated. */
const FEWEST_FIELDS = 2;

export function kindsIndex(kinds: readonly KindDefinition[]): string {
  const rows = kinds.map(
    (kind) =>
      `| [${kind.kind}](${kind.singular}.md) | ${kind.shortNames.join(", ")} | ${SHORT_AUTHORS[kind.authoredIn]} | ${kind.description} |`,
  );
  return `<!-- Made by \`npm run generate\` from controller/api/. Do not edit. -->
# Kinds

All are of \`${API_VERSION}\`, in the category \`ringward\` (\`kubectl get ringward\`). How they go together: [concepts](../concepts.md). Whoever
writes policy begins with a PatchBaseline, an UpdateRecipe and a RolloutRing ([a first policy](../how-to/first-policy.md)).

| kind | short | written by | what it is |
|---|---|---|---|
${rows.join("\n")}
`;
}

export function kindPage(kind: KindDefinition): string {
  const schema = objectSchema(kind);
  const { spec, status } = schema.properties ?? {};
  return `<!-- Made by \`npm run generate\` from controller/api/. Do not edit. -->
# ${kind.kind}

${kind.description}

${AUTHORS[kind.authoredIn]} ${kind.scope === "Namespaced" ? "Namespaced." : "Cluster-scoped."}
\`kubectl get ${kind.shortNames[0] ?? kind.plural}\`; the full name is \`${kind.plural}.ringward.dev\`. [All kinds](README.md), [the words](../concepts.md).
${guideOf(kind)}${spec === undefined ? "" : section("spec", spec)}${status === undefined ? "" : section("status", status)}${rulesOf(schema)}`;
}

function guideOf({ kind }: KindDefinition): string {
  const guide = KIND_GUIDES.get(kind);
  if (guide === undefined) return "";
  const mistakes = guide.mistakes.map((mistake) => `- ${mistake}`).join("\n");
  return `
${guide.purpose}

\`\`\`yaml
${guide.example}\`\`\`

${guide.note} What people get wrong:

${mistakes}
`;
}

function section(name: string, schema: StructuralSchema): string {
  const rows = fieldsOf(schema, name, new Map());
  return `
## ${name}

| field | type | | what it says |
|---|---|---|---|
${rows.join("\n")}
`;
}

/** Rows of what is in the object; `said` knows where objects of the same fields stand above. */
function fieldsOf(schema: StructuralSchema, path: string, said: Map<string, string>): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const at = `${path}.${name}${child.type === "array" ? "[]" : ""}`;
    const inner = child.type === "array" && child.items?.properties !== undefined ? child.items : child;
    const fields = inner.properties ?? {};
    const key = JSON.stringify([fields, inner.required]);
    const before = Object.keys(fields).length < FEWEST_FIELDS ? undefined : said.get(key);
    if (before === undefined) said.set(key, at);
    const says = [child.description ?? "", ...(before === undefined ? [] : [`Its fields are those of \`${before}\`.`])];
    return [
      `| \`${at}\` | ${typeOf(child)} | ${demand(schema, name, child)} | ${escape(says.join(" ").trim())} |`,
      ...(before === undefined ? fieldsOf(inner, at, said) : []),
    ];
  });
}

function demand(parent: StructuralSchema, name: string, child: StructuralSchema): string {
  if (child.default !== undefined) return `default \`${JSON.stringify(child.default)}\``;
  return parent.required?.includes(name) === true ? "required" : "";
}

function typeOf(schema: StructuralSchema): string {
  if (schema["x-kubernetes-int-or-string"] === true) return "number or percent";
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(" \\| ");
  if (schema.additionalProperties !== undefined) return "map of strings";
  if (schema.type === "array") return `list${bound(" of at most", schema.maxItems)}${keysOf(schema)}`;
  if (schema.format === "date-time") return "time";
  if (schema.type === "integer") return `integer${range(schema)}`;
  return schema.type ?? "";
}

function keysOf(schema: StructuralSchema): string {
  const keys = schema["x-kubernetes-list-map-keys"];
  return keys === undefined ? "" : `, one for each ${keys.join(" and ")}`;
}

function bound(words: string, limit: number | undefined): string {
  return limit === undefined ? "" : `${words} ${limit}`;
}

function range(schema: StructuralSchema): string {
  return `${bound(" from", schema.minimum)}${bound(" to", schema.maximum)}`;
}

/** Text of a cell; a page of docs/ that it names becomes a link. */
function escape(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\bdocs\/([\w-]+)\.md\b/g, "[$1](../$1.md)");
}

function rulesOf(schema: StructuralSchema): string {
  const found: string[] = [];
  collectRules(schema, "", found);
  return found.length === 0 ? "" : `\n## Rules\n\n${found.join("\n")}\n`;
}

function collectRules(schema: StructuralSchema, path: string, found: string[]): void {
  for (const { rule, message } of schema["x-kubernetes-validations"] ?? []) {
    found.push(`- ${path === "" ? "the object" : `\`${path}\``}: ${message} (\`${rule}\`)`);
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    collectRules(child, path === "" ? name : `${path}.${name}`, found);
  }
  if (schema.items !== undefined) collectRules(schema.items, `${path}[]`, found);
}
