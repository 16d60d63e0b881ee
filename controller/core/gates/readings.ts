// Answers to what gates ask, as they are handed to the core: with their time, and with a name for why there is none.
import type { Instant } from "../../clock.ts";

/** One value of a query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN and infinities are what Prometheus said, too. */
  readonly value: number;
}

/** Why there is no answer that counts. */
export type Unanswered =
  | "NotConfigured"
  | "NotAllowed"
  | "NoData"
  | "Refused"
  | "Unreachable"
  | "TimedOut"
  | "Redirected"
  | "TooLarge"
  | "Malformed"
  | "Partial"
  | "Stale";

export type GateAnswer =
  | { readonly kind: "Samples"; readonly samples: readonly Sample[] }
  | {
      readonly kind: "Alerts";
      /** Their labels; `alertname` among them. */
      readonly firing: readonly Readonly<Record<string, string>>[];
      /** Whether the watchdog fires; undefined: nobody asked for it. */
      readonly watchdog: boolean | undefined;
    }
  | { readonly kind: "Objects"; readonly objects: readonly unknown[] }
  | { readonly kind: "None"; readonly why: Unanswered; readonly message: string };

export interface GateReading {
  /** When it was answered, policy time. */
  readonly at: Instant;
  readonly answer: GateAnswer;
}

/** By the key of what was asked. */
export type GateReadings = ReadonlyMap<string, GateReading>;

/** An answer that is older than this, or from so far in the future, says nothing. */
export const FRESH_MS = 5 * 60_000;
