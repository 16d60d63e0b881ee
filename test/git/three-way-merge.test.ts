import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { mergeText } from "../../controller/git/three-way-merge.ts";

const folder = mkdtempSync(join(tmpdir(), "ringward-merge-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `git merge-file`: the merged text, or undefined for conflicts. */
function gitMerge(base: string, ours: string, theirs: string): string | undefined {
  const [a, b, c] = ["ours", "base", "theirs"].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(a, ours);
  writeFileSync(b, base);
  writeFileSync(c, theirs);
  try {
    return execFileSync("git", ["merge-file", "-p", "-q", a, b, c], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return undefined;
  }
}

describe("three-way merge of text", () => {
  it("takes changes of both sides that lie apart", () => {
    expect(mergeText("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n")).toBe("A\nb\nc\nD\n");
    expect(mergeText("a\n", "a\n", "b\n")).toBe("b\n");
    expect(mergeText("a\n", "b\n", "b\n")).toBe("b\n");
  });

  it("conflicts where both sides changed the same or adjoining lines", () => {
    expect(mergeText("a\nb\n", "A\nb\n", "a\nB\n")).toBeUndefined();
    expect(mergeText("a\n", "b\n", "c\n")).toBeUndefined();
    expect(mergeText("a\n", "a\nx\n", "a\ny\n")).toBeUndefined();
  });

  it("answers what git answers, for lines that are all different", () => {
    const base = Array.from({ length: 8 }, (_, index) => `line ${index}`);
    const side = (mark: string): fc.Arbitrary<string[]> =>
      fc
        .array(fc.constantFrom("keep", "keep", "keep", "keep", "change", "drop", "add"), { minLength: 8, maxLength: 8 })
        .map((does) =>
          base.flatMap((line, index) =>
            does[index] === "change"
              ? [`${line} ${mark}`]
              : does[index] === "drop"
                ? []
                : does[index] === "add"
                  ? [line, `${mark} after ${index}`]
                  : [line],
          ),
        );
    const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
    let conflicts = 0;
    let merges = 0;
    fc.assert(
      fc.property(side("ours"), side("theirs"), (ours, theirs) => {
        const expected = gitMerge(text(base), text(ours), text(theirs));
        const got = mergeText(text(base), text(ours), text(theirs));
        if (expected === undefined) conflicts++;
        else merges++;
        expect(got).toBe(expected);
      }),
      { numRuns: 250 },
    );
    expect(conflicts).toBeGreaterThan(10);
    expect(merges).toBeGreaterThan(10);
  });
});
