// Small words for grammars: a rule is a string or an arbitrary of strings.
import fc from "fast-check";

export type Rule = string | fc.Arbitrary<string>;

function asArbitrary(rule: Rule): fc.Arbitrary<string> {
  return typeof rule === "string" ? fc.constant(rule) : rule;
}

/** One after the other. */
export function seq(...rules: readonly Rule[]): fc.Arbitrary<string> {
  return fc.tuple(...rules.map(asArbitrary)).map((parts) => parts.join(""));
}

export function oneOf(...rules: readonly Rule[]): fc.Arbitrary<string> {
  return fc.oneof(...rules.map(asArbitrary));
}

/** Up to `most` of them, with something between. */
export function many(
  rule: Rule,
  { most = 4, least = 0, by = "" }: { most?: number; least?: number; by?: string } = {},
) {
  return fc.array(asArbitrary(rule), { minLength: least, maxLength: most }).map((parts) => parts.join(by));
}

export function maybe(rule: Rule): fc.Arbitrary<string> {
  return oneOf("", rule);
}

export const digits = fc.oneof(fc.nat({ max: 40 }), fc.nat()).map(String);
export const name = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,12}$/);
export const hex = fc.stringMatching(/^[0-9a-f]{12}$/);
export const noise = fc.string({ unit: "binary", maxLength: 12 });

/** A text around which anything may stand. */
export function jsonOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return value.map((one) => JSON.stringify(one) ?? "null");
}
