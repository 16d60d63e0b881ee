// Debian package versions, `[epoch:]upstream[-revision]`, in dpkg's order (deb-version(7), Debian Policy 5.6.12).
// Pure; no allocation but two small records per comparison, no regular expression: this is a hot path.
// What Policy says a version *must* not contain is malformed; that it *should* start with a digit is only asked of
// versions in policies (`isDpkgVersion`), because dpkg itself installs and orders versions that do not.
import { digitsEnd, isDigit, isLetter, orderOf } from "./order.ts";
import type { Order } from "./order.ts";

interface Parts {
  readonly epoch: number;
  readonly upstream: number;
  readonly upstreamEnd: number;
  /** Equal to `end` when there is no revision, which orders as revision "0". */
  readonly revision: number;
  readonly end: number;
}

/** dpkg keeps the epoch in a signed int and refuses more. */
const LARGEST_EPOCH = 2147483647;

// Where Policy allows a character.
const UPSTREAM = 1;
const REVISION = 2;
const AFTER_EPOCH = 4;
const ALLOWED: Readonly<Uint8Array> = Uint8Array.from({ length: 128 }, (_, code) => {
  if (isDigit(code) || isLetter(code) || ".+~".includes(String.fromCharCode(code))) return UPSTREAM | REVISION;
  if (code === 45) return UPSTREAM;
  return code === 58 ? AFTER_EPOCH : 0;
});

/** `~` sorts before the end of the part (0, as do digits, which end a run), letters after it, all else last. */
const WEIGHT: Readonly<Int16Array> = Int16Array.from({ length: 128 }, (_, code) => {
  if (isDigit(code)) return 0;
  if (isLetter(code)) return code;
  return code === 126 ? -1 : code + 256;
});

/** Orders two Debian package versions as `dpkg --compare-versions` does; "?" if either is malformed. */
export function compareDpkg(a: string, b: string): Order {
  const left = parse(a);
  if (left === undefined) return "?";
  const right = parse(b);
  if (right === undefined) return "?";
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? "<" : ">";
  const upstream = compareRuns(a, left.upstream, left.upstreamEnd, b, right.upstream, right.upstreamEnd);
  if (upstream !== 0) return orderOf(upstream);
  return orderOf(compareRuns(a, left.revision, left.end, b, right.revision, right.end));
}

/** Whether a person may write this as a required version: well-formed, and starting with a digit. */
export function isDpkgVersion(text: string): boolean {
  const parts = parse(text);
  return parts !== undefined && isDigit(text.charCodeAt(parts.upstream));
}

function parse(text: string): Parts | undefined {
  let start = 0;
  let end = text.length;
  // dpkg trims blanks around a version, and control files do have them.
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  let epoch = 0;
  let hasEpoch = false;
  const colon = text.indexOf(":", start);
  if (colon !== -1) {
    if (colon === start || digitsEnd(text, start, colon) !== colon) return undefined;
    for (let at = start; at < colon; at++) {
      epoch = epoch * 10 + text.charCodeAt(at) - 48;
      if (epoch > LARGEST_EPOCH) return undefined;
    }
    hasEpoch = true;
    start = colon + 1;
  }
  const hyphen = text.lastIndexOf("-", end - 1);
  const hasRevision = hyphen >= start;
  const upstreamEnd = hasRevision ? hyphen : end;
  const revision = hasRevision ? hyphen + 1 : end;
  if (upstreamEnd <= start || (hasRevision && revision === end)) return undefined;
  if (!isMadeOf(text, start, upstreamEnd, hasEpoch ? UPSTREAM | AFTER_EPOCH : UPSTREAM)) return undefined;
  if (!isMadeOf(text, revision, end, REVISION)) return undefined;
  return { epoch, upstream: start, upstreamEnd, revision, end };
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isMadeOf(text: string, at: number, end: number, allowed: number): boolean {
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code > 127 || ((ALLOWED[code] ?? 0) & allowed) === 0) return false;
  }
  return true;
}

/** Alternately a run of non-digits, then a run of digits; the first difference decides. */
function compareRuns(a: string, i: number, iEnd: number, b: string, j: number, jEnd: number): number {
  while (i < iEnd || j < jEnd) {
    for (;;) {
      const left = i < iEnd ? (WEIGHT[a.charCodeAt(i)] ?? 0) : 0;
      const right = j < jEnd ? (WEIGHT[b.charCodeAt(j)] ?? 0) : 0;
      if (left !== right) return left - right;
      if (left === 0) break;
      i++;
      j++;
    }
    while (i < iEnd && a.charCodeAt(i) === 48) i++;
    while (j < jEnd && b.charCodeAt(j) === 48) j++;
    let first = 0;
    for (;;) {
      const left = i < iEnd ? a.charCodeAt(i) : 0;
      const right = j < jEnd ? b.charCodeAt(j) : 0;
      const leftDigit = isDigit(left);
      if (leftDigit !== isDigit(right)) return leftDigit ? 1 : -1;
      if (!leftDigit) break;
      if (first === 0) first = left - right;
      i++;
      j++;
    }
    if (first !== 0) return first;
  }
  return 0;
}
