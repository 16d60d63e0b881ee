// Reads the policy files of one commit out of the object store: one `ls-tree` for the names, one request for what the store lacks, one
// `cat-file --batch` for all contents that are not cached (a process per blob costs 3 ms). Never writes a file, never follows a symlink or a submodule.
// What cannot be read becomes a PolicyFile with a `problem`: one bad file never hides another (G5).
import { isUtf8 } from "node:buffer";

import type { Git } from "./create-git.ts";
import type { CommitSha, PolicyFile } from "./port.ts";
import type { Store } from "./store.ts";
import { bringBlobs } from "./wanted-blobs.ts";
import { UserError } from "../errors.ts";
import { isPrintable, showText } from "../printable.ts";

export interface ReadLimits {
  /** Bytes of one file. A larger one is a problem of that file. */
  readonly maxFileBytes: number;
  /** Policy files in one snapshot. More is refused as a whole: half a policy would be another policy. */
  readonly maxFiles: number;
  /** Bytes of all policy files in one snapshot. */
  readonly maxTotalBytes: number;
  /** Bytes of decoded text that are kept between snapshots. */
  readonly maxCachedBytes: number;
}

export const defaultLimits: ReadLimits = {
  maxFileBytes: 1024 * 1024,
  maxFiles: 50_000,
  maxTotalBytes: 128 * 1024 * 1024,
  maxCachedBytes: 64 * 1024 * 1024,
};

/** What a blob's bytes say, wherever it lies. */
export type BlobContent = Pick<PolicyFile, "text" | "problem">;

/** Decoded blobs by id, least recently used out first, bounded by bytes. */
export interface BlobCache {
  get(blob: string): BlobContent | undefined;
  set(blob: string, content: BlobContent, bytes: number): void;
}

export function blobCache(maxBytes: number): BlobCache {
  const entries = new Map<string, { content: BlobContent; bytes: number }>();
  let total = 0;
  return {
    get(blob) {
      const entry = entries.get(blob);
      if (entry === undefined) return undefined;
      entries.delete(blob);
      entries.set(blob, entry);
      return entry.content;
    },
    set(blob, content, bytes) {
      total += bytes - (entries.get(blob)?.bytes ?? 0);
      entries.delete(blob);
      entries.set(blob, { content, bytes });
      for (const [oldest, entry] of entries) {
        if (total <= maxBytes) break;
        entries.delete(oldest);
        total -= entry.bytes;
      }
    },
  };
}

/** Files that look like policy. Everything else in the repository is none of our business. */
export function looksLikePolicy(path: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(path);
}

/**
 * Whether a tree entry is read or named at all. Submodules always are; links also when they may stand for a folder (no extension):
 * policy behind them would otherwise be silently ignored.
 */
export function concernsPolicy(mode: string, path: string): boolean {
  if (mode === "160000" || looksLikePolicy(path)) return true;
  return mode === "120000" && !/[^/]\.[^/]*$/.test(path);
}

/** Order of paths: by code units, the same on every machine. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** Bytes of a blob to text, or why not. A byte-order mark stays: an edit must give back the same bytes. */
export function decodeBlob(bytes: Buffer): BlobContent {
  if (bytes.includes(0)) {
    return { text: "", problem: { code: "FileBinary", message: "the file is binary: policy is plain text" } };
  }
  if (!isUtf8(bytes)) {
    return { text: "", problem: { code: "FileNotUtf8", message: "the file is not valid UTF-8: save it as UTF-8" } };
  }
  const text = bytes.toString("utf8");
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    return {
      text: "",
      problem: { code: "FileInLfs", message: "the file lies in Git LFS, which is not read: commit it as a plain file" },
    };
  }
  return { text };
}

export function tooLarge(size: number, limits: ReadLimits): BlobContent {
  return {
    text: "",
    problem: {
      code: "FileTooLarge",
      message: `the file has ${size} bytes, more than the ${limits.maxFileBytes} that are read: split it`,
    },
  };
}

export const symlinkProblem: BlobContent = {
  text: "",
  problem: {
    code: "FileIsSymlink",
    message: "the file is a symbolic link: links are not followed, put the content here",
  },
};
export const submoduleProblem: BlobContent = {
  text: "",
  problem: {
    code: "FileIsSubmodule",
    message: "this is a submodule: submodules are not read, put the files into this repository",
  },
};
export const pathProblem: BlobContent = {
  text: "",
  problem: { code: "PathNotUtf8", message: "the file's name is not valid UTF-8: rename it" },
};

/** What is wrong with a file's name, if anything is. */
export function nameProblem(path: string): BlobContent | undefined {
  if (isPrintable(path)) return undefined;
  return {
    text: "",
    problem: { code: "PathNotPrintable", message: "the file's name holds characters that cannot be seen: rename it" },
  };
}

/** Refuses a snapshot that is over the limits. Throws UserError RW1110. */
export function checkTotals(files: number, bytes: number, limits: ReadLimits): void {
  if (files > limits.maxFiles) {
    throw new UserError(
      "RW1110",
      `the policy path holds ${files} files, more than the ${limits.maxFiles} that are read`,
      "point spec.path at the policy folder",
    );
  }
  if (bytes > limits.maxTotalBytes) {
    throw new UserError(
      "RW1110",
      `the policy path holds ${bytes} bytes, more than the ${limits.maxTotalBytes} that are read`,
      "point spec.path at the policy folder",
    );
  }
}

/** git checks names as they come, but not those of a server that only hands out files. */
const LEADS_AWAY = /(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)/i;

function malformed(what: string): UserError {
  return new UserError(
    "RW1118",
    `the repository is malformed: ${showText(what)}`,
    "repair its history (git fsck says where)",
  );
}

interface TreeEntry {
  readonly mode: string;
  readonly blob: string;
  readonly path: string;
  readonly pathOk: boolean;
}

export function parseTree(output: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  // One decoding for all names; only when a name is not UTF-8 is each looked at by itself.
  const allOk = isUtf8(output);
  for (const record of output.toString(allOk ? "utf8" : "latin1").split("\0")) {
    if (record === "") continue;
    const tab = record.indexOf("\t");
    // "<mode> <type> <id>"
    const [mode = "", , blob = ""] = record.slice(0, tab).split(" ");
    if (tab < 0 || blob === "") throw new Error("git ls-tree answered in an unknown form");
    const bytes = allOk ? undefined : Buffer.from(record.slice(tab + 1), "latin1");
    const path = bytes === undefined ? record.slice(tab + 1) : bytes.toString("utf8");
    entries.push({
      mode,
      blob,
      path,
      pathOk: bytes === undefined || isUtf8(bytes),
    });
  }
  return entries;
}

/** Reads blobs with one process. Answers bytes by blob id. */
export async function readBlobs(git: Git, blobs: readonly string[]): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  if (blobs.length === 0) return found;
  const output = await git.local(["cat-file", "--batch", "--buffer"], { input: `${blobs.join("\n")}\n` });
  let at = 0;
  for (const blob of blobs) {
    const newline = output.indexOf(10, at);
    const header = output.toString("latin1", at, newline < 0 ? at : newline).split(" ");
    const size = Number(header[2]);
    if (newline < 0 || header[0] !== blob || header[1] !== "blob" || !Number.isSafeInteger(size)) {
      throw new Error(`git cat-file: object ${blob} is ${header[1] ?? "not answered"}, not a blob`);
    }
    found.set(blob, output.subarray(newline + 1, newline + 1 + size));
    at = newline + 1 + size + 1;
  }
  return found;
}

/** Bytes of each blob. Throws Error for one that is not in the store. */
export async function sizesOf(git: Git, blobs: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (blobs.length === 0) return new Map();
  const output = await git.local(["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", "--buffer"], {
    input: `${blobs.join("\n")}\n`,
  });
  const sizes = new Map<string, number>();
  for (const line of output.toString("latin1").split("\n")) {
    const [blob = "", type, size] = line.split(" ");
    if (type === "blob") sizes.set(blob, Number(size));
  }
  for (const blob of blobs) {
    if (!sizes.has(blob)) throw malformed(`what a file names, ${blob}, is no file's content`);
  }
  return sizes;
}

/** All policy files under `path` at a commit, sorted by path. Throws UserError RW1110 over the limits, or what a fetch throws. */
export async function readPolicyFiles(
  store: Store,
  commit: CommitSha,
  path: string,
  limits: ReadLimits,
  cache: BlobCache,
): Promise<PolicyFile[]> {
  const { git } = store;
  const listing = await git.local(["ls-tree", "-r", "-z", "--full-tree", commit, "--", ...(path === "" ? [] : [path])]);
  const listed = parseTree(listing);
  for (const entry of listed) if (LEADS_AWAY.test(entry.path)) throw malformed(`a file is named "${entry.path}"`);
  const entries = listed.filter(
    (entry) => (path === "" || entry.path.startsWith(`${path}/`)) && concernsPolicy(entry.mode, entry.path),
  );
  checkTotals(entries.length, 0, limits);
  const contents = new Map<string, BlobContent>();
  const missing: string[] = [];
  for (const blob of new Set(entries.flatMap(({ mode, blob: id }) => (mode.startsWith("100") ? [id] : [])))) {
    const cached = cache.get(blob);
    if (cached === undefined) missing.push(blob);
    else contents.set(blob, cached);
  }
  await bringBlobs(store, missing);
  const sizes = await sizesOf(git, missing);
  const small = missing.filter((blob) => (sizes.get(blob) ?? 0) <= limits.maxFileBytes);
  let bytes = 0;
  for (const blob of small) bytes += sizes.get(blob) ?? 0;
  for (const { text } of contents.values()) bytes += text.length;
  checkTotals(entries.length, bytes, limits);
  for (const blob of missing) {
    const size = sizes.get(blob) ?? 0;
    if (size > limits.maxFileBytes) keep(blob, tooLarge(size, limits), 100);
  }
  for (const [blob, raw] of await readBlobs(git, small)) keep(blob, decodeBlob(raw), raw.length + 100);
  return entries.map((entry) => ({ path: entry.path, blob: entry.blob, ...contentOf(entry, contents) })).sort(byPath);

  function keep(blob: string, content: BlobContent, size: number): void {
    contents.set(blob, content);
    cache.set(blob, content, size);
  }
}

function contentOf(entry: TreeEntry, contents: ReadonlyMap<string, BlobContent>): BlobContent {
  if (!entry.pathOk) return pathProblem;
  const named = nameProblem(entry.path);
  if (named !== undefined) return named;
  if (entry.mode === "120000") return symlinkProblem;
  if (entry.mode === "160000") return submoduleProblem;
  const content = contents.get(entry.blob);
  if (content === undefined) throw new Error(`${entry.path}: blob ${entry.blob} was not read`);
  return content;
}
