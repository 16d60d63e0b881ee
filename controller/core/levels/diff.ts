// What changes between two levels of a baseline, for the evidence in proposals and on the command line.
// Pure. Says what differs, never whether that is good.
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import { compareVersions } from "../versions/index.ts";
import { canonicalJson } from "./digest.ts";

export interface LevelChange {
  /** A component (`package:openssl`, `image:registry.example.com/shop/web`) or a setting (`recipe`, `source`, `rebootPolicy`). */
  readonly name: string;
  readonly kind: "Component" | "Setting";
  /** Undefined: it was, or is, not there. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** `Changed`: no order between the two. */
  readonly change: "Added" | "Removed" | "Raised" | "Lowered" | "Changed";
}

interface Part {
  readonly text: string;
  readonly kind: LevelChange["kind"];
  readonly order: ((a: string, b: string) => "<" | "=" | ">" | "?") | undefined;
}

/** Changes from `a` (undefined: there was no level) to `b`: components first, then settings, each sorted by name. */
export function diffLevels(a: PatchLevelSpec | undefined, b: PatchLevelSpec): readonly LevelChange[] {
  const before = a === undefined ? new Map<string, Part>() : partsOf(a);
  const after = partsOf(b);
  const changes: LevelChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const from = before.get(name);
    const to = after.get(name);
    if (from?.text === to?.text) continue;
    changes.push({
      name,
      kind: (to ?? from)?.kind ?? "Setting",
      from: from?.text,
      to: to?.text,
      change: changeOf(from, to),
    });
  }
  const rank = (change: LevelChange): string => `${change.kind}\u0000${change.name}`;
  return changes.sort((x, y) => (rank(x) < rank(y) ? -1 : 1));
}

function changeOf(from: Part | undefined, to: Part | undefined): LevelChange["change"] {
  if (from === undefined) return "Added";
  if (to === undefined) return "Removed";
  const order = to.order?.(from.text, to.text);
  return order === "<" ? "Raised" : order === ">" ? "Lowered" : "Changed";
}

function partsOf(spec: PatchLevelSpec): Map<string, Part> {
  const parts = new Map<string, Part>();
  const setting = (name: string, value: unknown): void => {
    if (value !== undefined)
      parts.set(name, {
        text: typeof value === "string" ? value : canonicalJson(value),
        kind: "Setting",
        order: undefined,
      });
  };
  setting("disruption", spec.disruption);
  for (const { name, scheme, version } of spec.node?.components ?? [])
    parts.set(name, { text: version, kind: "Component", order: (x, y) => compareVersions(scheme, x, y) });
  for (const image of spec.image?.images ?? [])
    parts.set(`image:${image.repository}`, {
      text: desiredImage(image),
      kind: "Component",
      order: image.digest === undefined ? (x, y) => compareVersions("tag", x, y) : undefined,
    });
  if (spec.node === undefined) return parts;
  const { product, source, recipe, rebootPolicy, drain } = spec.node;
  setting("product", product);
  setting("source", source);
  setting("recipe", { name: recipe.name, strategy: recipe.strategy });
  for (const [step, body] of Object.entries(recipe.steps ?? {})) setting(`recipe.${step}`, body);
  setting("rebootPolicy", rebootPolicy);
  setting("drain", drain);
  return parts;
}

/** `tag`, `tag@digest` or `digest`, as people read it. */
export function desiredImage(image: { readonly tag?: string; readonly digest?: string }): string {
  if (image.digest === undefined) return image.tag ?? "";
  return image.tag === undefined ? image.digest : `${image.tag}@${image.digest}`;
}
