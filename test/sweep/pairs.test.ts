// Pairs of crashes on a shorter rollout: the controller that takes over dies as well, so many writes later (S4, B10, B11, V1 beside the others).
import { SMALL } from "../simulate/small.ts";
import { testSteps } from "./step-test.ts";
import { pairs } from "./step-weather.ts";

/** The shorter ones within a pass, the longer ones in the next passes. */
const GAPS = [1, 2, 3, 4, 6, 9, 14, 22];

testSteps({
  name: "pairs of crashes",
  blows: pairs(GAPS),
  each: 3,
  scenario: SMALL,
});
