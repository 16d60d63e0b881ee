// The beginning of a field that has perhaps not come as a whole yet: its number, where its content begins and how long it will be.
// A beginning that cannot become a field any more is an error; one that only needs more bytes is not.
import { DELIMITED, FIXED32, FIXED64, malformed, VARINT } from "./wire.ts";

export interface FieldHead {
  readonly number: number;
  /** Its length is written down: a message or a string. */
  readonly delimited: boolean;
  /** Bytes before its content. */
  readonly head: number;
  /** Bytes of its content; 0 where it is a varint, which counts as head. */
  readonly length: number;
}

interface Varint {
  readonly value: number;
  readonly next: number;
}

const LONGEST_VARINT = 10;

/** A varint as far as it is there. Beyond 2^53 it is rounded, which no length that is believed comes near. */
function peekVarint(bytes: Buffer, at: number, end: number): Varint | undefined {
  let value = 0;
  for (let next = at; next < end;) {
    const byte = bytes[next] as number;
    value += (byte & 0x7f) * 2 ** (7 * (next - at));
    next += 1;
    if (next - at === LONGEST_VARINT && byte > 1) throw malformed("a number is longer than 64 bits");
    if (byte < 0x80) return { value, next };
  }
  return undefined;
}

/** Undefined: more bytes are needed. Nothing at or behind `end` is read. */
export function peekField(bytes: Buffer, at: number, end: number): FieldHead | undefined {
  const key = peekVarint(bytes, at, end);
  if (key === undefined) return undefined;
  if (key.value >= 2 ** 32 || key.value < 8) throw malformed("a field number is not one");
  const number = Math.floor(key.value / 8);
  const wireType = key.value % 8;
  if (wireType === FIXED64 || wireType === FIXED32)
    return { number, delimited: false, head: key.next - at, length: wireType === FIXED64 ? 8 : 4 };
  if (wireType !== DELIMITED && wireType !== VARINT)
    throw malformed(`wire type ${wireType} is not one that Kubernetes writes`);
  const second = peekVarint(bytes, key.next, end);
  if (second === undefined) return undefined;
  const delimited = wireType === DELIMITED;
  return { number, delimited, head: second.next - at, length: delimited ? second.value : 0 };
}
