// Asks everything that gates ask, at most every some seconds, with one deadline for each ask: a server that hangs holds up a pass for that
// long and no longer. A failed ask is an answer, and is kept for as long as any other: it never falls back to an older, better one.
import type { Clock } from "../clock.ts";
import type { GateAsk } from "../core/gates/asks.ts";
import type { GateAnswer, GateReading } from "../core/gates/readings.ts";
import { none } from "./http.ts";
import type { AlertSource, GateSource, ObjectSource, QuerySource } from "./port.ts";

export interface GateSourceOptions {
  /** Undefined: the operator named none. */
  readonly queries: QuerySource | undefined;
  readonly alerts: AlertSource | undefined;
  readonly objects: ObjectSource;
  /** Policy time, of which answers are. */
  readonly clock: Clock;
  /** Transport time, which paces them. */
  readonly transport: Clock;
  /** Shortest time between two equal asks, transport ms. */
  readonly everyMs: number;
  readonly close?: () => Promise<void>;
}

const AT_ONCE = 8;

/** A source over its parts. */
export function createGateSource(options: GateSourceOptions): GateSource {
  const { clock, transport, everyMs } = options;
  let known: ReadonlyMap<string, GateReading & { readonly askedAt: number }> = new Map();
  return {
    async read(asks) {
      const now = transport.monotonic();
      const readings = new Map([...known].filter(([key, { askedAt }]) => asks.has(key) && now - askedAt < everyMs));
      const queue = [...asks].filter(([key]) => !readings.has(key));
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const [key, ask] = next;
          const answer = await answerTo(ask, options);
          readings.set(key, { at: clock.now(), answer, askedAt: now });
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, work));
      known = readings;
      return readings;
    },
    close: () => options.close?.() ?? Promise.resolve(),
  };
}

async function answerTo(ask: GateAsk, { queries, alerts, objects }: GateSourceOptions): Promise<GateAnswer> {
  try {
    switch (ask.kind) {
      case "Query":
        return (await queries?.query(ask.query)) ?? none("NotConfigured", "the controller has no --prometheus-url");
      case "Alerts":
        return (
          (await alerts?.firing(ask.matchers, ask.watchdog)) ??
          none("NotConfigured", "the controller has no --alertmanager-url")
        );
      case "Objects":
        return await objects.objects(ask);
      default:
        return ask satisfies never;
    }
  } catch (error) {
    return none("Unreachable", error instanceof Error ? error.message : String(error));
  }
}
