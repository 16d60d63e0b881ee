// The one place that turns an outcome into kstatus conditions: Ready, and Reconciling or Stalled while they hold (abnormal-true).
// lastTransitionTime moves only when a status flips (S2).
import type { Reason } from "../api/reasons.ts";
import type { Condition } from "../api/schema.ts";
import type { Instant } from "../clock.ts";

export type Health =
  | { readonly kind: "Ready"; readonly reason: Reason; readonly message: string }
  /** Under way; resolves by itself. */
  | { readonly kind: "Reconciling"; readonly reason: Reason; readonly message: string }
  /** A person has to act. */
  | { readonly kind: "Stalled"; readonly reason: Reason; readonly message: string };

/** The conditions of an object. */
export function summarise(
  before: readonly Condition[] | undefined,
  health: Health,
  generation: number | undefined,
  now: Instant,
): Condition[] {
  const { reason } = health;
  const message = health.message.slice(0, 1024);
  const condition = (type: string, status: Condition["status"]): Condition => {
    const known = before?.find((other) => other.type === type);
    return {
      type,
      status,
      reason,
      message,
      lastTransitionTime: known?.status === status ? known.lastTransitionTime : transitionTime(known, now),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  };
  const ready = condition("Ready", health.kind === "Ready" ? "True" : "False");
  if (health.kind === "Ready") return [ready];
  return [ready, condition(health.kind, "True")];
}

/** What lies further ahead was written before a clock was put back. */
const LONGEST_SLEEP_MS = 600_000;

/** Of a flip. Who slept, and says what it had found before, is not earlier than what was written meanwhile (S2). */
function transitionTime(known: Condition | undefined, now: Instant): string {
  const before = known === undefined ? Number.NaN : Date.parse(known.lastTransitionTime);
  return new Date(before > now && before - now <= LONGEST_SLEEP_MS ? before : now).toISOString();
}

/** What matters of conditions when deciding whether to write: times and wording do not. */
export function essenceOf(conditions: readonly Condition[] | undefined): string {
  return JSON.stringify((conditions ?? []).map(({ type, status, reason }) => [type, status, reason]));
}
