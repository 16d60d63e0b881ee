// No regular expression of ours can be made to hang: each literal, and each pattern of a schema, over attacks made of its own structure.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KINDS } from "../../controller/api/kinds.ts";
import { objectSchema } from "../../controller/api/crd.ts";
import { attacksOn, type Expression, expressionsOf, judgeExpression, takeApart } from "./regexps.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Found extends Expression {
  readonly file: string;
}

/** Literals whose time grows faster than their text, and why no text is long enough to matter: `FILE SOURCE`. */
const BOUNDED: Readonly<Record<string, string>> = {
  ...keyed("controller/core/versions/container-tag.ts", "a tag of at most 128 characters", [
    String.raw`^v?(\d+(?:\.\d+)*)(?:[-_.]?((?:alpha|beta|rc|pre|preview)\d*(?:[.-]\d+)*)(?=$|-))?((?:[-_][0-9A-Za-z.]+)*)$`,
  ]),
  ...keyed("controller/sandbox/forge/markdown.ts", "the sandbox's own page of a pull request, which a person opens", [
    String.raw`^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$`,
    String.raw`(<\/?details(?:\s+open)?\s*>|<summary>.*?<\/summary>)`,
    String.raw`^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$`,
  ]),
};

function keyed(file: string, why: string, list: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(list.map((source) => [`${file} ${source}`, why]));
}

/** Where an expression is made of text, and why that text is harmless. */
const BUILT: Readonly<Record<string, string>> = {
  "controller/api/validator.ts": "patterns of our own schemas, which are judged below",
  "controller/cli/completion.ts": "the name of a flag, whose letters are judged before",
  "controller/cli/views/groups.ts": "the name of an asset, escaped",
  "controller/core/migrate/selector.ts": "literals of the same file, joined",
  "controller/gates/memory.ts": "stands in for Alertmanager in tests, with their own matchers",
  "controller/printable.ts": "a literal of the same file with other flags",
  "controller/reconcile/promotion/files.ts": "names of trailers that stand in the same file",
  "controller/sandbox/apiserver/crd/cel-library.ts": "rules of our own kinds, in the sandbox",
  "controller/sandbox/apiserver/crd/formats.ts": "patterns of the kinds that a person gives to his own sandbox",
  "controller/sandbox/apiserver/schema/decode.ts": "a choice between two literals of the same file",
  "controller/sandbox/apiserver/tables/jsonpath.ts": "a literal of the same file with other flags",
  "controller/sandbox/forge/markdown.ts": "literals of the same file, joined",
  "controller/sandbox/forge/rest.ts": "paths of the same file",
};

const sources = readdirSync(join(ROOT, "controller"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
  .sort();
const read = sources.map((file) => ({ file, ...expressionsOf(readFileSync(join(ROOT, file), "utf8")) }));
const literals: readonly Found[] = read.flatMap(({ file, literals: found }) => found.map((one) => ({ file, ...one })));

/** Every `pattern` of every kind's schema, with its place. */
function schemaPatterns(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const waiting: { readonly value: unknown; readonly place: string }[] = KINDS.map((kind) => ({
    value: objectSchema(kind),
    place: kind.kind,
  }));
  while (waiting.length > 0) {
    const { value, place } = waiting.pop() ?? { value: undefined, place: "" };
    if (typeof value !== "object" || value === null) continue;
    for (const [key, member] of Object.entries(value)) {
      if (key === "pattern" && typeof member === "string") found.set(member, found.get(member) ?? place);
      waiting.push({ value: member, place: `${place}.${key}` });
    }
  }
  return found;
}

const patterns = schemaPatterns();

describe("regular expressions", () => {
  it("are found: literals, patterns of schemas, and where one is built", () => {
    expect(literals.length).toBeGreaterThan(300);
    expect(patterns.size).toBeGreaterThan(10);
    expect(literals.filter(({ source }) => takeApart(source).length === 0)).toEqual([]);
    expect(read.filter(({ built }) => built.length > 0).map(({ file }) => file)).toEqual(Object.keys(BUILT));
  });

  it.each(read.filter(({ literals: found }) => found.length > 0).map(({ file }) => file))(
    "of %s grow with the text",
    (file) => {
      const problems = literals
        .filter((one) => one.file === file)
        .flatMap((one) => {
          const problem = Object.hasOwn(BOUNDED, `${file} ${one.source}`) ? undefined : judgeExpression(one);
          return problem === undefined ? [] : [`${file}:${one.line} /${one.source}/: ${problem}`];
        });

      expect(problems).toEqual([]);
    },
  );

  it("of schemas grow with the text", () => {
    const problems = [...patterns].flatMap(([source, place]) => {
      const problem = judgeExpression({ source, flags: "u" });
      return problem === undefined ? [] : [`${place} /${source}/: ${problem}`];
    });

    expect(problems).toEqual([]);
  });

  it("that are left out are there", () => {
    expect(
      Object.keys(BOUNDED).filter((key) => !literals.some(({ file, source }) => `${file} ${source}` === key)),
    ).toEqual([]);
  });
});

describe("the judge of expressions", () => {
  it.each([
    ["nested repetitions", "^(a+)+$"],
    ["alternatives that overlap", "^(?:a|aa)+$"],
    ["neighbours that overlap", "^\\w+\\d*[a-z0-9]*[0-9a-f]*!$"],
    ["a scheme looked for from each letter", "[a-z][a-z0-9+.-]*:\\/\\/"],
    ["two words and all that lies between", "no .* host key"],
    ["blanks at an end", "\\s+$"],
  ])("finds %s", (_what, source) => {
    expect(judgeExpression({ source, flags: "" })).toMatch(/ms for/);
  });

  it.each(["^[a-z]+$", "^(?:a|b)+$", "a{1,64}b", "^(?:[a-z]+\\.)*x$", "(?<![\\w-])[\\w-]+\\."])(
    "lets %s pass",
    (source) => {
      expect(attacksOn({ source, flags: "" }).length + 1).toBeGreaterThan(0);
      expect(judgeExpression({ source, flags: "" })).toBeUndefined();
    },
  );
});
