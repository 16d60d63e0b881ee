// One code means one thing: it is thrown by one file, or by the few that stand here with what they all mean by it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Codes that several files throw, and what each of them means. */
const SHARED: Readonly<Record<string, readonly [means: string, ...files: readonly string[]]>> = {
  RW0221: ["there is no object of that name", "controller/cli/act-approve.ts", "controller/cli/act-scene.ts"],
  RW0304: ["the demo does not understand its words", "controller/cli/demo.ts", "controller/sandbox/demo/outside.ts"],
  RW0711: ["the forge does not take our token", "controller/forge/failure.ts", "controller/forge/gitea/session.ts"],
  RW1102: ["not a branch that may be tracked", "controller/git/repository.ts", "controller/git/url.ts"],
  RW1103: ["not a path in the repository", "controller/git/build-commit.ts", "controller/git/url.ts"],
  RW1106: [
    "the credentials do not fit ssh, or ssh does not fit the address",
    "controller/git/auth.ts",
    "controller/git/credentials.ts",
  ],
  RW1111: [
    "there is no such branch",
    "controller/git/explain-remote-error.ts",
    "controller/git/memory.ts",
    "controller/git/repository.ts",
  ],
  RW1118: [
    "the repository holds malformed objects",
    "controller/git/explain-remote-error.ts",
    "controller/git/snapshot-files.ts",
  ],
  RW1120: [
    "the file cannot be edited in place",
    "controller/git/edit-splice.ts",
    "controller/git/edit.ts",
    "controller/git/manifests/manifest-file.ts",
  ],
  RW1122: [
    "the manifests do not name the image",
    "controller/git/manifests/helm-values.ts",
    "controller/git/manifests/plain.ts",
  ],
  RW1202: [
    "not exactly one ring of that name",
    "controller/reconcile/promotion/files.ts",
    "controller/reconcile/promotion/ring-edit.ts",
  ],
};

/** Code -> files that hold it as a literal. */
function findUses(): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, Set<string>>();
  const names = readdirSync(join(ROOT, "controller"), { recursive: true, encoding: "utf8" });
  for (const name of names.filter((one) => one.endsWith(".ts"))) {
    const text = readFileSync(join(ROOT, "controller", name), "utf8");
    for (const [, code = ""] of text.matchAll(/["'`](RW\d{4})["'`]/g))
      uses.set(code, (uses.get(code) ?? new Set()).add(`controller/${name}`));
  }
  return new Map([...uses].map(([code, files]) => [code, [...files].toSorted()]));
}

describe("error codes", () => {
  it("are each thrown by one file, or mean the same in all that are listed", () => {
    const uses = findUses();
    const several = [...uses].filter(([, files]) => files.length > 1);

    expect(uses.size).toBeGreaterThan(50);
    expect(Object.fromEntries(several)).toEqual(
      Object.fromEntries(Object.entries(SHARED).map(([code, [, ...files]]) => [code, files])),
    );
  });

  it("stand in docs/errors.md", () => {
    const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");

    expect([...findUses().keys()].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
