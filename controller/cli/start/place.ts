// Writes files into a folder that is not there yet, or empty. What is there is never overwritten, and where
// one file cannot be written none is left.
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../errors.ts";
import type { Files } from "./repository.ts";

/** Writes all files. A folder with `.git` in it and nothing else is empty. */
export function placeFiles(folder: string, files: Files): void {
  const there = list(folder).filter((name) => name !== ".git");
  if (there.length > 0)
    throw new UserError(
      "RW0232",
      `${folder} is not empty: it holds ${there.slice(0, 3).join(", ")}${there.length > 3 ? " …" : ""}`,
      "name another folder; nothing was written",
    );
  const undo: (() => void)[] = [];
  try {
    for (const [path, text] of files) {
      const place = join(folder, path);
      // The first of the folders that were made, where one was.
      const made = mkdirSync(dirname(place), { recursive: true });
      if (made !== undefined) undo.push(() => rmSync(made, { recursive: true }));
      const file = openSync(place, "wx");
      undo.push(() => rmSync(place));
      try {
        writeFileSync(file, text);
      } finally {
        closeSync(file);
      }
    }
  } catch (error) {
    const left = takeBack(undo) ? "part of it is left" : "nothing is left of it";
    throw new UserError(
      "RW0233",
      `${folder}: ${(error as Error).message}; ${left}`,
      "name a folder that can be written",
    );
  }
}

/** Undoes from the last to the first; whether something could not be undone. */
function takeBack(undo: readonly (() => void)[]): boolean {
  let left = false;
  for (const step of undo.toReversed()) {
    try {
      step();
    } catch {
      left = true;
    }
  }
  return left;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && lstatSync(folder, { throwIfNoEntry: false }) === undefined) return [];
    throw new UserError("RW0233", `${folder}: ${(error as Error).message}`, "name a folder that can be written");
  }
}
