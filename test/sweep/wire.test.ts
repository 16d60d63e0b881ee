// A sample of the crash sweep over real HTTP, real git and octokit: what holds in memory holds on the wire (A1, A4, A5, K1, K3 and the others).
import { describe, expect, it } from "vitest";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { readExtent } from "./extent.ts";
import { MODES } from "./life.ts";
import { ROLLOUT, untried } from "../support/tried.ts";
import { describeRun, runOverWire } from "./wire.ts";

/** Beside a rollout, what only requests, Git's history and pull requests show. In one this small no claim stands still (V2). */
const TRIED = [...ROLLOUT.filter((id) => id !== "V2"), "A2", "A4", "A5", "D1", "D3", "G3", "K1", "K3", "K6"];

describe("crashes over the wire", () => {
  it("keep every invariant and end where the undisturbed run ends", async () => {
    const sample = readExtent().wireRuns;
    const begun = systemClock.monotonic();
    const random = seededRandom(50);
    const undisturbed = await runOverWire();
    expect(describeRun(undisturbed, undisturbed)).toEqual([]);
    expect(undisturbed.errors).toEqual([]);
    expect(sample).toBeGreaterThan(0);
    expect(untried("crash sweep over the wire", undisturbed.verdict.occurred, TRIED)).toEqual([]);

    const bad: string[] = [];
    for (let run = 0; run < sample; run += 1) {
      // One from each part of the run, so that the sample is spread over all of it.
      const at = Math.floor(((run + random.next()) / sample) * undisturbed.writes.length);
      const mode = MODES[run % MODES.length] ?? "before";
      for (const line of describeRun(await runOverWire(at, mode), undisturbed))
        bad.push(`crash ${mode} write ${at} (${undisturbed.writes[at] ?? ""}): ${line}`);
    }

    const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
    process.stdout.write(
      `crash sweep over the wire: ${sample} of ${undisturbed.writes.length * MODES.length} points, ${seconds} s\n`,
    );
    expect(bad).toEqual([]);
  }, 3_600_000);
});
