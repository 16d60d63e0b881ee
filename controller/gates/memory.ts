// Prometheus and Alertmanager in memory, for tests and rehearsals: what is asked was put there before. They pass the contract suite of
// the real ones, but know no PromQL: a query is answered as it was set, word by word.
import type { AlertMatcher } from "../core/gates/asks.ts";
import type { GateAnswer, Sample } from "../core/gates/readings.ts";
import { none } from "./http.ts";
import type { AlertSource, QuerySource } from "./port.ts";

export interface MemoryPrometheus extends QuerySource {
  /** What a query answers from now on. */
  set(query: string, answer: readonly Sample[] | GateAnswer): void;
}

/** Knows no query until one is set. */
export function createMemoryPrometheus(): MemoryPrometheus {
  const answers = new Map<string, GateAnswer>();
  return {
    query: (query) => Promise.resolve(answers.get(query) ?? none("Refused", `unknown query ${query}`)),
    set: (query, answer) =>
      void answers.set(query, "kind" in answer ? answer : { kind: "Samples", samples: [...answer] }),
  };
}

type Labels = Readonly<Record<string, string>>;

export interface MemoryAlertmanager extends AlertSource {
  fire(labels: Labels): void;
  resolve(labels: Labels): void;
  /** Silences alerts with all of these labels. */
  silence(labels: Labels): void;
}

/** Nothing fires. */
export function createMemoryAlertmanager(): MemoryAlertmanager {
  const alerts = new Map<string, Labels>();
  const silences: Labels[] = [];
  const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const isSilenced = (labels: Labels): boolean =>
    silences.some((silence) => Object.entries(silence).every(([name, value]) => labels[name] === value));
  return {
    firing(matchers, watchdog) {
      const firing = [...alerts.values()].filter(
        (labels) => !isSilenced(labels) && matchers.every((matcher) => isMatch(matcher, labels)),
      );
      const dog = watchdog && [...alerts.values()].some((labels) => labels["alertname"] === watchdog);
      return Promise.resolve({ kind: "Alerts", firing, watchdog: dog === "" ? undefined : dog });
    },
    fire: (labels) => void alerts.set(keyOf(labels), labels),
    resolve: (labels) => void alerts.delete(keyOf(labels)),
    silence: (labels) => void silences.push(labels),
  };
}

/** A label that is not there is empty, as in Alertmanager; expressions match the whole value. */
function isMatch({ name, operator, value }: AlertMatcher, labels: Labels): boolean {
  const label = labels[name] ?? "";
  const found = operator.endsWith("~") ? new RegExp(`^(?:${value})$`).test(label) : label === value;
  return operator.startsWith("!") ? !found : found;
}
