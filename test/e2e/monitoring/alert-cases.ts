// The cases of every alert.
import type { AlertCase } from "./alert-case.ts";
import { CONTROLLER_CASES } from "./alert-cases-controller.ts";
import { POLICY_CASES } from "./alert-cases-policy.ts";
import { ROLLOUT_CASES } from "./alert-cases-rollout.ts";

export const ALERT_CASES: readonly AlertCase[] = [...CONTROLLER_CASES, ...POLICY_CASES, ...ROLLOUT_CASES];
