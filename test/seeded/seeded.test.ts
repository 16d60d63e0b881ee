// The seeded bugs themselves: each still has its place in the product and is a program, none is told twice, and the hunt finds some of them for
// real, so that neither the list nor the hunt can rot. `npm run seeded` hunts all.
import { stripTypeScriptTypes } from "node:module";
import { beforeAll, describe, expect, it } from "vitest";
import { FIELD_BUGS, NOT_OURS } from "./field-bugs.ts";
import { prepareHunt } from "./hunt.ts";
import { MUTANTS } from "./list.ts";
import { seed, seededText } from "./mutant.ts";
import { readResults } from "./results.ts";
import { SURVIVORS } from "./survivors.ts";

describe("the list of seeded bugs", () => {
  it("has one place for each in the product as it is, and each is a program", () => {
    const broken = MUTANTS.flatMap((mutant) => {
      try {
        stripTypeScriptTypes(seededText(mutant));
        return [];
      } catch (error) {
        return [`${mutant.id}: ${(error as Error).message.slice(0, 200)}`];
      }
    });

    expect(broken).toEqual([]);
  });

  it("tells none twice", () => {
    const ids = MUTANTS.map(({ id }) => id);
    const places = MUTANTS.map(({ file, find, replace }) => `${file} ${find} ${replace}`);

    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(places.filter((place, at) => places.indexOf(place) !== at)).toEqual([]);
  });

  it("has all 26 field bugs, or says why one has no place here", () => {
    const told = [...FIELD_BUGS.map(({ fieldBug }) => fieldBug), ...NOT_OURS.keys()].sort(
      (a, b) => Number(a) - Number(b),
    );

    expect(told).toEqual(Array.from({ length: 26 }, (_, at) => at + 1));
  });

  it("takes a place that is not there, or there twice, for an error", () => {
    const mutant = { id: "x", file: "f", find: "a", replace: "b", says: "", kind: "guard" } as const;

    expect(seed(mutant, "1a2")).toBe("1b2");
    expect(() => seed(mutant, "12")).toThrow(/nowhere/);
    expect(() => seed(mutant, "aa")).toThrow(/2 times/);
  });

  it("is what the results of the hunts are about", () => {
    const ids = new Set(MUTANTS.map(({ id }) => id));

    expect(readResults().filter(({ id }) => !ids.has(id))).toEqual([]);
    expect(readResults().length).toBeGreaterThan(0);
  });
});

describe("what survives", () => {
  it("is on the list, and was not found since", () => {
    const open = new Set(MUTANTS.filter(({ equivalent }) => equivalent === undefined).map(({ id }) => id));
    const found = new Set(readResults().flatMap(({ id, found: by }) => (by === undefined ? [] : [id])));

    expect([...SURVIVORS.keys()].filter((id) => !open.has(id) || found.has(id))).toEqual([]);
  });
});

/** Small trials, and a bug that each finds: a budget, a failure, a lost ledger, a brake, a freeze. */
const QUICK: Readonly<Record<string, string>> = {
  "field-7.two-resources": "people",
  "field-2.failed-nodes-pile-up": "people",
  "ledger.lost-claims": "ledger lost",
  "back-out.stop": "stopped",
  "ring.freezes": "windows",
};

describe("the hunt", () => {
  let hunt: Awaited<ReturnType<typeof prepareHunt>>;
  beforeAll(async () => {
    hunt = await prepareHunt({ only: [...new Set(Object.values(QUICK))] });
  }, 600_000);

  it.each(Object.entries(QUICK))(
    "finds %s (%s)",
    async (id, trial) => {
      const mutant = MUTANTS.find((one) => one.id === id);
      expect(mutant).toBeDefined();
      if (mutant === undefined) return;

      const { found } = await hunt(mutant, [trial]);

      expect(found).toMatchObject({ trial });
      expect(found?.by).not.toEqual([]);
    },
    600_000,
  );
});
