// Every kind of refusal and of lost answer, at calls of the whole rollout, reads too (K1, K2, V1 beside the others).
import { testSteps } from "./step-test.ts";
import { ANSWERS } from "./step-weather.ts";

testSteps({
  name: "errors of the API, Git and the forge",
  blows: ANSWERS,
  each: 1,
});
