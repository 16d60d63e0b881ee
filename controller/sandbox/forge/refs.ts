// Reads a bare repository's branches from its files (the "files" ref format: loose refs over packed-refs). The forge looks before
// every request, and a process each time would cost more than the request. Read only; git alone writes refs.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommitSha } from "../../git/port.ts";

function isCommitSha(text: string): text is CommitSha {
  return /^[0-9a-f]{40}$/.test(text);
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function packedHeads(directory: string): Promise<Map<string, CommitSha>> {
  const heads = new Map<string, CommitSha>();
  let text: string;
  try {
    text = await readFile(join(directory, "packed-refs"), "utf8");
  } catch (error) {
    if (isMissing(error)) return heads;
    throw error;
  }
  for (const line of text.split("\n")) {
    const [sha = "", name = ""] = line.split(" ");
    if (isCommitSha(sha) && name.startsWith("refs/heads/")) heads.set(name.slice("refs/heads/".length), sha);
  }
  return heads;
}

async function looseHeads(root: string, prefix: string, heads: Map<string, CommitSha>): Promise<void> {
  let entries;
  try {
    entries = await readdir(join(root, prefix), { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await Promise.all(
    entries.map(async (entry) => {
      const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) return await looseHeads(root, name, heads);
      // A lock beside a ref is a move under way: it counts once git has renamed it.
      if (entry.name.endsWith(".lock")) return;
      try {
        const sha = (await readFile(join(root, name), "utf8")).trim();
        if (isCommitSha(sha)) heads.set(name, sha);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }),
  );
}

/** Branch name -> commit, of the bare repository at `directory`. */
export async function readHeads(directory: string): Promise<Map<string, CommitSha>> {
  // Loose ones first: whoever packs refs meanwhile writes the packed file before it removes them.
  const loose = new Map<string, CommitSha>();
  await looseHeads(join(directory, "refs", "heads"), "", loose);
  return new Map([...(await packedHeads(directory)), ...loose]);
}
