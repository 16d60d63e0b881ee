// Where a baseline says that manifests stand: paths that can be followed, and values for what the image needs.
import type { ImageManifests } from "../../api/patch-baseline.ts";
import { findDisagreement, normalisePath, parseValuePath } from "../../core/manifests/index.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error } from "./context.ts";

type Baseline = ObjectOf<"PatchBaseline">;
type Image = NonNullable<Baseline["spec"]["image"]>["images"][number];

/** Every place of manifests can be one. */
export function checkManifests(context: CheckContext): readonly Finding[] {
  return context.baselines.flatMap((baseline) => {
    const places = new Map<string, ImageManifests>();
    return (baseline.spec.image?.images ?? []).flatMap((image, at) =>
      (image.manifests ?? []).flatMap((place, index) => {
        const pointer = ["spec", "image", "images", at, "manifests", index];
        return [
          ...checkPlace(context, baseline, pointer, place),
          ...checkValues(baseline, pointer, image, place),
          ...checkAgreement(baseline, pointer, place, places),
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
  { ring, path, chart = {} }: ImageManifests,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (!context.exists("RolloutRing", ring)) {
    const guess = context.suggest("RolloutRing", ring);
    const hint = guess === undefined ? "add the ring, or remove the entry" : `did you mean "${guess}"?`;
    findings.push(error(baseline, [...pointer, "ring"], "ReferenceMissing", `ring "${ring}" does not exist`, hint));
  }
  const paths: readonly (readonly [Pointer, string])[] = [
    [["path"], path],
    ...(chart.path === undefined ? [] : [[["chart", "path"], chart.path] as const]),
    ...(chart.valueFiles ?? []).map((file, index) => [["chart", "valueFiles", index], file] as const),
  ];
  for (const [at, text] of paths)
    if (!isPath(text))
      findings.push(
        error(
          baseline,
          [...pointer, ...at],
          "MalformedPath",
          `"${text}" is not a path from the repository's root`,
          "write for example apps/web/production",
        ),
      );
  return findings;
}

function isPath(path: string): boolean {
  const parts = normalisePath(path).split("/");
  return (
    !path.startsWith("/") && !path.includes("\\") && (path === "." || !parts.some((part) => /^\.{0,2}$/.test(part)))
  );
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
function checkAgreement(
  baseline: Baseline,
  pointer: Pointer,
  place: ImageManifests,
  places: Map<string, ImageManifests>,
): readonly Finding[] {
  const key = JSON.stringify([place.ring, place.repository, normalisePath(place.path)]);
  const other = places.get(key);
  if (other === undefined) places.set(key, place);
  const what = other && findDisagreement([other, place]);
  if (other === undefined || what === undefined) return [];
  const message = `the manifests at "${place.path}" have another ${what} for another image`;
  const hint = what === "kind" ? `write kind: ${other.kind}` : "write the same chart";
  return [error(baseline, [...pointer, what], "ManifestsDisagree", message, hint)];
}
