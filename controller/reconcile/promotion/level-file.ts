// Level files: a PatchLevel as readable YAML in Git. Immutable: the same level gives the same bytes, so two proposals that add the same
// level merge without a conflict. Must never write a level whose name does not match its content (A6).
import { INPUT_COMMIT, INPUT_TIME, LEVEL_DIGEST, PatchLevelSpec } from "../../api/patch-level.ts";
import { API_VERSION } from "../../api/schema.ts";
import { checkLevel } from "../../core/levels/index.ts";
import type { LevelInForce } from "../../core/model.ts";
import { UserError } from "../../errors.ts";
import { type EditValue, renderPair } from "../../git/edit-render.ts";

/** Where a level stands: `<path>/levels/<name>.yaml`. */
export function levelPath(policyPath: string, name: string): string {
  const folder = policyPath.replace(/(?<!\/)\/+$/, "");
  return `${folder === "" ? "" : `${folder}/`}levels/${name}.yaml`;
}

export interface LevelProvenance {
  /** Commit that the baseline and the recipe were read at. Leave it out where it may differ between two writers. */
  readonly inputCommit?: string;
}

/** The file's text. Throws UserError RW1203 for a level whose name does not match its content. */
export function renderLevelFile(
  level: Pick<LevelInForce, "name" | "digest" | "spec" | "inputTime">,
  provenance: LevelProvenance = {},
): string {
  const mismatch = checkLevel(level.name, level.spec, level.digest);
  if (mismatch !== undefined) throw new UserError("RW1203", mismatch);
  const document: Readonly<Record<string, EditValue>> = {
    apiVersion: API_VERSION,
    kind: "PatchLevel",
    metadata: {
      name: level.name,
      annotations: {
        [LEVEL_DIGEST]: level.digest,
        [INPUT_TIME]: new Date(level.inputTime).toISOString().replace(".000Z", "Z"),
        ...(provenance.inputCommit === undefined ? {} : { [INPUT_COMMIT]: provenance.inputCommit }),
      },
    },
    spec: inOrder(level.spec, PatchLevelSpec as Shape) as EditValue,
  };
  const lines = Object.entries(document).flatMap(([key, value]) => renderPair(key, value, 0));
  return [
    `# Patch level of baseline ${level.spec.baseline}. Written by Ringward; immutable: its name is made from its content.`,
    "# To change what runs, change the baseline or a ring's entry, never this file.",
    ...lines,
    "",
  ].join("\n");
}

/** The parts of a JSON schema that say in which order things are written. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

/** The value with its keys in the schema's order and its keyed lists sorted: who built the spec does not show in the file. */
function inOrder(value: unknown, shape: Shape): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => inOrder(item, shape.items ?? {}));
    const keys = shape["x-kubernetes-list-map-keys"];
    if (keys === undefined) return items;
    const keyOf = (item: unknown): string =>
      JSON.stringify(keys.map((key) => (item as Readonly<Record<string, unknown>>)[key]));
    return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
  }
  if (typeof value !== "object" || value === null) return value;
  const object = value as Readonly<Record<string, unknown>>;
  const known = Object.keys(shape.properties ?? {});
  const names = [
    ...known.filter((key) => Object.hasOwn(object, key)),
    ...Object.keys(object)
      .filter((key) => !known.includes(key))
      .sort(),
  ];
  return Object.fromEntries(
    names.flatMap((key) =>
      object[key] === undefined ? [] : [[key, inOrder(object[key], shape.properties?.[key] ?? {})]],
    ),
  );
}
