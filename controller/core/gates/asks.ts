// What gates ask of the world outside the caches, as data: the shell asks, the core judges. Two gates that ask the same share the answer.
import type { Gate } from "../../api/gate.ts";
import type { LabelSelector } from "../../api/schema.ts";
import { createHash } from "node:crypto";

export interface AlertMatcher {
  readonly name: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

export type GateAsk =
  | { readonly kind: "Query"; readonly query: string }
  | { readonly kind: "Alerts"; readonly matchers: readonly AlertMatcher[]; readonly watchdog: string | undefined }
  | {
      readonly kind: "Objects";
      readonly apiVersion: string;
      readonly resource: string;
      readonly namespace: string | undefined;
      readonly name: string | undefined;
      readonly selector: LabelSelector | undefined;
    };

/** What a gate asks; undefined: the caches know. */
export function askOf({ promQL, alerts, cel }: Gate): GateAsk | undefined {
  if (promQL !== undefined) return { kind: "Query", query: promQL.query };
  if (alerts !== undefined) {
    const matchers = alerts.matchers.map(({ name, operator = "=", value }) => ({ name, operator, value }));
    return { kind: "Alerts", matchers, watchdog: alerts.watchdog };
  }
  if (cel === undefined) return undefined;
  const { apiVersion, resource, namespace, name, selector } = cel;
  return { kind: "Objects", apiVersion, resource, namespace, name, selector };
}

/** Equal asks have equal keys. */
export function keyOfAsk(ask: GateAsk): string {
  return JSON.stringify(ask);
}

/** Everything that some rings' gates ask, each once. */
export function asksOf(
  rings: readonly { readonly spec: { readonly gates?: readonly Gate[] } }[],
): ReadonlyMap<string, GateAsk> {
  const asks = rings.flatMap(({ spec }) => (spec.gates ?? []).flatMap((gate) => askOf(gate) ?? []));
  return new Map(asks.map((ask) => [keyOfAsk(ask), ask]));
}

/** Tells whether a gate is still the one that was observed: an edited one has held for no time. */
export function gateDigest(gate: Gate): string {
  return createHash("sha256").update(JSON.stringify(gate)).digest("hex").slice(0, 12);
}

/** How long a gate must have been observed to hold. */
export function holdOf({ promQL, alerts, cel }: Gate): string | undefined {
  return (promQL ?? alerts ?? cel)?.for;
}
