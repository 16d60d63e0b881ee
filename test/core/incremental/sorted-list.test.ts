// Changes between two lists are those that turn the one into the other, however they came about.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findChanges } from "../../../controller/core/incremental/sorted-list.ts";

describe("changes between two lists", () => {
  it("turn the one into the other, leaving aside the order", () => {
    const element = fc.integer({ min: 0, max: 60 });
    const edit = fc.record({ at: fc.nat(), drop: fc.nat({ max: 40 }), add: fc.array(element, { maxLength: 40 }) });
    fc.assert(
      fc.property(fc.uniqueArray(element), fc.array(edit, { maxLength: 4 }), (start, edits) => {
        let now = start;
        for (const { at, drop, add } of edits) {
          const place = at % (now.length + 1);
          const without = now.toSpliced(place, drop);
          now = without.toSpliced(place, 0, ...new Set(add.filter((one) => !without.includes(one))));
        }

        const { gone, come } = findChanges(start, now);

        const kept = start.filter((one) => !gone.includes(one));
        expect([...kept, ...come].toSorted((a, b) => a - b)).toEqual(now.toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it("are few where few elements changed, wherever they stand", () => {
    const list = Array.from({ length: 1_000 }, (_, at) => ({ at }));
    const [first, last] = [{ at: -1 }, { at: 1_000 }];

    expect(findChanges(list, [first, ...list.slice(0, -3), last])).toEqual({
      gone: list.slice(-3),
      come: [first, last],
    });
    expect(findChanges(list, list.with(5, first).with(900, last))).toEqual({
      gone: [list[5], list[900]],
      come: [first, last],
    });
    expect(findChanges(list, list)).toEqual({ gone: [], come: [] });
  });
});
