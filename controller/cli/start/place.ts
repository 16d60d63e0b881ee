// Writes files into a folder that is not there yet, or empty. What is there is never overwritten.
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
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
  for (const [path, text] of files) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text, { flag: "wx" });
  }
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
