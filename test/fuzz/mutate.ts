// Mutations of inputs: characters, bytes, words and, for JSON, members of the value. Every one is drawn from a seeded generator, so a seed
// gives the same run again.
import type { Random } from "../../controller/clock.ts";
import type { Parser } from "./parser.ts";
import { valueOf } from "./parser.ts";

/** The longest input of the coverage-guided loop; what takes long on more is the growth test's business. */
export const LONGEST = 4_096;

/** Texts that broke parsers before. */
const HOSTILE: readonly string[] = [
  ...[
    "",
    "\u0000",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u007f",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u202e",
    "\ud800",
    "\udc00",
    "\u00e9",
    "\u{1f9ea}",
  ],
  ...["__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "then", "length"],
  ...["0", "-1", "1e309", "9007199254740993", "99999999999999999999", "0x10", "1.5", "NaN", "Infinity", "-0"],
  ...[
    "null",
    "true",
    "[]",
    "{}",
    "..",
    "../",
    "/",
    "//",
    "\\",
    "%00",
    "%2e",
    "$&",
    "${",
    "`",
    "'",
    '"',
    "<",
    ">",
    "&",
    "#",
    "@",
    "|",
    "*",
  ],
];

const HOSTILE_VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    "",
    "\u0000",
    "\ud800",
    "x".repeat(300),
    "__proto__",
    [],
    {},
    [[]],
    [null],
  ],
  ...[
    { toString: 1, valueOf: 1 },
    { length: 1e9 },
    { constructor: null },
    "2026-11-21T12:00:00Z",
    "99999-01-01",
    8.64e15,
    1e16,
  ],
  "@1e999",
];

/** Stands for a number that JSON can say and JSON.stringify cannot. */
const TOO_LARGE = '"@1e999"';

export interface Chance {
  /** A whole number from 0, below `below`. */
  upTo(below: number): number;
  pick<T>(list: readonly T[]): T;
}

export function chanceOf(random: Random): Chance {
  const upTo = (below: number): number => Math.floor(random.next() * below);
  return { upTo, pick: (list) => list[upTo(list.length)] as (typeof list)[number] };
}

type Mutation = (text: string, chance: Chance, words: readonly string[], other: string) => string;

function span(text: string, chance: Chance): readonly [number, number] {
  const start = chance.upTo(text.length + 1);
  return [start, Math.min(text.length, start + 1 + chance.upTo(chance.pick([1, 4, 16, 64])))];
}

/** Words and what stands between them. */
function tokensOf(text: string): string[] {
  return text.match(/[A-Za-z0-9_]+|\s+|[^A-Za-z0-9_\s]/g) ?? [];
}

const MUTATIONS: readonly Mutation[] = [
  function remove(text, chance) {
    const [start, end] = span(text, chance);
    return text.slice(0, start) + text.slice(end);
  },
  function repeat(text, chance) {
    const [start, end] = span(text, chance);
    return text.slice(0, end) + text.slice(start, end).repeat(chance.pick([1, 1, 2, 8, 40])) + text.slice(end);
  },
  function insertWord(text, chance, words) {
    const at = chance.upTo(text.length + 1);
    return text.slice(0, at) + chance.pick(chance.upTo(3) === 0 ? HOSTILE : words) + text.slice(at);
  },
  function replaceWord(text, chance, words) {
    const tokens = tokensOf(text);
    if (tokens.length === 0) return chance.pick(words);
    tokens[chance.upTo(tokens.length)] = chance.pick(
      chance.upTo(3) === 0 ? HOSTILE : [...words, ...tokens.slice(0, 50)],
    );
    return tokens.join("");
  },
  function swapTokens(text, chance) {
    const tokens = tokensOf(text);
    const [a, b] = [chance.upTo(tokens.length), chance.upTo(tokens.length)];
    [tokens[a], tokens[b]] = [tokens[b] ?? "", tokens[a] ?? ""];
    return tokens.join("");
  },
  function changeCharacter(text, chance) {
    const at = chance.upTo(text.length);
    const code = text.charCodeAt(at) || 0;
    const other = chance.pick([code ^ (1 << chance.upTo(8)), chance.upTo(128), chance.upTo(256), code + 1, code - 1]);
    return text.slice(0, at) + String.fromCharCode(Math.max(0, other)) + text.slice(at + 1);
  },
  function changeNumber(text, chance) {
    const found = [...text.matchAll(/\d+/g)];
    if (found.length === 0) return text + String(chance.upTo(100));
    const { index, 0: digits } = chance.pick(found);
    const number = Number(digits);
    const other = chance.pick([
      "0",
      "00",
      String(number + 1),
      String(Math.max(0, number - 1)),
      `${digits}0`,
      "4294967296",
      "-1",
    ]);
    return text.slice(0, index) + other + text.slice(index + digits.length);
  },
  function changeCase(text, chance) {
    const [start, end] = span(text, chance);
    const part = text.slice(start, end);
    return text.slice(0, start) + (chance.upTo(2) === 0 ? part.toUpperCase() : part.toLowerCase()) + text.slice(end);
  },
  function truncate(text, chance) {
    return chance.upTo(2) === 0
      ? text.slice(0, chance.upTo(text.length + 1))
      : text.slice(chance.upTo(text.length + 1));
  },
  function splice(text, chance, _words, other) {
    return text.slice(0, chance.upTo(text.length + 1)) + other.slice(chance.upTo(other.length + 1));
  },
];

/** One to four mutations after one another. `other`: another input of the corpus. */
export function mutate(parser: Pick<Parser, "form" | "words">, input: string, other: string, chance: Chance): string {
  let text = input;
  for (let step = 1 + chance.upTo(4); step > 0; step -= 1) {
    // Mostly by members: most mutations of the text are no JSON any more, and end in its parser.
    const byValue = parser.form === "json" && chance.upTo(8) > 0;
    text = byValue
      ? mutateJson(text, other, chance, parser.words)
      : chance.pick(MUTATIONS)(text, chance, parser.words.length === 0 ? HOSTILE : parser.words, other);
  }
  const short = text.slice(0, LONGEST);
  return parser.form === "bytes"
    ? short.replaceAll(/[\u0100-\uffff]/g, (char) => Buffer.from(char).toString("latin1"))
    : short;
}

// -------------------------------------------------------------------------------------------------------- values

/** Where a value stands in its parent. */
interface Slot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

const MOST_SLOTS = 400;

function slotsOf(root: unknown): Slot[] {
  const slots: Slot[] = [];
  const waiting: unknown[] = [root];
  for (let value = waiting.pop(); value !== undefined && slots.length < MOST_SLOTS; value = waiting.pop()) {
    if (typeof value !== "object" || value === null) continue;
    const holder = value as Slot["holder"];
    for (const key of Object.keys(holder)) {
      slots.push({ holder, key: Array.isArray(holder) ? Number(key) : key });
      waiting.push((holder as Record<string, unknown>)[key] ?? null);
    }
  }
  return slots;
}

function put({ holder, key }: Slot, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function read({ holder, key }: Slot): unknown {
  return (holder as Record<string | number, unknown>)[key];
}

function mutateJson(text: string, other: string, chance: Chance, words: readonly string[]): string {
  // A holder around it, so that the value itself can be replaced, too.
  const holder: unknown[] = [valueOf(text) ?? {}];
  const slots = slotsOf(holder);
  const slot = chance.pick(slots);
  const hostile = (): unknown =>
    chance.upTo(3) === 0 && words.length > 0 ? chance.pick(words) : chance.pick(HOSTILE_VALUES);
  switch (chance.upTo(7)) {
    case 0:
      put(slot, structuredClone(hostile()));
      break;
    case 1:
      if (Array.isArray(slot.holder)) slot.holder.splice(Number(slot.key), 1);
      else Reflect.deleteProperty(slot.holder, slot.key);
      break;
    case 2: {
      const value = read(slot);
      if (typeof value === "object" && value !== null)
        put(
          {
            holder: value as Slot["holder"],
            key: Array.isArray(value) ? value.length : chance.pick([...words, ...HOSTILE]),
          },
          hostile(),
        );
      else put(slot, typeof value === "string" ? chance.pick(MUTATIONS)(value, chance, HOSTILE, "") : hostile());
      break;
    }
    case 3:
      put(slot, structuredClone(read(chance.pick(slots))));
      break;
    case 4: {
      const theirs = slotsOf([valueOf(other) ?? null]);
      put(slot, structuredClone(read(chance.pick(theirs))));
      break;
    }
    case 5:
      if (typeof read(slot) === "string")
        put(slot, chance.pick(MUTATIONS)(String(read(slot)), chance, [...words, ...HOSTILE], ""));
      else put(slot, chance.pick([[read(slot)], { [chance.pick(HOSTILE)]: read(slot) }]));
      break;
    default:
      if (Array.isArray(slot.holder)) slot.holder.push(structuredClone(read(slot)));
      else {
        // The same value under another key.
        put({ holder: slot.holder, key: chance.pick([...words, ...HOSTILE]) }, read(slot));
      }
  }
  return (JSON.stringify(holder[0]) ?? "null").replaceAll(TOO_LARGE, "1e999");
}
