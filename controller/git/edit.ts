// Edits a policy file in place, by splices of characters. After each edit the whole file is read again by the other parser (js-yaml,
// the one that rules are read with) and it is PROVED that exactly the intended value changed, in that document alone; else nothing is
// handed out. So an edit can be refused, but it cannot be wrong (approval covers what the diff shows: A6).
import { isDeepStrictEqual } from "node:util";

import { UserError } from "../errors.ts";
import type { Pointer, SourceDocument } from "../policy/documents.ts";
import { readDocuments, writePointer } from "../policy/documents.ts";
import type { EditValue } from "./edit-render.ts";
import type { Edit } from "./edit-splice.ts";
import { refuseEdit, spliceFor } from "./edit-splice.ts";

export type { EditValue } from "./edit-render.ts";
export type { Edit } from "./edit-splice.ts";

/**
 * Makes edits in one document of a file's text and answers the new text. Each edit's path is of the document as the edit before left
 * it: a missing key is added at the end of its object (with the objects and lists around it, `[…, "levels", 0]`), a list's length as
 * index appends, `undefined` removes. Throws UserError RW1120 when the file is not written in a form that can be edited in place.
 */
export function editDocument(text: string, document: SourceDocument | number, edits: readonly Edit[]): string {
  const index = typeof document === "number" ? document : document.index;
  let current = text;
  for (const edit of edits) current = editOnce(current, index, edit);
  return current;
}

function editOnce(text: string, index: number, edit: Edit): string {
  const before = readDocuments("", text, { maxDocuments: Number.MAX_SAFE_INTEGER });
  const target = before.documents.find((document) => document.index === index);
  if (target === undefined)
    throw new UserError("RW1120", `document ${index + 1} of the file cannot be read`, "mend the file first");
  const { start, end } = target.range;
  const splice = spliceFor(text.slice(start, end), edit);
  const edited = text.slice(0, start + splice.start) + splice.text + text.slice(start + splice.end);
  prove(
    before.documents,
    readDocuments("", edited, { maxDocuments: Number.MAX_SAFE_INTEGER }),
    before.problems.length,
    index,
    edit,
  );
  return edited;
}

/** Compares the file before and after with what the edit should have done. Throws UserError RW1120. */
function prove(
  before: readonly SourceDocument[],
  after: ReturnType<typeof readDocuments>,
  problems: number,
  index: number,
  edit: Edit,
): void {
  const wrong = (why: string): never => refuseEdit(edit.path, `the edit would change more than it should (${why})`);
  if (after.problems.length !== problems) wrong(after.problems[0]?.message ?? "problems vanish");
  if (after.documents.length !== before.length) wrong("the number of documents");
  for (const [at, document] of before.entries()) {
    const other = after.documents[at];
    if (other === undefined || other.index !== document.index) return wrong("the documents' places");
    const expected = document.index === index ? applyEdit(document.value, edit.path, edit.value) : document.value;
    if (!isDeepStrictEqual(other.value, expected))
      wrong(document.index === index ? "another value" : `document ${document.index + 1}`);
  }
}

/** What the edit means for values: the reference that the edited text is held against. */
function applyEdit(value: unknown, path: Pointer, next: EditValue | undefined): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return next;
  if (typeof part === "number") {
    if (value !== null && value !== undefined && !Array.isArray(value))
      throw new Error(`${writePointer(path)}: not a list`);
    const list: unknown[] = [...((value ?? []) as unknown[])];
    if (rest.length === 0 && next === undefined) list.splice(part, 1);
    else list[part] = applyEdit(list[part], rest, next);
    return list;
  }
  const object: Record<string, unknown> = { ...((value ?? {}) as Record<string, unknown>) };
  if (rest.length === 0 && next === undefined) delete object[part];
  else object[part] = applyEdit(object[part], rest, next);
  return object;
}

/** The place of an entry in a list of objects by one of its keys, or -1. */
function entryIndex(document: SourceDocument, list: Pointer, key: string, name: string): number {
  let value: unknown = document.value;
  for (const part of list) value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[part];
  if (!Array.isArray(value)) return -1;
  return value.findIndex((entry: unknown) => (entry as Readonly<Record<string, unknown>> | null)?.[key] === name);
}

const levels: Pointer = ["spec", "levels"];

/**
 * Sets fields of the entry of `spec.levels` whose `baseline` is named; a missing entry is appended, a field that is `undefined` removed.
 * Fields that already have their value are left alone. Throws UserError RW1120.
 */
export function setLevelEntry(
  text: string,
  document: SourceDocument,
  baseline: string,
  fields: Readonly<Record<string, EditValue | undefined>>,
): string {
  const index = entryIndex(document, levels, "baseline", baseline);
  if (index < 0) {
    const entry: Record<string, EditValue> = { baseline };
    for (const [key, value] of Object.entries(fields)) if (value !== undefined) entry[key] = value;
    const list = ((document.value["spec"] as Readonly<Record<string, unknown>> | undefined)?.["levels"] ??
      []) as readonly unknown[];
    return editDocument(text, document, [{ path: [...levels, list.length], value: entry }]);
  }
  const list = (document.value["spec"] as { readonly levels: readonly Readonly<Record<string, unknown>>[] }).levels;
  const entry = list[index] ?? {};
  const edits = Object.entries(fields)
    .filter(([key, value]) => (value === undefined ? Object.hasOwn(entry, key) : !isDeepStrictEqual(entry[key], value)))
    .flatMap(([key, value]): Edit[] => {
      const path = [...levels, index, key];
      // An object is put in anew; the splice only ever replaces plain values.
      const renew = value !== undefined && value !== null && typeof value === "object" && Object.hasOwn(entry, key);
      return renew
        ? [
            { path, value: undefined },
            { path, value },
          ]
        : [{ path, value }];
    });
  return editDocument(text, document, edits);
}

/** Removes the entry of `spec.levels` whose `baseline` is named. Throws UserError RW1120 when there is none. */
export function removeLevelEntry(text: string, document: SourceDocument, baseline: string): string {
  const index = entryIndex(document, levels, "baseline", baseline);
  if (index < 0)
    throw new UserError("RW1120", `spec.levels holds no entry for baseline "${baseline}"`, "nothing to remove");
  return editDocument(text, document, [{ path: [...levels, index], value: undefined }]);
}
