import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { EditValue } from "../../controller/git/edit.ts";
import { editDocument, removeLevelEntry, setLevelEntry } from "../../controller/git/edit.ts";
import { spliceFor } from "../../controller/git/edit-splice.ts";
import type { SourceDocument } from "../../controller/policy/documents.ts";
import { readDocuments } from "../../controller/policy/documents.ts";

const document = (text: string, index = 0): SourceDocument => {
  const read = readDocuments("ring.yaml", text);
  const found = read.documents.find((candidate) => candidate.index === index);
  if (found === undefined) throw new Error(`no document ${index}: ${JSON.stringify(read.problems)}`);
  return found;
};
const set = (text: string, baseline: string, fields: Record<string, EditValue | undefined>): string =>
  setLevelEntry(text, document(text), baseline, fields);
const remove = (text: string, baseline: string): string => removeLevelEntry(text, document(text), baseline);

/** The lines that differ: `-old` and `+new`. */
function diff(before: string, after: string): string[] {
  const [a, b] = [before.split(/(?<=\n)/), after.split(/(?<=\n)/)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return [
    ...a.slice(start, a.length - end).map((line) => `-${line}`),
    ...b.slice(start, b.length - end).map((line) => `+${line}`),
  ];
}

const ring = `# Canary: three nodes, first in line.
apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: canary      # do not rename
spec:
    # odd indentation on purpose
    after: []
    budget: { nodes: "10%", maxFailures: 0 }   # careful
    levels:
      # Ubuntu follows the weekly snapshot.
      -   baseline: ubuntu
          level: 'ubuntu-20260101-aaaaaaaaaaaa'   # approved by ops
          # enforce stays Floor
          enforce: Floor

      # Rocky
      -   baseline: rocky
          level: "rocky-20260101-bbbbbbbbbbbb"
          maxTargets: 12
    # the end
---
kind: RolloutRing
metadata: {name: other}
spec:
  levels:
  - {baseline: ubuntu, level: x}
`;

describe("editing a ring's levels in place", () => {
  it("changes the level alone, in its own quotes", () => {
    const after = set(ring, "ubuntu", { level: "ubuntu-20260108-cccccccccccc" });

    expect(diff(ring, after)).toEqual([
      "-          level: 'ubuntu-20260101-aaaaaaaaaaaa'   # approved by ops\n",
      "+          level: 'ubuntu-20260108-cccccccccccc'   # approved by ops\n",
    ]);
    expect(set(ring, "rocky", { level: "n" })).toContain('level: "n"\n');
  });

  it("changes nothing when all is as wished", () => {
    expect(set(ring, "rocky", { level: "rocky-20260101-bbbbbbbbbbbb", maxTargets: 12 })).toBe(ring);
  });

  it("adds a missing field at the end of its entry", () => {
    expect(diff(ring, set(ring, "ubuntu", { maxTargets: 5 }))).toEqual(["+          maxTargets: 5\n"]);
    expect(
      diff(
        ring,
        set(ring, "rocky", {
          expedite: { reason: "CVE-2026-1: fix", until: "2026-02-01T00:00:00Z", skip: ["Soak", "Deferral"] },
        }),
      ),
    ).toEqual([
      "+          expedite:\n",
      '+            reason: "CVE-2026-1: fix"\n',
      "+            until: 2026-02-01T00:00:00Z\n",
      "+            skip:\n",
      "+              - Soak\n",
      "+              - Deferral\n",
    ]);
  });

  it("removes a field with its line", () => {
    expect(diff(ring, set(ring, "rocky", { maxTargets: undefined }))).toEqual(["-          maxTargets: 12\n"]);
  });

  it("appends an entry after the last, in the list's own shape", () => {
    expect(diff(ring, set(ring, "flatcar", { level: "flatcar-20260101-dddddddddddd", maxTargets: 3 }))).toEqual([
      "+      -   baseline: flatcar\n",
      "+          level: flatcar-20260101-dddddddddddd\n",
      "+          maxTargets: 3\n",
    ]);
  });

  it("removes an entry and leaves comments that are not its own", () => {
    expect(diff(ring, remove(ring, "rocky"))).toEqual([
      "-      -   baseline: rocky\n",
      '-          level: "rocky-20260101-bbbbbbbbbbbb"\n',
      "-          maxTargets: 12\n",
    ]);
    expect(remove(ring, "ubuntu")).toContain(
      "    levels:\n      # Ubuntu follows the weekly snapshot.\n\n      # Rocky\n      -   baseline: rocky\n",
    );
  });

  it("edits the document that is meant, in a file of many", () => {
    const after = setLevelEntry(ring, document(ring, 1), "ubuntu", { level: "z", maxTargets: 2 });

    expect(diff(ring, after)).toEqual([
      "-  - {baseline: ubuntu, level: x}\n",
      "+  - {baseline: ubuntu, level: z, maxTargets: 2}\n",
    ]);
  });

  const entry = { level: "a-20260101-aaaaaaaaaaaa" };
  it.each([
    [
      "levels missing",
      "kind: R\nspec:\n  soak: 1h # s\n",
      "kind: R\nspec:\n  soak: 1h # s\n  levels:\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n",
    ],
    [
      "levels: []",
      "spec:\n  levels: []  # none yet\n  soak: 1h\n",
      "spec:\n  levels:  # none yet\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n  soak: 1h\n",
    ],
    [
      "levels: without value",
      "spec:\n  levels: # none\n  soak: 1h\n",
      "spec:\n  levels: # none\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n  soak: 1h\n",
    ],
    [
      "no line end at the end",
      "spec:\n  levels:\n  - baseline: b\n    level: x",
      "spec:\n  levels:\n  - baseline: b\n    level: x\n  - baseline: a\n    level: a-20260101-aaaaaaaaaaaa",
    ],
    [
      "levels: [] without line end",
      "spec:\n  levels: []",
      "spec:\n  levels:\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa",
    ],
    [
      "CRLF",
      "spec:\r\n  levels:\r\n  - baseline: b\r\n    level: x\r\n# end\r\n",
      "spec:\r\n  levels:\r\n  - baseline: b\r\n    level: x\r\n  - baseline: a\r\n    level: a-20260101-aaaaaaaaaaaa\r\n# end\r\n",
    ],
    [
      "byte-order mark",
      "\uFEFFspec:\n  levels: []\n",
      "\uFEFFspec:\n  levels:\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n",
    ],
    [
      "flow list",
      "spec:\n  levels: [{baseline: b, level: x}]\n",
      "spec:\n  levels: [{baseline: b, level: x}, {baseline: a, level: a-20260101-aaaaaaaaaaaa}]\n",
    ],
    [
      "flow object",
      "spec: {soak: 1h, levels: []} # x\n",
      "spec: {soak: 1h, levels: [{baseline: a, level: a-20260101-aaaaaaaaaaaa}]} # x\n",
    ],
    [
      "flow object without levels",
      "spec: {soak: 1h}\n",
      "spec: {soak: 1h, levels: [{baseline: a, level: a-20260101-aaaaaaaaaaaa}]}\n",
    ],
    [
      "spec without value",
      "kind: R\nspec:\n",
      "kind: R\nspec:\n  levels:\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n",
    ],
    [
      "spec missing",
      "kind: R\n",
      "kind: R\nspec:\n  levels:\n    - baseline: a\n      level: a-20260101-aaaaaaaaaaaa\n",
    ],
    [
      "block scalar last",
      "spec:\n  levels:\n  - baseline: b\n    level: |-\n      x\n\n# end\n",
      "spec:\n  levels:\n  - baseline: b\n    level: |-\n      x\n  - baseline: a\n    level: a-20260101-aaaaaaaaaaaa\n\n# end\n",
    ],
    [
      "entry without value last",
      "spec:\n  levels:\n  - baseline: b\n    level: # later - soon\n",
      "spec:\n  levels:\n  - baseline: b\n    level: # later - soon\n  - baseline: a\n    level: a-20260101-aaaaaaaaaaaa\n",
    ],
    [
      "JSON on one line",
      '{"spec":{"levels":[{"baseline":"b","level":"x"}]}}\n',
      '{"spec":{"levels":[{"baseline":"b","level":"x"}, {"baseline": "a", "level": "a-20260101-aaaaaaaaaaaa"}]}}\n',
    ],
    [
      "JSON on many lines",
      '{\n  "spec": {\n    "levels": [\n      {"baseline": "b"}\n    ]\n  }\n}\n',
      '{\n  "spec": {\n    "levels": [\n      {"baseline": "b"},\n      {"baseline": "a", "level": "a-20260101-aaaaaaaaaaaa"}\n    ]\n  }\n}\n',
    ],
    [
      "JSON without levels",
      '{\n  "spec": {\n    "soak": "1h"\n  }\n}\n',
      '{\n  "spec": {\n    "soak": "1h",\n    "levels": [{"baseline": "a", "level": "a-20260101-aaaaaaaaaaaa"}]\n  }\n}\n',
    ],
    [
      "a comment with dashes behind the dash",
      "spec:\n  levels:\n  - # a - b\n    baseline: b\n",
      "spec:\n  levels:\n  - # a - b\n    baseline: b\n  - baseline: a\n    level: a-20260101-aaaaaaaaaaaa\n",
    ],
  ])("appends where there is: %s", (_, before, after) => {
    expect(set(before, "a", entry)).toBe(after);
  });

  it.each([
    [
      "the only entry",
      "spec:\n  levels:   # all\n  # first\n  - baseline: a\n    level: x\n  soak: 1h\n",
      "spec:\n  levels: []   # all\n  # first\n  soak: 1h\n",
    ],
    ["the only entry of a flow list", "spec:\n  levels: [{baseline: a}]\n", "spec:\n  levels: []\n"],
    [
      "the first of a flow list",
      "spec:\n  levels: [{baseline: a}, {baseline: b}]\n",
      "spec:\n  levels: [{baseline: b}]\n",
    ],
    [
      "the last of a flow list",
      "spec:\n  levels: [{baseline: b}, {baseline: a}]\n",
      "spec:\n  levels: [{baseline: b}]\n",
    ],
    [
      "an entry with a comment behind its dash",
      "spec:\n  levels:\n  - baseline: b\n  - # a - b\n    baseline: a\n  - baseline: c\n",
      "spec:\n  levels:\n  - baseline: b\n  - baseline: c\n",
    ],
    [
      "a CRLF entry without line end",
      "spec:\r\n  levels:\r\n  - baseline: b\r\n  - baseline: a",
      "spec:\r\n  levels:\r\n  - baseline: b\r\n",
    ],
  ])("removes: %s", (_, before, after) => {
    expect(remove(before, "a")).toBe(after);
  });

  it("gives a value to a key that had none, before its comment", () => {
    expect(set("spec:\n  levels:\n  - baseline: a\n    level:   # none\n", "a", { level: "x" })).toBe(
      "spec:\n  levels:\n  - baseline: a\n    level: x   # none\n",
    );
  });

  it("quotes what another reader would misread", () => {
    for (const level of ["0644", "yes", "1e3", "a: b", " a", "a #b", "", "~", "[x]", "é\n", "null", "-", "1.5"]) {
      const after = set("spec:\n  levels:\n  - baseline: a\n    level: x\n", "a", { level });
      expect(document(after).value).toEqual({ spec: { levels: [{ baseline: "a", level }] } });
    }
  });

  it("removes the first key of an entry without losing the dash", () => {
    expect(editDocument("l:\n  - a: 1\n    b: 2\n", 0, [{ path: ["l", 0, "a"], value: undefined }])).toBe(
      "l:\n  - b: 2\n",
    );
  });

  it.each([
    ["a document that is broken", "a: [\n", ["a"]],
    ["a value where an object should be", "spec: text\n", ["spec", "levels"]],
    ["an object where a list should be", "spec:\n  levels: {a: 1}\n", ["spec", "levels", 0]],
    ["a place beyond the end of the list", "spec:\n  levels: [a]\n", ["spec", "levels", 3]],
    ["a block scalar", "spec:\n  note: |\n    x\n", ["spec", "note"]],
    ["a list in place of a plain value", "spec:\n  levels: [[a]]\n", ["spec", "levels", 0]],
    ["lone carriage returns", "spec:\r  a: 1\r  b: 2\r", ["spec", "a"]],
  ])("refuses %s and says what to do", (_, text, path) => {
    let error: unknown;
    try {
      editDocument(text, 0, [{ path, value: "new" }]);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: "UserError", code: "RW1120" });
  });

  it("touches only the entry's lines, whatever the layout", () => {
    const blank = fc.constantFrom("", "", "\n", "  # note - with: dash\n", "# far left\n", "\n\n");
    const tail = fc.constantFrom("", "", "   # why", " # - x: y");
    const quote = fc.constantFrom(
      (text: string) => text,
      (text: string) => `'${text}'`,
      (text: string) => JSON.stringify(text),
    );
    const entries = fc.uniqueArray(
      fc.record({
        name: fc
          .stringMatching(/^[a-z]{1,6}$/)
          .filter((name) => !["y", "n", "on", "no", "yes", "off", "null", "true", "false"].includes(name)),
        blank,
        tail,
        quote,
        extra: fc.boolean(),
        empty: fc.boolean(),
        folded: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 5,
        selector: (entry) => entry.name,
      },
    );
    fc.assert(
      fc.property(
        entries,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        (list, specIndent, dashExtra, gap, eol, last, finalEol, pick) => {
          const pad = " ".repeat(specIndent);
          const dash = pad + " ".repeat(dashExtra);
          const inner = dash + " ".repeat(1 + gap);
          const block = list.map((entry) => ({
            lead: entry.blank,
            own: [
              `${dash}-${" ".repeat(gap)}baseline: ${entry.quote(entry.name)}${entry.tail}\n`,
              ...(entry.extra ? [`${inner}# inside\n`, `${inner}maxTargets: 3${entry.tail}\n`] : []),
              entry.empty
                ? `${inner}level:${entry.tail}\n`
                : `${inner}level: ${entry.quote("old-level")}${entry.tail}\n`,
              ...(entry.folded ? [`${inner}note: >-\n`, `${inner}  folded\n`, `${inner}  text\n`] : []),
            ],
          }));
          const head = `kind: R # k\nspec:\n${last ? `${pad}soak: 1h\n` : ""}${pad}levels:\n`;
          const foot = last ? "" : `${pad}soak: 1h\n# tail\n`;
          let text = head + block.map(({ lead, own }) => lead + own.join("")).join("") + foot;
          if (eol === "\r\n") text = text.replaceAll("\n", eol);
          if (!finalEol) text = text.slice(0, -eol.length);
          const index = pick % list.length;
          const name = list[index]?.name ?? "";
          const own = (block[index]?.own ?? []).map((line) => line.replace("\n", eol));

          const changed = set(text, name, { level: "new-level" });
          const changes = diff(text, changed);
          expect(changes).toHaveLength(2);
          expect(own.map((line) => line.trimEnd())).toContain(changes[0]?.slice(1).trimEnd());
          const bare = (line: string | undefined, level: string): string =>
            (line ?? "")
              .slice(1)
              .replace(level, "")
              .replace(/''|""|\s/g, "");
          expect(bare(changes[1], "new-level")).toBe(bare(changes[0], "old-level"));

          const added = diff(text, set(text, "zzzzzzz", { level: "l" }));
          const addedText = added.filter((line) => line.startsWith("+")).map((line) => line.slice(1).trimEnd());
          expect(addedText).toEqual(
            expect.arrayContaining([`${dash}-${" ".repeat(gap)}baseline: zzzzzzz`, `${inner}level: l`]),
          );
          expect(added.length).toBeLessThanOrEqual(finalEol ? 2 : 4);

          const removed = diff(text, remove(text, name));
          const gone = removed.filter((line) => line.slice(1).trim() !== "").length;
          // The only entry leaves `levels: []` behind: one line more on either side.
          expect(gone).toBeGreaterThanOrEqual(own.length);
          expect(list.length === 1 || gone === own.length).toBe(true);
          for (const result of [changed, set(text, "zzzzzzz", { level: "l" }), remove(text, name)]) {
            for (const line of text
              .split(/\r?\n/)
              .filter((each) => each.trimStart().startsWith("#") && !own.some((mine) => mine.includes(each))))
              expect(result).toContain(line);
            expect(/\r\n/.test(result) ? /(?<!\r)\n/.test(result) : false).toBe(false);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a splice", () => {
  it("is refused where a key is there twice, anywhere in the document", () => {
    const edit = { path: ["a"], value: "x" };

    expect(() => spliceFor("a: 1\nb: [{c: 1, d: 2, c: 3}]\n", edit)).toThrow(/the key c is there twice/);
    expect(spliceFor("a: 1\nb: [{c: 1}, {c: 2}]\n", edit)).toMatchObject({ start: 3, end: 4, text: "x" });
  });
});
