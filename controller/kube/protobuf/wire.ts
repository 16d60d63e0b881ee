// The wire format of protocol buffers (protobuf.dev, "Encoding"), as far as Kubernetes uses it: varints, fixed widths and
// length-delimited fields. Every length is held against what is there before it is believed: what is cut or malformed is an
// error, never a shorter object. Groups, which Kubernetes never writes, are refused.
import { TransportError } from "../port.ts";

/** A place in bytes. Readers move `at`; nothing is read at or behind `end`. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  end: number;
  /** The two halves of the varint that was read last. */
  low: number;
  high: number;
}

export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const FIXED32 = 5;

/** 64 bits in groups of seven. */
const LONGEST_VARINT = 10;

/** What says that the bytes are not what they should be. */
export function malformed(what: string): TransportError {
  return new TransportError("malformed", "unknown", `protobuf: ${what}`);
}

export function cursorOf(bytes: Uint8Array): Cursor {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes: buffer, at: 0, end: buffer.length, low: 0, high: 0 };
}

function readByte(cursor: Cursor): number {
  if (cursor.at >= cursor.end) throw malformed("a message ends in the middle of a field");
  return cursor.bytes[cursor.at++] as number;
}

/** Reads a varint of up to 64 bits into the halves. */
function readBits(cursor: Cursor): void {
  let low = 0;
  let high = 0;
  for (let group = 0; group < LONGEST_VARINT; group += 1) {
    const byte = readByte(cursor);
    const bits = byte & 0x7f;
    if (group < 4) low |= bits << (7 * group);
    else if (group === 4) {
      low |= bits << 28;
      high |= bits >>> 4;
    } else high |= bits << (7 * group - 32);
    if (byte >= 0x80) continue;
    if (group === LONGEST_VARINT - 1 && byte > 1) break;
    cursor.low = low >>> 0;
    cursor.high = high;
    return;
  }
  throw malformed("a number is longer than 64 bits");
}

/** uint64. Beyond 2^53 it is rounded: as a length it is still larger than anything that is there. */
function readUint64(cursor: Cursor): number {
  readBits(cursor);
  return (cursor.high >>> 0) * 2 ** 32 + cursor.low;
}

/** int64; beyond 2^53 rounded as JSON.parse rounds the same number. */
export function readInt64(cursor: Cursor): number {
  readBits(cursor);
  return cursor.high * 2 ** 32 + cursor.low;
}

/** int32: negative ones are written with 64 bits, and only the lower 32 count. */
export function readInt32(cursor: Cursor): number {
  readBits(cursor);
  return cursor.low | 0;
}

export function readBool(cursor: Cursor): boolean {
  readBits(cursor);
  return (cursor.low | cursor.high) !== 0;
}

/** Number and wire type of the next field, as it stands there: `number << 3 | wire type`. */
export function readKey(cursor: Cursor): number {
  const first = readByte(cursor);
  let key = first;
  if (first >= 0x80) {
    cursor.at -= 1;
    key = readUint64(cursor);
    if (key >= 2 ** 32) throw malformed("a field number is too large");
  }
  if (key >>> 3 === 0) throw malformed("a field has the number 0");
  return key;
}

/** The length of what follows; it is there. */
export function readLength(cursor: Cursor): number {
  const at = cursor.at;
  const first = at < cursor.end ? (cursor.bytes[at] as number) : 0x80;
  let length = first;
  if (first < 0x80) cursor.at = at + 1;
  else length = readUint64(cursor);
  if (length > cursor.end - cursor.at) throw malformed(`a field of ${length} bytes is longer than its message`);
  return length;
}

/** Steps over one field that nobody asked for. */
export function skipField(cursor: Cursor, wireType: number): void {
  if (wireType === VARINT) return readBits(cursor);
  const length =
    wireType === DELIMITED ? readLength(cursor) : wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : undefined;
  if (length === undefined) throw malformed(`wire type ${wireType} is not one that Kubernetes writes`);
  if (length > cursor.end - cursor.at) throw malformed("a message ends in the middle of a field");
  cursor.at += length;
}
