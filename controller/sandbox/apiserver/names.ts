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

export type NameStyle = "subdomain" | "label" | "path";

/** What is wrong with a name. */
export function nameFaults(name: string, style: NameStyle, field = "metadata.name"): readonly Cause[] {
  if (style === "path")
    return /[/%]/u.test(name) || name === "." || name === ".."
      ? [cause.invalid(field, name, "may not contain '/' or '%'")]
      : [];
  const limit = style === "label" ? 63 : 253;
  if (name.length > limit) return [cause.invalid(field, name, `must be no more than ${limit} characters`)];
  if (style === "label" && name.includes(".")) return [cause.invalid(field, name, "must not contain dots")];
  if (style === "label") return LABEL.test(name) ? [] : [cause.invalid(field, name, LABEL_RULE)];
  return SUBDOMAIN.test(name) ? [] : [cause.invalid(field, name, SUBDOMAIN_RULE)];
}

const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/u;
const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/u;
const LONGEST_LABEL = 63;
const LARGEST_ANNOTATIONS = 256 * 1024;
const KEY_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with a label's key (`IsQualifiedName`): an optional DNS prefix, a slash, a name. */
export function keyComplaints(key: string): readonly string[] {
  const parts = key.split("/");
  const name = parts.at(-1) ?? "";
  if (parts.length > 2)
    return [`a valid label key ${KEY_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const complaints: string[] = [];
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === "") complaints.push("prefix part must be non-empty");
  else if (prefix !== undefined) {
    if (prefix.length > 253) complaints.push("prefix part must be no more than 253 bytes");
    if (!SUBDOMAIN.test(prefix)) complaints.push(`prefix part ${SUBDOMAIN_RULE}`);
  }
  if (name === "") complaints.push("name part must be non-empty");
  else if (name.length > LONGEST_LABEL) complaints.push(`name part must be no more than ${LONGEST_LABEL} bytes`);
  if (!NAME_PART.test(name)) complaints.push(`name part ${KEY_RULE}`);
  return complaints;
}

/** What is wrong with a label's value. */
export function valueComplaints(value: string): readonly string[] {
  return [
    ...(value.length > LONGEST_LABEL ? [`must be no more than ${LONGEST_LABEL} bytes`] : []),
    ...(VALUE.test(value) ? [] : [VALUE_RULE]),
  ];
}

/** What is wrong with labels. */
export function labelFaults(labels: unknown, field: string): readonly Cause[] {
  if (typeof labels !== "object" || labels === null) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...keyComplaints(key).map((why) => cause.invalid(field, key, why)),
    ...valueComplaints(String(value)).map((why) => cause.invalid(field, value, why)),
  ]);
}

/** What is wrong with annotations: their keys, in any case, and their size as a whole. */
export function annotationFaults(annotations: unknown, field: string): readonly Cause[] {
  if (typeof annotations !== "object" || annotations === null) return [];
  const entries = Object.entries(annotations);
  const size = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  return [
    ...entries.flatMap(([key]) => keyComplaints(key.toLowerCase()).map((why) => cause.invalid(field, key, why))),
    ...(size > LARGEST_ANNOTATIONS
      ? [{ reason: "FieldValueTooLong", message: `Too long: may not be more than ${LARGEST_ANNOTATIONS} bytes`, field }]
      : []),
  ];
}
