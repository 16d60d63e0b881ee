// Reading fields of objects that somebody else wrote. Everything from the API, a dump or a node is hostile (V4): a field that is
// missing or of the wrong type reads as absent, text is bounded and without control characters, and nothing here throws.
import type { Instant } from "../clock.ts";

export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});

/** The object at a path of own keys; an empty one where there is none. */
export function fieldsAt(value: unknown, ...path: readonly string[]): Fields {
  let at: unknown = value;
  for (const key of path) at = isFields(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return isFields(at) ? at : NOTHING;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items of a list; none where there is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// Control characters, and what turns text around or hides it on a terminal or a web page.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text of at most `max` characters that is safe to print; "" where there is none. */
export function textOf(value: unknown, max = 253): string {
  if (typeof value !== "string") return "";
  const cut = value.length > max ? value.slice(0, max) : value;
  return cut.isWellFormed() && cut.search(UNPRINTABLE) < 0 ? cut : cut.toWellFormed().replaceAll(UNPRINTABLE, "\ufffd");
}

/** A whole number of zero or more; `otherwise` where there is none. */
export function countOf(value: unknown, otherwise = 0): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

/** A time as RFC 3339 (metav1.Time, metav1.MicroTime). */
export function instantOf(value: unknown): Instant | undefined {
  if (typeof value !== "string" || value.length > 40) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/** A map of strings, for labels and annotations; values of another type are left out. */
export function stringsOf(value: unknown, max = 1024): Readonly<Record<string, string>> {
  if (!isFields(value)) return {};
  // fromEntries defines own properties, so that a key such as `__proto__` is only a key.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) =>
      typeof text === "string" ? [[textOf(key, 317), textOf(text, max)]] : [],
    ),
  );
}

/** One own entry of a map of strings. */
export function entryOf(map: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
