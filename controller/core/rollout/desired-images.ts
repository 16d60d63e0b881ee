// What each container of a workload should run under an image level: the repository as its template writes it (a mirror stays a
// mirror), with the level's tag and digest.
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import { coverageOf, parseImage } from "../compliance/image-reference.ts";
import type { WorkloadAsset } from "../model.ts";

export interface DesiredImage {
  readonly container: string;
  readonly init: boolean;
  readonly from: string;
  readonly to: string;
}

/** One entry for each container that is fully covered by the level, changed or not. */
export function desiredImages(
  workload: Pick<WorkloadAsset, "containers">,
  level: PatchLevelSpec,
): readonly DesiredImage[] {
  const images = level.image?.images ?? [];
  return workload.containers.flatMap(({ name, init, image: from }) => {
    const reference = parseImage(from);
    const wanted =
      reference === undefined ? undefined : images.find((image) => coverageOf(reference, image) === "Full");
    return wanted === undefined ? [] : [{ container: name, init, from, to: imageAt(from, wanted) }];
  });
}

/**
 * The reference at a level: the name as it was written, with exactly the tag and digest that the level has. What the level does not name
 * goes: an old digest would win over the new tag, and an old tag would lie about the new digest.
 */
export function imageAt(
  from: string,
  { tag, digest }: { readonly tag?: string | undefined; readonly digest?: string | undefined },
): string {
  return `${imageName(from)}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** `host:5000/a/b:1.2@sha256:…` without tag and digest. */
export function imageName(image: string): string {
  const bare = image.split("@", 1)[0] ?? image;
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}
