// Lists that are sorted again and again while little of them changes: what left is taken out and what came is put in its place.
// Must never end in another order than sorting the whole list would. Looks at as few elements as it can: at the size of a large
// cluster, most of the time goes into fetching objects from memory.

import { isSameList } from "./memory.ts";
import type { Steps } from "./steps.ts";

export interface SortedList<T> {
  /** As it came. */
  readonly list: readonly T[];
  readonly sorted: readonly T[];
}

export type Compare<T> = (a: T, b: T) => number;

/** More changes than this are not worth finding places for. */
export const MOST_CHANGES = 256;

/** Sorts a list, starting from how it was sorted last time. */
export function sortAgain<T>(
  before: SortedList<T> | undefined,
  list: readonly T[],
  compare: Compare<T>,
): SortedList<T> {
  if (before === undefined) return { list, sorted: [...list].sort(compare) };
  if (before.list === list) return before;
  const { gone, come } = findChanges(before.list, list);
  if (gone.length === 0 && come.length === 0) return { list, sorted: before.sorted };
  const patched = gone.length + come.length > MOST_CHANGES ? undefined : patch(before.sorted, gone, come, compare);
  return { list, sorted: patched ?? [...list].sort(compare) };
}

/** What two lists do not share. One that only moved may stand in both. */
export interface Differences<T> {
  readonly gone: readonly T[];
  readonly come: readonly T[];
}

/** So many elements that came or went at one place are passed by; of more, the rest of both lists is compared as sets. */
const MOST_AT_ONCE = 16;

/** What left and what came, where most elements are the very same and in the same order. */
export function findChanges<T>(before: readonly T[], now: readonly T[]): Differences<T> {
  const gone: T[] = [];
  const come: T[] = [];
  let [left, right] = [0, 0];
  while (left < before.length && right < now.length) {
    if (before[left] === now[right]) {
      left++;
      right++;
      continue;
    }
    const step = findAgain(before, left, now, right);
    if (step === undefined) break;
    for (const end = left + step.left; left < end; left++) gone.push(before[left] as T);
    for (const end = right + step.right; right < end; right++) come.push(now[right] as T);
  }
  if (left < before.length && right < now.length) {
    const [rest, others] = [before.slice(left), now.slice(right)];
    const [had, has] = [new Set(rest), new Set(others)];
    return {
      gone: gone.concat(rest.filter((one) => !has.has(one))),
      come: come.concat(others.filter((one) => !had.has(one))),
    };
  }
  return { gone: gone.concat(before.slice(left)), come: come.concat(now.slice(right)) };
}

/** How far to go in each list until both are at the same element again; the shortest way. */
function findAgain<T>(
  before: readonly T[],
  left: number,
  now: readonly T[],
  right: number,
): { readonly left: number; readonly right: number } | undefined {
  for (let sum = 1; sum <= MOST_AT_ONCE; sum++)
    for (let step = 0; step <= sum; step++) {
      const [at, to] = [left + step, right + sum - step];
      if (at <= before.length && to <= now.length && before[at] === now[to]) return { left: step, right: sum - step };
    }
  return undefined;
}

/** A sorted list without some and with others. Undefined: only sorting the whole list tells which of two equals comes first. */
export function patch<T>(
  sorted: readonly T[],
  gone: readonly T[],
  come: readonly T[],
  compare: Compare<T>,
): readonly T[] | undefined {
  const list = [...sorted];
  for (const one of gone) {
    const at = list.indexOf(one);
    if (at < 0) return undefined;
    list.splice(at, 1);
  }
  for (const one of come) {
    const at = placeOf(list, one, compare);
    if (at < list.length && compare(list[at] as T, one) === 0) return undefined;
    list.splice(at, 0, one);
  }
  return list;
}

/** Where the first that does not stand before `one` is. */
export function placeOf<T>(sorted: readonly T[], one: T, compare: Compare<T>): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle] as T, one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Some of a list, and the list that they were chosen of. */
export interface Selection<T> {
  readonly list: readonly T[];
  /** In no order that means anything. */
  readonly chosen: readonly T[];
}

/** Chooses of a list, looking only at what came since it was chosen of last time. `wanted` must say the same of the same element. */
export function selectAgain<T>(
  before: Selection<T> | undefined,
  list: readonly T[],
  wanted: (one: T) => boolean,
): Selection<T> {
  if (before === undefined) return { list, chosen: list.filter(wanted) };
  if (before.list === list) return before;
  const { gone, come } = findChanges(before.list, list);
  const left = new Set(gone.filter(wanted));
  const added = come.filter(wanted);
  if (left.size === 0 && added.length === 0) return { list, chosen: before.chosen };
  return { list, chosen: [...before.chosen.filter((one) => !left.has(one)), ...added] };
}

/** A list made of another, element by element, and what it was made of. */
export interface MadeList<From, To> {
  readonly from: readonly From[];
  readonly to: readonly To[];
}

/** So many elements are made in a step: the most expensive ones, pods, then take a few milliseconds. */
const PIECE = 1_000;

/** Makes a list element by element, in steps, without a look at what was made of the same before. */
export function* makeAgain<From, To>(
  before: MadeList<From, To> | undefined,
  from: readonly From[],
  make: (one: From) => To,
): Steps<MadeList<From, To>> {
  if (before !== undefined && isSameList(before.from, from)) return before;
  return { from, to: yield* realign(before ?? { from: [], to: [] }, from, make) };
}

/** So many new elements are searched for one by one; behind them, what was made of the others is found by its element. */
const MOST_SEARCHES = 64;

/** Both lists have most elements in common, in the same order; an element that was not there before is made. */
function* realign<From, To>(
  before: MadeList<From, To>,
  from: readonly From[],
  make: (one: From) => To,
): Steps<readonly To[]> {
  const olds = before.from;
  const replaced = olds.length === from.length ? replace(before, from, make) : undefined;
  if (replaced !== undefined) return replaced;
  let at = 0;
  let searches = 0;
  let rest: Map<From, To> | undefined;
  const find = (one: From): To => {
    if (at < olds.length && olds[at] === one) return before.to[at++] as To;
    if (rest === undefined && searches++ < MOST_SEARCHES) {
      const found = olds.indexOf(one, at);
      // The one that stood here may have been replaced: the next is compared with the next.
      if (found < 0) return make(one);
      at = found + 1;
      return before.to[found] as To;
    }
    rest ??= new Map(olds.slice(at).map((old, index) => [old, before.to[at + index] as To]));
    return rest.has(one) ? (rest.get(one) as To) : make(one);
  };
  const to: To[] = [];
  for (const one of from) {
    to.push(find(one));
    if (to.length % PIECE === 0) yield;
  }
  return to;
}

/** The quick way, where each element stands where it stood, but for a few that were replaced. */
function replace<From, To>(
  { from: olds, to: made }: MadeList<From, To>,
  from: readonly From[],
  make: (one: From) => To,
): To[] | undefined {
  const places: number[] = [];
  for (let at = 0; at < from.length && places.length <= MOST_SEARCHES; at++) if (from[at] !== olds[at]) places.push(at);
  if (places.length > MOST_SEARCHES) return undefined;
  const to = [...made];
  for (const at of places) to[at] = make(from[at] as From);
  return to;
}

/** How many elements two lists have in common at their begin and at their end. */
export function findAlike<T>(
  before: readonly T[],
  now: readonly T[],
): { readonly start: number; readonly end: number } {
  const shorter = Math.min(before.length, now.length);
  let start = 0;
  while (start < shorter && before[start] === now[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === now[now.length - 1 - end]) end++;
  return { start, end };
}
