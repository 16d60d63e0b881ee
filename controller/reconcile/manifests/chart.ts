// What helm renders of a change of values: the chart as it stands in the same repository, with what it depends on in its charts/ folder.
// Nothing is fetched: neither a chart nor what it depends on, and no schema of values, whose references may name any address or file.
import { posix } from "node:path";
import type { ManifestPlace } from "../../core/manifests/index.ts";
import { normalisePath } from "../../core/manifests/index.ts";
import type { FolderContent } from "../../git/port.ts";

type Files = ReadonlyMap<string, string | Uint8Array>;

/** All that helm gets; `change` are texts of the repository's files that stand in for what the commit holds. */
export type Chart =
  | {
      readonly kind: "Found";
      readonly args: (folder: string) => readonly string[];
      readonly files: (change: ReadonlyMap<string, string>) => Files;
    }
  | { readonly kind: "None"; readonly why: string };

/** Reads a chart and its values. */
export async function findChart(
  place: ManifestPlace,
  readFolder: (path: string) => Promise<FolderContent>,
): Promise<Chart> {
  const folder = normalisePath(place.chart.path ?? posix.dirname(place.path));
  const read = await readFolder(folder);
  if (read.kind === "Refused") return { kind: "None", why: `the chart is not read: ${read.why}` };
  const inside = (path: string): string => (folder === "" ? path : path.slice(folder.length + 1));
  if (!read.files.some(({ path }) => inside(path) === "Chart.yaml"))
    return {
      kind: "None",
      why: `there is no Chart.yaml in ${folder === "" ? "/" : folder}, and charts are never fetched: name its folder in chart.path`,
    };
  const all = new Map(read.files.map(({ path, bytes }): [string, string | Uint8Array] => [path, bytes]));
  // helm reads the chart's own values by itself.
  const values = [...(place.chart.valueFiles ?? []).map(normalisePath), place.path].filter(
    (path) => inside(path) !== "values.yaml" || !all.has(path),
  );
  for (const path of values) {
    if (all.has(path)) continue;
    const file = await readFolder(path);
    const only = file.kind === "Read" ? file.files.find((one) => one.path === path) : undefined;
    if (only === undefined)
      return { kind: "None", why: `${path} is not read: ${file.kind === "Refused" ? file.why : "it is a folder"}` };
    all.set(path, only.bytes);
  }
  const chart = new Set(read.files.map(({ path }) => path));
  return {
    kind: "Found",
    // Values lie under names of ours: helm takes a comma for the end of a name, and an address for one.
    files: (change) =>
      new Map([
        ...[...chart].map((path) => [`chart/${inside(path)}`, change.get(path) ?? all.get(path) ?? ""] as const),
        ...values.map((path, index) => [`values-${index}.yaml`, change.get(path) ?? all.get(path) ?? ""] as const),
      ]),
    args: (root) => [
      "template",
      releaseOf(folder),
      posix.join(root, "chart"),
      ...namespaceOf(place),
      ...values.flatMap((_, index) => ["--values", posix.join(root, `values-${index}.yaml`)]),
      "--skip-schema-validation",
    ],
  };
}

/** A chart of that name gives its objects this name alone then, as most are installed. */
function releaseOf(folder: string): string {
  const name = posix.basename(folder);
  return /^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/.test(name) ? name : "release";
}

function namespaceOf({ workloads }: ManifestPlace): readonly string[] {
  const [namespace, ...others] = new Set(workloads.flatMap(({ asset }) => asset.namespace ?? []));
  return namespace === undefined || others.length > 0 ? [] : ["--namespace", namespace];
}
