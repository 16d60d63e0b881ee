// Compares normalised answers of two servers. Drawn values correspond one to one: the first time two stand at the same place they
// become a pair, and from then on neither may stand opposite anything else. So an update that changes nothing keeps its version on
// both, a replaced object has a new uid on both.
import { MARK, isRecord } from "./normalise.ts";

export interface Pairing {
  /** One line for each difference between the right answer and the other; none when they say the same. */
  readonly differences: (expected: unknown, actual: unknown) => readonly string[];
}

/** Starts without pairs. */
export function createPairing(): Pairing {
  const toActual = new Map<string, string>();
  const toExpected = new Map<string, string>();

  function pair(expected: string, actual: string): boolean {
    const [there, back] = [toActual.get(expected), toExpected.get(actual)];
    if (there === undefined && back === undefined) {
      toActual.set(expected, actual);
      toExpected.set(actual, expected);
      return true;
    }
    return there === actual && back === expected;
  }

  /** Literal parts are equal, and so are the kinds of marks, and the marked values are pairs. */
  function sameText(expected: string, actual: string): boolean {
    const [right, left] = [[...expected.matchAll(MARK)], [...actual.matchAll(MARK)]];
    if (right.length !== left.length || expected.replaceAll(MARK, "⟦$1⟧") !== actual.replaceAll(MARK, "⟦$1⟧"))
      return false;
    return right.every(([whole], index) => pair(whole, left[index]?.[0] ?? ""));
  }

  function compare(expected: unknown, actual: unknown, path: string): readonly string[] {
    if (typeof expected === "string" && typeof actual === "string" && sameText(expected, actual)) return [];
    if (Array.isArray(expected) && Array.isArray(actual)) return compareLists(expected, actual, path);
    if (isRecord(expected) && isRecord(actual)) return compareObjects(expected, actual, path);
    return typeof expected !== "string" && Object.is(expected, actual)
      ? []
      : [`${path}: real ${shown(expected)}, sandbox ${shown(actual)}`];
  }

  function compareLists(expected: readonly unknown[], actual: readonly unknown[], path: string): readonly string[] {
    const length =
      expected.length === actual.length ? [] : [`${path}: real ${expected.length} items, sandbox ${actual.length}`];
    const longest = Math.max(expected.length, actual.length);
    const items = Array.from({ length: longest }, (_, at) => compare(expected[at], actual[at], `${path}[${at}]`));
    return [...length, ...items.flat()];
  }

  function compareObjects(
    expected: Record<string, unknown>,
    actual: Record<string, unknown>,
    path: string,
  ): readonly string[] {
    const [right, left] = [byPlainKey(expected), byPlainKey(actual)];
    const keys = [...new Set([...right.keys(), ...left.keys()])];
    return keys.flatMap((key) => compare(right.get(key), left.get(key), `${path}.${key}`));
  }

  return { differences: (expected, actual) => compare(expected, actual, "") };
}

/** Uids inside keys (`k:{"uid":"…"}`) are "a uid". */
function byPlainKey(record: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(record).map(([key, value]) => [key.replaceAll(MARK, "⟦$1⟧"), value]));
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 600);
}
