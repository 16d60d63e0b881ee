// Writes values as YAML text for edits in place: as plain as is safe, in the indentation, quoting and line ends of what stands around them.
// Pure. Whatever is written here is read back and compared before an edit is handed out (edit.ts).
import { readPlainScalar } from "../policy/scalars.ts";

export type EditScalar = string | number | boolean | null;
export type EditValue = EditScalar | readonly EditValue[] | { readonly [key: string]: EditValue };

export type Quoting = "Plain" | "Single" | "Double";

/** Text that every YAML reader takes as that very string, without quotes, also inside [] and {}. */
function isSafePlain(text: string): boolean {
  if (!/^[A-Za-z0-9_./][A-Za-z0-9_./@+:%-]*(?: [A-Za-z0-9_./@+%-]+)*$/.test(text) || /:(?: |$)/.test(text))
    return false;
  const read = readPlainScalar(text);
  return read.kind === "Value" && read.value === text;
}

/** A double-quoted string; JSON's escapes are YAML's, and what JSON leaves bare but YAML breaks lines at is escaped too. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A scalar on one line, quoted as wished where its content allows it. */
export function renderScalar(value: EditScalar, quoting: Quoting): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} cannot be written as YAML`);
  if (typeof value !== "string") return String(value);
  if (quoting === "Plain" && isSafePlain(value)) return value;
  if (quoting === "Single" && /^[\x20-\x7e\u00a1-\u2027\u2030-\ud7ff]*$/.test(value))
    return `'${value.replaceAll("'", "''")}'`;
  return doubleQuoted(value);
}

function isList(value: EditValue): value is readonly EditValue[] {
  return Array.isArray(value);
}

function isScalar(value: EditValue): value is EditScalar {
  return value === null || typeof value !== "object";
}

export interface FlowStyle {
  /** JSON: keys and strings in double quotes. */
  readonly json: boolean;
}

/** A value inside [] or {}. */
export function renderFlow(value: EditValue, style: FlowStyle): string {
  if (isScalar(value)) return renderScalar(value, style.json ? "Double" : "Plain");
  if (isList(value)) return `[${value.map((item) => renderFlow(item, style)).join(", ")}]`;
  const pairs = Object.entries(value).map(
    ([key, item]) => `${renderScalar(key, style.json ? "Double" : "Plain")}: ${renderFlow(item, style)}`,
  );
  return `{${pairs.join(", ")}}`;
}

/** `key: value` in block style: its lines without line ends, indented by `indent` blanks. */
export function renderPair(key: string, value: EditValue, indent: number): string[] {
  const start = `${" ".repeat(indent)}${renderScalar(key, "Plain")}:`;
  if (isScalar(value)) return [`${start} ${renderScalar(value, "Plain")}`];
  if (isList(value))
    return value.length === 0
      ? [`${start} []`]
      : [start, ...value.flatMap((item) => renderItem(item, indent + 2, " "))];
  const pairs = Object.entries(value);
  return pairs.length === 0
    ? [`${start} {}`]
    : [start, ...pairs.flatMap(([name, item]) => renderPair(name, item, indent + 2))];
}

/** `- value` in block style; `gap` is what stands between the dash and the value. */
export function renderItem(value: EditValue, indent: number, gap: string): string[] {
  const dash = `${" ".repeat(indent)}-${gap}`;
  if (isScalar(value)) return [`${dash}${renderScalar(value, "Plain")}`];
  const inner = indent + 1 + gap.length;
  const lines = isList(value)
    ? value.flatMap((item) => renderItem(item, inner, " "))
    : Object.entries(value).flatMap(([name, item]) => renderPair(name, item, inner));
  const [first, ...rest] = lines;
  if (first === undefined) return [`${dash}${isList(value) ? "[]" : "{}"}`];
  return [`${dash}${first.slice(inner)}`, ...rest];
}
