// Plain manifests: the image of every container under the path that a policy names gets the level's tag and digest, in the name that is
// written there (`nginx` stays `nginx`, a mirror stays a mirror).
import { imageAt } from "../../core/rollout/desired-images.ts";
import { UserError } from "../../errors.ts";
import type { PolicyFile } from "../port.ts";
import type { EditedManifests, ManifestChange, ManifestEdit } from "./change.ts";
import { findImages, type ImagePlace } from "./images-in.ts";
import { editManifest, MOST_EDITS, refuseManifest } from "./manifest-file.ts";

/** Throws UserError RW1120, RW1121, and RW1122 where no file names an image. */
export function editPlain(
  files: readonly PolicyFile[],
  { path, images }: Pick<ManifestChange, "path" | "images">,
): EditedManifests {
  const places = files
    .filter((file) => path === "" || file.path === path || file.path.startsWith(`${path}/`))
    .flatMap((file) => findImages(file, images));
  for (const image of images)
    if (!places.some((place) => place.image === image)) throw noSuchImage(path, image.repository);
  refuseContradictions(places);
  const changing = places.filter(({ written, image }) => imageAt(written, image) !== written);
  if (changing.length > MOST_EDITS)
    refuseManifest(
      path,
      `${changing.length} images would change, more than ${MOST_EDITS}`,
      "point the baseline's manifests at a smaller folder",
    );
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const edited = new Map<string, string>();
  for (const { file, document, path: at, written, image } of changing) {
    const before = edited.get(file) ?? texts.get(file) ?? "";
    edited.set(file, editManifest(file, before, document, { path: at, value: imageAt(written, image) }));
  }
  return { files: edited, edits: changing.map(describeEdit) };
}

export function noSuchImage(path: string, repository: string): UserError {
  return new UserError(
    "RW1122",
    `no manifest under "${path}" names image ${repository}`,
    "correct the baseline's manifests, or list the repository's other name in mirrors",
  );
}

/** The same container of the same object twice, with different images: nobody can say which one is applied. */
function refuseContradictions(places: readonly ImagePlace[]): void {
  const seen = new Map<string, ImagePlace>();
  for (const place of places) {
    const key = JSON.stringify([place.object, place.container, place.path.includes("initContainers")]);
    const other = seen.get(key);
    if (other !== undefined && other.written !== place.written)
      refuseManifest(
        place.file,
        `${place.object}, container ${place.container}: ${place.written} here and ${other.written} in ${other.file}`,
        "keep one of them, or point the baseline's manifests at the folder that is applied",
      );
    seen.set(key, place);
  }
}

function describeEdit({ file, object, container, written, image }: ImagePlace): ManifestEdit {
  return { file, place: `${object}, container ${container}`, from: written, to: imageAt(written, image) };
}
