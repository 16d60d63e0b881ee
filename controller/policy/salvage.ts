// Which object a document was about that cannot be parsed. A best guess from the text, used only to be more careful: it stops
// the rings that use the object (G5), and never lets anything start.
import type { ObjectRef } from "./finding.ts";

/** Enough for any document's head; a guess must not cost time on hostile input. */
const MAX_LINES = 500;
const MAX_LINE = 500;

/** Kind and name of the document around a place (from 1) of a file, or undefined where the text does not tell. */
export type Salvage = (line: number, column: number) => ObjectRef | undefined;

/** Looks at one file: its lines are found once, however many problems it has, and only if it has one. */
export function createSalvage(text: string): Salvage {
  let found: Lines | undefined;
  return (line, column) => salvageRef((found ??= linesOf(text)), line, column);
}

interface Lines {
  readonly lines: readonly string[];
  /** Which of them open a document, ascending. */
  readonly markers: readonly number[];
}

function linesOf(text: string): Lines {
  const lines = text.split(/\r\n|\r|\n/);
  return { lines, markers: lines.flatMap((line, index) => (isMarker(line) ? [index] : [])) };
}

function salvageRef({ lines, markers }: Lines, line: number, column: number): ObjectRef | undefined {
  let at = Math.min(line, lines.length) - 1;
  // What is missing at the end of a document is found missing where the next one begins.
  if (column === 1 && at > 0 && isMarker(lines[at])) at--;
  // The line itself may be the marker that opens the document.
  const first = markers.findLast((marker) => marker <= at) ?? 0;
  const last = markers.find((marker) => marker > first) ?? lines.length;
  const chunk = lines.slice(first, Math.min(last, first + MAX_LINES)).map((text) => text.slice(0, MAX_LINE));
  const kind = firstMatch(chunk, /^(?:\{ {0,9})?["']?kind["']?: {0,9}["']?([A-Za-z]{1,63})/);
  const name =
    nameInBlock(chunk) ??
    firstMatch(chunk, /["']?metadata["']?: {0,9}\{[^{}]{0,300}?["']?name["']?: {0,9}["']?([a-z0-9][-a-z0-9.]{0,252})/);
  return kind === undefined || name === undefined ? undefined : { kind, name };
}

function firstMatch(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `name` directly under `metadata`, in block style: labels of that name lie deeper. */
function nameInBlock(lines: readonly string[]): string | undefined {
  const start = lines.findIndex((line) => /^["']?metadata["']?:\s*(#.*)?$/.test(line));
  if (start < 0) return undefined;
  let indent: number | undefined;
  for (const line of lines.slice(start + 1)) {
    const depth = line.search(/[^ \t]/);
    if (depth < 0 || line[depth] === "#") continue;
    if (depth === 0) return undefined;
    indent ??= depth;
    const name =
      depth === indent ? /^["']?name["']?:\s*["']?([a-z0-9][-a-z0-9.]{0,252})/.exec(line.slice(depth))?.[1] : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}

function isMarker(line: string | undefined): boolean {
  return line !== undefined && /^---(\s|$)/.test(line);
}
