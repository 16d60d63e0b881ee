// Values of objects that other tools wrote, whatever shape they are of. Pure.

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((one) => typeof one === "string");
}

export function stringMapOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

const SHOWN = 80;

/** A value in at most 80 characters, as JSON writes it; what lies deeper than four levels is `…`. */
export function shown(value: unknown, depth = 4): string {
  const text = typeof value === "string" && depth === 4 ? value : jsonOf(value, depth);
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

function jsonOf(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  if (depth === 0) return "…";
  // A hundred members are more than can be shown.
  if (Array.isArray(value))
    return `[${value
      .slice(0, 100)
      .map((one) => jsonOf(one, depth - 1))
      .join(",")}]`;
  const members = Object.entries(value).slice(0, 100);
  return `{${members.map(([key, one]) => `${JSON.stringify(key)}:${jsonOf(one, depth - 1)}`).join(",")}}`;
}
