// A leader that sleeps longer than its Lease wakes at steps of the whole rollout, and sends what it had in hand (L1, K1, K2 beside the others).
import { testSteps } from "./step-test.ts";
import { SLEEPS } from "./step-troubles.ts";

testSteps({ name: "leaders that sleep", blows: SLEEPS, each: 3 });
