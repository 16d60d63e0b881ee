// The folders that a kustomization is rendered from, all in its own repository; what comes from elsewhere is named, never followed. Pure.
import type { PolicyFile } from "../port.ts";
import { findKustomization, folderOf, resolvePath, rootOf } from "./kustomize.ts";
import type { Shape } from "./shape.ts";

export type Folders =
  | { readonly kind: "Local"; readonly folders: readonly string[] }
  | { readonly kind: "Remote"; readonly file: string; readonly what: string };

/** Keys whose values are no places of files. */
const NO_PLACES = new Set(["commonAnnotations", "commonLabels", "labels", "images", "namePrefix", "nameSuffix"]);

/** Throws UserError RW1121 for a kustomization that cannot be read. */
export function findFolders(list: readonly PolicyFile[], path: string): Folders {
  const files = new Map(list.map((file) => [file.path, file]));
  const folders = new Set<string>();
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const file = findKustomization(files, next);
    if (file === undefined) return { kind: "Remote", file: path, what: next };
    const folder = folderOf(file.path);
    if (folders.has(folder)) continue;
    folders.add(folder);
    const root = rootOf(file);
    for (const [key, value] of root.kind === "Map" ? root.entries : []) {
      if (key.kind !== "Scalar" || NO_PLACES.has(key.text)) continue;
      if (key.text.startsWith("helm")) return { kind: "Remote", file: file.path, what: key.text };
      const places = ["resources", "bases", "components"].includes(key.text);
      for (const text of textsOf(value)) {
        const found = resolvePath(folder, text);
        const isFile = found !== undefined && files.has(found);
        const isFolder = found !== undefined && !isFile && findKustomization(files, found) !== undefined;
        if (/:\/\/|^git@|\?ref=/.test(text) || (places && !isFile && !isFolder))
          return { kind: "Remote", file: file.path, what: text.slice(0, 100) };
        if (isFolder) waiting.push(found);
      }
    }
  }
  return { kind: "Local", folders: [...folders] };
}

function textsOf(shape: Shape): readonly string[] {
  switch (shape.kind) {
    case "Alias":
      return [];
    case "Scalar":
      return [shape.text];
    case "List":
      return shape.items.flatMap(textsOf);
    case "Map":
      return shape.entries.flatMap(([, value]) => textsOf(value));
  }
}
