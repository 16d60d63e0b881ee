// The wall clock jumps at steps of the whole rollout: an hour, a year, and over the beginning and the end of summer time (R1, R4 beside the others).
import { testSteps } from "./step-test.ts";
import { CLOCKS } from "./step-weather.ts";

testSteps({ name: "clocks that jump", blows: CLOCKS, each: 2 });
