// Three rings one after another and three levels, for tests of promotions.
import { levelOf, type play } from "./scene.ts";

export const [L1, L2, L3] = [levelOf(1), levelOf(2), levelOf(3)];
export const names = { L1, L2, L3 };
export const early = { after: ["canary"] };
export const broad = { after: ["early"] };

/** Everybody runs and soaked L1. */
export const settled = {
  canary: { entry: L1, soaked: [L1] },
  early: { ...early, entry: L1, soaked: [L1] },
  broad: { ...broad, entry: L1, soaked: [L1] },
};

/** `RING REASON` of each decision of one action. */
export const reasons = (scene: ReturnType<typeof play>, action = "wait"): readonly string[] =>
  scene.promotions.decisions.filter((one) => one.action === action).map((one) => `${one.ring} ${one.reason}`);
