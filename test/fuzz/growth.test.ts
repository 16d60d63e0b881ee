// No parser hangs: 64 KiB of whatever is repeated, nested or put into the middle of good input are read in time that grows with the input.
import { describe, expect, it } from "vitest";
import { evenly, judgeGrowth, shapesOf } from "./growth.ts";
import type { Parser } from "./parser.ts";
import { PARSERS } from "./parsers.ts";
import fc from "fast-check";

/** Shapes of one parser, evenly over all; RINGWARD_FUZZ=full takes every one. */
const MOST_SHAPES = process.env["RINGWARD_FUZZ"] === "full" ? Number.POSITIVE_INFINITY : 100;

describe("growth", () => {
  it.each(PARSERS.map((parser) => [parser.name, parser] as const))("%s grows like its input", async (_name, parser) => {
    const shapes = evenly(shapesOf(parser), MOST_SHAPES);
    const problems: string[] = [];
    for (const shape of shapes) {
      let problem: string | undefined;
      try {
        problem = await judgeGrowth(parser, shape);
      } catch (error) {
        problem = `${shape.name}: ${String(error)}`;
      }
      if (problem !== undefined) problems.push(problem);
    }

    expect(shapes.length).toBeGreaterThan(3);
    expect(problems).toEqual([]);
  });

  it("finds a parser that looks at everything again from each place", async () => {
    const quadratic: Parser = {
      name: "test/quadratic",
      form: "text",
      covers: [],
      run(text) {
        let found = 0;
        for (let from = 0; from < text.length; from += 12)
          for (let at = from; at < text.length; at += 1) found += text.charCodeAt(at) & 1;
        return found;
      },
      grammar: fc.string(),
      seeds: ["ab"],
      words: ["b"],
    };

    expect(await judgeGrowth(quadratic, { name: "a", make: (size) => "a".repeat(size) })).toMatch(
      /^a: \d+ ms for 65536 characters/,
    );
  });
});
