// The pages of the documentation, and the fenced blocks in them: whoever checks that a page says the truth reads it through this file.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = new URL("../..", import.meta.url).pathname;

/** Every page, from the checkout's root: those at the root and those of the folders that hold documentation. */
export const PAGES: readonly string[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...["docs", "examples", "policies", "charts"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
].toSorted();

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export interface Block {
  readonly page: string;
  /** Of the first line inside, counted from 1. */
  readonly line: number;
  /** First word behind the fence; empty where there is none. */
  readonly language: string;
  readonly lines: readonly string[];
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string, text = readPage(page)): readonly Block[] {
  const found: Block[] = [];
  let open: { line: number; language: string; lines: string[]; indent: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^(\s*)```\s*(\S*)/.exec(line);
    if (fence === null) {
      open?.lines.push(line.slice(open.indent));
      continue;
    }
    if (open !== undefined) {
      found.push({ page, line: open.line, language: open.language, lines: open.lines });
      open = undefined;
    } else {
      open = { line: index + 2, language: fence[2] ?? "", lines: [], indent: fence[1]?.length ?? 0 };
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a block that does not end`);
  return found;
}
