import fc from "fast-check";
import { dump } from "js-yaml";
import { describe, expect, it } from "vitest";

import { UserError } from "../../controller/errors.ts";
import type { Edit, EditValue } from "../../controller/git/edit.ts";
import { editDocument } from "../../controller/git/edit.ts";
import { readDocuments } from "../../controller/policy/documents.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const key = fc.oneof(fc.stringMatching(/^[a-z]{1,5}$/), fc.constantFrom("a.b/c", "yes", "0644", "x y", "é", "#", "-"));
const scalar = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 10 }),
  fc.stringMatching(/^[a-z0-9.-]{1,12}$/),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    "yes",
    "0644",
    "a: b",
    "- x",
    "#x",
    "'",
    '"',
    "two\nlines\n",
    " x",
    "{",
    "[a]",
    "%x",
    "@x",
    "1e3",
    "",
  ),
) as fc.Arbitrary<Json>;
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ) as fc.Arbitrary<Json>,
}));
const root = fc.dictionary(key, value, { minKeys: 1, maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<
  Record<string, Json>
>;

/** All paths in a value, with one past the end of each list and one new key in each object. */
function pathsOf(node: Json, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(node))
    return [
      ...node.flatMap((item, index) => [[...path, index], ...pathsOf(item, [...path, index])]),
      [...path, node.length],
    ];
  if (node !== null && typeof node === "object")
    return [
      ...Object.entries(node).flatMap(([name, item]) => [[...path, name], ...pathsOf(item, [...path, name])]),
      [...path, "added"],
    ];
  return [];
}

/** The reference: what the edit does to the value. */
function apply(node: Json | undefined, path: readonly (string | number)[], next: Json | undefined): Json | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return next;
  if (typeof part === "number") {
    const list = [...(node as Json[])];
    if (rest.length === 0 && next === undefined) list.splice(part, 1);
    else list[part] = apply(list[part], rest, next) as Json;
    return list;
  }
  const object = { ...(node as Record<string, Json>) };
  if (rest.length === 0 && next === undefined) delete object[part];
  else object[part] = apply(object[part], rest, next) as Json;
  return object;
}

/** Scatters comments over block-style text where a comment may stand. */
function withComments(text: string, seed: number): string {
  let state = seed;
  return text
    .split("\n")
    .map((line) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const plain = /^ *(?:- )*[a-z]+: *[a-z0-9.-]*$/.test(line) && line !== "";
      return plain && state % 3 === 0 ? `${line}   # why: ${state % 100} - [x]` : line;
    })
    .join("\n");
}

describe("edits of documents of any shape", () => {
  it("do what was asked or refuse, and never anything else; comments survive", () => {
    let done = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        root,
        value,
        fc.nat(),
        fc.nat(),
        fc.constantFrom("block", "noIndent", "flow", "json"),
        fc.boolean(),
        fc.constantFrom("replace", "replace", "remove"),
        (object, next, pick, seed, style, crlf, what) => {
          const plain =
            style === "json"
              ? `${JSON.stringify(object, null, 2)}\n`
              : dump(object, {
                  lineWidth: -1,
                  seqNoIndent: style === "noIndent",
                  ...(style === "flow" ? { flowLevel: 2 } : {}),
                });
          let text = `# head\n---\nkeep: [1]\n---\n${style === "json" ? plain : withComments(plain, seed)}---\ntail: {x: 1} # end\n`;
          if (crlf) text = text.replaceAll("\n", "\r\n");
          const read = readDocuments("x.yaml", text);
          const middle = read.documents[1]?.value as Record<string, Json> | undefined;
          fc.pre(read.problems.length === 0 && read.documents.length === 3 && middle !== undefined);
          const paths = pathsOf(middle as Json);
          const path = paths[pick % paths.length] ?? [];
          const edit: Edit = { path, value: what === "remove" ? undefined : (next as EditValue) };
          let edited: string;
          try {
            edited = editDocument(text, 1, [edit]);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            refused++;
            return;
          }
          done++;
          const after = readDocuments("x.yaml", edited);
          expect(after.problems).toEqual([]);
          expect(after.documents.map((document) => document.value)).toEqual([
            { keep: [1] },
            apply(middle, path, edit.value as Json | undefined),
            { tail: { x: 1 } },
          ]);
          expect(edited.startsWith(text.slice(0, text.indexOf("keep: [1]")))).toBe(true);
          expect(edited.endsWith(crlf ? "---\r\ntail: {x: 1} # end\r\n" : "---\ntail: {x: 1} # end\n")).toBe(true);
          expect(/[^\r]\n/.test(edited)).toBe(!crlf);
          // What is removed takes the comments on its own lines with it; nothing else takes any.
          const comments = what === "remove" ? [] : (text.match(/# why: .*/g) ?? []);
          expect(comments.filter((comment) => !edited.includes(comment.trimEnd()))).toEqual([]);
        },
      ),
      { numRuns: 1500 },
    );
    process.stdout.write(`edits of random documents: ${done} done, ${refused} refused\n`);
    expect(done).toBeGreaterThan(300);
  });

  it("are never refused for a plain value in block style, nor for a new key or entry there", () => {
    const name = fc
      .stringMatching(/^[a-z]{3,6}$/)
      .filter((text) => !["yes", "off", "true", "null", "false"].includes(text));
    const entry = fc.dictionary(name, fc.oneof(name, fc.integer(), fc.boolean()), {
      minKeys: 2,
      maxKeys: 4,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 2, maxLength: 4 }),
        entry,
        scalar,
        fc.nat(),
        fc.boolean(),
        (list, added, next, seed, noIndent) => {
          const text = withComments(
            dump({ kind: "R", spec: { soak: "1h", levels: list } }, { seqNoIndent: noIndent }),
            seed,
          );
          const first = Object.keys(list[0] ?? {})[1] ?? "";
          const edits: Edit[] = [
            { path: ["spec", "levels", list.length], value: added as EditValue },
            { path: ["spec", "levels", 0, first], value: next as EditValue },
            { path: ["spec", "levels", 0, "zz"], value: { a: [next as EditValue] } },
            { path: ["spec", "levels", 1], value: undefined },
            { path: ["metadata", "labels", "a/b"], value: "new" },
          ];

          const after = readDocuments("x.yaml", editDocument(text, 0, edits)).documents[0]?.value;

          expect(after).toEqual({
            kind: "R",
            metadata: { labels: { "a/b": "new" } },
            spec: { soak: "1h", levels: [{ ...list[0], [first]: next, zz: { a: [next] } }, ...list.slice(2), added] },
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});
