// Lines on a terminal: cut, wrapped, in ASCII; and which terminal is given which.
import fc from "fast-check";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { createPaint } from "../../../controller/cli/output.ts";
import { widthOf } from "../../../controller/cli/table.ts";
import { cutLine, toAscii, wantsAscii, wrapLine } from "../../../controller/cli/views/drawing.ts";

const paint = createPaint({ env: {}, terminal: true });

describe("a line", () => {
  it("is cut with a mark, and its colour is closed", () => {
    expect(cutLine("abcdef", 6)).toBe("abcdef");
    expect(cutLine("abcdefg", 6)).toBe("abcde…");
    expect(cutLine(paint("red", "abcdefg"), 6)).toBe("\u001b[31mabcde…\u001b[0m");
    expect(cutLine("日本語日本語", 6)).toBe("日本…");
  });

  it("never takes more columns than it may, and loses nothing when it is wrapped (any text)", () => {
    const word = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
      .map((text) => text.replaceAll(/[\s\p{C}]/gu, "x"));
    const text = fc
      .array(
        fc.oneof(
          word,
          word.map((one) => paint("cyan", one)),
        ),
        { maxLength: 12 },
      )
      .map((list) => list.join(" "));
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 60 }), (line, width) => {
        const cut = cutLine(line, width);
        const wrapped = wrapLine(line, width, "  ");

        expect(widthOf(cut)).toBeLessThanOrEqual(width);
        expect(cut.split("\u001b[36m").length).toBe(cut.split("\u001b[0m").length);
        for (const one of wrapped) expect(widthOf(one)).toBeLessThanOrEqual(width);
        expect(wrapped.map((one) => stripVTControlCharacters(one).trimStart()).join(" ")).toBe(
          stripVTControlCharacters(line).trimStart(),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("ASCII", () => {
  it("keeps columns, and has a question mark for what has no twin", () => {
    expect(toAscii("✔ 3 → ├ █░ …")).toBe("+ 3 > | #. ~");
    expect(toAscii("ü日")).toBe("???");
  });

  it.each([
    [{ TERM: "dumb" }, true],
    [{ LANG: "C" }, true],
    [{ LANG: "POSIX" }, true],
    [{ LANG: "de_DE.ISO-8859-1" }, true],
    [{ LANG: "C", LC_ALL: "C.UTF-8" }, false],
    [{ LANG: "en_US.UTF-8", LC_ALL: "C" }, true],
    [{ LANG: "en_US.UTF-8", LC_CTYPE: "C", LC_ALL: "" }, true],
    [{ LANG: "de_DE.utf8@euro" }, false],
    [{ LANG: "C.UTF-8" }, false],
    [{}, false],
  ])("is drawn for %j: %s", (env, ascii) => {
    expect(wantsAscii(env)).toBe(ascii);
  });
});
