// Label selectors: Kubernetes' meaning, and exact answers to "implies" and "can never meet", checked against brute force.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LabelSelector } from "../../controller/api/schema.ts";
import { disjoint, implies, matches } from "../../controller/core/selectors.ts";

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

const term = (key: string, operator: Term["operator"], ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, values }],
});

describe("matches", () => {
  it.each<[LabelSelector, Record<string, string>, boolean]>([
    [{ matchLabels: { a: "1" } }, { a: "1", b: "2" }, true],
    [{ matchLabels: { a: "1" } }, { a: "2" }, false],
    [{ matchLabels: { a: "1", b: "2" } }, { a: "1" }, false],
    [term("a", "In", "1", "2"), { a: "2" }, true],
    [term("a", "In", "1", "2"), {}, false],
    [term("a", "NotIn", "1"), {}, true],
    [term("a", "NotIn", "1"), { a: "1" }, false],
    [term("a", "Exists"), { a: "" }, true],
    [term("a", "DoesNotExist"), { a: "" }, false],
    [{ matchLabels: { a: "1" }, ...term("b", "Exists") }, { a: "1" }, false],
    [{}, { a: "1" }, true],
  ])("%j against %j is %s", (selector, labels, expected) => {
    expect(matches(selector, labels)).toBe(expected);
  });

  it("takes inherited keys for absent", () => {
    expect(matches(term("constructor", "Exists"), {})).toBe(false);
    expect(matches({ matchLabels: { toString: "x" } }, {})).toBe(false);
  });

  it("matches nothing by a term that it does not understand", () => {
    expect(matches({ matchExpressions: [{ key: "a", operator: "Like" as "In", values: ["1"] }] }, { a: "1" })).toBe(
      false,
    );
  });
});

describe("implies and disjoint", () => {
  const values = ["1", "2", "3"];
  const anyTerm = fc.record({
    key: fc.constantFrom("a", "b"),
    operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"),
    values: fc.uniqueArray(fc.constantFrom("1", "2"), { minLength: 1 }),
  });
  const anySelector: fc.Arbitrary<LabelSelector> = fc.record({
    matchLabels: fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom("1", "2"), { maxKeys: 1 }),
    matchExpressions: fc.array(anyTerm as fc.Arbitrary<Term>, { maxLength: 3 }),
  });
  // "3" stands for every value that no selector names.
  const worlds = [undefined, ...values].flatMap((a) =>
    [undefined, ...values].map((b) => ({ ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) })),
  );

  it("agrees with trying every set of labels", () => {
    fc.assert(
      fc.property(anySelector, anySelector, (a, b) => {
        const within = worlds.every((labels) => !matches(a, labels) || matches(b, labels));
        const apart = worlds.every((labels) => !matches(a, labels) || !matches(b, labels));
        expect(implies(a, b)).toBe(within ? "yes" : "no");
        expect(disjoint(a, b)).toBe(apart ? "yes" : "no");
      }),
    );
  });

  it("does not know about terms that it does not understand", () => {
    const odd = { matchExpressions: [{ key: "a", operator: "Gt" as "In", values: ["1"] }] };
    expect(implies(odd, term("a", "Exists"))).toBe("unknown");
    expect(disjoint(term("a", "Exists"), odd)).toBe("unknown");
  });
});
