// Git and the forge are away, or were rewritten, at steps of the whole rollout, and webhooks come twice (A1, A4, A5, A8 beside the others).
import { testSteps } from "./step-test.ts";
import { HOUSES } from "./step-troubles.ts";

testSteps({ name: "outages of Git and the forge", blows: HOUSES, each: 1 });
