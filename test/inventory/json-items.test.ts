// Splitting JSON as its bytes come in: the same objects whatever the pieces, and every defect named.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createItemReader } from "../../controller/inventory/json-items.ts";

function read(text: string | Uint8Array, chunk = 7, maxObject?: number) {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const items: unknown[] = [];
  const kinds: (string | undefined)[] = [];
  const problems: string[] = [];
  const reader = createItemReader(
    {
      item(value, kind) {
        items.push(value);
        kinds.push(kind);
      },
      problem: (message) => void problems.push(message),
    },
    maxObject,
  );
  for (let at = 0; at < bytes.length; at += chunk) {
    // The buffer is overwritten afterwards, as a reader's would be.
    const piece = Uint8Array.from(bytes.subarray(at, at + chunk));
    reader.write(piece);
    piece.fill(0x7b);
  }
  reader.end();
  return { items, kinds, problems };
}

describe("createItemReader", () => {
  const json = fc
    .jsonValue({ maxDepth: 4 })
    // JSON has no negative zero.
    .map((value): unknown => JSON.parse(JSON.stringify(value)))
    .filter((value) => typeof value === "object" && value !== null && !Array.isArray(value));
  const hasItems = (value: unknown): boolean =>
    typeof value === "object" && value !== null && Object.hasOwn(value, "items");

  it("gives the items of a list, whatever the pieces", () => {
    fc.assert(
      fc.property(
        fc.array(json, { maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (items, chunk, indented) => {
          const list = {
            apiVersion: "v1",
            items,
            kind: "List",
            metadata: { resourceVersion: "", items: [{ not: "one" }] },
          };
          expect(read(JSON.stringify(list, undefined, indented ? 4 : 0), chunk)).toMatchObject({ items, problems: [] });
        },
      ),
    );
  });

  it("gives documents that are no lists whole, one after another", () => {
    fc.assert(
      fc.property(
        fc.array(
          json.filter((value) => !hasItems(value)),
          { minLength: 1, maxLength: 4 },
        ),
        fc.integer({ min: 1, max: 40 }),
        (documents, chunk) => {
          expect(read(documents.map((one) => JSON.stringify(one)).join("\n"), chunk)).toMatchObject({
            items: documents,
            problems: [],
          });
        },
      ),
    );
  });

  it("says of a text in which nothing stands that it is empty, and of bytes that no JSON has where they are", () => {
    expect(read("").problems).toEqual(["is empty"]);
    expect(read(" \r\n\t\n", 1).problems).toEqual(["is empty"]);
    expect(read("\n\u0007\u0007").problems).toEqual(["byte 1: expected an object or a list of objects"]);
  });

  it("says what kind of list it was, where that came first", () => {
    expect(read('{"kind":"NodeList","apiVersion":"v1","items":[{"a":1}]}').kinds).toEqual(["NodeList"]);
    expect(read('{"items":[{"a":1}],"kind":"NodeList"}{"b":2}').kinds).toEqual([undefined, undefined]);
  });

  it("is not misled by brackets, quotes and keys in strings", () => {
    const tricky = { 'items":[{': '}]"\\', text: '\\"items\\":[', "]": "{", é: "日本語 🎉" };
    expect(read(JSON.stringify({ items: [tricky] }), 1)).toMatchObject({ items: [tricky], problems: [] });
    expect(read(JSON.stringify(tricky), 1)).toMatchObject({ items: [tricky], problems: [] });
  });

  it("skips a byte order mark", () => {
    expect(read(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":1}')]))).toMatchObject({
      items: [{ a: 1 }],
      problems: [],
    });
  });

  it.each([
    ["cut short in an item", '{"items":[{"a":1},{"b":', [{ a: 1 }], /cut short/],
    ["cut short after an item", '{"items":[{"a":1}', [{ a: 1 }], /cut short/],
    ["a broken item between good ones", '{"items":[{"a":1},{"b" 2},{"c":3}]}', [{ a: 1 }, { c: 3 }], /not JSON/],
    ["a scalar for an item", '{"items":[{"a":1},7]}', [{ a: 1 }], /expected an object/],
    ["a string for an item", '{"items":["x"]}', [], /expected an object/],
    ["words before it", 'Warning: old API\n{"a":1}', [{ a: 1 }], /expected an object/],
    ["closing brackets alone", "]}", [], /expected an object/],
    ["a list closed by the wrong bracket", '{"items":[{"a":1}}}', [{ a: 1 }], /not JSON|expected an object/],
    ["not JSON at all", "kind: List\nitems: none", [], /expected an object|not JSON/],
  ])("names the defect: %s", (_what, text, items, problem) => {
    for (const chunk of [1, 5, 1000]) {
      const found = read(text, chunk);
      expect(found.items).toEqual(items);
      expect(found.problems.join("\n")).toMatch(problem);
    }
  });

  it("leaves out what is too large, and goes on", () => {
    const items = [{ a: 1 }, { b: "x".repeat(200) }, { c: 3 }];
    for (const chunk of [1, 64, 1000]) {
      const found = read(JSON.stringify({ kind: "List", items }), chunk, 100);
      expect(found.items).toEqual([{ a: 1 }, { c: 3 }]);
      expect(found.problems).toEqual([expect.stringMatching(/over 100 bytes/)]);
    }
  });

  it("leaves out what is too deep for whoever walks through it, and goes on", () => {
    const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
    for (const chunk of [3, 1000]) {
      const found = read(`{"kind":"List","items":[{"a":1},{"b":${deep}},{"c":3}]}{"d":4}`, chunk);
      expect(found.items).toEqual([{ a: 1 }, { c: 3 }, { d: 4 }]);
      expect(found.problems).toEqual([expect.stringMatching(/^an object .* deeper than 200 levels and is left out$/)]);
    }
  });
});
