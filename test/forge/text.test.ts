// Foreign text in a pull request does nothing but be read.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundBody, boundTitle, escapeCode, escapeMarkdown } from "../../controller/forge/text.ts";
import { renderMarkdown } from "../../controller/sandbox/forge/markdown.ts";
import { hostileTexts } from "./bench.ts";

/** What a reader sees: character references resolved. */
function read(markdown: string): string {
  return markdown.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

/** What a forge finds in rendered text and acts upon. */
const triggers: readonly RegExp[] = [
  /@[A-Za-z0-9]/,
  /#\d/,
  /\bGH-\d/i,
  /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s/i,
  /[a-z]:\/\//i,
  /www\.[a-z0-9]/i,
  /\b(?:mailto|javascript|data):/i,
];

const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.constantFrom(...hostileTexts),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "@",
          "octocat",
          "#",
          "12",
          "GH-",
          "fixes",
          "Closes:",
          " ",
          "https",
          "://",
          "www.",
          "|",
          "`",
          "``",
          "<b",
          ">",
          "&",
          "&#64;",
          "\\",
          "*",
          "_",
          "~~",
          "[x]",
          "(javascript:",
          "a)",
          "![",
          "\n",
          "\r\n",
          "---",
          "- ",
          "1. ",
          "# ",
          "<!--",
          "-->",
          "$",
          "\u200B",
          "\u2060",
          "\u202E",
          "mailto:",
          "a@b.c",
          "\uD800",
          "resolve",
          "data:",
          "ſ",
          "K",
          "É",
        ),
        fc.string({ maxLength: 4 }),
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join("")),
);

describe("escapeMarkdown", () => {
  it("leaves nothing that Markdown, HTML or a table reads as syntax", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const escaped = escapeMarkdown(text);

        expect(escaped.replace(/&#\d+;/g, "")).not.toMatch(
          /[&<>|\\`*_~[\](){}!#@$^"'\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u,
        );
        expect(escaped).not.toMatch(/^(?:[-+=>#:]|\d+[.)]|\s)/);
        expect(escaped.isWellFormed()).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves no mention, reference, closing keyword or address, even after a forge has resolved the references", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const seen = read(escapeMarkdown(text));

        for (const trigger of triggers) expect(seen).not.toMatch(trigger);
      }),
      { numRuns: 2000 },
    );
  });

  it("shows the reader the same text", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const visible = text
          .toWellFormed()
          .replace(/[\s\u0085\u2028\u2029]+/gu, " ")
          .replace(/[\p{Cc}\p{Bidi_C}\u200B-\u200D\u2060-\u2064\uFEFF\u00AD]/gu, "")
          .trim();

        expect(read(escapeMarkdown(text, 10_000)).replaceAll("\u2060", "")).toBe(visible);
      }),
      { numRuns: 1000 },
    );
  });

  it("renders as one paragraph of text, and as one cell of a table", () => {
    fc.assert(
      fc.property(
        nasty.filter((text) => escapeMarkdown(text) !== ""),
        (text) => {
          const escaped = escapeMarkdown(text);

          expect(renderMarkdown(escaped).replace(/^<p>|<\/p>$/g, "")).not.toMatch(/[<>]/);
          expect(renderMarkdown(`| a | b |\n|---|---|\n| ${escaped} | last |`).match(/<td>/g)).toHaveLength(2);
          expect(renderMarkdown(`| a | b |\n|---|---|\n| ${escaped} | last |`)).toContain("<td>last</td>");
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("bounds the length in characters, never inside one", () => {
    expect(read(escapeMarkdown("🦄".repeat(300)))).toBe(`${"🦄".repeat(199)}…`);
    expect(escapeMarkdown("abcdef", 4)).toBe("abc…");
  });

  it("leaves plain names as they are", () => {
    for (const name of [
      "node-17.rack-2",
      "ubuntu 22.04 LTS",
      "5.15.0-131-generic",
      "registry.example.com/team/app:v1.2",
    ]) {
      expect(escapeMarkdown(name)).toBe(name.replace(/^5\./, "&#53;."));
    }
  });
});

describe("escapeCode", () => {
  it("keeps names that people copy free of invisible characters", () => {
    expect(escapeCode("app@sha256:abc")).toBe("`app@sha256:abc`");
    expect(escapeCode("a|b`c")).toBe("<code>a&#124;b&#96;c</code>");
    expect(escapeCode("\n")).toBe("");
  });

  it("renders as one piece of code with the same text, in a table too", () => {
    fc.assert(
      fc.property(
        nasty.filter((text) => escapeCode(text) !== ""),
        (text) => {
          const html = renderMarkdown(`| a | b |\n|---|---|\n| ${escapeCode(text)} | last |`);

          expect(html.match(/<td>/g)).toHaveLength(2);
          expect(html).toMatch(/<td><code>[^<>]*<\/code><\/td><td>last<\/td>/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("limits of a forge", () => {
  it("cut titles to one line of 256 and bodies to 65,536", () => {
    expect(boundTitle(" a\nb ")).toBe("a b");
    expect(boundTitle("x".repeat(300))).toHaveLength(256);
    expect(boundBody("short")).toBe("short");
    expect(boundBody("🦄".repeat(40_000)).length).toBeLessThanOrEqual(65_536);
    expect(boundBody("🦄".repeat(40_000)).isWellFormed()).toBe(true);
  });
});
