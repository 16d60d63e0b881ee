// Contents are fetched only when they are read: the store holds commits and trees of the whole history, and of the files those that looked
// like policy. Whatever is missing comes in one request; git itself never fetches anything behind our back (GIT_NO_LAZY_FETCH), so a forgotten
// one is an error and not a thousand round trips. A server that knows no filters sends everything, and then nothing is ever missing.
import { explainRemoteError } from "./explain-remote-error.ts";
import type { Store } from "./store.ts";

/** Ids in one request; more are asked for in several. */
const MOST_WANTED = 50_000;

/** Makes sure that all of these blobs are in the store. Throws UserError or the transport's error when one cannot be had. */
export async function bringBlobs(store: Store, blobs: readonly string[]): Promise<void> {
  const missing = await findMissing(store, blobs);
  if (missing.length === 0) return;
  for (let start = 0; start < missing.length; start += MOST_WANTED)
    await fetchBlobs(store, missing.slice(start, start + MOST_WANTED));
}

async function findMissing({ git }: Store, blobs: readonly string[]): Promise<readonly string[]> {
  if (blobs.length === 0) return [];
  const output = await git.local(
    ["rev-list", "--no-walk", "--objects", "--no-object-names", "--ignore-missing", "--missing=allow-any", "--stdin"],
    { input: `${blobs.join("\n")}\n` },
  );
  const there = new Set(output.toString("latin1").split("\n"));
  return blobs.filter((blob) => !there.has(blob));
}

async function fetchBlobs({ git, url, branch }: Store, blobs: readonly string[]): Promise<void> {
  try {
    await git.exclusive(() =>
      git.remote(
        [
          "fetch",
          "--quiet",
          "--no-tags",
          "--no-write-fetch-head",
          "--no-recurse-submodules",
          FILTER,
          "--stdin",
          "origin",
        ],
        `${blobs.join("\n")}\n`,
      ),
    );
  } catch (error) {
    throw explainRemoteError(error, url, branch);
  }
}

/** Given to every fetch. */
export const FILTER = "--filter=blob:none";
