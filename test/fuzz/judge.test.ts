// The judge and the loop find what they are there for: each bug is planted once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPollution, judge, measure, sortOf } from "./judge.ts";
import { shrink } from "./loop.ts";
import { lineOf } from "./corpus.ts";
import type { Parser } from "./parser.ts";

function parserOf(run: Parser["run"], rest: Partial<Parser> = {}): Parser {
  return {
    name: "test/planted",
    form: "text",
    covers: [],
    run,
    grammar: fc.string(),
    seeds: ["a"],
    words: ["b"],
    ...rest,
  };
}

describe("the judge", () => {
  it("lets a documented error pass, and no other", async () => {
    const parser = parserOf(
      (text) => {
        throw text === "a" ? new RangeError("documented") : new TypeError("not");
      },
      { mayThrow: (error) => error instanceof RangeError },
    );

    expect(await judge(parser, "a")).toBeUndefined();
    expect(await judge(parser, "b")).toMatch(/^throws TypeError: not/);
  });

  it("sees an error of a promise", async () => {
    expect(
      await judge(
        parserOf(() => Promise.reject(new Error("late"))),
        "a",
      ),
    ).toMatch(/^throws Error: late/);
  });

  it("sees a new and a changed property of a shared prototype, and puts it right", async () => {
    const add = parserOf(() => Reflect.set(Object.prototype, "polluted", 1));
    const change = parserOf(() => Reflect.set(Array.prototype, "map", 1));

    expect(await judge(add, "a")).toBe("Object.prototype.polluted is new");
    expect(await judge(change, "a")).toBe("Array.prototype.map is another");
    expect(findPollution()).toBeUndefined();
    expect([1].map((one) => one)).toEqual([1]);
  });

  it("sees an object whose prototype came out of the input", async () => {
    const assign = parserOf((text) => {
      const answer = {};
      Reflect.setPrototypeOf(answer, JSON.parse(text) as object);
      return [{ deep: answer }];
    });

    expect(await judge(assign, '{"admin":true}')).toBe("an object's prototype has the keys admin");
    expect(
      measure([new Map([["a", new Set([1])]]), Object.create(null), Buffer.from("x"), new URL("https://a/")]).strange,
    ).toBeUndefined();
  });

  it("sees an answer out of proportion, however deep or round", async () => {
    const round: unknown[] = [];
    round.push(round);

    expect(
      await judge(
        parserOf(() => "x".repeat(1_000_000)),
        "a",
      ),
    ).toMatch(/^answers with 1000001 characters/);
    expect(
      await judge(
        parserOf(() => round),
        "a",
      ),
    ).toBeUndefined();
  });

  it("sees time that no input may take", async () => {
    const slow = parserOf(() => {
      const begun = process.threadCpuUsage();
      for (let took = 0; took < 2_050_000;) {
        const { user, system } = process.threadCpuUsage(begun);
        took = user + system;
      }
    });

    expect(await judge(slow, "a")).toMatch(/^takes \d+ ms of CPU for 1 characters$/);
  });

  it("sees a broken round trip", async () => {
    expect(
      await judge(
        parserOf((text) => text, { check: () => "is read otherwise" }),
        "a",
      ),
    ).toBe("is read otherwise");
  });
});

describe("shrinking", () => {
  it("leaves what it takes to break the parser", async () => {
    const parser = parserOf((text) => {
      if (/x.*y/.test(text)) throw new Error(`at ${text.length}`);
    });
    const input = `${"a".repeat(40)}x${"b".repeat(30)}y${"c".repeat(20)}`;

    expect(await shrink(parser, { input, problem: (await judge(parser, input)) ?? "" })).toMatchObject({ input: "xy" });
    expect(sortOf("throws Error: at 12 (a.ts:3)")).toBe(sortOf("throws Error: at 2 (a.ts:3)"));
  });
});

describe("inputs that are kept", () => {
  it("stand in ASCII, whatever they hold", () => {
    expect(lineOf('a\u0000\n\ud800\u00e9"')).toBe('"a\\u0000\\n\\ud800\\u00e9\\""');
    expect(JSON.parse(lineOf("\u{1f9ea}\u2028"))).toBe("\u{1f9ea}\u2028");
  });
});
