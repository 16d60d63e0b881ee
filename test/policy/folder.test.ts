// A folder is read as a commit of it would be.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "../../controller/git/snapshot-files.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringward-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: string | Buffer): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** Root may read everything: what is called is called as somebody else. */
function withoutRoot<T>(call: () => T): T {
  if (process.geteuid?.() !== 0) return call();
  process.seteuid?.(65_534);
  try {
    return call();
  } finally {
    process.seteuid?.(0);
  }
}

describe("readPolicyFolder", () => {
  it("reads YAML and JSON at any depth, sorted, and nothing else", () => {
    for (const path of ["b/c/d.yml", "a.yaml", "z.json", "README.md", ".git/config.yaml", ".hidden/e.yaml"])
      write(path, path);
    expect(readPolicyFolder(folder).map(({ path, text }) => [path, text])).toEqual(
      [".hidden/e.yaml", "a.yaml", "b/c/d.yml", "z.json"].map((path) => [path, path]),
    );
  });

  it("tells of a file that may not be read, in its place", () => {
    write("a.yaml", "a: 1\n");
    write("b.yaml", "b: 1\n");
    chmodSync(folder, 0o755);
    chmodSync(join(folder, "a.yaml"), 0);

    const files = withoutRoot(() => readPolicyFolder(folder));

    expect(files.map(({ path, problem }) => [path, problem])).toEqual([
      ["a.yaml", { code: "FileUnreadable", message: expect.stringContaining("EACCES") as string }],
      ["b.yaml", undefined],
    ]);
  });

  it("refuses links, binary files, broken UTF-8 and files over the cap, each by itself", () => {
    write("good.yaml", "a: 1\n");
    symlinkSync(join(folder, "good.yaml"), join(folder, "link.yaml"));
    symlinkSync(folder, join(folder, "loop"));
    write("binary.yaml", Buffer.from([0x61, 0, 0x62]));
    write("latin.yaml", Buffer.from([0x61, 0xe9]));
    write("large.yaml", "#".repeat(2 * 1024 * 1024));
    expect(readPolicyFolder(folder).map(({ path, problem }) => [path, problem?.code])).toEqual([
      ["binary.yaml", "FileBinary"],
      ["good.yaml", undefined],
      ["large.yaml", "FileTooLarge"],
      ["latin.yaml", "FileNotUtf8"],
      ["link.yaml", "FileIsSymlink"],
    ]);
  });

  it("refuses a folder that is none, and one that holds too much", () => {
    expect(() => readPolicyFolder(join(folder, "gone"))).toThrow(/it does not exist/);
    write("a.yaml", "a: 1");
    expect(() => readPolicyFolder(join(folder, "a.yaml"))).toThrow(/not a folder/);
    write("b.yaml", "a: 1");
    expect(() => readPolicyFolder(folder, { ...defaultLimits, maxFiles: 1 })).toThrow(/more than the 1/);
  });
});
