// Where a baseline says that manifests stand: paths that can be followed, and values for what the image needs.
import type { ImageManifests } from "../../api/patch-baseline.ts";
import { normalisePath, parseValuePath } from "../../core/manifests/index.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error } from "./context.ts";

type Baseline = ObjectOf<"PatchBaseline">;
type Image = NonNullable<Baseline["spec"]["image"]>["images"][number];

/** Every place of manifests can be one. */
export function checkManifests(context: CheckContext): readonly Finding[] {
  return context.baselines.flatMap((baseline) => {
    const kinds = new Map<string, ImageManifests["kind"]>();
    return (baseline.spec.image?.images ?? []).flatMap((image, at) =>
      (image.manifests ?? []).flatMap((place, index) => {
        const pointer = ["spec", "image", "images", at, "manifests", index];
        return [
          ...checkPlace(context, baseline, pointer, place),
          ...checkValues(baseline, pointer, image, place),
          ...checkKind(baseline, pointer, place, kinds),
        ];
      }),
    );
  });
}

type Pointer = readonly (string | number)[];

function checkPlace(
  context: CheckContext,
  baseline: Baseline,
  pointer: Pointer,
  { ring, path }: ImageManifests,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (!context.exists("RolloutRing", ring)) {
    const guess = context.suggest("RolloutRing", ring);
    const hint = guess === undefined ? "add the ring, or remove the entry" : `did you mean "${guess}"?`;
    findings.push(error(baseline, [...pointer, "ring"], "ReferenceMissing", `ring "${ring}" does not exist`, hint));
  }
  const parts = normalisePath(path).split("/");
  if (path.startsWith("/") || path.includes("\\") || (path !== "." && parts.some((part) => /^\.{0,2}$/.test(part))))
    findings.push(
      error(
        baseline,
        [...pointer, "path"],
        "MalformedPath",
        `"${path}" is not a path from the repository's root`,
        "write for example apps/web/production",
      ),
    );
  return findings;
}

function checkValues(
  baseline: Baseline,
  pointer: Pointer,
  image: Image,
  { valuePaths = {}, kind }: ImageManifests,
): readonly Finding[] {
  const findings = (["image", "tag", "digest"] as const).flatMap((key) => {
    const text = valuePaths[key];
    return text === undefined || parseValuePath(text) !== undefined
      ? []
      : [
          error(
            baseline,
            [...pointer, "valuePaths", key],
            "MalformedValuePath",
            `"${text}" is not a path of a value`,
            "write for example image.tag or sidecars[0].image",
          ),
        ];
  });
  if (kind !== "HelmValues" || valuePaths.image !== undefined) return findings;
  const lacking = image.digest !== undefined ? "digest" : "tag";
  if (valuePaths[lacking] !== undefined) return findings;
  const message = `the image names a ${lacking}, and valuePaths has no ${lacking}`;
  return [...findings, error(baseline, [...pointer, "valuePaths"], "ValuePathMissing", message, `add ${lacking}`)];
}

/** The same files cannot be two things; a proposal changes them once. */
function checkKind(
  baseline: Baseline,
  pointer: Pointer,
  { ring, repository, path, kind }: ImageManifests,
  kinds: Map<string, ImageManifests["kind"]>,
): readonly Finding[] {
  const key = JSON.stringify([ring, repository, normalisePath(path)]);
  const other = kinds.get(key);
  kinds.set(key, kind);
  if (other === undefined || other === kind) return [];
  const message = `the manifests at "${path}" are ${other} for another image`;
  return [error(baseline, [...pointer, "kind"], "ManifestsDisagree", message, `write kind: ${other}`)];
}
