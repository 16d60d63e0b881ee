// Caches that are behind: notifications that come later than later writes, or together, so that some are never seen (B3, B4, K3 beside the others).
import { testSteps } from "./step-test.ts";
import { CACHES } from "./step-weather.ts";

testSteps({ name: "stale caches", blows: CACHES, each: 1 });
