// Alerts from Alertmanager's API v2. Alertmanager and not Prometheus' ALERTS, because a silence is how a person says that an alert is known
// and need not hold anything up. Which alerts match is left to the server, and so are regular expressions.
import type { AlertMatcher } from "../core/gates/asks.ts";
import type { GateAnswer } from "../core/gates/readings.ts";
import { type JsonSource, none } from "./http.ts";
import type { AlertSource } from "./port.ts";

/** Alerts behind one Alertmanager. */
export function createAlertmanager(source: JsonSource): AlertSource {
  const list = async (matchers: readonly AlertMatcher[], silenced: boolean): Promise<GateAnswer> => {
    const answer = await source.get("/api/v2/alerts", [
      ["active", "true"],
      ["silenced", String(silenced)],
      ["inhibited", String(silenced)],
      ...matchers.map(({ name, operator, value }) => ["filter", `${name}${operator}${JSON.stringify(value)}`] as const),
    ]);
    return answer.kind === "None" ? answer : readAlerts(answer.body);
  };
  return {
    async firing(matchers, watchdog) {
      const found = await list(matchers, false);
      if (found.kind !== "Alerts" || watchdog === undefined) return found;
      // Whoever silenced the watchdog still hears it.
      const dog = await list([{ name: "alertname", operator: "=", value: watchdog }], true);
      return dog.kind === "Alerts" ? { ...found, watchdog: dog.firing.length > 0 } : dog;
    },
  };
}

function readAlerts(body: unknown): GateAnswer {
  if (!Array.isArray(body)) return none("Malformed", "the answer is no list of alerts");
  const firing: Record<string, string>[] = [];
  for (const one of body as readonly unknown[]) {
    const { labels } = (typeof one === "object" && one !== null ? one : {}) as Record<string, unknown>;
    if (typeof labels !== "object" || labels === null || Array.isArray(labels))
      return none("Malformed", "an alert has no labels");
    const texts = Object.entries(labels).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value] as const] : [],
    );
    firing.push(Object.fromEntries(texts));
  }
  return { kind: "Alerts", firing, watchdog: undefined };
}
