// What is said about policy content: where, what is wrong, what to do, and which object it concerns, so that one broken document
// harms nobody but those who use it (G5).
import { type Pointer, type SourceDocument, type SourceProblem, writePointer } from "./documents.ts";
import { compareText } from "../core/text-order.ts";
import { showText } from "../printable.ts";

export interface ObjectRef {
  readonly kind: string;
  readonly name: string;
}

/**
 * `error`: the document is not in force. `warning`: it is, and probably not as meant. `note`: a file that does not look like
 * policy cannot be read; nobody is told unless it held policy before.
 */
export type Severity = "error" | "warning" | "note";

export interface Finding {
  readonly severity: Severity;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `spec.after[0]`; "" for the document as a whole. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** What to do; "" where the message says it. */
  readonly hint: string;
  /** Whom it concerns, where that can still be told. */
  readonly object?: ObjectRef;
}

export interface FindingText {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A finding about one place of a document. */
export function findingAt(
  severity: Severity,
  document: SourceDocument,
  object: ObjectRef | undefined,
  pointer: Pointer,
  text: FindingText,
  at: "key" | "value" = "value",
): Finding {
  return {
    severity,
    file: document.path,
    ...document.positionOf(pointer, at),
    path: writePointer(pointer),
    code: text.code,
    message: text.message,
    hint: text.hint ?? "",
    ...(object === undefined ? {} : { object }),
  };
}

/** A problem of reading as a finding. */
export function findingOf(problem: SourceProblem, severity: Severity, object: ObjectRef | undefined): Finding {
  const { file, line, column, path, code, message, hint } = problem;
  return { severity, file, line, column, path, code, message, hint, ...(object === undefined ? {} : { object }) };
}

/** `file:line:col: path: what is wrong (what to do)`, in one line that shows all that it holds; a warning says so after the place. */
export function formatFinding(finding: Finding): string {
  const { severity, file, line, column, path, message, hint } = finding;
  const place = `${file}:${line}:${column}: ${severity === "warning" ? "warning: " : ""}${path === "" ? "" : `${path}: `}`;
  return showText(`${place}${message}${hint === "" ? "" : ` (${hint})`}`);
}

/** Order of files, then of places, then of words: the same on every machine. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.path, b.path) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}

/** `1 error`, `2 errors`: a number with its noun, as people say it. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
