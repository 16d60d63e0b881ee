// What people do, at steps of the whole rollout (B7, B9, B13, R3, A2 beside the others): cordons, labels, deletions, budgets, brakes, approvals that
// are taken back, given early or expedited, rewritten and broken files, pods that are bound late, nodes that join.
import { DEEDS } from "../simulate/deeds.ts";
import { MORE_DEEDS } from "./step-deeds.ts";
import { testSteps } from "./step-test.ts";

/** These have sweeps of their own. */
const ELSEWHERE = new Set(["breaks a machine", "mends all machines", "time jumps", "git is away", "the forge is away"]);

testSteps({
  name: "people's acts",
  blows: [...DEEDS, ...MORE_DEEDS]
    .filter(({ name }) => !ELSEWHERE.has(name))
    .map(({ name, act }) => ({ name, strike: (run) => act(run.trouble), stays: 6 })),
  each: 2,
});
