// Each parser over inputs of its grammar with noise in them: no error but its own, no answer out of proportion, no prototype changed, and what is
// written is read back. What once broke one is tried first.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../controller/clock.ts";
import { readInputs } from "./corpus.ts";
import { judge } from "./judge.ts";
import { chanceOf, mutate } from "./mutate.ts";
import type { Parser } from "./parser.ts";
import { PARSERS } from "./parsers.ts";

const RUNS = 200;

/** A grammar's input as it is, or mutated with a seed of its own. */
function inputsOf(parser: Parser): fc.Arbitrary<string> {
  const good = fc.oneof(parser.grammar, fc.constantFrom(...parser.seeds));
  return fc.oneof(
    { weight: 1, arbitrary: good },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(good, good, fc.nat())
        .map(([one, other, seed]) => mutate(parser, one, other, chanceOf(seededRandom(seed)))),
    },
  );
}

describe.each(PARSERS.map((parser) => [parser.name, parser] as const))("%s", (_name, parser) => {
  it("takes what once broke it", async () => {
    for (const input of readInputs("regressions", parser)) expect(await judge(parser, input), input).toBeUndefined();
  });

  it("takes whatever its grammar, noise and mutations give", async () => {
    await fc.assert(
      fc.asyncProperty(inputsOf(parser), async (input) => {
        const problem = await judge(parser, input);
        if (problem !== undefined) throw new Error(problem);
      }),
      { numRuns: RUNS },
    );
  });
});
