// Digests by which worlds are known again. 128 bits: among a million worlds a chance meeting is out of the question.
import { hash } from "node:crypto";

export function digest(text: string): string {
  return hash("md5", text, "base64");
}

/** 32 bits of a digest. */
export function numberOf(text: string): number {
  return Buffer.from(text, "base64").readUInt32LE(0);
}

const known = new WeakMap<object, string>();

/** Digest of an object that never changes. */
export function digestOnce(value: object): string {
  const found = known.get(value);
  if (found !== undefined) return found;
  const made = digest(JSON.stringify(value));
  known.set(value, made);
  return made;
}
