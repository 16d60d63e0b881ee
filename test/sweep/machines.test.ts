// Machines that never come back, come back old, vanish or lie, at steps of the whole rollout (B10-B12, B14, S4 beside the others).
import { testSteps } from "./step-test.ts";
import { MACHINES } from "./step-troubles.ts";

testSteps({
  name: "machines that misbehave",
  blows: MACHINES,
  each: 2,
});
