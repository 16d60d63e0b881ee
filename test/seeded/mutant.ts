// A seeded bug: one place of the product's text, and what it says instead. Nothing in the product knows of it: the text is changed while its
// module is loaded, in a process of its own (hook.ts).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Mutant {
  /** `<part>.<what>`, kebab-case. */
  readonly id: string;
  /** Path from the checkout's root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What is broken, and what it would cost. */
  readonly says: string;
  readonly kind: "field" | "guard";
  /** Number in the bank of field bugs (field-bugs.ts). */
  readonly fieldBug?: number;
  /** Why no run can tell it from the healthy controller. */
  readonly equivalent?: string;
}

type Row = Pick<Mutant, "find" | "replace" | "says" | "equivalent">;

/** Guards of one file, by id. */
export function inFile(file: string, rows: Readonly<Record<string, Row>>): readonly Mutant[] {
  return Object.entries(rows).map(([id, row]) => ({ id, file, kind: "guard", ...row }));
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The file with the bug in it. Throws where its place is not there, or not there alone. */
export function seed({ id, file, find, replace }: Mutant, text: string): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${id}: ${file} has "${find}" ${more.length === 0 ? "nowhere" : `${more.length + 1} times`}`);
  return before + replace + after;
}

/** Absolute path of the mutant's file. */
export function pathOf({ file }: Pick<Mutant, "file">): string {
  return ROOT + file;
}

export function seededText(mutant: Mutant): string {
  return seed(mutant, readFileSync(pathOf(mutant), "utf8"));
}
