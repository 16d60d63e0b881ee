// What may be remembered from one round of work (a plan, a projection of the cluster) to the next: answers, each with the parts that it
// depends on. An answer counts again only while every part is the very same object. Losing all of it costs time, never correctness:
// work with a memory equals work without one byte for byte (a property test of the planner holds that), which is work with an empty one.

import type { Steps } from "./steps.ts";

interface Answer {
  readonly parts: readonly unknown[];
  readonly value: unknown;
}

export interface AnswerMemory {
  /** Answers of the last round, and of this one so far: what a round does not ask for is forgotten with the next. */
  earlier: ReadonlyMap<string, Answer>;
  current: Map<string, Answer>;
}

/** A memory that knows nothing. */
export function createMemory(): AnswerMemory {
  return { earlier: new Map(), current: new Map() };
}

/** Begins a round: what it finds is what the next may start from. */
export function turnPage(memory: AnswerMemory): void {
  memory.earlier = memory.current;
  memory.current = new Map();
}

/**
 * The answer of the last round under this name while its parts are the same, else a new one. `make` may start from the last answer
 * where that saves work. One name always stands for one type.
 */
export function recall<T>(
  memory: AnswerMemory,
  name: string,
  parts: readonly unknown[],
  make: (before: T | undefined) => T,
): T {
  const known = memory.earlier.get(name);
  const answer =
    known !== undefined && isSameList(known.parts, parts)
      ? known
      : { parts, value: make(known?.value as T | undefined) };
  memory.current.set(name, answer);
  return answer.value as T;
}

/** The same for an answer that is made in steps. */
export function* recallInSteps<T>(
  memory: AnswerMemory,
  name: string,
  parts: readonly unknown[],
  make: (before: T | undefined) => Steps<T>,
): Steps<T> {
  const known = memory.earlier.get(name);
  const answer =
    known !== undefined && isSameList(known.parts, parts)
      ? known
      : { parts, value: yield* make(known?.value as T | undefined) };
  memory.current.set(name, answer);
  return answer.value as T;
}

/** An answer that always looks again, and starts from the last one. */
export function revise<T>(memory: AnswerMemory, name: string, make: (before: T | undefined) => T): T {
  const value = make(memory.earlier.get(name)?.value as T | undefined);
  memory.current.set(name, { parts: [], value });
  return value;
}

/** The same for an answer that is made in steps. */
export function* reviseInSteps<T>(
  memory: AnswerMemory,
  name: string,
  make: (before: T | undefined) => Steps<T>,
): Steps<T> {
  const value = yield* make(memory.earlier.get(name)?.value as T | undefined);
  memory.current.set(name, { parts: [], value });
  return value;
}

/** Whether two lists hold the very same things in the same order. */
export function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!Object.is(a[at], b[at])) return false;
  return true;
}

/**
 * `now`, but with every part of it that says the same as before replaced by the object of before: policy and ledger are read anew for
 * each plan, and what did not change shall be the very same. Things with a name are compared with their namesakes.
 */
export function settle<T>(before: unknown, now: T): T {
  if (Object.is(before, now) || !isObject(before) || !isObject(now)) return now;
  if (Array.isArray(now)) return (Array.isArray(before) ? settleList(before, now) : now) as T;
  if (now instanceof Map) return (before instanceof Map ? settleMap(before, now) : now) as T;
  const [keys, others] = [Object.keys(now), Object.keys(before)];
  const pairs = keys.map((key) => [key, settle(before[key], now[key])] as const);
  const same = isSameList(keys, others) && pairs.every(([key, value]) => Object.is(value, before[key]));
  // fromEntries defines own properties, so that a key such as `__proto__` is only a key.
  return (same ? before : Object.fromEntries(pairs)) as T;
}

function settleList(before: readonly unknown[], now: readonly unknown[]): readonly unknown[] {
  const named = new Map(before.map((one) => [nameOf(one), one]));
  const list = now.map((one, at) => {
    const name = nameOf(one);
    return settle(name === undefined ? before[at] : named.get(name), one);
  });
  return isSameList(list, before) ? before : list;
}

function settleMap(before: ReadonlyMap<unknown, unknown>, now: ReadonlyMap<unknown, unknown>): typeof now {
  const map = new Map([...now].map(([key, value]) => [key, settle(before.get(key), value)]));
  return isSameList([...map].flat(), [...before].flat()) ? before : map;
}

function nameOf(one: unknown): unknown {
  return isObject(one) ? one["name"] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
