// One half of a sweep as a test: crashes with one controller, or with two that take turns for ever. Each half is a file, so that two workers share them
// and each runs only the reference that it needs.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { readExtent } from "./extent.ts";
import { goOnQuietly, runReference } from "./run.ts";
import { REFERENCE } from "./scenario.ts";
import { createStage } from "./stage.ts";
import { ROLLOUT, untried } from "../support/tried.ts";
import { describeBad, sweep } from "./sweep.ts";

/** What the reference rollout must try by itself; people and failures have a sweep of their own. */
const TRIED = [...ROLLOUT, "R5", "A2", "D1", "G3", "K7", "V1", "V3"];

/** Crashes at the writes that are swept, with so many controllers. */
export function sweepWith(controllers: number): void {
  describe(`crash at every write, ${controllers} controller(s)`, () => {
    it("keeps every invariant and ends where the undisturbed run ends", async () => {
      const begun = systemClock.monotonic();
      const stage = await createStage(1, REFERENCE);
      const reference = await runReference(stage, controllers);
      expect(reference.checker.finish().violations).toEqual([]);
      const end = await goOnQuietly(stage, reference);
      expect(end.violations).toEqual([]);

      const extent = readExtent();
      const chosen = extent.choose(reference);
      const result = await sweep(stage, reference, (write) => chosen.has(write));

      const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
      process.stdout.write(
        `crash sweep, ${controllers} controller(s): ${reference.writes.length} writes, ${result.points} points at ${extent.says} (${result.shared} share an equal rest), ${result.passes} passes, ${seconds} s\n`,
      );
      // A sweep of nothing finds nothing.
      expect(result.points).toBeGreaterThan(reference.writes.length / 6);
      expect(describeBad(reference, result)).toEqual([]);
      expect(
        untried(`crash sweep, ${controllers} controller(s)`, [...result.occurred, ...end.occurred], TRIED),
      ).toEqual([]);
    }, 3_600_000);
  });
}
