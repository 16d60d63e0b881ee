// What holds for every fleet, history and forge: no older level, no withdrawn one, nothing that a predecessor has not soaked, one proposal
// for a ring and baseline, no refused one again, and an end when everything that is asked for is merged.
import fc from "fast-check";
import { expect, it } from "vitest";
import { known, levelOf, play, type RingOptions, type SceneOptions, wishes } from "./scene.ts";

const LEVELS = [1, 2, 3, 4].map((patch) => levelOf(patch));
const level = fc.constantFrom(...LEVELS);
const few = fc.uniqueArray(level, { maxLength: 3, selector: ({ name }) => name });

const ring = fc.record(
  {
    entry: level,
    nodes: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    soaked: few,
    withdrawn: few,
    listed: fc.boolean(),
    expedite: fc.boolean(),
    maxTargets: fc.integer({ min: 0, max: 3 }),
    promotion: fc.constantFrom("Automatic" as const, "PullRequest" as const),
    onSupersede: fc.constantFrom("Restart" as const, "FinishThenNext" as const),
    completion: fc.record({ onEmpty: fc.constantFrom("Pass" as const, "Block" as const) }),
  },
  { requiredKeys: ["nodes"] },
);

const NAMES = ["a", "b", "c", "d"] as const;

/** Four rings, each after any of those before it; records are of one kind for one level. */
const rings = fc
  .tuple(...NAMES.map((_, index) => fc.tuple(ring, fc.subarray(NAMES.slice(0, index)))))
  .map((made): Readonly<Record<string, RingOptions>> =>
    Object.fromEntries(
      made.map(([options, after], index) => {
        const { soaked = [], withdrawn = [], entry } = options;
        const gone = withdrawn.filter((one) => one !== entry && !soaked.includes(one));
        return [NAMES[index] ?? "", { ...options, withdrawn: gone, ...(after.length === 0 ? {} : { after }) }];
      }),
    ),
  );

const proposal = fc
  .tuple(
    fc.constantFrom(...NAMES),
    level,
    fc.constantFrom("open" as const, "closed" as const, "merged" as const),
    fc.boolean(),
  )
  .map(([name, of, state, withdrawn]) => ({ name, of, state, withdrawn: withdrawn && state === "closed" }));

const scenes = fc
  .record({ rings, candidate: level, proposals: fc.array(proposal, { maxLength: 5 }) })
  .map((made): SceneOptions => ({
    rings: made.rings,
    candidate: made.candidate,
    levels: LEVELS,
    proposals: made.proposals.map(({ name, of, state, withdrawn }, index) =>
      known(index + 1, name, of, { state, withdrawn }),
    ),
  }));

it("keeps order, withdrawals and refusals whatever the history", () => {
  fc.assert(
    fc.property(scenes, (options) => {
      const scene = play(options);
      const { promotions, plan } = scene;
      const wanted = [
        ...promotions.automatic.flatMap(({ ring: { name, spec }, entries }) =>
          entries.map((entry) => ({ ...entry, name, spec, automatic: true })),
        ),
        ...promotions.proposals.map((one) => ({ ...one, name: one.ring.name, spec: one.ring.spec, automatic: false })),
      ];

      expect(new Set(wanted.map(({ name, baseline }) => `${name}/${baseline}`)).size).toBe(wanted.length);
      for (const one of wanted) {
        const isListed = one.spec.levels?.some(({ baseline }) => baseline === one.baseline) === true;
        expect(one.automatic).toBe(one.spec.promotion === "Automatic" && isListed);
        expect(one.maxTargets).toBeGreaterThanOrEqual(one.targets);
        if (one.kind === "Scope") {
          expect(one.targets).toBeGreaterThan(one.previousMaxTargets ?? Infinity);
          continue;
        }
        if (one.previous !== undefined) expect(one.level.inputTime).toBeGreaterThan(one.previous.inputTime);
        const before = ancestors(one.name, options.rings);
        for (const name of [one.name, ...before])
          expect(plan.withdrawn.get(name)?.has(one.level.digest)).not.toBe(true);
        const mine = (options.proposals as readonly ReturnType<typeof known>[]).filter(
          (other) => other.ring === one.name && one.level.digest.startsWith(other.digest),
        );
        const open = mine.some(({ state }) => state === "open");
        if (!one.automatic && !open)
          expect(mine.some(({ state, withdrawn }) => state === "merged" || (state === "closed" && !withdrawn))).toBe(
            false,
          );
        if (open) continue;
        for (const name of one.spec.after ?? []) {
          const outcome = plan.rings.find((other) => other.ring.name === name);
          const soaked = outcome?.levels.some(
            (record) =>
              record.digest === one.level.digest &&
              record.soakedTime !== undefined &&
              record.withdrawnTime === undefined,
          );
          const passes =
            options.rings[name]?.completion?.onEmpty === "Pass" && options.rings[name]?.nodes?.length === 0;
          expect(soaked === true || passes).toBe(true);
        }
      }
      const closing = new Set(promotions.closing.map(({ number }) => number));
      for (const one of promotions.proposals) if (one.open !== undefined) expect(closing.has(one.open)).toBe(false);
    }),
    { numRuns: 1500 },
  );
});

it("comes to rest: what was merged is not asked for again", () => {
  fc.assert(
    fc.property(scenes, (options) => {
      let state: SceneOptions = { ...options, proposals: [] };
      for (let turn = 0; turn < 20; turn++) {
        const { promotions } = play(state);
        const changes = new Map([
          ...promotions.automatic.flatMap(({ ring: { name }, entries }) =>
            entries.map((entry) => [name, entry] as const),
          ),
          ...promotions.proposals.map((one) => [one.ring.name, one] as const),
        ]);
        if (changes.size === 0) return;
        const next = Object.entries(state.rings).map(([name, now]) => {
          const change = changes.get(name);
          return [
            name,
            change === undefined ? now : { ...now, entry: change.level, maxTargets: change.maxTargets },
          ] as const;
        });
        state = { ...state, rings: Object.fromEntries(next) };
      }
      expect(wishes(play(state), {})).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

function ancestors(name: string, all: SceneOptions["rings"]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const before of all[name]?.after ?? [])
    for (const other of [before, ...ancestors(before, all)]) found.add(other);
  return found;
}
