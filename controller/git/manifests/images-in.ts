// The containers of manifests whose image a policy names, as their files write them. Custom workloads count where they hold a pod template
// in the usual place. What cannot be told for sure is refused, not passed over: half a change would be another change.
import { coverageOf, parseImage } from "../../core/compliance/image-reference.ts";
import { imageName } from "../../core/rollout/desired-images.ts";
import { type Pointer, writePointer } from "../../policy/documents.ts";
import type { PolicyFile } from "../port.ts";
import type { ManifestImage } from "./change.ts";
import { lookAt, type ManifestDocument, readManifest, refuseManifest } from "./manifest-file.ts";
import { type Shape, stringOf, valueAt } from "./shape.ts";

export interface ImagePlace {
  readonly file: string;
  readonly document: number;
  readonly path: Pointer;
  /** `Deployment shop/web`. */
  readonly object: string;
  readonly container: string;
  /** As it is written. */
  readonly written: string;
  readonly image: ManifestImage;
}

/** Whether a text may name one of the images at all: the last component of its repository is in it. */
export function concernsImages(images: readonly ManifestImage[]): (text: string) => boolean {
  const tails = images.flatMap(({ repository, mirrors = [] }) =>
    [repository, ...mirrors].map((name) => name.slice(name.lastIndexOf("/") + 1)),
  );
  return (text) => tails.some((tail) => text.includes(tail));
}

/** Every place of the images in a file's workloads. Throws UserError RW1121. */
export function findImages(file: PolicyFile, images: readonly ManifestImage[]): readonly ImagePlace[] {
  return readManifest(file, concernsImages(images)).flatMap((document) =>
    objectsOf(document).flatMap(({ shape, path }) => imagesOf(file.path, document, shape, path, images)),
  );
}

/** The document's object, or those of a `List`. */
function objectsOf({ shape }: ManifestDocument): readonly { readonly shape: Shape; readonly path: Pointer }[] {
  const items = valueAt(shape, "items");
  if (!(stringOf(valueAt(shape, "kind")) ?? "").endsWith("List") || items?.kind !== "List")
    return [{ shape, path: [] }];
  return items.items.map((item, index) => ({ shape: item, path: ["items", index] }));
}

/** Where pod specs stand; a Pod's own is looked for in Pods alone. */
const TEMPLATES: readonly Pointer[] = [
  ["spec", "template", "spec"],
  ["spec", "jobTemplate", "spec", "template", "spec"],
  ["template", "spec"],
];

function imagesOf(
  file: string,
  document: ManifestDocument,
  object: Shape,
  path: Pointer,
  images: readonly ManifestImage[],
): readonly ImagePlace[] {
  const kind = stringOf(valueAt(object, "kind"));
  if (kind === undefined) return [];
  const specs = kind === "Pod" ? [["spec"]] : TEMPLATES;
  return specs.flatMap((spec) =>
    ["containers", "initContainers"].flatMap((list) => {
      const at: Pointer = [...path, ...spec, list];
      const found = follow(object, [...spec, list]);
      if (found === undefined) return [];
      // Behind an alias may stand what we look for.
      const containers = found.kind === "Alias" ? lookAt(file, document.shape, at) : found;
      if (containers?.kind !== "List") return [];
      return containers.items.flatMap((container, index) =>
        imageOf(file, document, object, { container, path: [...at, index, "image"] }, images),
      );
    }),
  );
}

function imageOf(
  file: string,
  document: ManifestDocument,
  object: Shape,
  { container, path }: { readonly container: Shape; readonly path: Pointer },
  images: readonly ManifestImage[],
): readonly ImagePlace[] {
  const written = valueAt(container, "image");
  const reference = written?.kind === "Scalar" ? parseImage(written.text.trim()) : undefined;
  const image = reference && images.find((one) => coverageOf(reference, one) === "Full");
  if (written?.kind === "Scalar" && image === undefined) return [];
  // It is ours, or nobody can tell: an alias, or a container that is merged from elsewhere.
  if (written === undefined && container.kind === "Map" && valueAt(container, "<<") === undefined) return [];
  const checked = lookAt(file, document.shape, path);
  if (checked?.kind !== "Scalar" || image === undefined) return [];
  if (checked.style === "Block" || stringOf(checked) !== checked.text || checked.text.trim() !== checked.text)
    refuseManifest(file, `${writePointer(path)} is not a plain string on one line`, "write it on one line");
  return [
    {
      file,
      document: document.index,
      path,
      object: describeObject(object),
      container: stringOf(valueAt(container, "name")) ?? imageName(checked.text),
      written: checked.text,
      image,
    },
  ];
}

/** The value at a path, or the alias in whose place it may stand. */
function follow(shape: Shape, path: Pointer): Shape | undefined {
  let current: Shape | undefined = shape;
  for (const part of path) {
    if (current?.kind === "Alias") return current;
    current = valueAt(current, String(part));
  }
  return current;
}

/** `Deployment shop/web`. */
export function describeObject(object: Shape): string {
  const metadata = valueAt(object, "metadata");
  const [kind, namespace, name] = [
    valueAt(object, "kind"),
    valueAt(metadata, "namespace"),
    valueAt(metadata, "name"),
  ].map(stringOf);
  return `${kind ?? "object"} ${namespace === undefined ? "" : `${namespace}/`}${name ?? "(no name)"}`;
}
