// The objects of the in-memory repository: commits with git's own ids (the same SHA-1 over the same bytes), so that a commit made here
// and one made by git from the same inputs are the same commit. Objects are immutable and never removed: a snapshot is a map of branches.
import { createHash } from "node:crypto";

import type { Instant } from "../clock.ts";
import type { GitAuthor } from "./build-commit.ts";
import type { CommitSha } from "./port.ts";

export interface MemoryFile {
  readonly mode: string;
  readonly bytes: Buffer;
  readonly blob: string;
}

/** Path -> file; never changed once a commit holds it. */
export type MemoryTree = ReadonlyMap<string, MemoryFile>;

export interface MemoryCommit {
  readonly id: CommitSha;
  readonly parents: readonly CommitSha[];
  readonly tree: MemoryTree;
  readonly time: Instant;
  readonly author: string;
  readonly message: string;
  /** Who signed it: a name stands for a key. */
  readonly signer: string | undefined;
}

function objectId(type: string, body: Buffer): string {
  return createHash("sha1").update(`${type} ${body.length}\0`).update(body).digest("hex");
}

export function memoryFile(bytes: Buffer, mode = "100644"): MemoryFile {
  return { mode, bytes, blob: objectId("blob", bytes) };
}

/** git's tree id of a set of files. Folders sort as if their names ended with "/". */
export function treeId(tree: MemoryTree): string {
  interface Folder {
    readonly files: Map<string, MemoryFile>;
    readonly folders: Map<string, Folder>;
  }
  const newFolder = (): Folder => ({ files: new Map(), folders: new Map() });
  const root = newFolder();
  for (const [path, file] of tree) {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let folder = root;
    for (const part of parts) {
      let next = folder.folders.get(part);
      if (next === undefined) folder.folders.set(part, (next = newFolder()));
      folder = next;
    }
    folder.files.set(name, file);
  }
  const hash = (folder: Folder): string => {
    const rows = [
      ...[...folder.files].map(([name, file]) => ({ key: Buffer.from(name), name, mode: file.mode, id: file.blob })),
      ...[...folder.folders].map(([name, inner]) => ({
        key: Buffer.from(`${name}/`),
        name,
        mode: "40000",
        id: hash(inner),
      })),
    ].sort((a, b) => Buffer.compare(a.key, b.key));
    return objectId(
      "tree",
      Buffer.concat(
        rows.map((row) => Buffer.concat([Buffer.from(`${row.mode} ${row.name}\0`), Buffer.from(row.id, "hex")])),
      ),
    );
  };
  return hash(root);
}

/** Makes a commit with git's id. `message` must already end with a line break. */
export function memoryCommit(
  tree: MemoryTree,
  parents: readonly CommitSha[],
  author: GitAuthor,
  time: Instant,
  message: string,
  signer?: string,
): MemoryCommit {
  const seconds = Math.floor(time / 1000);
  const who = `${author.name} <${author.email}> ${seconds} +0000`;
  const lines = [
    `tree ${treeId(tree)}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
    ...(signer === undefined ? [] : [`gpgsig ${signer}`]),
    "",
    message,
  ];
  const id = objectId("commit", Buffer.from(lines.join("\n"))) as CommitSha;
  return { id, parents, tree, time: seconds * 1000, author: `${author.name} <${author.email}>`, message, signer };
}

export interface ObjectStore {
  readonly commits: Map<CommitSha, MemoryCommit>;
}

/** Objects and the branches that point into them. */
export interface BranchStore extends ObjectStore {
  branches: Map<string, CommitSha>;
}

export function addCommit(store: ObjectStore, commit: MemoryCommit): CommitSha {
  store.commits.set(commit.id, commit);
  return commit.id;
}

export function commitOf(store: ObjectStore, id: CommitSha): MemoryCommit {
  const commit = store.commits.get(id);
  if (commit === undefined) throw new Error(`commit ${id} is not in the repository`);
  return commit;
}

/** All commits reachable from `start`, itself included; stops at commits for which `known` is true. */
export function reachable(
  store: ObjectStore,
  start: CommitSha,
  known: (id: CommitSha) => boolean = () => false,
): Set<CommitSha> {
  const seen = new Set<CommitSha>();
  const todo = [start];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (seen.has(id) || known(id)) continue;
    seen.add(id);
    todo.push(...commitOf(store, id).parents);
  }
  return seen;
}

/** The nearest commit that both histories hold. */
export function mergeBase(store: ObjectStore, a: CommitSha, b: CommitSha): MemoryCommit | undefined {
  const left = reachable(store, a);
  let todo = [b];
  const seen = new Set<CommitSha>();
  while (todo.length > 0) {
    const next: CommitSha[] = [];
    for (const id of todo) {
      if (left.has(id)) return commitOf(store, id);
      if (seen.has(id)) continue;
      seen.add(id);
      next.push(...commitOf(store, id).parents);
    }
    todo = next;
  }
  return undefined;
}

/** A fingerprint of what lies at `path` (a file or a folder), to see whether a commit changed it. "" when nothing does. */
export function fingerprint(tree: MemoryTree, path: string): string {
  const rows: string[] = [];
  for (const [name, file] of tree) {
    if (path === "" || name === path || name.startsWith(`${path}/`)) rows.push(`${name}\0${file.mode}\0${file.blob}`);
  }
  return rows.sort().join("\n");
}
