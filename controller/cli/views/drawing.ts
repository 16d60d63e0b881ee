// What views are drawn with: a width, colour or none, and the characters that the terminal can show. Pure: lines in, lines out. A line
// that does not fit is cut with a mark, or wrapped, and colour codes count for nothing and are always closed again.
import { createPaint, type Paint, type Surroundings } from "../output.ts";
import { widthOf } from "../table.ts";

export interface Style {
  /** Columns; undefined: nobody cuts (a pipe, a file). */
  readonly width: number | undefined;
  readonly paint: Paint;
  /** Only ASCII. */
  readonly ascii: boolean;
}

/** The style of where a command prints to. */
export function styleOf(surroundings: Surroundings): Style {
  return {
    width: surroundings.size?.()?.columns,
    paint: createPaint(surroundings),
    ascii: wantsAscii(surroundings.env),
  };
}

/**
 * Whether only ASCII is shown: a dumb terminal, or a locale that says so (LC_ALL before LC_CTYPE before LANG, POSIX.1-2017, 8.2). A
 * process without any locale, as containers have, is taken to be read by something that knows UTF-8.
 */
export function wantsAscii(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env["TERM"] === "dumb") return true;
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  if (locale === undefined) return false;
  if (locale === "C" || locale === "POSIX") return true;
  const charset = /\.([^@]+)/.exec(locale)?.[1]?.toLowerCase().replaceAll(/[-_]/g, "");
  return charset !== undefined && charset !== "utf8";
}

/** Twins of one column each, so that a text keeps its columns. */
const TWINS: Readonly<Record<string, string>> = {
  "●": "*",
  "◐": "o",
  "○": ".",
  "■": "#",
  "✔": "+",
  "✖": "x",
  "⊘": "/",
  "◇": "%",
  "↑": "^",
  "↻": "~",
  "⏸": "!",
  "→": ">",
  "⋯": ".",
  "…": "~",
  "–": "-",
  "├": "|",
  "└": "`",
  "│": "|",
  "█": "#",
  "░": ".",
  "×": "x",
  "·": "-",
};

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The same text in ASCII; what has no twin is a question mark. Colour codes stay. */
export function toAscii(text: string): string {
  let made = "";
  for (const { segment } of GRAPHEMES.segment(text))
    made += isAscii(segment) ? segment : (TWINS[segment] ?? "?".repeat(widthOf(segment)));
  return made;
}

/** A whole text as the surroundings can show it. */
export function showable(text: string, { env }: Pick<Surroundings, "env">): string {
  return wantsAscii(env) ? toAscii(text) : text;
}

function isAscii(text: string): boolean {
  return (text.codePointAt(0) ?? 0) < 0x80 && text.length === 1;
}

const RESET = "\u001b[0m";
// oxlint-disable-next-line no-control-regex
const CODE = /\u001b\[[0-9;]*m/y;

/** At most `width` columns of a line; what is left off is marked. */
export function cutLine(whole: string, width: number): string {
  // Of a message of thousands of characters nobody counts the columns: what is left of it is surely too wide, or made to be hard to count.
  const line = whole.slice(0, 16 * width + 64);
  if (line.length === whole.length && widthOf(line) <= width) return line;
  let made = "";
  let used = 0;
  let painted = false;
  for (let at = 0; at < line.length;) {
    CODE.lastIndex = at;
    const code = CODE.exec(line)?.[0];
    if (code !== undefined) {
      made += code;
      painted = code !== RESET;
      at += code.length;
      continue;
    }
    const [{ segment } = { segment: "" }] = GRAPHEMES.segment(line.slice(at, at + 32));
    const more = widthOf(segment);
    if (used + more > width - 1) break;
    made += segment;
    used += more;
    at += segment.length;
  }
  return `${made}…${painted ? RESET : ""}`;
}

/** A line in as many as it takes, broken between words; later ones begin with `indent`. A word longer than a line is cut. */
export function wrapLine(line: string, width: number | undefined, indent: string): readonly string[] {
  if (width === undefined || widthOf(line) <= width) return [line];
  const lead = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = "";
  for (const word of line.slice(lead.length).split(" ")) {
    const start = lines.length === 0 ? lead : indent;
    const longer = current === "" ? `${start}${word}` : `${current} ${word}`;
    if (current === "" || widthOf(longer) <= width) {
      current = longer;
      continue;
    }
    lines.push(current);
    current = `${indent}${word}`;
  }
  lines.push(current);
  return lines.map((one) => cutLine(one, width));
}

/** The lines as the style shows them: cut to the width, in ASCII where that is wanted. */
export function finishLines(lines: readonly string[], { width, ascii }: Style): readonly string[] {
  return lines.map((line) => {
    const fitting = width === undefined ? line : cutLine(line, width);
    return ascii ? toAscii(fitting) : fitting;
  });
}

/** Branches of a tree below a line. Further lines of a branch stand under its first. */
export function branch(items: readonly (readonly string[])[], indent = "  "): readonly string[] {
  return items.flatMap((lines, index) => {
    const last = index === items.length - 1;
    return lines.map((line, at) => `${indent}${at > 0 ? (last ? " " : "│") : last ? "└" : "├"} ${line}`);
  });
}
