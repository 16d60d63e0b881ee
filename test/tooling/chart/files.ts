// Files of the chart that are made from the sources: values.yaml, values.schema.json, Chart.yaml, the table in README.md, and the templates
// that say what `ringward install --export` says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { GROUP, type TSchema, VERSION } from "../../../controller/api/schema.ts";
import { KINDS } from "../../../controller/api/kinds.ts";
import { chartTemplates } from "./templates.ts";
import { VALUES } from "./values.ts";

export const CHART = "charts/ringward";
const HEAD = "# Made by `npm run generate` from test/tooling/chart/. Do not edit.\n";
/** Kubernetes 1.30 has ValidatingAdmissionPolicy as v1. */
const KUBE_VERSION = ">=1.30.0-0";

interface Value {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly description?: string;
  readonly default?: unknown;
}

/** Path from the checkout's root -> text. */
export function chartFiles(root: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>([
    [`${CHART}/Chart.yaml`, chartYaml(root)],
    [`${CHART}/values.yaml`, HEAD + valuesYaml(VALUES as Value, "")],
    [`${CHART}/values.schema.json`, schemaJson()],
    [`${CHART}/README.md`, readme(readFileSync(join(root, CHART, "README.md"), "utf8"))],
  ]);
  for (const [path, text] of chartTemplates()) files.set(`${CHART}/templates/${path}`, text);
  return files;
}

function chartYaml(root: string): string {
  const { version, description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly version: string;
    readonly description: string;
  };
  const crds = KINDS.map(({ kind, plural, description: says }) => ({
    kind,
    version: VERSION,
    name: `${plural}.${GROUP}`,
    displayName: kind,
    description: says,
  }));
  return (
    HEAD +
    stringify(
      {
        apiVersion: "v2",
        name: "ringward",
        type: "application",
        description,
        version,
        appVersion: version,
        kubeVersion: KUBE_VERSION,
        keywords: ["patching", "gitops", "nodes", "images", "rollout"],
        annotations: {
          "artifacthub.io/license": "Apache-2.0",
          "artifacthub.io/category": "integration-delivery",
          "artifacthub.io/operator": "true",
          "artifacthub.io/operatorCapabilities": "Seamless Upgrades",
          "artifacthub.io/prerelease": "true",
          "artifacthub.io/crds": stringify(crds, { lineWidth: 0 }),
          "artifacthub.io/crdsExamples": stringify([
            {
              apiVersion: `${GROUP}/${VERSION}`,
              kind: "PolicyRepository",
              metadata: { name: "policy" },
              spec: { url: "https://git.example.com/patch-policy.git", clusterName: "production" },
            },
          ]),
        },
      },
      { lineWidth: 0 },
    )
  );
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  for (const piece of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && `${indent}# ${last} ${piece}`.length <= 120) lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines.map((line) => `${indent}# ${line}\n`).join("");
}

function valuesYaml({ properties = {} }: Value, indent: string): string {
  return Object.entries(properties)
    .filter(([, schema]) => "default" in schema || "properties" in schema)
    .map(([name, schema]) => {
      const value = schema as Value;
      const about = `${indent === "" ? "\n" : ""}${wrapped(value.description ?? "", indent)}`;
      if (value.properties !== undefined) return `${about}${indent}${name}:\n${valuesYaml(value, `${indent}  `)}`;
      const text = stringify({ [name]: value.default }, { lineWidth: 0 });
      return about + text.replaceAll(/^(?=.)/gm, indent);
    })
    .join("");
}

/** All of a group is required: values.yaml has it, and who takes a value away (`null`) is told. */
function schemaJson(): string {
  const title = "Values of the chart ringward";
  return `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", title, ...VALUES }, undefined, 2)}\n`;
}

const BEGIN = "<!-- values: made by `npm run generate`, do not edit -->";
const END = "<!-- end of values -->";

function readme(text: string): string {
  const [before, rest = ""] = text.split(BEGIN);
  const after = rest.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${CHART}/README.md has no place for the values`);
  const rows = valueRows(VALUES as Value, "").join("\n");
  return `${before}${BEGIN}\n\n| value | default | what it is for |\n|---|---|---|\n${rows}\n\n${END}${after}`;
}

function valueRows({ properties = {} }: Value, prefix: string): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const value = schema as Value;
    if (value.properties !== undefined) return valueRows(value, `${prefix}${name}.`);
    if (!("default" in value)) return [];
    return [
      `| \`${prefix}${name}\` | \`${JSON.stringify(value.default)}\` | ${(value.description ?? "").replaceAll("|", "\\|")} |`,
    ];
  });
}
