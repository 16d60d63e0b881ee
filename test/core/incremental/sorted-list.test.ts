// Changes between two lists are those that turn the one into the other, however they came about.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finish } from "../../../controller/core/incremental/steps.ts";
import { findChanges, makeAgain, type MadeList } from "../../../controller/core/incremental/sorted-list.ts";

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

describe("a list that is made of another", () => {
  interface Thing {
    readonly at: number;
  }
  const things = (count: number): readonly Thing[] => Array.from({ length: count }, (_, at) => ({ at }));

  function make(before: MadeList<Thing, string> | undefined, from: readonly Thing[]) {
    const made: Thing[] = [];
    const steps = makeAgain(before, from, (one) => (made.push(one), `#${one.at}`));
    let pieces = 0;
    for (;;) {
      const known = made.length;
      const step = steps.next();
      pieces = Math.max(pieces, made.length - known);
      if (step.done === true) return { list: step.value, made, longest: pieces };
    }
  }

  it("is made in pieces, so that somebody else has a turn, and the same as at once", () => {
    const from = things(3_500);

    const { list, made, longest } = make(undefined, from);

    expect(list.to).toEqual(from.map(({ at }) => `#${at}`));
    expect(made).toHaveLength(3_500);
    expect(longest).toBeLessThanOrEqual(1_000);
  });

  it("makes again only what is new: replaced, added or moved, few or many", () => {
    const from = things(2_000);
    const first = make(undefined, from).list;
    const other = { at: -1 };
    const mixed = [...from.slice(0, 100), ...things(70), ...from.slice(600), other, ...from.slice(100, 600)];

    expect(make(first, from)).toMatchObject({ list: first, made: [] });
    expect(make(first, from.with(7, other))).toMatchObject({ made: [other] });
    expect(make(first, [other, ...from])).toMatchObject({ made: [other] });
    expect(make(first, mixed)).toMatchObject({ list: { to: mixed.map(({ at }) => `#${at}`) } });
    expect(finish(makeAgain(first, [], String))).toEqual({ from: [], to: [] });
  });
});
