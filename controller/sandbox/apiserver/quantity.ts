// Resource quantities (apimachinery resource.Quantity): 100m, 1.5Gi, 2e3. Values are exact enough for comparison.

export interface Quantity {
  readonly value: number;
}

const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const SHAPE = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/u;

/** True for text that is a quantity. */
export function isQuantity(text: string): boolean {
  return SHAPE.test(text);
}

/** Reads a quantity; throws for text that is none. */
export function parseQuantity(text: string): Quantity {
  const match = SHAPE.exec(text);
  if (match === null)
    throw new Error(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  return {
    value: Number(match[1]) * (match[2] === undefined ? (SUFFIX[match[3] ?? ""] ?? 1) : Number(`1${match[2]}`)),
  };
}

/** -1, 0 or 1. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

const NANO = 9;
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** The same quantity in its one spelling: the largest suffix that leaves a whole number. Throws for text that is none. */
export function canonicalQuantity(text: string): string {
  parseQuantity(text);
  const [, digits = "0", exponent, suffix = ""] = SHAPE.exec(text) ?? [];
  if (exponent !== undefined) return text;
  const [whole = "0", fraction = ""] = digits.replace(/^[+-]/u, "").split(".");
  const sign = digits.startsWith("-") ? "-" : "";
  const scaled = BigInt((whole || "0") + fraction);
  if (suffix.endsWith("i")) return sign + binaryText(scaled, BigInt(10 ** fraction.length), suffix);
  const places = NANO - fraction.length + 3 * (DECIMAL.indexOf(suffix) - 3);
  // Finer than a billionth is rounded up.
  const nano =
    places >= 0 ? scaled * 10n ** BigInt(places) : (scaled + 10n ** BigInt(-places) - 1n) / 10n ** BigInt(-places);
  return sign + largest(nano, 1000n, DECIMAL);
}

function binaryText(scaled: bigint, divisor: bigint, suffix: string): string {
  const bytes = scaled * 1024n ** BigInt(BINARY.indexOf(suffix));
  if (bytes % divisor === 0n) return largest(bytes / divisor, 1024n, BINARY);
  return largest((bytes * 10n ** BigInt(NANO)) / divisor, 1000n, DECIMAL);
}

function largest(value: bigint, step: bigint, suffixes: readonly string[]): string {
  if (value === 0n) return "0";
  let [rest, index] = [value, 0];
  while (rest % step === 0n && index < suffixes.length - 1) {
    rest /= step;
    index++;
  }
  return `${rest}${suffixes[index]}`;
}
