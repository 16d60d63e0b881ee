// Soaks under clocks that jump ahead, and over times in which nobody looked.
import { textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, recordsOf, ring, rings, until } from "./parts.ts";

const soaks = (stage: Stage): boolean => recordsOf(stage, "one").some((level) => textAt(level, "phase") === "Soaking");

const clockScene = (minutes: number, soak: string, name: string, act: (stage: Stage) => void): Scene => ({
  isRough: true,
  scenario: until(minutes, {
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy: async () => ({ ...(await FLATCAR()), ...rings({ one: ring("one", `  soak: ${soak}\n`) }) }),
    deeds: [deed(name, soaks, act)],
  }),
});

const MINUTE = 60_000;

/** The wall clock is put forward. */
export const CLOCK_AHEAD = clockScene(18, "12m", "the clock jumps ahead", (stage) => stage.clock.jump(14 * MINUTE));

/** No controller runs for an hour. */
export const UNOBSERVED = clockScene(75, "40m", "nobody looks", (stage) => stage.clock.advance(60 * MINUTE));
