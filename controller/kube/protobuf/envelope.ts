// How Kubernetes packs an object: four bytes `k8s\0`, then runtime.Unknown with the object inside
// (kubernetes.io, "Kubernetes API Concepts", "Protobuf encoding"). An object of another kind than was asked for is an error.
import { TYPE_META } from "./meta-tables.ts";
import { readMessage } from "./message.ts";
import { type Cursor, DELIMITED, malformed, readKey, readLength, skipField } from "./wire.ts";
import type { Words } from "./words.ts";

const MAGIC = Buffer.from("k8s\0", "latin1");
export const MAGIC_LENGTH = MAGIC.length;

/** runtime.Unknown: typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4. */
export const UNKNOWN = { typeMeta: 1, raw: 2, contentEncoding: 3, contentType: 4 } as const;

export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Steps over `k8s\0`. */
export function readMagic(cursor: Cursor): void {
  const { bytes, at, end } = cursor;
  if (end - at < MAGIC_LENGTH || MAGIC.compare(bytes, at, at + MAGIC_LENGTH) !== 0)
    throw malformed("an object does not begin with k8s and a zero byte");
  cursor.at += MAGIC_LENGTH;
}

export function readTypeMeta(cursor: Cursor, words: Words): TypeMeta {
  const { apiVersion = "", kind = "" }: Partial<TypeMeta> = readInto(cursor, words);
  return { apiVersion, kind };
}

function readInto(cursor: Cursor, words: Words): Partial<TypeMeta> {
  const fields = {};
  readMessage(cursor, TYPE_META, words, fields);
  return fields;
}

/** What is packed plainly says neither encoding nor another type. */
export function expectPlain(name: "contentEncoding" | "contentType", value: string): void {
  if (value !== "" && !(name === "contentType" && value === "application/vnd.kubernetes.protobuf"))
    throw malformed(`an object has the ${name} ${JSON.stringify(value.slice(0, 64))}`);
}

/** Opens an envelope that is there as a whole: what is in it, and where. Moves the cursor to its content. */
export function openEnvelope(cursor: Cursor, words: Words): TypeMeta {
  readMagic(cursor);
  const end = cursor.end;
  let type: TypeMeta | undefined;
  let content: { readonly at: number; readonly end: number } | undefined;
  while (cursor.at < end) {
    const key = readKey(cursor);
    const number = key >>> 3;
    if (number > UNKNOWN.contentType) {
      skipField(cursor, key & 7);
      continue;
    }
    if ((key & 7) !== DELIMITED) throw malformed(`an envelope's field ${number} has wire type ${key & 7}`);
    const length = readLength(cursor);
    const at = cursor.at;
    cursor.end = at + length;
    if (number === UNKNOWN.typeMeta) type = readTypeMeta(cursor, words);
    else if (number === UNKNOWN.raw) content = { at, end: at + length };
    else {
      const value = words.read(cursor.bytes, at, at + length);
      expectPlain(number === UNKNOWN.contentType ? "contentType" : "contentEncoding", value);
    }
    cursor.at = at + length;
    cursor.end = end;
  }
  if (type === undefined || content === undefined) throw malformed("an envelope holds no object");
  cursor.at = content.at;
  cursor.end = content.end;
  return type;
}
