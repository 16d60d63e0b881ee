// What people write in policy, as core/ reads it: times, selectors, expressions, paths of values. Nothing here may throw.
import fc from "fast-check";
import { nextMatchingDay, parseCron } from "../../../controller/core/calendar/cron.ts";
import { zoneOf } from "../../../controller/core/calendar/zone.ts";
import { formatDuration, LONGEST_DURATION, parseDuration } from "../../../controller/core/duration.ts";
import { compileGateExpression } from "../../../controller/core/gates/expression.ts";
import { normalisePath } from "../../../controller/core/manifests/index.ts";
import { parseValuePath } from "../../../controller/core/manifests/value-path.ts";
import { disjoint, implies, matches } from "../../../controller/core/selectors.ts";
import { digits, many, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

const CORE = "controller/core";

const duration: Parser = {
  name: "core/duration",
  form: "text",
  covers: [`${CORE}/duration.ts parseDuration`],
  run: (text) => parseDuration(text),
  check(_text, answer) {
    if (answer === undefined) return undefined;
    if (typeof answer !== "number" || !(answer >= 0 && answer <= LONGEST_DURATION)) return `is ${String(answer)}`;
    const written = formatDuration(answer);
    return parseDuration(written) === answer ? undefined : `${written} is read as another duration`;
  },
  grammar: seq(digits, oneOf("s", "m", "h", "d", "ms", "")),
  seeds: ["0s", "90m", "36h", "7d"],
  words: ["s", "m", "h", "d", "ms", "µs", "-", ".", "3650", "87600", " "],
};

const cronField = many(
  seq(
    oneOf("*", digits, "MON", "jan", "L", "TUE#2", "FRI#L"),
    maybe(seq("-", oneOf(digits, "SUN", "DEC"))),
    maybe(seq("/", digits)),
  ),
  { least: 1, most: 3, by: "," },
);

const cron: Parser = {
  name: "core/cron",
  form: "text",
  covers: [`${CORE}/calendar/cron.ts parseCron`],
  run(text) {
    const read = parseCron(text);
    return typeof read === "string" ? read : [read.times, nextMatchingDay(read, 20_000) ?? "never"];
  },
  check(text, answer) {
    if (typeof answer === "string" || !Array.isArray(answer)) return undefined;
    const times = answer[0] as readonly number[];
    const ascending = times.every(
      (time, at) => time >= 0 && time < 86_400_000 && (at === 0 || time > (times[at - 1] ?? 0)),
    );
    return ascending ? undefined : `${text} fires at ${times.join(", ")}`;
  },
  grammar: many(cronField, { least: 4, most: 6, by: " " }),
  seeds: ["0 1 * * TUE-THU", "*/15 8-17 1,15 JAN-MAR 1-5", "0 0 L * *", "30 3 * * TUE#2,FRI#L", "0 0 31 2 *"],
  words: ["*", "/", "-", ",", "#", "L", "MON", "SUN", "JAN", "DEC", "59", "60", "0", "31", " "],
  // Each minute of a day may be named by two characters: `* *`.
  mostPerCharacter: 64,
};

const zone: Parser = {
  name: "core/zone",
  form: "text",
  covers: [],
  run: (text) => zoneOf(text)?.offsetAt(0),
  grammar: oneOf("UTC", "Europe/Berlin", seq(name, "/", name), noise),
  seeds: ["Europe/Berlin", "UTC", "+02:00", "Etc/GMT+12"],
  words: ["/", "+", "-", "Etc", "GMT", "America", "UTC", "02:00"],
};

const valuePath: Parser = {
  name: "core/value-path",
  form: "text",
  covers: [`${CORE}/manifests/value-path.ts parseValuePath`],
  run: (text) => [parseValuePath(text), normalisePath(text)],
  check(text) {
    const path = parseValuePath(text);
    if (path === undefined) return undefined;
    const written = path
      .map((part, at) =>
        typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${part.replaceAll(/[.[\]\\]/g, "\\$&")}`,
      )
      .join("");
    return JSON.stringify(parseValuePath(written)) === JSON.stringify(path)
      ? undefined
      : `${written} is read as another path`;
  },
  grammar: many(oneOf(name, seq("[", digits, "]"), "\\.", ".", seq(".", name)), { most: 6 }),
  seeds: ["image.tag", "sidecars[0].image", "a\\.b.tag", "a\\\\b[12][3].c"],
  words: [".", "[", "]", "\\", "0", "9999", "image", "\\.", "\\["],
};

const selectors: Parser = {
  name: "core/selectors",
  form: "json",
  covers: [],
  run(text) {
    const [a, b, labels] = parts(text);
    return [matches(a, labels), implies(a, b), implies(b, a), disjoint(a, b), disjoint(b, a)];
  },
  check(text) {
    const [a, b, labels] = parts(text);
    if (implies(a, b) === "yes" && matches(a, labels) && !matches(b, labels))
      return "implies, and labels match only the first";
    return disjoint(a, b) === "yes" && matches(a, labels) && matches(b, labels)
      ? "disjoint, and labels match both"
      : undefined;
  },
  grammar: fc.constantFrom(
    '[{"matchLabels":{"a":"b"}},{"matchExpressions":[{"key":"a","operator":"In","values":["b","c"]}]},{"a":"b"}]',
    '[{},{"matchExpressions":[{"key":"__proto__","operator":"Exists"}]},{}]',
  ),
  seeds: [
    '[{"matchLabels":{"a":"b"}},{"matchExpressions":[{"key":"a","operator":"In","values":["b","c"]},{"key":"d","operator":"DoesNotExist"}]},{"a":"b"}]',
    '[{"matchExpressions":[{"key":"a","operator":"NotIn","values":["x"]},{"key":"b","operator":"Exists"}]},{"matchLabels":{"a":"x"}},{"b":""}]',
  ],
  words: [
    "a",
    "b",
    "In",
    "NotIn",
    "Exists",
    "DoesNotExist",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
  ],
};

type Selector = Parameters<typeof matches>[0];

/** Two selectors as their schema lets them through, and labels; everything else in the value is left out. */
function parts(text: string): [Selector, Selector, Record<string, string>] {
  const [a, b, labels] = Array.isArray(valueOf(text)) ? (valueOf(text) as readonly unknown[]) : [];
  return [selectorOf(a), selectorOf(b), stringsOf(labels)];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function stringsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([key, one]) => (typeof one === "string" ? [[key, one]] : [])),
  );
}

function selectorOf(value: unknown): Selector {
  const { matchLabels, matchExpressions } = fieldsOf(value);
  const terms = (Array.isArray(matchExpressions) ? (matchExpressions as readonly unknown[]) : []).flatMap((one) => {
    const { key, operator, values } = fieldsOf(one);
    if (typeof key !== "string" || typeof operator !== "string") return [];
    return [{ key, operator, values: Array.isArray(values) ? values.filter((text) => typeof text === "string") : [] }];
  });
  return { matchLabels: stringsOf(matchLabels), matchExpressions: terms } as Selector;
}

const expression: Parser = {
  name: "core/gate-expression",
  form: "text",
  covers: [],
  run(text) {
    const data = {
      object: { metadata: { name: "n", labels: { a: "b" } }, status: { replicas: 3, items: [1, 2.5, "x", null] } },
    };
    return (["object", "objects"] as const).map((variable) => {
      const compiled = compileGateExpression(text, variable);
      return compiled.ok ? compiled.evaluate(variable === "object" ? data.object : [data.object, {}]) : compiled;
    });
  },
  grammar: seq(
    oneOf(
      "object.status.replicas",
      "objects.all(o, o.status.replicas > 1)",
      "has(object.metadata.name)",
      "size(objects)",
      noise,
    ),
    maybe(seq(oneOf(" == ", " && ", " > ", " in ", " ? "), oneOf("3", "'x'", "true", "[1, 2]", "object", noise))),
  ),
  seeds: [
    "object.status.replicas == 3",
    "objects.all(o, has(o.status) && o.status.items.exists(i, i == 'x'))",
    "object.metadata.labels['a'].startsWith('b') || size(object.status.items) > 2",
    "object.?status.?missing.orValue(0) < 1 ? true : duration('1h') > duration('90m')",
  ],
  words: [
    ...[
      "object",
      "objects",
      ".status",
      ".items",
      "has(",
      "size(",
      ".all(o, ",
      ".exists(i, ",
      ")",
      "&&",
      "||",
      "!",
      "==",
      "<",
      ">",
      "?",
      ":",
    ],
    ...[
      "[",
      "]",
      "'",
      '"',
      "in",
      "true",
      "null",
      "int(",
      "timestamp(",
      "duration(",
      ".matches('a')",
      "9223372036854775807",
      "0x",
      "u",
      "r'",
      "b'",
      ".map(x, ",
      "__proto__",
    ],
  ],
};

export const CORE_POLICY_PARSERS: readonly Parser[] = [duration, cron, zone, valuePath, selectors, expression];
