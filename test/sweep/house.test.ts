// The crash sweep of all that is written to git and to forges (A4, A5, V1): whatever happens to a write, and however late the forge's lists answer,
// it comes to the same end: one pull request, one comment, one issue, no refusal that nobody spoke, no promotion twice.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { forgeWrites, type Lag } from "../../controller/forge/memory/index.ts";
import { gitWrites } from "../../controller/git/memory.ts";
import { compareEndStates } from "./end-state.ts";
import { readExtent } from "./extent.ts";
import { judgeHouse } from "./house.ts";
import { ANSWERS, MANIFESTS, PLAIN, PROTECTED, TALK } from "./house-scenarios.ts";
import { EVERY_MODE } from "./life.ts";
import { createReached, findCalls } from "./reached.ts";
import { type Reference, runReference } from "./run.ts";
import type { Scenario } from "./stage.ts";
import { createStage } from "./stage.ts";
import { describeBad, sweep } from "./sweep.ts";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "all that is said": TALK,
  "what people answer": ANSWERS,
  "a protected branch": PROTECTED,
  "branches alone": PLAIN,
  "manifests of others": MANIFESTS,
};
const LAGS: readonly (Lag | undefined)[] = [undefined, { ms: 90_000 }, { reads: 4 }];

const reached = createReached();

describe.each(Object.entries(SCENARIOS))("writes to git and forges: %s", (name, scenario) => {
  let undisturbed: Reference | undefined;

  // Without a forge there is no list.
  it.each(scenario.house?.forge === "None" ? [undefined] : LAGS)(
    "end in the same state, lists being late by %o",
    async (lag) => {
      const begun = systemClock.monotonic();
      const stage = await createStage(1, scenario, lag);
      const reference = await runReference(stage, 1, undefined, lag === undefined ? reached : undefined);
      undisturbed ??= reference;
      expect(judgeHouse(stage, [], reference.judged)).toEqual([]);
      expect(compareEndStates(undisturbed.end, reference.end)).toEqual([]);

      const chosen = readExtent().chooseHouse(reference, LAGS.indexOf(lag));
      const result = await sweep(stage, reference, chosen, EVERY_MODE);

      const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
      process.stdout.write(
        `crash sweep of git and forges, ${name}, late by ${JSON.stringify(lag ?? {})}: ${result.points} points at ${readExtent().says} (${result.shared} share an equal rest), ${result.passes} passes, ${seconds} s\n`,
      );
      // A sweep of nothing finds nothing.
      expect(result.points).toBeGreaterThan(1);
      expect(describeBad(reference, result)).toEqual([]);
    },
    3_600_000,
  );
});

describe("the scenarios together", () => {
  it("reach every kind of write to git and forges, and every place in the product that makes one", async () => {
    // What a forge commits by its API is a push to git.
    const kinds = new Set([...reached.kinds].map((kind) => (kind === "commit" ? "push" : kind)));
    expect([...forgeWrites, ...gitWrites].filter((kind) => !kinds.has(kind))).toEqual([]);

    const calls = await findCalls(reached.writers);
    expect(calls.length).toBeGreaterThan(15);
    expect(calls.filter((place) => !reached.places.has(place))).toEqual([]);
  });
});
