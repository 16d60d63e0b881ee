// Tables for a terminal: columns as wide as their widest cell, counted in the columns that characters really take.
import { stripVTControlCharacters } from "node:util";

// Wide by Unicode's East Asian Width (UAX 11), and emoji in their coloured form.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes on a terminal; colour codes take none. */
export function widthOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  // oxlint-disable-next-line no-control-regex
  if (/^[\u0020-\u007e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(plain))
    width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Lines with a heading; the last column is not padded. An empty list of rows gives nothing. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[], indent = ""): string {
  if (rows.length === 0) return "";
  const lines = [heading, ...rows];
  const widths = heading.map((_, column) =>
    lines.reduce((most, line) => Math.max(most, widthOf(line[column] ?? "")), 0),
  );
  return lines.map((line) => `${indent}${padLine(line, widths)}\n`).join("");
}

function padLine(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
    .join("  ")
    .trimEnd();
}

/** `███░░░░░` with as many full blocks as the share says; full only when it is. */
export function formatBar(done: number, total: number, width = 16): string {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  const full = done >= total && total > 0 ? width : Math.min(width - 1, Math.floor(share * width));
  return "█".repeat(full) + "░".repeat(width - full);
}
