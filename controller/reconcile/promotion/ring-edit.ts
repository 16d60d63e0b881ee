// Changes a ring's entries in the text of its file, so that the diff is the entries alone and comments survive. The document is found by
// kind and name in whatever file and place people gave it. Every edit is proved by git/edit.ts; what cannot be edited in place is refused.
import { API_VERSION } from "../../api/schema.ts";
import { UserError } from "../../errors.ts";
import { setLevelEntry } from "../../git/edit.ts";
import type { PolicyFile } from "../../git/port.ts";
import { readDocuments, type SourceDocument } from "../../policy/documents.ts";

/** What one entry should say. */
export interface EntryEdit {
  readonly baseline: string;
  readonly level: string;
  readonly maxTargets: number;
}

/** Where a document stands. */
export interface FoundDocument {
  readonly file: PolicyFile;
  readonly document: SourceDocument;
}

/**
 * The one document of that kind and name in a snapshot; undefined: none, or more than one, so nobody can say which is meant. `hint` is
 * the file where it stood when policy was read: looked at first, because reading every file is dear.
 */
export function findDocument(
  files: readonly PolicyFile[],
  kind: string,
  name: string,
  hint?: string,
): FoundDocument | undefined {
  const hinted = hint === undefined ? undefined : files.find((file) => file.path === hint);
  if (hinted !== undefined) {
    const [document, ...others] = documentsIn(hinted, kind, name);
    if (document !== undefined && others.length === 0) return { file: hinted, document };
  }
  const found = files.flatMap((file) => documentsIn(file, kind, name).map((document) => ({ file, document })));
  return found.length === 1 ? found[0] : undefined;
}

function documentsIn(file: PolicyFile, kind: string, name: string): readonly SourceDocument[] {
  // Reading a text is dear, and most files hold other objects.
  if (file.problem !== undefined || !file.text.includes(kind) || !file.text.includes(name)) return [];
  return readDocuments(file.path, file.text).documents.filter(({ value }) => {
    const metadata = value["metadata"] as { readonly name?: unknown } | null | undefined;
    return value["apiVersion"] === API_VERSION && value["kind"] === kind && metadata?.name === name;
  });
}

/** The ring's fields as the document says them. */
export function ringSpecOf(document: SourceDocument): Readonly<Record<string, unknown>> {
  const spec = document.value["spec"];
  return typeof spec === "object" && spec !== null ? (spec as Readonly<Record<string, unknown>>) : {};
}

/**
 * The text of a file with the ring's entries changed. An entry that gets another level loses its `expedite`: that was given to the level
 * before (DESIGN, "Approval"). Throws UserError RW1120 where the file cannot be edited in place, RW1202 where the ring is not in it.
 */
export function editRingEntries(file: PolicyFile, ring: string, edits: readonly EntryEdit[]): string {
  let text = file.text;
  for (const edit of edits) {
    const [document, ...others] = documentsIn({ ...file, text }, "RolloutRing", ring);
    if (document === undefined || others.length > 0)
      throw new UserError(
        "RW1202",
        `${file.path}: ring "${ring}" stands ${others.length + (document === undefined ? 0 : 1)} times in this file`,
        "keep exactly one RolloutRing of that name",
      );
    const before = entryOf(document, edit.baseline);
    const moved = before !== undefined && before["level"] !== edit.level && Object.hasOwn(before, "expedite");
    text = setLevelEntry(text, document, edit.baseline, {
      level: edit.level,
      maxTargets: edit.maxTargets,
      ...(moved ? { expedite: undefined } : {}),
    });
  }
  return text;
}

/** The ring's entry for a baseline, as the document says it. */
export function entryOf(document: SourceDocument, baseline: string): Readonly<Record<string, unknown>> | undefined {
  const levels = ringSpecOf(document)["levels"];
  if (!Array.isArray(levels)) return undefined;
  return levels.find(
    (entry: unknown) => (entry as Readonly<Record<string, unknown>> | null)?.["baseline"] === baseline,
  ) as Readonly<Record<string, unknown>> | undefined;
}
