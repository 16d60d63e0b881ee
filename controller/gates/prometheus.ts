// Instant queries to Prometheus' HTTP API (prometheus.io, "HTTP API", /api/v1/query), read strictly: an answer that says it is partial,
// that was computed at another time than now, or that is neither a vector nor a scalar is none.
import type { Clock } from "../clock.ts";
import { FRESH_MS, type GateAnswer, type Sample } from "../core/gates/readings.ts";
import { type JsonSource, none } from "./http.ts";
import type { QuerySource } from "./port.ts";

/** No gate needs more, and a query without aggregation over a large cluster is a mistake. */
const MOST_SERIES = 1_000;

/** `clock`: transport time; its wall clock is compared with the time that the server says it answered for. */
export function createPrometheus(source: JsonSource, clock: Clock): QuerySource {
  return {
    async query(query) {
      const answer = await source.get("/api/v1/query", [["query", query]]);
      return answer.kind === "None" ? answer : readAnswer(answer.body, clock.now());
    },
  };
}

interface Reply {
  readonly status?: unknown;
  readonly warnings?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

function readAnswer(body: unknown, now: number): GateAnswer {
  const { status, warnings, data } = (typeof body === "object" && body !== null ? body : {}) as Reply;
  if (status !== "success") return none("Malformed", "status is not success");
  // Thanos and others answer with what they could reach, and say so here.
  if (Array.isArray(warnings) && warnings.length > 0) return none("Partial", wordsOf(warnings[0]));
  const found = data?.resultType === "scalar" ? [{ metric: {}, value: data.result }] : data?.result;
  if ((data?.resultType !== "vector" && data?.resultType !== "scalar") || !Array.isArray(found))
    return none("Malformed", `the result is a ${wordsOf(data?.resultType)}, and has to be a vector or a scalar`);
  if (found.length > MOST_SERIES) return none("TooLarge", `${found.length} series, ${MOST_SERIES} is the most`);
  const samples: Sample[] = [];
  for (const one of found as readonly unknown[]) {
    const read = readSample(one);
    if (read === undefined) return none("Malformed", "a series has no value");
    if (Math.abs(read.at - now) > FRESH_MS)
      return none("Stale", `the server answered for ${new Date(read.at).toISOString()}`);
    samples.push(read.sample);
  }
  return { kind: "Samples", samples };
}

/** What should be a text. Never String(): an object's own `toString` need not be a function. */
function wordsOf(value: unknown): string {
  return typeof value === "string" ? value : `value of type ${typeof value}`;
}

/** `{"metric": {…}, "value": [1435781451.781, "1"]}`; the longest time that a Date can be. */
const LONGEST_SECONDS = 8.64e12;

function readSample(one: unknown): { readonly sample: Sample; readonly at: number } | undefined {
  const { metric, value } = (typeof one === "object" && one !== null ? one : {}) as Record<string, unknown>;
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [at, text] = value as readonly unknown[];
  if (typeof at !== "number" || !(Math.abs(at) < LONGEST_SECONDS) || typeof text !== "string") return undefined;
  const number = readNumber(text);
  if (number === undefined) return undefined;
  const labels = Object.entries((typeof metric === "object" && metric !== null ? metric : {}) as object).flatMap(
    ([name, label]) => (typeof label === "string" ? [[name, label] as const] : []),
  );
  return { sample: { labels: Object.fromEntries(labels), value: number }, at: at * 1000 };
}

/** As Go writes floats: `1`, `0.5`, `1e+06`, `NaN`, `+Inf`, `-Inf`. */
function readNumber(text: string): number | undefined {
  const odd: Readonly<Record<string, number>> = {
    NaN: Number.NaN,
    "+Inf": Number.POSITIVE_INFINITY,
    Inf: Number.POSITIVE_INFINITY,
    "-Inf": Number.NEGATIVE_INFINITY,
  };
  if (Object.hasOwn(odd, text)) return odd[text];
  return /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
