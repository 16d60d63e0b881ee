// Pieces of a sorted list are the list, whatever went and came, and those that nothing changed in stay the very same.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, join, makeOfPieces, patchPieces, pieceOf, sizeOf } from "../../../controller/core/incremental/pieces.ts";
import { finish } from "../../../controller/core/incremental/steps.ts";

interface Thing {
  readonly key: number;
}

const compare = (a: Thing, b: Thing): number => a.key - b.key;
const things = (keys: readonly number[]): readonly Thing[] => keys.map((key) => ({ key }));
const sorted = (list: readonly Thing[]): readonly Thing[] => list.toSorted(compare);

describe("pieces", () => {
  it("are the sorted list after any row of changes", () => {
    const keys = fc.uniqueArray(fc.integer({ min: 0, max: 5_000 }), { maxLength: 1_500 });
    const change = fc.record({
      drop: fc.array(fc.nat(), { maxLength: 20 }),
      add: fc.array(fc.integer(), { maxLength: 300 }),
    });
    fc.assert(
      fc.property(keys, fc.array(change, { maxLength: 5 }), (start, changes) => {
        let list = sorted(things(start));
        let pieces = cut(list);
        for (const { drop, add } of changes) {
          const gone = [...new Set(drop.flatMap((at) => list[at % Math.max(1, list.length)] ?? []))];
          const taken = new Set(list.map(({ key }) => key));
          const come = things([...new Set(add)].filter((key) => !taken.has(key)));
          list = sorted([...list.filter((one) => !gone.includes(one)), ...come]);
          const patched = patchPieces(pieces, gone, come, compare);
          expect(patched).toBeDefined();
          pieces = patched ?? [];
          expect(join(pieces).map(({ key }) => key)).toEqual(list.map(({ key }) => key));
          expect(sizeOf(pieces)).toBe(list.length);
          expect(pieces.every((piece) => piece.length > 0)).toBe(true);
          for (const one of list) expect(pieces[pieceOf(pieces, one, compare)]).toContain(one);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("that nothing changed in are the very same", () => {
    const list = things(Array.from({ length: 2_000 }, (_, at) => at * 2));
    const pieces = cut(list);

    const patched = patchPieces(pieces, [list[700] as Thing], [{ key: 1_401 }], compare) ?? [];

    expect(pieces.filter((piece) => !patched.includes(piece))).toHaveLength(1);
    expect(join(pieces)).toEqual(list);
  });

  it("do not guess between equals, nor about what is not there", () => {
    const pieces = cut(things([1, 2, 3]));

    expect(patchPieces(pieces, [], [{ key: 2 }], compare)).toBeUndefined();
    expect(patchPieces(pieces, [{ key: 2 }], [], compare)).toBeUndefined();
    expect(patchPieces([], [{ key: 2 }], [], compare)).toBeUndefined();
  });

  it("may all go, and come again", () => {
    const list = things([1, 2]);
    const none = patchPieces(cut(list), list, [], compare);

    expect(none).toEqual([]);
    expect(patchPieces(none ?? [], [], list, compare)).toEqual([list]);
  });

  it("keep what was made of them, unless it does not hold any more", () => {
    const pieces = cut(things(Array.from({ length: 90 }, (_, at) => at)));
    let made = 0;
    const make = (): number => (made += 1);
    const before = finish(makeOfPieces(undefined, pieces, make));
    const [first, second, ...rest] = [...before.values()];

    const after = finish(makeOfPieces(before, pieces, make, (value) => value !== second));

    expect([...after.values()]).toEqual([first, 6, ...rest]);
  });
});
