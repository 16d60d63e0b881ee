// Values of a Helm chart: only the values whose paths policy names are changed. Which image a value is about cannot be read from it alone,
// so a repository that stands beside it must be the image's.
import { coverageOf, parseImage } from "../../core/compliance/image-reference.ts";
import { parseValuePath } from "../../core/manifests/index.ts";
import { imageAt } from "../../core/rollout/desired-images.ts";
import { UserError } from "../../errors.ts";
import type { Pointer } from "../../policy/documents.ts";
import type { PolicyFile } from "../port.ts";
import type { EditedManifests, ManifestChange, ManifestEdit, ManifestImage } from "./change.ts";
import { editManifest, lookAt, readManifest, refuseManifest } from "./manifest-file.ts";
import { type Shape, valueAt } from "./shape.ts";

/** Throws UserError RW1120, RW1121, and RW1122 where a value is not there. */
export function editHelmValues(
  files: readonly PolicyFile[],
  { path, images }: Pick<ManifestChange, "path" | "images">,
): EditedManifests {
  const file = files.find((one) => one.path === path);
  if (file === undefined) return refuseManifest(path, "there is no such file", "correct the baseline's path");
  const edits: ManifestEdit[] = [];
  let { text } = file;
  for (const image of images)
    for (const { at, value } of wishesOf(path, rootOf(file, text), image)) {
      const pointer = parseValuePath(at) ?? refuseManifest(path, `"${at}" is no path of a value`, "write image.tag");
      const before = scalarAt(path, rootOf(file, text), pointer);
      if (before === value) continue;
      text = editManifest(path, text, 0, { path: pointer, value });
      edits.push({ file: path, place: at, from: before, to: value });
    }
  return { files: new Map(edits.length === 0 ? [] : [[path, text]]), edits };
}

function rootOf(file: PolicyFile, text: string): Shape {
  const [document, ...others] = readManifest({ ...file, text }, () => true);
  if (document === undefined || document.index !== 0 || others.length > 0)
    return refuseManifest(file.path, "values are one document", "keep one of them");
  return document.shape;
}

interface Wish {
  readonly at: string;
  readonly value: string;
}

function wishesOf(file: string, root: Shape, image: ManifestImage): readonly Wish[] {
  const { image: whole, tag, digest } = image.valuePaths ?? {};
  if (whole !== undefined) {
    const before = scalarAt(file, root, parseValuePath(whole) ?? []) ?? "";
    const reference = parseImage(before);
    if (reference === undefined || coverageOf(reference, image) !== "Full")
      throw new UserError(
        "RW1122",
        `values ${file}: ${whole} is ${JSON.stringify(before.slice(0, 80))}, not image ${image.repository}`,
        "correct valuePaths.image",
      );
    return [{ at: whole, value: imageAt(before, image) }];
  }
  for (const path of [tag, digest]) if (path !== undefined) checkSibling(file, root, path, image);
  if (image.digest !== undefined && digest === undefined)
    refuseManifest(file, `the level names a digest of ${image.repository}`, "give valuePaths.digest");
  if (image.digest === undefined && tag === undefined)
    refuseManifest(file, `the level names no digest of ${image.repository}`, "give valuePaths.tag");
  const stale = digest === undefined ? undefined : scalarAt(file, root, parseValuePath(digest) ?? []);
  if (tag !== undefined && scalarAt(file, root, parseValuePath(tag) ?? []) === undefined)
    throw new UserError(
      "RW1122",
      `values ${file}: there is no ${tag}`,
      "correct valuePaths.tag, or put the value there",
    );
  return [
    ...(tag === undefined || image.tag === undefined ? [] : [{ at: tag, value: image.tag }]),
    ...(digest === undefined || image.digest === undefined ? [] : [{ at: digest, value: image.digest }]),
    // An old digest would win over the new tag.
    ...(digest === undefined || image.digest !== undefined || stale === undefined || stale === ""
      ? []
      : [{ at: digest, value: "" }]),
  ];
}

function scalarAt(file: string, root: Shape, pointer: Pointer): string | undefined {
  const found = lookAt(file, root, pointer);
  if (found === undefined || (found.kind === "Scalar" && found.style === "Plain" && found.text === ""))
    return undefined;
  if (found.kind !== "Scalar" || found.style === "Block")
    return refuseManifest(file, `${pointer.join(".")} is not a plain value`, "correct valuePaths");
  return found.text;
}

/** `repository` (and `registry`) beside a tag say whose tag it is. */
function checkSibling(file: string, root: Shape, path: string, image: ManifestImage): void {
  const parent = lookAt(file, root, (parseValuePath(path) ?? []).slice(0, -1));
  const [registry, repository] = [valueAt(parent, "registry"), valueAt(parent, "repository")];
  if (repository?.kind !== "Scalar" || repository.text === "") return;
  const prefix = registry?.kind === "Scalar" && registry.text !== "" ? `${registry.text}/` : "";
  const reference = parseImage(`${prefix}${repository.text}`);
  if (reference === undefined || coverageOf(reference, image) === "None")
    throw new UserError(
      "RW1122",
      `values ${file}: the repository beside ${path} is ${prefix}${repository.text}, not ${image.repository}`,
      "correct valuePaths",
    );
}
