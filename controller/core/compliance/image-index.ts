// The images that policy names, by the last component of their repositories and mirrors: which of them a reference can be at all.
// Pure. Only saves the search: an image that is left out would have been answered with coverage `None`.
import type { ImageReference, WantedImage } from "./image-reference.ts";

export interface ImageIndex<Image extends WantedImage> {
  /** By last component, each list in the order of policy. */
  readonly byName: ReadonlyMap<string, readonly Image[]>;
}

/** Indexes a policy's images. */
export function indexImages<Image extends WantedImage>(images: readonly Image[]): ImageIndex<Image> {
  const byName = new Map<string, Image[]>();
  for (const image of images)
    for (const name of new Set([image.repository, ...(image.mirrors ?? [])].map(lastComponent))) {
      const list = byName.get(name);
      if (list === undefined) byName.set(name, [image]);
      else list.push(image);
    }
  return { byName };
}

/** The images that a reference may be of. */
export function imagesLike<Image extends WantedImage>(
  { byName }: ImageIndex<Image>,
  reference: Pick<ImageReference, "path">,
): readonly Image[] {
  return byName.get(lastComponent(reference.path)) ?? [];
}

/** Whether one of the images may be the one that a text names, without taking the text apart. */
export function mayName({ byName }: ImageIndex<WantedImage>, image: string): boolean {
  return byName.has(lastComponent(image).replace(/[:@].*/s, ""));
}

function lastComponent(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
