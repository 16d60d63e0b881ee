// RPM package versions, `[epoch:]version[-release]`, in rpm's order (rpm-version(7): rpmvercmp with `~` and `^`).
// Pure; no allocation but two small records per comparison, no regular expression: this is a hot path.
// A version without release sorts before the same version with one, as in rpm >= 4.16: treating a missing release
// as "equal to any" would not be an order (1-1 = 1 = 1-2, yet 1-1 < 1-2) and sorting would depend on the input.
import { compareCodes, compareDigits, digitsEnd, isDigit, isLetter, orderOf } from "./order.ts";
import type { Order } from "./order.ts";

interface Parts {
  /** Start and end of the epoch's digits; an empty range is epoch 0. */
  readonly epochEnd: number;
  readonly version: number;
  readonly versionEnd: number;
  /** -1: no release. */
  readonly release: number;
}

const TILDE = 126;
const CARET = 94;

/** Orders two RPM versions as rpm does; "?" if either is empty or holds blanks or control characters. */
export function compareRpm(a: string, b: string): Order {
  const left = parse(a);
  if (left === undefined) return "?";
  const right = parse(b);
  if (right === undefined) return "?";
  const epoch = compareDigits(a, 0, left.epochEnd, b, 0, right.epochEnd);
  if (epoch !== 0) return orderOf(epoch);
  const version = compareSegments(a, left.version, left.versionEnd, b, right.version, right.versionEnd);
  if (version !== 0) return orderOf(version);
  if (left.release === -1 || right.release === -1) {
    return left.release === right.release ? "=" : left.release === -1 ? "<" : ">";
  }
  return orderOf(compareSegments(a, left.release, a.length, b, right.release, b.length));
}

/** Whether a person may write this as a required version: only rpm's own characters, a version that starts alphanumeric. */
export function isRpmVersion(text: string): boolean {
  const parts = parse(text);
  if (parts === undefined) return false;
  const first = text.charCodeAt(parts.version);
  if (!isDigit(first) && !isLetter(first)) return false;
  if (parts.release === text.length) return false;
  for (let at = parts.version; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const allowed = isDigit(code) || isLetter(code) || code === TILDE || code === CARET;
    if (!allowed && code !== 46 && code !== 95 && code !== 43 && at !== parts.release - 1) return false;
  }
  return true;
}

/** The order of two bare version (or release) strings: rpm's rpmvercmp. */
export function compareRpmSegments(a: string, b: string): number {
  return compareSegments(a, 0, a.length, b, 0, b.length);
}

function parse(text: string): Parts | undefined {
  const end = text.length;
  if (end === 0) return undefined;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 127) return undefined;
  }
  // Only digits make an epoch: "a:1" is a version that happens to hold a colon.
  const digits = digitsEnd(text, 0, end);
  const hasEpoch = digits < end && text.charCodeAt(digits) === 58;
  const version = hasEpoch ? digits + 1 : 0;
  const hyphen = text.lastIndexOf("-");
  const hasRelease = hyphen >= version;
  const versionEnd = hasRelease ? hyphen : end;
  if (versionEnd === version) return undefined;
  return { epochEnd: hasEpoch ? digits : 0, version, versionEnd, release: hasRelease ? hyphen + 1 : -1 };
}

/**
 * Walks both strings segment by segment. `~` sorts before everything, even the end; `^` after the end but before any
 * other continuation; numbers after words; more segments after fewer. Separators and bytes that are not ASCII
 * only separate.
 */
function compareSegments(a: string, i: number, iEnd: number, b: string, j: number, jEnd: number): number {
  for (;;) {
    i = skipSeparators(a, i, iEnd);
    j = skipSeparators(b, j, jEnd);
    const left = i < iEnd ? a.charCodeAt(i) : 0;
    const right = j < jEnd ? b.charCodeAt(j) : 0;
    if (left === TILDE || right === TILDE) {
      if (left !== right) return left === TILDE ? -1 : 1;
      i++;
      j++;
      continue;
    }
    if (left === CARET || right === CARET) {
      if (left !== right) return left === 0 || (left === CARET && right !== 0) ? -1 : 1;
      i++;
      j++;
      continue;
    }
    if (left === 0 || right === 0) return left === right ? 0 : left === 0 ? -1 : 1;
    const numeric = isDigit(left);
    if (numeric !== isDigit(right)) return numeric ? 1 : -1;
    const leftEnd = numeric ? digitsEnd(a, i, iEnd) : lettersEnd(a, i, iEnd);
    const rightEnd = numeric ? digitsEnd(b, j, jEnd) : lettersEnd(b, j, jEnd);
    const difference = numeric
      ? compareDigits(a, i, leftEnd, b, j, rightEnd)
      : compareCodes(a, i, leftEnd, b, j, rightEnd);
    if (difference !== 0) return difference;
    i = leftEnd;
    j = rightEnd;
  }
}

function lettersEnd(text: string, at: number, end: number): number {
  while (at < end && isLetter(text.charCodeAt(at))) at++;
  return at;
}

function skipSeparators(text: string, at: number, end: number): number {
  while (at < end) {
    const code = text.charCodeAt(at);
    if (isDigit(code) || isLetter(code) || code === TILDE || code === CARET) break;
    at++;
  }
  return at;
}
