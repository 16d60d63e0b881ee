// The crash sweep of a rollout in which people and machines get in the way (B7, B13, B14, R2 beside the others). What they add to the invariants is tried.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { ROLLOUT, untried } from "../support/tried.ts";
import { readExtent } from "./extent.ts";
import { PEOPLE } from "./people.ts";
import { goOnQuietly, runReference } from "./run.ts";
import { createStage } from "./stage.ts";
import { describeBad, sweep } from "./sweep.ts";

/** Beside what every rollout tries, what people and failing machines add. */
const TRIED = [...ROLLOUT, "B7", "B13", "B14", "R2", "R5", "A2", "D1", "D9", "G3", "K7", "V1", "V3"];

describe("crashes while people act and machines fail", () => {
  it("keeps every invariant, each of which is tried, and ends where the undisturbed run ends", async () => {
    const begun = systemClock.monotonic();
    const stage = await createStage(1, PEOPLE);
    const reference = await runReference(stage, 1);
    expect(reference.checker.finish().violations).toEqual([]);
    const end = await goOnQuietly(stage, reference);
    expect(end.violations).toEqual([]);

    const extent = readExtent();
    const chosen = extent.choose(reference);
    const result = await sweep(stage, reference, (write) => chosen.has(write));

    const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
    process.stdout.write(
      `crash sweep with people: ${reference.writes.length} writes, ${result.points} points at ${extent.says} (${result.shared} share an equal rest), ${seconds} s\n`,
    );
    // A sweep of nothing finds nothing.
    expect(result.points).toBeGreaterThan(reference.writes.length / 10);
    expect(describeBad(reference, result)).toEqual([]);
    expect(untried("crash sweep with people", [...result.occurred, ...end.occurred], TRIED)).toEqual([]);
  }, 3_600_000);
});
