// Reads one message along its table into the object that JSON has for it. It keeps to what Go's own reader does: the last of two
// values counts, two halves of a message are one, a wrong wire type is an error. Nothing is believed about order, and a key such as
// `__proto__` is only a key.
import type { Field, Only, Table } from "./table.ts";
import {
  type Cursor,
  DELIMITED,
  malformed,
  readBool,
  readInt32,
  readInt64,
  readKey,
  readLength,
  skipField,
  VARINT,
} from "./wire.ts";
import type { Words } from "./words.ts";

type Fields = Record<string, unknown>;

/** Reads what stands between `cursor.at` and `cursor.end` into `into`. Throws `TransportError` on anything that is not a whole message. */
export function readMessage(cursor: Cursor, fields: Table, words: Words, into: Fields): void {
  while (cursor.at < cursor.end) {
    const key = readKey(cursor);
    const field = fields[key >>> 3];
    if (field === undefined) skipField(cursor, key & 7);
    else if (isVarint(field)) {
      expectWireType(key, VARINT, field);
      readVarint(cursor, field, into);
    } else {
      expectWireType(key, DELIMITED, field);
      const length = readLength(cursor);
      const end = cursor.end;
      cursor.end = cursor.at + length;
      readDelimited(cursor, field, words, into);
      cursor.at = cursor.end;
      cursor.end = end;
    }
  }
}

type VarintField = Extract<Field, { readonly kind: "count32" | "count64" | "int32" | "int64" | "flag" | "bool" }>;

function isVarint(field: Field): field is VarintField {
  switch (field.kind) {
    case "count32":
    case "count64":
    case "int32":
    case "int64":
    case "flag":
    case "bool":
      return true;
    default:
      return false;
  }
}

function expectWireType(key: number, wanted: number, field: Field): void {
  if ((key & 7) === wanted) return;
  const name = field.kind === "inline" ? `field ${key >>> 3}` : field.name;
  throw malformed(`${name} has wire type ${key & 7}, not ${wanted}`);
}

function readVarint(cursor: Cursor, field: VarintField, into: Fields): void {
  switch (field.kind) {
    case "int32":
      into[field.name] = readInt32(cursor);
      return;
    case "int64":
      into[field.name] = readInt64(cursor);
      return;
    case "bool":
      into[field.name] = readBool(cursor);
      return;
    case "count32":
      return setUnlessEmpty(into, field.name, readInt32(cursor), 0);
    case "count64":
      return setUnlessEmpty(into, field.name, readInt64(cursor), 0);
    case "flag":
      return setUnlessEmpty(into, field.name, readBool(cursor), false);
  }
}

/** The last value counts, also when it is the empty one. */
function setUnlessEmpty<T>(into: Fields, name: string, value: T, empty: T): void {
  if (value !== empty) into[name] = value;
  else if (name in into) delete into[name];
}

type DelimitedField = Exclude<Field, VarintField>;

function readDelimited(cursor: Cursor, field: DelimitedField, words: Words, into: Fields): void {
  const { bytes, at, end } = cursor;
  switch (field.kind) {
    case "word":
      return setUnlessEmpty(into, field.name, words.read(bytes, at, end), "");
    case "text":
      return setUnlessEmpty(into, field.name, bytes.toString("utf8", at, end), "");
    case "message":
      return readMessage(cursor, field.table, words, partOf(into, field.name));
    case "inline":
      return readMessage(cursor, field.table, words, into);
    case "list": {
      if (field.only !== undefined && !says(cursor, field.only)) return;
      const items = listOf(into, field.name);
      const item: Fields = {};
      readMessage(cursor, field.table, words, item);
      items.push(item);
      return;
    }
    case "map":
      return readEntry(cursor, words, partOf(into, field.name));
    case "strings":
      listOf(into, field.name).push(words.read(bytes, at, end));
      return;
    case "time":
      return setUnlessEmpty(into, field.name, readTime(cursor, 0), "");
    case "microTime":
      return setUnlessEmpty(into, field.name, readTime(cursor, 6), "");
    case "json":
      into[field.name] = readJson(cursor);
      return;
  }
}

function partOf(into: Fields, name: string): Fields {
  const known = into[name];
  if (known !== undefined) return known as Fields;
  const made: Fields = {};
  into[name] = made;
  return made;
}

function listOf(into: Fields, name: string): unknown[] {
  const known = into[name];
  if (known !== undefined) return known as unknown[];
  const made: unknown[] = [];
  into[name] = made;
  return made;
}

/** Looks through a message for one string, and stays where it was. */
function says(cursor: Cursor, { field, says: wanted }: Only): boolean {
  const { bytes, at } = cursor;
  let found = "";
  while (cursor.at < cursor.end) {
    const key = readKey(cursor);
    if (key >>> 3 !== field || (key & 7) !== DELIMITED) skipField(cursor, key & 7);
    else {
      const length = readLength(cursor);
      found = bytes.toString("utf8", cursor.at, cursor.at + length);
      cursor.at += length;
    }
  }
  cursor.at = at;
  return found === wanted;
}

/** Calls back for each field of a small message, with the cursor at its value, which the callback must read or leave to be skipped. */
function eachField(cursor: Cursor, read: (number: number, wireType: number) => boolean): void {
  while (cursor.at < cursor.end) {
    const key = readKey(cursor);
    if (!read(key >>> 3, key & 7)) skipField(cursor, key & 7);
  }
}

function readText(cursor: Cursor, words: Words, wireType: number): string {
  if (wireType !== DELIMITED) throw malformed(`a string has wire type ${wireType}`);
  const length = readLength(cursor);
  cursor.at += length;
  return words.read(cursor.bytes, cursor.at - length, cursor.at);
}

/** One entry of a map: key = 1, value = 2. */
function readEntry(cursor: Cursor, words: Words, into: Fields): void {
  let key = "";
  let value = "";
  eachField(cursor, (number, wireType) => {
    if (number === 1) key = readText(cursor, words, wireType);
    else if (number === 2) value = readText(cursor, words, wireType);
    else return false;
    return true;
  });
  if (key === "__proto__")
    Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
  else into[key] = value;
}

/** The times that RFC 3339 can say: years 0 to 9999. */
const FIRST_SECOND = -62_167_219_200;
const LAST_SECOND = 253_402_300_799;

/**
 * metav1.Time and MicroTime: seconds = 1, nanos = 2. An empty message is the zero time of Go, which JSON leaves out: "".
 * Time has whole seconds in JSON, MicroTime always six digits.
 */
function readTime(cursor: Cursor, digits: 0 | 6): string {
  if (cursor.at === cursor.end) return "";
  let seconds = 0;
  let nanos = 0;
  eachField(cursor, (field, wireType) => {
    if (field === 1 && wireType === VARINT) seconds = readInt64(cursor);
    else if (field === 2 && wireType === VARINT) nanos = readInt32(cursor);
    else return false;
    return true;
  });
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos >= 1e9)
    throw malformed(`${seconds} s and ${nanos} ns are no time`);
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (digits === 0) return `${whole}Z`;
  return `${whole}.${String(Math.floor(nanos / 1000)).padStart(digits, "0")}Z`;
}

/** metav1.FieldsV1: Raw = 1, which is JSON. */
function readJson(cursor: Cursor): unknown {
  let text = "";
  eachField(cursor, (field, wireType) => {
    if (field !== 1 || wireType !== DELIMITED) return false;
    const length = readLength(cursor);
    cursor.at += length;
    text = cursor.bytes.toString("utf8", cursor.at - length, cursor.at);
    return true;
  });
  try {
    return text === "" ? {} : (JSON.parse(text) as unknown);
  } catch (error) {
    throw malformed(`a field that must be JSON is not: ${(error as Error).message}`);
  }
}
