// Whether a parser's time grows with its input and not faster, and stays below 100 ms for 64 KiB: measured in CPU time of the thread, so that a
// busy machine changes little, and where that is over the limit, by how it grows from there to 256 KiB, which a slow machine does not change.
import type { Parser } from "./parser.ts";
import { valueOf } from "./parser.ts";

export const LARGE = 64 * 1024;
/** What 64 KiB may take. */
const LIMIT_MS = 100;
/** What it may take where it grows like its input: a slow machine, nothing else. */
const LINEAR_LIMIT_MS = 1_500;
/** Four times the input: linear is 4, n log n not much more, quadratic 16. */
const MOST_GROWTH = 8;
const TRIES = 3;
/** Not worth another try. */
const HOPELESS_MS = 10_000;

/** Pieces that are repeated, for any parser. */
const UNITS: readonly string[] = [
  "a",
  "0",
  " ",
  "\n",
  "-",
  "/",
  ".",
  ":",
  "\\",
  '"',
  "'",
  "[",
  "{",
  "<",
  "a ",
  "a\n",
  "- ",
  "a:\n ",
  "[[",
  "{a: ",
  "\u0000",
  "\u00e9",
];

export interface Shape {
  readonly name: string;
  /** An input of about so many characters. */
  readonly make: (size: number) => string;
}

/** Inputs to grow: pieces over and over, alone and inside of each seed. */
export function shapesOf(parser: Parser): readonly Shape[] {
  if (parser.form === "json") return parser.seeds.flatMap((seed, index) => jsonShapes(seed, index));
  const units = [...new Set([...UNITS, ...parser.words, ...parser.seeds.map((seed) => seed.slice(0, 400))])].filter(
    (unit) => unit !== "",
  );
  const alone = units.map((unit): Shape => ({
    name: `${show(unit)} over and over`,
    make: (size) => repeat(unit, size),
  }));
  const pairs = parser.words.flatMap((word, index): readonly Shape[] => {
    const other = parser.words[(index * 7 + 3) % parser.words.length] ?? "";
    return [{ name: `${show(word)} and ${show(other)} by turns`, make: (size) => repeat(word + other, size) }];
  });
  const inside = parser.seeds.flatMap((seed, index): readonly Shape[] => {
    const middle = seed.length >> 1;
    return ["a", " ", "\n", parser.words[index % parser.words.length] ?? "x"].map((unit) => ({
      name: `seed ${index} with ${show(unit)} in the middle`,
      make: (size) => seed.slice(0, middle) + repeat(unit, size - seed.length) + seed.slice(middle),
    }));
  });
  return [...alone, ...pairs, ...inside];
}

/** At most so many of a list, evenly over all of it. */
export function evenly<T>(list: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, list.length / most);
  return list.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}

function repeat(unit: string, size: number): string {
  return unit.repeat(Math.max(0, Math.ceil(size / unit.length))).slice(0, Math.max(0, size));
}

function show(text: string): string {
  return JSON.stringify(text.length > 24 ? `${text.slice(0, 24)}…` : text);
}

/** Texts, lists and objects of a value made large, and values put deep. */
function jsonShapes(seed: string, index: number): readonly Shape[] {
  const shapes: Shape[] = [];
  const grow = (name: string, path: readonly string[], large: (size: number, before: unknown) => unknown): void => {
    shapes.push({
      name: `seed ${index}, ${path.join(".") || "the value"}: ${name}`,
      make: (size) => writeDeep(replaceAt(valueOf(seed), path, (before) => large(size, before))),
    });
  };
  for (const { path, value } of pathsOf(valueOf(seed), [])) {
    if (typeof value === "string") {
      for (const unit of ["a", " ", "-", "a.", "/", "0", "{"])
        grow(`a text of ${show(unit)}`, path, (size) => repeat(unit, size));
      grow("its own text over and over", path, (size, before) =>
        repeat(String(before) === "" ? "x" : String(before), size),
      );
    } else if (Array.isArray(value)) {
      grow("many items", path, (size) =>
        Array.from({ length: Math.ceil(size / 16) }, (_, at) => value[at % Math.max(1, value.length)] ?? null).slice(
          0,
          4_096,
        ),
      );
      grow("a list in a list", path, (size) => new Nest("[", "]", size));
    } else if (typeof value === "object" && value !== null) {
      const one: unknown = Object.values(value)[0] ?? "x";
      grow("many keys", path, (size) => ({
        ...value,
        ...Object.fromEntries(
          Array.from({ length: Math.ceil(size / 24) }, (_, at) => [`key-${at}`, typeof one === "string" ? one : at]),
        ),
      }));
      grow("an object in an object", path, (size) => ({ ...value, deep: new Nest('{"a":', "}", size) }));
    }
  }
  return shapes;
}

/** What is too deep for JSON.stringify. */
class Nest {
  readonly text: string;
  constructor(open: string, close: string, size: number) {
    const depth = Math.floor(size / (open.length + close.length));
    this.text = `${open.repeat(depth)}1${close.repeat(depth)}`;
  }
  toJSON(): string {
    return `@@${this.text}@@`;
  }
}

function writeDeep(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replaceAll(/"@@(.*?)@@"/g, (_, text: string) => text.replaceAll('\\"', '"'));
}

interface Place {
  readonly path: readonly string[];
  readonly value: unknown;
}

function pathsOf(value: unknown, path: readonly string[]): readonly Place[] {
  const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [{ path, value }, ...members.flatMap(([key, member]) => pathsOf(member, [...path, key]))];
}

function replaceAt(value: unknown, path: readonly string[], by: (before: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by(value);
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaceAt(copy[key], rest, by);
  return copy;
}

/** CPU milliseconds of one run, the best of some: what the first one compiles is not the input's doing. */
async function costOf(parser: Parser, input: string, tries: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let at = 0; at < tries; at += 1) {
    const before = process.threadCpuUsage();
    try {
      await parser.run(input);
    } catch (error) {
      if (parser.mayThrow?.(error) !== true) throw error;
    }
    const { user, system } = process.threadCpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
    if (best <= LIMIT_MS) break;
  }
  return best;
}

/** What is wrong with how a parser grows over one shape; undefined: nothing. */
export async function judgeGrowth(parser: Parser, shape: Shape): Promise<string | undefined> {
  const once = await costOf(parser, shape.make(LARGE), 1);
  if (once <= LIMIT_MS) return undefined;
  const told = (ms: number, size: number): string => `${ms.toFixed(0)} ms for ${size} characters`;
  const large = once > HOPELESS_MS ? once : await costOf(parser, shape.make(LARGE), TRIES);
  if (large <= LIMIT_MS) return undefined;
  if (large > LINEAR_LIMIT_MS) return `${shape.name}: ${told(large, LARGE)}`;
  // Only what is compiled by now is compared.
  const larger = await costOf(parser, shape.make(4 * LARGE), 1);
  return larger / large > MOST_GROWTH ? `${shape.name}: ${told(large, LARGE)}, ${told(larger, 4 * LARGE)}` : undefined;
}
