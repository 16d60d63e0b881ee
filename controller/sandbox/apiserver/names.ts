// Object names and uids: what a name may look like, and where generated ones come from (the given Random, so runs repeat).
import type { Random } from "../../clock.ts";
import type { Cause } from "./status.ts";
import { cause } from "./status.ts";

// The alphabet of apimachinery's rand.String: no vowels, so that no words appear.
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** The five characters that follow a generateName. */
export function nameSuffix(random: Random): string {
  return Array.from({ length: 5 }, () => ALPHABET[Math.floor(random.next() * ALPHABET.length)] ?? "b").join("");
}

/** A version 4 UUID. */
export function newUid(random: Random): string {
  let hex = "";
  for (let index = 0; index < 4; index++) {
    hex += Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  }
  const variant = ((Number.parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/** What is wrong with a name. */
export function nameFaults(name: string, style: "subdomain" | "label" | "path"): readonly Cause[] {
  if (style === "path")
    return /[/%]/u.test(name) || name === "." || name === ".."
      ? [cause.invalid("metadata.name", name, "may not contain '/' or '%'")]
      : [];
  const limit = style === "label" ? 63 : 253;
  if (name.length > limit) return [cause.invalid("metadata.name", name, `must be no more than ${limit} characters`)];
  if (style === "label") return LABEL.test(name) ? [] : [cause.invalid("metadata.name", name, LABEL_RULE)];
  return SUBDOMAIN.test(name) ? [] : [cause.invalid("metadata.name", name, SUBDOMAIN_RULE)];
}

const QUALIFIED = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/u;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/u;
const KEY_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with labels or annotations (whose values may be anything). */
export function labelFaults(labels: unknown, field: string, checkValues: boolean): readonly Cause[] {
  if (typeof labels !== "object" || labels === null) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(QUALIFIED.test(checkValues ? key : key.toLowerCase()) ? [] : [cause.invalid(field, key, KEY_RULE)]),
    ...(!checkValues || VALUE.test(String(value)) ? [] : [cause.invalid(field, value, VALUE_RULE)]),
  ]);
}
