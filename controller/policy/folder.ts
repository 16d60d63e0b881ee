// Policy from a plain folder, as `validate` and `plan` read it. The same files, limits and problems as from Git (git/snapshot-files.ts):
// what a folder is found fit for here is what a commit of it will be found fit for. Never follows a symbolic link.
import { createHash } from "node:crypto";
import { type Dirent, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import type { PolicyFile } from "../git/port.ts";
import {
  byPath,
  checkTotals,
  decodeBlob,
  defaultLimits,
  looksLikePolicy,
  nameProblem,
  type ReadLimits,
  symlinkProblem,
  tooLarge,
} from "../git/snapshot-files.ts";

/**
 * All policy files under `folder`, by path from there, sorted.
 * @throws UserError RW0301 where the folder cannot be read, RW1110 over the limits.
 */
export function readPolicyFolder(folder: string, limits: ReadLimits = defaultLimits): readonly PolicyFile[] {
  const entries = listFolder(folder, "", limits.maxFiles);
  const sizes = entries.map((entry) => (entry.isFile() ? lstatSync(join(folder, entry.path)).size : 0));
  checkTotals(
    entries.length,
    sizes.reduce((sum, size) => sum + (size <= limits.maxFileBytes ? size : 0), 0),
    limits,
  );
  return entries.map((entry, index) => readEntry(folder, entry, sizes[index] ?? 0, limits)).sort(byPath);
}

interface Entry {
  readonly path: string;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

/** Regular files and links that look like policy; `.git` is not content. */
function listFolder(root: string, below: string, most: number): Entry[] {
  const found: Entry[] = [];
  for (const entry of readFolder(join(root, below))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== ".git") found.push(...listFolder(root, path, most));
    } else if ((entry.isFile() || entry.isSymbolicLink()) && looksLikePolicy(entry.name)) {
      found.push({ path, isFile: () => entry.isFile(), isSymbolicLink: () => entry.isSymbolicLink() });
    }
    // One more than the limit is enough to be refused; a whole disk need not be listed.
    if (found.length > most) return found;
  }
  return found;
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "it does not exist" : code === "ENOTDIR" ? "it is not a folder" : String(code);
    throw new UserError("RW0301", `cannot read the folder ${path}: ${why}`, "name the folder that holds the policy");
  }
}

/** The file's bytes, or why they cannot be read. */
function readBytes(path: string): Buffer | string {
  try {
    return readFileSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function unreadable(why: string): Pick<PolicyFile, "text" | "problem"> {
  const message = `the file cannot be read: ${why}: give yourself the right to, or move it away`;
  return { text: "", problem: { code: "FileUnreadable", message } };
}

function readEntry(folder: string, entry: Entry, size: number, limits: ReadLimits): PolicyFile {
  const { path } = entry;
  const named = nameProblem(path);
  if (named !== undefined) return { path, blob: "", ...named };
  if (entry.isSymbolicLink()) return { path, blob: "", ...symlinkProblem };
  if (size > limits.maxFileBytes) return { path, blob: "", ...tooLarge(size, limits) };
  const bytes = readBytes(join(folder, path));
  if (typeof bytes === "string") return { path, blob: "", ...unreadable(bytes) };
  const blob = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { path, blob, ...decodeBlob(bytes) };
}
