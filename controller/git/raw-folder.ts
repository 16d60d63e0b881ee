// Files as bytes, whatever they are: for a program that needs a folder as it is, such as helm with a chart's templates. All of a folder or
// nothing: half a chart would be another chart. Nothing is followed (links, submodules), no name is passed on that is none in a folder of
// ours, and number and size have limits. Never writes a file.
import { UserError } from "../errors.ts";
import type { CommitSha, FolderContent, RawFile } from "./port.ts";
import { byPath, parseTree, readBlobs, sizesOf } from "./snapshot-files.ts";
import type { Store } from "./store.ts";
import { checkPath } from "./url.ts";
import { bringBlobs } from "./wanted-blobs.ts";

export const MOST_FOLDER_FILES = 2_000;
export const MOST_FOLDER_BYTES = 32 * 1024 * 1024;

interface Entry {
  readonly mode: string;
  readonly path: string;
  /** False: the name is not UTF-8. */
  readonly pathOk: boolean;
}

/** Why a folder with these entries is not read; undefined: it is. */
export function judgeEntries(path: string, entries: readonly Entry[]): string | undefined {
  const here = path === "" ? "/" : path;
  if (entries.length === 0) return `there is no ${here}`;
  if (entries.length > MOST_FOLDER_FILES)
    return `${here} holds ${entries.length} files, more than the ${MOST_FOLDER_FILES} that are read`;
  for (const entry of entries) {
    if (!entry.pathOk || !isPath(entry.path)) return `${JSON.stringify(entry.path)} is not a name that is read`;
    if (entry.mode === "120000") return `${entry.path} is a symbolic link, and links are not followed`;
    if (entry.mode === "160000") return `${entry.path} is a submodule, and submodules are not read`;
  }
  return undefined;
}

/** The same of its size. */
export function judgeBytes(path: string, bytes: number): string | undefined {
  return bytes <= MOST_FOLDER_BYTES
    ? undefined
    : `${path === "" ? "/" : path} holds ${bytes} bytes, more than the ${MOST_FOLDER_BYTES} that are read`;
}

function isPath(path: string): boolean {
  try {
    return checkPath(path) === path;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Every file under `path`, or the file there. Throws what a fetch throws. */
export async function readFolder(store: Store, commit: CommitSha, path: string): Promise<FolderContent> {
  const { git } = store;
  const args = ["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
  const entries = parseTree(await git.local([...args, ...(path === "" ? [] : [path])]));
  const wrong = judgeEntries(path, entries);
  if (wrong !== undefined) return { kind: "Refused", why: wrong };
  const blobs = [...new Set(entries.map(({ blob }) => blob))];
  await bringBlobs(store, blobs);
  const sizes = await sizesOf(git, blobs);
  // A blob that stands in many places is written as many times.
  const large = judgeBytes(
    path,
    entries.reduce((sum, { blob }) => sum + (sizes.get(blob) ?? 0), 0),
  );
  if (large !== undefined) return { kind: "Refused", why: large };
  const contents = await readBlobs(git, blobs);
  const files = entries.map(({ path: name, blob }): RawFile => {
    const bytes = contents.get(blob);
    if (bytes === undefined) throw new Error(`${name}: blob ${blob} was not read`);
    return { path: name, bytes };
  });
  return { kind: "Read", files: files.sort(byPath) };
}
