// Makes what no well-behaved git would make: objects whose bytes are given, references whose names are given, in a bare repository on disk.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Bytes = string | Uint8Array;

/** One line of a tree: mode as it is written, name as its bytes, id of what it names. */
export interface Entry {
  readonly mode: string;
  readonly name: Bytes;
  readonly id: string;
}

export interface Planting {
  blob(content: Bytes): string;
  /** A tree of exactly these lines, in this order; git's rules are not asked. */
  tree(entries: readonly Entry[]): string;
  /** A tree of folders and plain files. */
  files(files: Readonly<Record<string, Bytes>>): string;
  /** A commit on nothing. */
  commit(tree: string, message?: string): string;
  object(type: "tree" | "commit" | "tag" | "blob", content: Bytes): string;
  /** Writes the reference as a file; its name is not looked at. */
  reference(name: string, id: string): void;
  /** A file of the repository itself. */
  write(path: string, text: string): void;
  git(args: readonly string[], input?: Bytes): string;
}

export const FILE = "100644";
export const FOLDER = "40000";
export const LINK = "120000";
export const SUBMODULE = "160000";
export const WHO = "A Person <person@example.test> 1767225600 +0000";

export function plantIn(bare: string): Planting {
  const git = (args: readonly string[], input: Bytes = ""): string =>
    execFileSync("git", ["-C", bare, ...args], {
      input,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      env: { PATH: process.env["PATH"] ?? "", HOME: bare, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    }).trim();
  const object: Planting["object"] = (type, content) =>
    git(["hash-object", "-w", "-t", type, "--literally", "--stdin"], content);
  const blob = (content: Bytes): string => object("blob", content);
  const tree = (entries: readonly Entry[]): string =>
    object(
      "tree",
      Buffer.concat(
        entries.flatMap(({ mode, name, id }) => [
          Buffer.from(`${mode} `),
          Buffer.from(name),
          Buffer.of(0),
          Buffer.from(id, "hex"),
        ]),
      ),
    );
  const files = (contents: Readonly<Record<string, Bytes>>): string => {
    const lines = new Map<string, Entry>();
    const folders = new Map<string, Record<string, Bytes>>();
    for (const [path, content] of Object.entries(contents)) {
      const slash = path.indexOf("/");
      if (slash < 0) lines.set(path, { mode: FILE, name: path, id: blob(content) });
      else {
        const name = path.slice(0, slash);
        folders.set(name, { ...folders.get(name), [path.slice(slash + 1)]: content });
      }
    }
    for (const [name, inner] of folders) lines.set(`${name}/`, { mode: FOLDER, name, id: files(inner) });
    // Git's order: a folder as if its name ended with a slash.
    return tree([...lines].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([, line]) => line));
  };
  const write: Planting["write"] = (path, text) => {
    mkdirSync(dirname(join(bare, path)), { recursive: true });
    writeFileSync(join(bare, path), text);
  };
  return {
    blob,
    tree,
    files,
    commit: (id, message = "Change") => object("commit", `tree ${id}\nauthor ${WHO}\ncommitter ${WHO}\n\n${message}\n`),
    object,
    reference: (name, id) => write(name, `${id}\n`),
    write,
    git,
  };
}
