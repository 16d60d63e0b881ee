// Inputs that are kept, in files of text: one JSON string a line, so that any character can stand in it and a diff shows what came. `corpus/`
// holds what reaches blocks that nothing shorter reaches, `regressions/` what once broke a parser.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileNameOf, type Parser } from "./parser.ts";

const HERE = import.meta.dirname;

export type Shelf = "corpus" | "regressions";

function pathOf(shelf: Shelf, parser: Pick<Parser, "name">): string {
  return join(HERE, shelf, `${fileNameOf(parser)}.txt`);
}

/** The inputs of a parser; none where there is no file. Throws for a line that is no JSON string. */
export function readInputs(shelf: Shelf, parser: Pick<Parser, "name">): readonly string[] {
  const path = pathOf(shelf, parser);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => {
      const value: unknown = JSON.parse(line);
      if (typeof value !== "string") throw new Error(`${path}:${index + 1} is no JSON string`);
      return value;
    });
}

/** What stands in a line: everything that is not plain ASCII is escaped. */
export function lineOf(input: string): string {
  return JSON.stringify(input).replaceAll(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Writes them, shortest first. */
export function writeInputs(shelf: Shelf, parser: Pick<Parser, "name">, inputs: Iterable<string>): void {
  const lines = [...new Set(inputs)].map(lineOf).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  mkdirSync(join(HERE, shelf), { recursive: true });
  writeFileSync(pathOf(shelf, parser), lines.map((line) => `${line}\n`).join(""));
}
