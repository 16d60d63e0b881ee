// Runs a parser once over one input and says what is wrong with what came of it: an error that is not documented, an answer that grew out
// of all proportion, a prototype that the input changed or made, a round trip that is none, or a time that no input of its size may take.
import type { Parser } from "./parser.ts";

/** Prototypes that all code shares. */
const SHARED: readonly (readonly [string, object])[] = [
  ["Object", Object.prototype],
  ["Array", Array.prototype],
  ["Function", Function.prototype],
  ["String", String.prototype],
  ["Number", Number.prototype],
  ["Boolean", Boolean.prototype],
  ["RegExp", RegExp.prototype],
  ["Map", Map.prototype],
  ["Set", Set.prototype],
  ["Error", Error.prototype],
  ["Promise", Promise.prototype],
];

interface Print {
  readonly name: string;
  readonly shared: object;
  readonly prototype: object | null;
  readonly properties: ReadonlyMap<PropertyKey, PropertyDescriptor>;
}

function printOf([name, shared]: readonly [string, object]): Print {
  const keys = Reflect.ownKeys(shared);
  const properties = new Map(keys.map((key) => [key, Reflect.getOwnPropertyDescriptor(shared, key) ?? {}]));
  return { name, shared, prototype: Reflect.getPrototypeOf(shared), properties };
}

const PRINTS: readonly Print[] = SHARED.map(printOf);

/** Which of the shared prototypes is not what it was; what was added is taken away, so that the next input is judged alone. */
export function findPollution(): string | undefined {
  for (const { name, shared, prototype, properties } of PRINTS) {
    if (Reflect.getPrototypeOf(shared) !== prototype) return `${name}.prototype has another prototype`;
    for (const key of Reflect.ownKeys(shared)) {
      const before = properties.get(key);
      const now = Reflect.getOwnPropertyDescriptor(shared, key);
      if (before !== undefined && before.value === now?.value && before.get === now?.get) continue;
      if (before === undefined) Reflect.deleteProperty(shared, key);
      else Reflect.defineProperty(shared, key, before);
      return `${name}.prototype.${String(key)} is ${before === undefined ? "new" : "another"}`;
    }
  }
  return undefined;
}

/** Where the walk through an answer stops: so much is too much for any input. */
const MOST_SIZE = 64 * 1024 * 1024;

export interface Extent {
  /** Characters of strings and keys, bytes, and one for each member. */
  readonly size: number;
  /** An object whose prototype is neither a class's nor none: the input put it there. */
  readonly strange: string | undefined;
}

/** How large an answer is. Never recurses, so that depth cannot break it; what is met twice counts once. */
export function measure(answer: unknown): Extent {
  const seen = new Set<object>();
  const waiting: unknown[] = [answer];
  let size = 0;
  for (let value = waiting.pop(); ; value = waiting.pop()) {
    size += 1;
    if (typeof value === "string") size += value.length;
    else if (typeof value === "object" && value !== null && !seen.has(value)) {
      seen.add(value);
      const strange = strangePrototype(value);
      if (strange !== undefined) return { size, strange };
      if (ArrayBuffer.isView(value)) size += value.byteLength;
      else if (value instanceof Map) for (const [key, one] of value) waiting.push(key, one);
      else if (value instanceof Set) for (const one of value) waiting.push(one);
      else if (value instanceof Error) waiting.push(value.message);
      else if (Array.isArray(value)) for (const one of value as readonly unknown[]) waiting.push(one);
      else
        for (const [key, one] of Object.entries(value)) {
          size += key.length;
          waiting.push(one);
        }
    }
    if (waiting.length === 0 || size > MOST_SIZE) return { size, strange: undefined };
  }
}

function strangePrototype(value: object): string | undefined {
  const prototype: unknown = Reflect.getPrototypeOf(value);
  if (typeof prototype !== "object" || prototype === null) return undefined;
  const made: unknown = Object.hasOwn(prototype, "constructor")
    ? (prototype as { readonly constructor: unknown }).constructor
    : undefined;
  if (typeof made === "function" && (made as { readonly prototype: unknown }).prototype === prototype) return undefined;
  return `an object's prototype has the keys ${Object.keys(prototype).slice(0, 5).join(", ")}`;
}

/** CPU milliseconds of this thread that one input of a few KiB may take, on the slowest machine. */
const HARD_LIMIT_MS = 2_000;
const PER_CHARACTER = 24;
/** What an answer may hold whatever the input: messages, tables of a validator. */
const ALWAYS = 16_384;

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `throws ${typeof error}`;
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  // Where in our code, which is what a reader looks for; a library's line says less.
  const place = frames.map((frame) => /\/(controller\/[^)]*)\)?$/.exec(frame)?.[1]).find((one) => one !== undefined);
  return `throws ${error.name}: ${error.message.slice(0, 200)} (${place ?? "no place"})`;
}

/** What is wrong; undefined: nothing. */
export async function judge(parser: Parser, input: string): Promise<string | undefined> {
  const before = process.threadCpuUsage();
  let answer: unknown;
  try {
    answer = await parser.run(input);
    const wrong = parser.check?.(input, answer);
    if (wrong !== undefined) return wrong;
  } catch (error) {
    if (parser.mayThrow?.(error) !== true) return describe(error);
    answer = error;
  }
  const { user, system } = process.threadCpuUsage(before);
  const took = (user + system) / 1000;
  if (took > HARD_LIMIT_MS) return `takes ${Math.round(took)} ms of CPU for ${input.length} characters`;
  const polluted = findPollution();
  if (polluted !== undefined) return polluted;
  const { size, strange } = measure(answer);
  if (strange !== undefined) return strange;
  const most = (parser.mostPerCharacter ?? PER_CHARACTER) * input.length + ALWAYS;
  return size > most
    ? `answers with ${size} characters and members for ${input.length}, ${most} is the most`
    : undefined;
}

/** The sort of a finding, without what differs from input to input: shrinking must not wander off to another one. */
export function sortOf(finding: string): string {
  return finding
    .replaceAll(/\d+/g, "0")
    .replaceAll(/"[^"]*"/g, '""')
    .slice(0, 80);
}
