// Kustomizations: their `images:` entries get the level's tag or digest, and an entry is added where the bases name the image and none
// is there. Bases are looked for in the same repository alone: what a URL names is never fetched. An entry says a tag or a digest and
// never both: kustomize's versions differ in what that means (a digest is the exact one of the two).
import { coverageOf, parseImage } from "../../core/compliance/image-reference.ts";
import { imageName } from "../../core/rollout/desired-images.ts";
import type { PolicyFile } from "../port.ts";
import type { EditValue } from "../edit-render.ts";
import type { EditedManifests, ManifestChange, ManifestEdit, ManifestImage } from "./change.ts";
import { findImages } from "./images-in.ts";
import { editManifest, lookAt, readManifest, refuseManifest } from "./manifest-file.ts";
import { noSuchImage } from "./plain.ts";
import { type Shape, stringOf, valueAt } from "./shape.ts";

const NAMES = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/** Bases of bases. */
const MOST_DEPTH = 20;

type Files = ReadonlyMap<string, PolicyFile>;

/** One entry of `images`. */
interface Entry {
  readonly index: number;
  readonly name: string;
  readonly newName: string | undefined;
  readonly newTag: string | undefined;
  readonly digest: string | undefined;
}

/** Throws UserError RW1120, RW1121, and RW1122 where neither the kustomization nor its bases name an image. */
export function editKustomize(
  list: readonly PolicyFile[],
  { path, images }: Pick<ManifestChange, "path" | "images">,
): EditedManifests {
  const files: Files = new Map(list.map((file) => [file.path, file]));
  const file = findKustomization(files, path);
  if (file === undefined) return refuseManifest(path, "there is no kustomization.yaml", "correct the baseline's path");
  const folder = folderOf(file.path);
  const edits: ManifestEdit[] = [];
  let { text } = file;
  for (const image of images) {
    const root = rootOf({ ...file, text });
    const mine = entriesOf(file.path, root).filter((entry) => covers(entry.newName ?? entry.name, image));
    const known = new Set(mine.flatMap(({ name, newName }) => [name, newName ?? name]));
    const added = [...namesBelow(files, folder, root, [image], [])].filter((name) => !known.has(name)).sort();
    if (mine.length === 0 && added.length === 0) throw noSuchImage(path, image.repository);
    for (const entry of mine) {
      const change = changeEntry(file.path, text, entry, image);
      text = change.text;
      if (change.edit !== undefined) edits.push(change.edit);
    }
    for (const name of added) {
      const value: EditValue = {
        name,
        ...(image.digest === undefined ? { newTag: image.tag ?? "" } : { digest: image.digest }),
      };
      const length = countEntries(rootOf({ ...file, text }));
      text = editManifest(file.path, text, 0, { path: ["images", length], value });
      edits.push({ file: file.path, place: `images, ${name} (new)`, from: undefined, to: image.digest ?? image.tag });
    }
  }
  return { files: new Map(edits.length === 0 ? [] : [[file.path, text]]), edits };
}

export function findKustomization(files: Files, path: string): PolicyFile | undefined {
  if (files.has(path)) return files.get(path);
  return NAMES.flatMap((name) => files.get(path === "" ? name : `${path}/${name}`) ?? [])[0];
}

export function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

export function rootOf(file: PolicyFile): Shape {
  const [document, ...others] = readManifest(file, () => true);
  if (document === undefined || document.index !== 0 || others.length > 0 || document.shape.kind !== "Map")
    return refuseManifest(
      file.path,
      `a kustomization is one object, not ${others.length + 1} documents`,
      "mend the file",
    );
  return document.shape;
}

function entriesOf(file: string, root: Shape): readonly Entry[] {
  const list = lookAt(file, root, ["images"]);
  if (list?.kind !== "List") return [];
  return list.items.flatMap((item, index): readonly Entry[] => {
    if (item.kind === "Alias") lookAt(file, root, ["images", index]);
    const name = stringOf(valueAt(item, "name"));
    const rest = {
      newName: valueAt(item, "newName"),
      newTag: valueAt(item, "newTag"),
      digest: valueAt(item, "digest"),
    };
    if (name === undefined) return [];
    return [{ index, name, newName: textOf(rest.newName), newTag: textOf(rest.newTag), digest: textOf(rest.digest) }];
  });
}

/** Also of what is a number to YAML: `newTag: 1.27`. */
function textOf(shape: Shape | undefined): string | undefined {
  return shape?.kind === "Scalar" ? shape.text : undefined;
}

function countEntries(root: Shape): number {
  const list = valueAt(root, "images");
  return list?.kind === "List" ? list.items.length : 0;
}

function covers(name: string, image: ManifestImage): boolean {
  const reference = parseImage(name);
  return reference !== undefined && coverageOf(reference, image) === "Full";
}

function changeEntry(
  file: string,
  text: string,
  { index, name, newTag, digest }: Entry,
  image: ManifestImage,
): { readonly text: string; readonly edit: ManifestEdit | undefined } {
  const [key, value, other, stale] =
    image.digest === undefined
      ? (["newTag", image.tag ?? "", "digest", digest] as const)
      : (["digest", image.digest, "newTag", newTag] as const);
  const before = key === "newTag" ? newTag : digest;
  if (before === value && stale === undefined) return { text, edit: undefined };
  const put = (current: string, wanted: string, to: string | undefined): string => {
    const path = ["images", index, wanted];
    lookAt(file, rootOf({ path: file, blob: "", text: current }), path);
    return editManifest(file, current, 0, { path, value: to });
  };
  let edited = before === value ? text : put(text, key, value);
  if (stale !== undefined) edited = put(edited, other, undefined);
  return { text: edited, edit: { file, place: `images, ${name}`, from: digest ?? newTag, to: value } };
}

// -------------------------------------------------------------------------------------------------------- bases

/** What was found below a folder, and how deep it stood then: nearer to the top more is seen. */
interface Below {
  readonly depth: number;
  readonly names: ReadonlySet<string>;
}

/** Files and folders that were looked into: bases share bases, and each way to one would double the work. */
interface Seen {
  readonly files: Map<string, readonly string[]>;
  readonly folders: Map<string, Below>;
}

/** The names under which what a kustomization is made of names the images, as its own `images` will meet them. */
function namesBelow(
  files: Files,
  folder: string,
  root: Shape,
  images: readonly ManifestImage[],
  above: readonly string[],
  seen: Seen = { files: new Map(), folders: new Map() },
): ReadonlySet<string> {
  const names = new Set<string>();
  if (above.length > MOST_DEPTH) return names;
  for (const path of placesIn(folder, root)) {
    const file = files.get(path);
    if (file !== undefined) for (const name of namesIn(file, images, seen)) names.add(name);
    const base = file === undefined && !above.includes(path) ? findKustomization(files, path) : undefined;
    if (base !== undefined) for (const name of namesOf(base, files, path, images, above, seen)) names.add(name);
  }
  return new Set([...names].filter((name) => images.some((image) => covers(name, image))));
}

/** Paths of what a kustomization is made of, once each. */
function placesIn(folder: string, root: Shape): ReadonlySet<string> {
  const lists = ["resources", "bases", "components"].map((key) => valueAt(root, key));
  const items = lists.flatMap((list) => (list?.kind === "List" ? list.items : []));
  return new Set(items.flatMap((item) => resolvePath(folder, stringOf(item) ?? "") ?? []));
}

function namesIn(file: PolicyFile, images: readonly ManifestImage[], seen: Seen): readonly string[] {
  const known = seen.files.get(file.path);
  if (known !== undefined) return known;
  const names = [...new Set(findImages(file, images).map(({ written }) => imageName(written)))];
  seen.files.set(file.path, names);
  return names;
}

/** What another kustomization lets its own images be called. */
function namesOf(
  base: PolicyFile,
  files: Files,
  path: string,
  images: readonly ManifestImage[],
  above: readonly string[],
  seen: Seen,
): ReadonlySet<string> {
  const known = seen.folders.get(path);
  if (known !== undefined && known.depth <= above.length) return known.names;
  const inner = rootOf(base);
  const renames = new Map(entriesOf(base.path, inner).map(({ name, newName }) => [name, newName ?? name]));
  const names = new Set<string>();
  for (const name of namesBelow(files, path, inner, images, [...above, path], seen))
    names.add(renames.get(name) ?? name);
  seen.folders.set(path, { depth: above.length, names });
  return names;
}

/** A path from the repository's root; undefined: a URL, or outside of it. */
export function resolvePath(folder: string, path: string): string | undefined {
  if (path === "" || path.startsWith("/") || path.includes("://") || path.includes("\\")) return undefined;
  const parts = folder === "" ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}
