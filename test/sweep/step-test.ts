// A sweep over steps as a test: the undisturbed run is made once, and each kind of trouble comes at steps of it.
import { beforeAll, describe, expect, it } from "vitest";
import { ROLLOUT, untried } from "../support/tried.ts";
import type { Prepared } from "../simulate/run.ts";
import { CHANGING } from "./changing.ts";
import type { Scenario } from "./stage.ts";
import type { Blow } from "./step.ts";
import { prepareSteps } from "./step.ts";
import { sweepSteps } from "./step-sweep.ts";

export interface StepTest {
  /** What the sweep is called in its line. */
  readonly name: string;
  readonly blows: readonly Blow[];
  /** Steps of each kind of trouble in a sample. */
  readonly each: number;
  readonly scenario?: Scenario;
}

export function testSteps({ name, blows, each, scenario = CHANGING }: StepTest): void {
  describe(`trouble at every step: ${name}`, () => {
    let prepared: Prepared;
    beforeAll(async () => {
      prepared = await prepareSteps(scenario);
    }, 180_000);

    // With RINGWARD_SWEEP=full it takes hours.
    it("breaks no promise, and all that was wanted comes about when it is made good", async () => {
      const { bad, occurred } = await sweepSteps(name, prepared, blows, each);

      expect(bad).toEqual([]);
      expect(untried(`sweep of ${name}`, occurred, ROLLOUT)).toEqual([]);
    }, 86_400_000);
  });
}
