// Whether an answer lets a gate be open. Pure. Two ways to be shut, with two names: `GateShut` was measured and is bad; `GateUnknown` was
// not measured, and is never good.
import type { Gate } from "../../api/gate.ts";
import type { Instant } from "../../clock.ts";
import type { Block } from "../model.ts";
import { compileGateExpression } from "./expression.ts";
import { FRESH_MS, type GateAnswer, type GateReading, type Sample } from "./readings.ts";

/** Why the gate is shut by what was answered; undefined: it holds. */
export function judgeReading(gate: Gate, reading: GateReading | undefined, now: Instant): Block | undefined {
  if (reading === undefined) return unknown(gate, "nobody has asked yet");
  const { at, answer } = reading;
  if (answer.kind === "None") return unknown(gate, `${answer.why}: ${answer.message}`);
  if (Math.abs(now - at) > FRESH_MS) return unknown(gate, `Stale: the answer is of ${new Date(at).toISOString()}`);
  const { promQL, alerts, cel } = gate;
  if (promQL !== undefined && answer.kind === "Samples") return judgeSamples(gate, promQL, answer.samples);
  if (alerts !== undefined && answer.kind === "Alerts") return judgeAlerts(gate, alerts, answer);
  if (cel !== undefined && answer.kind === "Objects") return judgeObjects(gate, cel, answer.objects);
  return unknown(gate, "Malformed: the answer is to another question");
}

export function unknown({ name, type }: Pick<Gate, "name" | "type">, message: string): Block {
  return { reason: "GateUnknown", message: `gate ${name}: ${type}: ${message}` };
}

export function shut({ name, type }: Pick<Gate, "name" | "type">, message: string): Block {
  return { reason: "GateShut", message: `gate ${name}: ${type}: ${message}` };
}

const COMPARE: Readonly<
  Record<NonNullable<Gate["promQL"]>["operator"], readonly [string, (value: number, threshold: number) => boolean]>
> = {
  LessThan: ["less than", (value, threshold) => value < threshold],
  AtMost: ["at most", (value, threshold) => value <= threshold],
  Equal: ["equal to", (value, threshold) => value === threshold],
  AtLeast: ["at least", (value, threshold) => value >= threshold],
  GreaterThan: ["greater than", (value, threshold) => value > threshold],
};

function judgeSamples(
  gate: Gate,
  { operator, threshold }: NonNullable<Gate["promQL"]>,
  samples: readonly Sample[],
): Block | undefined {
  if (samples.length === 0) return unknown(gate, "NoData: the query has no result");
  // What is not a number is no measurement: 0/0 and x/0 are how a query says that its denominator was empty.
  const odd = samples.find(({ value }) => !Number.isFinite(value));
  if (odd !== undefined) return unknown(gate, `NoData: ${describeLabels(odd.labels)} is ${odd.value}`);
  const [words, holds] = COMPARE[operator];
  const bad = samples.filter(({ value }) => !holds(value, threshold));
  const [first] = bad;
  if (first === undefined) return undefined;
  const more = bad.length === 1 ? "" : ` (and ${bad.length - 1} more of ${samples.length} series)`;
  return shut(gate, `${describeLabels(first.labels)} is ${first.value}${more}, and has to be ${words} ${threshold}`);
}

function judgeAlerts(
  gate: Gate,
  { ignore = [], watchdog }: NonNullable<Gate["alerts"]>,
  answer: Extract<GateAnswer, { kind: "Alerts" }>,
): Block | undefined {
  if (watchdog !== undefined && answer.watchdog !== true)
    return unknown(gate, `NoData: alert ${watchdog} does not fire, so alerts may not come in at all`);
  const names = answer.firing
    .map((labels) => labels["alertname"] ?? "(without a name)")
    .filter((name) => !ignore.includes(name) && name !== watchdog)
    .sort();
  const [first] = names;
  if (first === undefined) return undefined;
  const more = names.length === 1 ? "" : ` and ${names.length - 1} more`;
  return shut(gate, `${first}${more} ${names.length === 1 ? "fires" : "fire"}`);
}

function judgeObjects(gate: Gate, cel: NonNullable<Gate["cel"]>, objects: readonly unknown[]): Block | undefined {
  const [first] = objects;
  if (first === undefined) return unknown(gate, "NoData: there is no such object");
  const single = cel.name !== undefined;
  const compiled = compileGateExpression(cel.expression, single ? "object" : "objects");
  if (!compiled.ok) return unknown(gate, `Malformed: ${compiled.message}`);
  const result = compiled.evaluate(single ? first : objects);
  if (!result.ok) return unknown(gate, `Malformed: ${result.message}`);
  if (result.value) return undefined;
  const where = `${cel.namespace === undefined ? "" : `${cel.namespace}/`}${cel.name ?? `${objects.length} objects`}`;
  return shut(gate, `the expression is false for ${cel.resource} ${where}`);
}

const LONGEST_LABELS = 160;

/** `{job="api"}`; what other systems wrote is shown, and cut. */
function describeLabels(labels: Sample["labels"]): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort();
  const text = `${labels["__name__"] ?? ""}{${pairs.join(",")}}`;
  if (text === "{}") return "the value";
  return text.length > LONGEST_LABELS ? `${text.slice(0, LONGEST_LABELS - 1)}…` : text;
}
