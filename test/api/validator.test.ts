import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KINDS, findKind } from "../../controller/api/kinds.ts";
import { createValidators } from "../../controller/api/validator.ts";
import type { KindDefinition } from "../../controller/api/schema.ts";

const validators = createValidators();
const kind = (name: string): KindDefinition => {
  const found = findKind(name);
  if (found === undefined) throw new Error(`no kind ${name}`);
  return found;
};
const ring = (spec: object): Record<string, unknown> => ({
  apiVersion: "ringward.dev/v1alpha1",
  kind: "RolloutRing",
  metadata: { name: "canary" },
  spec: { members: { nodes: { selector: { matchLabels: { ring: "canary" } } } }, ...spec },
});
const problemsOf = (spec: object): string[] =>
  validators
    .closed(kind("RolloutRing"), ring(spec))
    .problems.map(
      ({ pointer, message, hint }) => `${pointer.join("/")}: ${message}${hint === undefined ? "" : ` (${hint})`}`,
    );

describe("the closed validator", () => {
  it("accepts a good ring and fills in defaults without touching the file's value", () => {
    const value = ring({ budget: { nodes: "10%" } });
    const { problems, value: stored } = validators.closed(kind("RolloutRing"), value);

    expect(problems).toEqual([]);
    expect(stored["spec"]).toMatchObject({
      soak: "24h",
      promotion: "PullRequest",
      budget: { nodes: "10%", workloads: 1 },
    });
    expect(value).toEqual(ring({ budget: { nodes: "10%" } }));
  });

  it("suggests what was meant by an unknown field", () => {
    expect(problemsOf({ sok: "1h" })).toEqual([`spec/sok: unknown field "sok" (did you mean "soak"?)`]);
  });

  it("refuses unknown fields at every depth", () => {
    expect(problemsOf({ drain: { timeOut: "1h" } })).toEqual([
      `spec/drain/timeOut: unknown field "timeOut" (did you mean "timeout"?)`,
    ]);
  });

  it.each([["101%"], ["-1%"], ["10"], ["1.5%"], [" 5%"], ["010%"], [-1], [1.5], [true], [null]])(
    "refuses %j as a number or percent",
    (nodes) => {
      expect(problemsOf({ budget: { nodes } })).toHaveLength(1);
    },
  );

  it.each([["0%"], ["1%"], ["99%"], ["100%"], [0], [7]])("accepts %j as a number or percent", (nodes) => {
    expect(problemsOf({ budget: { nodes } })).toEqual([]);
  });

  it("refuses the same baseline twice in one ring", () => {
    expect(problemsOf({ levels: [{ baseline: "a" }, { baseline: "b" }, { baseline: "a" }] })).toEqual([
      `spec/levels/2: baseline "a" stands in this list twice (keep one; the first is item 0)`,
    ]);
  });

  it("refuses an empty selector, and one of empty terms", () => {
    for (const selector of [{}, { matchLabels: {} }, { matchExpressions: [] }]) {
      expect(problemsOf({ members: { nodes: { selector } } })).toHaveLength(1);
    }
  });

  it("tells a wrong word, a wrong type and a missing field apart", () => {
    expect(problemsOf({ promotion: "automatic", suspend: "yes", members: { nodes: {} } })).toEqual([
      'spec/members/nodes/selector: field "selector" is required (add it)',
      'spec/promotion: "automatic" is not one of PullRequest, Automatic (did you mean "Automatic"?)',
      'spec/suspend: must be a boolean, and is the string "yes"',
    ]);
  });

  it("runs the rules of the kind", () => {
    const problems = validators.closed(kind("RolloutRing"), ring({ after: ["canary"] })).problems;
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ["RuleViolated", "a ring cannot come after itself"],
    ]);
  });

  it("refuses a status in a file", () => {
    const { problems } = validators.closed(kind("RolloutRing"), { ...ring({}), status: { phase: "Done" } });
    expect(problems.map(({ message, hint }) => [message, hint])).toEqual([
      ['unknown field "status"', "remove it: status is written by Ringward"],
    ]);
  });

  it("points into maps whose keys look like numbers by name, not by index", () => {
    const object = { ...ring({}), metadata: { name: "canary", labels: { "1": 2 } } };
    expect(validators.closed(kind("RolloutRing"), object).problems[0]?.pointer).toEqual(["metadata", "labels", "1"]);
  });

  it("answers for any JSON, under every kind, and never throws", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.jsonValue(),
        (definition, rest, spec) => {
          const { problems } = validators.closed(definition, { ...rest, spec });
          expect(problems.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the open validator", () => {
  it("lets fields of a newer version through, and what the API server adds", () => {
    const value = { ...ring({ newField: 1 }), status: { phase: "Done" } };
    const object = { ...value, metadata: { name: "canary", uid: "u", managedFields: [] } };
    expect(validators.open(kind("RolloutRing"), object).problems).toEqual([]);
  });

  it("still refuses wrong values", () => {
    expect(validators.open(kind("RolloutRing"), ring({ soak: "1w" })).problems).toHaveLength(1);
  });
});
