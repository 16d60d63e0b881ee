// A manifest file of somebody else's: its documents as they are written, and edits of single values in it. Unlike policy, such a file may
// hold anchors, octal numbers and whatever else YAML allows: only what stands at the edited place matters, and that nothing else changes.
import { YAMLException } from "js-yaml";

import { UserError } from "../../errors.ts";
import type { Pointer } from "../../policy/documents.ts";
import { chunksOf, writePointer } from "../../policy/documents.ts";
import type { EditValue } from "../edit-render.ts";
import { spliceFor } from "../edit-splice.ts";
import type { PolicyFile } from "../port.ts";
import { isEdited, readShape, type Shape, valueAt } from "./shape.ts";

/** A file is not edited in more places than this. */
export const MOST_EDITS = 500;

export interface ManifestDocument {
  /** Place among the file's pieces between `---` lines. */
  readonly index: number;
  readonly shape: Shape;
}

/** Says where and why a file is left alone, and what to do. */
export function refuseManifest(file: string, why: string, todo: string): never {
  throw new UserError("RW1121", `manifest ${file}: ${why}`, todo);
}

/**
 * The documents of a file that `concerns` by their text; others may be broken or templates, which is none of our business. Throws
 * UserError RW1121 for those that concern us and cannot be edited.
 */
export function readManifest(file: PolicyFile, concerns: (text: string) => boolean): readonly ManifestDocument[] {
  if (file.problem !== undefined)
    refuseManifest(file.path, file.problem.message, "or point the baseline's manifests elsewhere");
  if (!concerns(file.text)) return [];
  return chunksOf(file.text).flatMap(({ start, end }, index): readonly ManifestDocument[] => {
    const source = file.text.slice(start, end);
    if (!concerns(source)) return [];
    const shape = readDocument(file.path, source);
    return shape === undefined ? [] : [{ index, shape }];
  });
}

function readDocument(path: string, source: string): Shape | undefined {
  const template = (): never =>
    refuseManifest(
      path,
      "it is a template ({{ … }})",
      "point the baseline's manifests at the values file (kind HelmValues), not at the template",
    );
  try {
    const read = readShape(source);
    if (read.template) template();
    if (isEncrypted(read.shape))
      refuseManifest(
        path,
        "it is encrypted with SOPS, whose checksum covers every value",
        "keep the image in a file of its own that is not encrypted",
      );
    return read.shape;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    if (source.includes("{{")) template();
    return refuseManifest(path, `it is not valid YAML: ${error.reason}`, "mend the file first");
  }
}

function isEncrypted(shape: Shape | undefined): boolean {
  const sops = valueAt(shape, "sops");
  return valueAt(sops, "mac") !== undefined || valueAt(sops, "version") !== undefined;
}

/**
 * The value at a path of plain keys and indexes; undefined: nothing is there. Throws UserError RW1121 where an alias, an anchor, a tag or
 * a merge key stands on the way: a change there would be one elsewhere too.
 */
export function lookAt(file: string, root: Shape, path: Pointer): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const [depth, part] of [...path, undefined].entries()) {
    refuseShared(file, shape, path.slice(0, depth));
    if (part === undefined || shape === undefined) return shape;
    const next: Shape | undefined =
      shape.kind === "List" && typeof part === "number" ? shape.items[part] : valueAt(shape, String(part));
    if (next === undefined && valueAt(shape, "<<") !== undefined)
      refuseManifest(
        file,
        `${writePointer(path.slice(0, depth))} is merged from elsewhere (<<)`,
        "write the value where it is used",
      );
    shape = next;
  }
  return shape;
}

function refuseShared(file: string, shape: Shape | undefined, path: Pointer): void {
  if (shape === undefined) return;
  const where = writePointer(path) || "the document";
  if (shape.kind === "Alias") refuseManifest(file, `${where} is an alias (*${shape.anchor})`, "write the value out");
  if (shape.anchor !== undefined)
    refuseManifest(file, `${where} bears an anchor (&${shape.anchor}): others may use it`, "remove the anchor");
  if (shape.tag !== undefined) refuseManifest(file, `${where} bears a tag (${shape.tag})`, "remove the tag");
}

/**
 * Puts in, replaces or (undefined) removes one value of a document: characters only, and proved by reading the document again. Throws
 * UserError RW1120 for what cannot be edited in place.
 */
export function editManifest(
  file: string,
  text: string,
  index: number,
  edit: { readonly path: Pointer; readonly value: EditValue | undefined },
): string {
  const chunks = chunksOf(text);
  const chunk = chunks[index];
  if (chunk === undefined) throw new Error(`${file} has no piece ${index}`);
  const source = text.slice(chunk.start, chunk.end);
  const splice = spliceFor(source, edit);
  const edited = source.slice(0, splice.start) + splice.text + source.slice(splice.end);
  const result = text.slice(0, chunk.start) + edited + text.slice(chunk.end);
  const [before, after] = [readShape(source).shape, readShape(edited).shape];
  const proved =
    before !== undefined &&
    after !== undefined &&
    isEdited(before, after, edit.path, edit.value) &&
    chunksOf(result).length === chunks.length;
  if (!proved)
    throw new UserError(
      "RW1120",
      `manifest ${file}: ${writePointer(edit.path)}: the edit would change more than it should`,
      "change the file by hand, or write this part in plain block style",
    );
  return result;
}
