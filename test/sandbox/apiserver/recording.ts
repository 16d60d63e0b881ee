// Reads the recording of a real API server (recordings/) and compares answers with it: names such as `<uid-3>` stand for the
// same value wherever they stand, `<time>` for any time. Used by recordings.test.ts only.
import { readFileSync } from "node:fs";

export interface Row {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly auth?: "none" | "bad";
  readonly body?: unknown;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer?: unknown;
  readonly setup?: boolean;
  readonly watch?: string;
  readonly during?: readonly Row[];
  readonly events?: readonly unknown[];
}

// Values that the recorder left as they were although the server drew them: generated names and its own address.
const DRAWN: readonly (readonly [RegExp, string])[] = [
  [/gen-xgbmf/gu, "<name-1>"],
  [/e-c42pd/gu, "<name-2>"],
  [/e-8pzlp/gu, "<name-3>"],
  [/(?<=resourceVersion\\{7}":\\{7}")361|(?<=resourceVersion\\{3}":\\{3}")361/gu, "<rv-60>"],
  [/2026-11-21T17:31:03Z/gu, "<time>"],
  [/192\.0\.2\.2:18443/gu, "<name-4>"],
];

/** The rows in order. */
export function readRecording(): readonly Row[] {
  const text = readFileSync(new URL("recordings/kubernetes-1.36.jsonl", import.meta.url), "utf8");
  const named = DRAWN.reduce((all, [pattern, name]) => all.replaceAll(pattern, name), text);
  return named
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

const PLACEHOLDER = /<(uid-\d+|rv-\d+|name-\d+|time|continue)>/gu;
const PATTERNS = {
  uid: "[0-9a-f-]{36}",
  rv: "\\d+",
  name: '[^"\\s]+?',
  continue: "[A-Za-z0-9_-]+",
  time: "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z",
} as const;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu;

export interface Bindings {
  /** Replaces every name in a request; names that nothing was learned for get a value that no object has. */
  readonly fillIn: <T>(value: T) => T;
  /** Differences between a recorded and an actual value, learning names on the way. */
  readonly differences: (expected: unknown, actual: unknown) => readonly string[];
}

/** Starts without knowing any name. `time` is what `<time>` becomes in requests. */
export function createBindings(time: string): Bindings {
  const known = new Map<string, string>();
  const taken = new Map<string, string>();

  function stranger(name: string): string {
    if (name.startsWith("uid-")) return `00000000-0000-4000-8000-${name.slice(4).padStart(12, "0")}`;
    return name.startsWith("rv-") ? "1" : name;
  }

  function fillText(text: string): string {
    return text.replaceAll(PLACEHOLDER, (_, name: string) =>
      name === "time" ? time : (known.get(name) ?? bind(name, stranger(name))),
    );
  }

  function bind(name: string, value: string): string {
    known.set(name, value);
    if (!name.startsWith("continue")) taken.set(`${name.replace(/-\d+$/u, "")}:${value}`, name);
    return value;
  }

  function matchText(expected: string, actual: string): boolean {
    const names: string[] = [];
    const source = expected
      .split(PLACEHOLDER)
      .map((part, index) => {
        if (index % 2 === 0) return part.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
        names.push(part);
        return `(${PATTERNS[part.replace(/-\d+$/u, "") as keyof typeof PATTERNS]})`;
      })
      .join("");
    const match = new RegExp(`^${source}$`, "su").exec(actual);
    if (match === null) return false;
    return names.every((name, index) => learn(name, match[index + 1] ?? ""));
  }

  function learn(name: string, value: string): boolean {
    if (name === "time") return true;
    if (name === "continue") return bind(name, value) === value;
    const before = known.get(name);
    if (before !== undefined) return before === value;
    // Two names never stand for the same value.
    if (taken.has(`${name.replace(/-\d+$/u, "")}:${value}`)) return false;
    bind(name, value);
    return true;
  }

  function compare(expected: unknown, actual: unknown, path: string, out: string[]): void {
    if (typeof expected === "string" && typeof actual === "string") {
      if (!matchText(expected, actual))
        out.push(`${path}: recorded ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
    } else if (Array.isArray(expected) && Array.isArray(actual)) {
      if (expected.length !== actual.length)
        out.push(
          `${path}: recorded ${expected.length} items, got ${actual.length}: ${JSON.stringify(actual).slice(0, 300)}`,
        );
      expected.forEach((item, index) => {
        if (index < actual.length) compare(item, actual[index], `${path}[${index}]`, out);
      });
    } else if (isRecord(expected) && isRecord(actual)) {
      const [left, right] = [plainKeys(expected), plainKeys(actual)];
      for (const [key, value] of left) {
        if (right.has(key)) compare(value, right.get(key), `${path}.${key}`, out);
        else out.push(`${path}.${key}: recorded ${JSON.stringify(value).slice(0, 200)}, got nothing`);
      }
      for (const [key, value] of right)
        if (!left.has(key)) out.push(`${path}.${key}: recorded nothing, got ${JSON.stringify(value).slice(0, 200)}`);
    } else if (expected !== actual)
      out.push(
        `${path}: recorded ${JSON.stringify(expected)?.slice(0, 200)}, got ${JSON.stringify(actual)?.slice(0, 200)}`,
      );
  }

  return {
    fillIn: <T>(value: T) => fill(value, fillText) as T,
    differences(expected, actual) {
      const out: string[] = [];
      compare(expected, actual, "", out);
      return out;
    },
  };
}

function fill(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => fill(item, text));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [text(key), fill(member, text)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Uids inside keys (`k:{"uid":"…"}`) were not named by the recorder; they are compared as "a uid". */
function plainKeys(record: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(record).map(([key, value]) => [key.replaceAll(UUID, "<uid>"), value]));
}

/** JSON as the recorder sent it, with blanks after commas and colons: some answers quote the body. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`)
    .join(", ")}}`;
}
