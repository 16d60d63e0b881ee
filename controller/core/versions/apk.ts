// Alpine package versions, `digits{.digits}[letter]{_suffix[number]}[~hash][-rN]`, in apk-tools' order (apk-package(5)).
// Pure; two small cursors per comparison, no regular expression: this is a hot path.
// apk-tools 2 and 3 agree on valid versions and disagree on invalid ones, so an invalid one is never ordered. The one
// exception is a patch number after the letter p (opensmtpd 6.0.3p1, sudo 1.8.31p1): version 3 no longer accepts it, but
// Alpine has published such packages, and version 2 gave them the order that is kept here.
import { compareCodes, compareDigits, digitsEnd, isDigit, orderOf } from "./order.ts";
import type { Order } from "./order.ts";

// The kinds of token in the order in which they may follow one another. The order matters twice: the grammar is
// "a later kind, or the same where repetition is allowed", and of two versions that are equal so far the one whose
// next token is of an earlier kind is newer (1.0.1 > 1.0a > 1.0_p1 > 1.0-r1 > 1.0).
const FIRST_NUMBER = 0;
const NUMBER = 1;
const LETTER = 2;
const PATCH_NUMBER = 3;
const SUFFIX = 4;
const SUFFIX_NUMBER = 5;
const HASH = 6;
const REVISION = 7;
const END = 8;
const INVALID = 9;

/** Suffixes from oldest to newest; those before "" come before the plain version. */
const SUFFIXES: readonly string[] = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];
const PLAIN = SUFFIXES.indexOf("");

interface Cursor {
  readonly text: string;
  /** Where the next token begins. */
  next: number;
  kind: number;
  /** The current token's value is text[from, to). */
  from: number;
  to: number;
  /** Index in SUFFIXES while kind is SUFFIX. */
  suffix: number;
}

/** Orders two Alpine versions as `apk version -t` does for valid ones; "?" if either is not a valid version. */
export function compareApk(a: string, b: string): Order {
  const left = open(a);
  const right = open(b);
  let difference = 0;
  while (left.kind === right.kind && left.kind < END) {
    difference = compareTokens(left, right);
    if (difference !== 0) break;
    advance(left);
    advance(right);
  }
  if (difference === 0) difference = compareKinds(left, right);
  return drain(left) && drain(right) ? orderOf(difference) : "?";
}

/** Whether `text` is a valid Alpine version. */
export function isApkVersion(text: string): boolean {
  return drain(open(text));
}

function open(text: string): Cursor {
  const cursor: Cursor = { text, next: 0, kind: FIRST_NUMBER, from: 0, to: 0, suffix: PLAIN };
  takeNumber(cursor, FIRST_NUMBER, 0);
  return cursor;
}

/** Reads the rest of the version; false if any of it is invalid. */
function drain(cursor: Cursor): boolean {
  while (cursor.kind < END) advance(cursor);
  return cursor.kind === END;
}

function compareTokens(left: Cursor, right: Cursor): number {
  const { kind } = left;
  if (kind === SUFFIX) return left.suffix - right.suffix;
  const asText =
    kind === LETTER ||
    kind === HASH ||
    // A later component with a leading zero is a fraction: 1.01 < 1.1 and 1.010 > 1.01, as in Gentoo.
    (kind === NUMBER && (left.text.charCodeAt(left.from) === 48 || right.text.charCodeAt(right.from) === 48));
  const compare = asText ? compareCodes : compareDigits;
  return compare(left.text, left.from, left.to, right.text, right.from, right.to);
}

/** Equal up to here, and now of different kinds (or both at the end). */
function compareKinds(left: Cursor, right: Cursor): number {
  if (left.kind === right.kind) return 0;
  if (left.kind === SUFFIX && left.suffix < PLAIN) return -1;
  if (right.kind === SUFFIX && right.suffix < PLAIN) return 1;
  return right.kind - left.kind;
}

function advance(cursor: Cursor): void {
  const { text, next, kind } = cursor;
  if (next === text.length) {
    cursor.kind = END;
    return;
  }
  const code = text.charCodeAt(next);
  if (code === 46 && kind <= NUMBER) takeNumber(cursor, NUMBER, next + 1);
  else if (isDigit(code) && kind === SUFFIX) takeNumber(cursor, SUFFIX_NUMBER, next);
  else if (isDigit(code) && kind === LETTER && text.charCodeAt(next - 1) === 112)
    takeNumber(cursor, PATCH_NUMBER, next);
  else if (code >= 97 && code <= 122 && kind <= NUMBER) take(cursor, LETTER, next, next + 1);
  else if (code === 95 && kind <= SUFFIX_NUMBER) takeSuffix(cursor, next + 1);
  else if (code === 126 && kind < HASH) takeHash(cursor, next + 1);
  else if (code === 45 && kind < REVISION && text.charCodeAt(next + 1) === 114) takeNumber(cursor, REVISION, next + 2);
  else cursor.kind = INVALID;
}

/** Sets the current token, or Invalid when it is empty. */
function take(cursor: Cursor, kind: number, from: number, to: number): void {
  cursor.kind = to > from ? kind : INVALID;
  cursor.from = from;
  cursor.to = to;
  cursor.next = to;
}

function takeNumber(cursor: Cursor, kind: number, from: number): void {
  take(cursor, kind, from, digitsEnd(cursor.text, from, cursor.text.length));
}

function takeSuffix(cursor: Cursor, from: number): void {
  const { text } = cursor;
  let to = from;
  while (to < text.length && text.charCodeAt(to) >= 97 && text.charCodeAt(to) <= 122) to++;
  cursor.suffix = SUFFIXES.findIndex((suffix) => suffix.length === to - from && text.startsWith(suffix, from));
  take(cursor, cursor.suffix === -1 ? INVALID : SUFFIX, from, to);
}

function takeHash(cursor: Cursor, from: number): void {
  const { text } = cursor;
  let to = from;
  while (to < text.length && isHex(text.charCodeAt(to))) to++;
  take(cursor, HASH, from, to);
}

function isHex(code: number): boolean {
  return isDigit(code) || (code >= 97 && code <= 102);
}
