// Makes a commit in the bare store without a work tree: blobs, a temporary index, a tree, a commit. The same inputs give the
// same commit id (author, committer and dates are given, nothing is read from the machine), so that a commit whose reply was lost
// can simply be made and pushed again.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import type { Git } from "./create-git.ts";
import type { CommitSha, NewCommit } from "./port.ts";
import { checkPath } from "./url.ts";
import { UserError } from "../errors.ts";

export interface GitAuthor {
  readonly name: string;
  readonly email: string;
}

/** Checks an author's name and address. Throws UserError RW1107. */
export function checkAuthor(author: GitAuthor): GitAuthor {
  // git itself drops these characters silently, which would make the commit id depend on git's taste.
  const plain = (text: string): boolean =>
    text !== "" && text === text.trim() && !/[\p{Cc}<>]/u.test(text) && !/^[.,:;"'\\]|[.,:;"'\\]$/.test(text);
  if (!plain(author.name) || !plain(author.email)) {
    throw new UserError(
      "RW1107",
      `commit author ${JSON.stringify(author.name)} ${JSON.stringify(author.email)}: not a plain name and address`,
      "no < >, no line breaks, no dot or quote at the ends",
    );
  }
  return author;
}

/** The message as it is committed: ends with exactly one line break, no zero bytes. */
export function commitMessage(message: string): string {
  if (message.includes("\0")) throw new Error("a commit message holds a zero byte");
  return `${message.replace(/(?<!\s)\s+$/, "")}\n`;
}

/** Checks the files of a commit. Throws UserError RW1103 for a bad path. */
export function checkFiles(files: NewCommit["files"]): void {
  if (files.size === 0) throw new Error("a commit without files");
  const paths = [...files.keys()];
  for (const path of paths) {
    if (path === "" || path.endsWith("/") || checkPath(path) !== path)
      throw new UserError(
        "RW1103",
        `path ${JSON.stringify(path)}: not a file's path`,
        'write a path such as "policies/rings/prod.yaml"',
      );
  }
}

/** Checks that existing entries at the paths are plain files (mode is kept), and that no file stands where a folder must be. */
export function checkEntries(
  files: NewCommit["files"],
  modeOf: (path: string) => string | undefined,
): Map<string, string> {
  const modes = new Map<string, string>();
  for (const path of files.keys()) {
    const mode = modeOf(path);
    if (mode !== undefined && !mode.startsWith("100")) {
      throw new UserError(
        "RW1108",
        `${path} is not a plain file in the repository`,
        "replace the symbolic link, submodule or folder by a file",
      );
    }
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const above = modeOf(path.slice(0, slash));
      if (above !== undefined && above !== "040000") {
        throw new UserError("RW1108", `${path.slice(0, slash)} is not a folder in the repository`, "rename that file");
      }
    }
    modes.set(path, mode ?? "100644");
  }
  return modes;
}

async function existingModes(git: Git, parent: CommitSha, files: NewCommit["files"]): Promise<Map<string, string>> {
  const asked = new Set<string>();
  for (const path of files.keys()) {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1))
      asked.add(path.slice(0, slash));
    asked.add(path);
  }
  const output = await git.local(["ls-tree", "-z", "--full-tree", parent, "--", ...asked]);
  const modes = new Map<string, string>();
  for (const record of output.toString("utf8").split("\0")) {
    const tab = record.indexOf("\t");
    if (tab > 0) modes.set(record.slice(tab + 1), record.slice(0, 6));
  }
  return modes;
}

/** What a commit is made with. */
interface CommitMaker {
  readonly git: Git;
  readonly directory: string;
  readonly author: GitAuthor;
  readonly signingKeyFile: string | undefined;
}

/** Makes the commit object (not yet pushed) and answers its id. Throws UserError RW1103 or RW1108 for paths that cannot be written. */
export async function buildCommit(
  { git, directory, author, signingKeyFile }: CommitMaker,
  commit: NewCommit,
): Promise<CommitSha> {
  checkFiles(commit.files);
  const existing = await existingModes(git, commit.parent, commit.files);
  const modes = checkEntries(commit.files, (path) => existing.get(path));
  const lines: string[] = [];
  for (const [path, content] of commit.files) {
    if (content === null) {
      lines.push(`0 ${"0".repeat(commit.parent.length)}\t${path}`);
      continue;
    }
    const blob = (await git.local(["hash-object", "-w", "-t", "blob", "--no-filters", "--stdin"], { input: content }))
      .toString("latin1")
      .trim();
    lines.push(`${modes.get(path) ?? "100644"} ${blob}\t${path}`);
  }
  const environment = { GIT_INDEX_FILE: join(directory, `ringward-index-${randomUUID()}`) };
  let tree: string;
  try {
    await git.local(["read-tree", commit.parent], { environment });
    await git.local(["update-index", "-z", "--index-info"], { environment, input: `${lines.join("\0")}\0` });
    tree = (await git.local(["write-tree", "--missing-ok"], { environment })).toString("latin1").trim();
  } finally {
    await rm(environment.GIT_INDEX_FILE, { force: true });
    await rm(`${environment.GIT_INDEX_FILE}.lock`, { force: true });
  }
  const date = `@${Math.floor(commit.time / 1000)} +0000`;
  const sign = signingKeyFile === undefined ? ["--no-gpg-sign"] : ["--gpg-sign"];
  const made = await git.local(["commit-tree", ...sign, "-p", commit.parent, "-F", "-", tree], {
    input: commitMessage(commit.message),
    environment: {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
      GIT_COMMITTER_DATE: date,
    },
  });
  return made.toString("latin1").trim() as CommitSha;
}
