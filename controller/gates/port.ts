// The ports that gates are asked through. Each has a real implementation and one in memory, and both pass one contract suite. They answer
// in every case: what went wrong is an answer with a name, which keeps the gate shut. They never follow policy content anywhere: where
// they ask was set by whoever runs the controller.
import type { AlertMatcher, GateAsk } from "../core/gates/asks.ts";
import type { GateAnswer, GateReadings } from "../core/gates/readings.ts";

/** Prometheus, or whatever speaks its HTTP API. */
export interface QuerySource {
  /** An instant query: samples, or why there are none. */
  query(query: string): Promise<GateAnswer>;
}

/** Alertmanager (API v2). */
export interface AlertSource {
  /** Alerts that fire and that nobody silenced or inhibited, of those that match all. */
  firing(matchers: readonly AlertMatcher[], watchdog: string | undefined): Promise<GateAnswer>;
}

/** Objects of the cluster, of the kinds that may be read. */
export interface ObjectSource {
  objects(ask: Extract<GateAsk, { kind: "Objects" }>): Promise<GateAnswer>;
}

/** All of them together, as a pass asks. */
export interface GateSource {
  /** An answer for every ask, each at most some seconds old. */
  read(asks: ReadonlyMap<string, GateAsk>): Promise<GateReadings>;
  close(): Promise<void>;
}
