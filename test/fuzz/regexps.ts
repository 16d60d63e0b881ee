// Regular expressions that may take a text apart again and again: every literal of a source file, from its syntax tree, and strings made of the
// expression's own structure that make it try: what stands before a repetition, then what is repeated over and over, then something that fits nowhere.
import { parseAst } from "vitest/node";

export interface Expression {
  readonly line: number;
  readonly source: string;
  readonly flags: string;
}

interface SyntaxNode {
  readonly type?: unknown;
  readonly start?: unknown;
  readonly regex?: { readonly pattern: string; readonly flags: string };
  readonly callee?: { readonly name?: unknown };
}

/** The literals of a TypeScript source, and the lines where one is built from text. */
export function expressionsOf(source: string): {
  readonly literals: readonly Expression[];
  readonly built: readonly number[];
} {
  const literals: Expression[] = [];
  const built: number[] = [];
  const lineAt = (offset: unknown): number => source.slice(0, Number(offset)).split("\n").length;
  const waiting: unknown[] = [parseAst(source, { lang: "ts" })];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (typeof one !== "object" || one === null) continue;
    const { type, start, regex, callee } = one as SyntaxNode;
    if (regex !== undefined) literals.push({ line: lineAt(start), source: regex.pattern, flags: regex.flags });
    if ((type === "NewExpression" || type === "CallExpression") && callee?.name === "RegExp") built.push(lineAt(start));
    waiting.push(...(Object.values(one) as unknown[]));
  }
  return { literals: literals.sort((a, b) => a.line - b.line), built: built.sort((a, b) => a - b) };
}

// ------------------------------------------------------------------------------------------------------ structure

type Piece =
  /** One character of a set, as it is written: `a`, `[a-z]`, `\d`, `.`. */
  | { readonly kind: "Set"; readonly source: string }
  | { readonly kind: "Group"; readonly ways: readonly (readonly Piece[])[] }
  | { readonly kind: "Repeat"; readonly piece: Piece; readonly least: number; readonly endless: boolean }
  /** Anchors, borders, and what looks around: no characters of their own. */
  | { readonly kind: "Nothing" };

/** Takes an expression apart as far as attacks need it. Throws for syntax that it does not know. */
export function takeApart(source: string): readonly (readonly Piece[])[] {
  let at = 0;
  const peek = (): string => source.charAt(at);
  const eat = (pattern: RegExp): string | undefined => {
    const found = new RegExp(`^(?:${pattern.source})`, "u").exec(source.slice(at))?.[0];
    at += found?.length ?? 0;
    return found;
  };

  function readWays(): Piece[][] {
    const ways: Piece[][] = [[]];
    while (at < source.length && peek() !== ")") {
      if (eat(/\|/) !== undefined) ways.push([]);
      else ways.at(-1)?.push(readRepeated());
    }
    return ways;
  }

  function readRepeated(): Piece {
    const piece = readPiece();
    const [, star, plus, mark, least, comma, most] =
      /^(?:(\*)|(\+)|(\?)|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at)) ?? [];
    if (star === undefined && plus === undefined && mark === undefined && least === undefined) return piece;
    eat(/(?:[*+?]|\{\d+,?\d*\})\??/);
    if (mark !== undefined) return { kind: "Repeat", piece, least: 0, endless: false };
    const some = plus === undefined ? Number(least ?? 0) : 1;
    // So many times that it makes no difference.
    const endless = least === undefined || (comma === "," && (most === "" || Number(most) - some > 32));
    return { kind: "Repeat", piece, least: some, endless };
  }

  function readPiece(): Piece {
    if (eat(/\^|\$|\\b|\\B/) !== undefined) return { kind: "Nothing" };
    const open = eat(/\((?:\?(?:[:=!]|<[=!]|<\w+>))?/);
    if (open !== undefined) {
      const ways = readWays();
      if (eat(/\)/) === undefined) throw new Error(`a group of ${source} does not end`);
      return /[=!]/.test(open) ? { kind: "Nothing" } : { kind: "Group", ways };
    }
    const set = eat(
      /\[(?:\\[\s\S]|[^\]\\])*\]|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\p\{[^}]*\}|\\P\{[^}]*\}|\\[\s\S]|[^()|*+?]/,
    );
    if (set === undefined) throw new Error(`${source} is not understood at ${at}`);
    return { kind: "Set", source: set };
  }

  const ways = readWays();
  if (at < source.length) throw new Error(`${source} is not understood at ${at}`);
  return ways;
}

// -------------------------------------------------------------------------------------------------------- attacks

export interface Attack {
  readonly prefix: string;
  readonly pump: string;
  readonly suffix: string;
}

const PROBES: readonly string[] = [
  ...[
    "a",
    "e",
    "x",
    "0",
    "1",
    "-",
    ".",
    "/",
    ":",
    " ",
    "_",
    "A",
    "Z",
    "\n",
    "\t",
    '"',
    "'",
    "=",
    "@",
    "<",
    ">",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
  ],
  ...[
    "#",
    "%",
    "&",
    "*",
    "+",
    ",",
    ";",
    "?",
    "\\",
    "^",
    "`",
    "|",
    "~",
    "!",
    "$",
    "\u0000",
    "\u00e9",
    "\u2028",
    "\u200b",
    "\ud800",
    "\ufeff",
    "\r",
  ],
];
/** Fits nowhere, or ends a line. */
const SUFFIXES: readonly string[] = ["\u0001", "\n\u0001", ""];

/** Every repetition without end, with what stands before it. */
export function attacksOn({ source, flags }: Pick<Expression, "source" | "flags">): readonly Attack[] {
  const ways = takeApart(source);
  const unicode = flags.replaceAll(/[gy]/g, "");
  const accepts = new Map<string, readonly string[]>();
  const charactersOf = (set: string): readonly string[] => {
    let known = accepts.get(set);
    if (known === undefined) {
      const one = new RegExp(`^(?:${set})$`, unicode.includes("s") ? unicode : `${unicode}s`);
      const literal = /^[^\\[.]$/u.test(set) ? [set] : [];
      accepts.set(set, (known = [...literal, ...PROBES].filter((probe) => one.test(probe))));
    }
    return known;
  };
  // Characters that many parts take are those over which they can disagree.
  const sets = allSets(ways);
  const shared = (character: string): number => sets.filter((set) => charactersOf(set).includes(character)).length;
  const best = (set: string, rank: number): string => {
    const sorted = [...charactersOf(set)].sort((a, b) => shared(b) - shared(a));
    return sorted[Math.min(rank, sorted.length - 1)] ?? "a";
  };
  const sample = (piece: Piece, rank: number, way: number): string => {
    switch (piece.kind) {
      case "Nothing":
        return "";
      case "Set":
        return best(piece.source, rank);
      case "Repeat":
        return sample(piece.piece, rank, way).repeat(Math.max(piece.least, piece.endless ? 1 : 0));
      case "Group":
        return (piece.ways[Math.min(way, piece.ways.length - 1)] ?? []).map((one) => sample(one, rank, way)).join("");
    }
  };
  const attacks = new Map<string, Attack>();
  const add = (prefix: string, pump: string): void => {
    if (pump === "") return;
    for (const suffix of SUFFIXES) attacks.set(JSON.stringify([prefix, pump, suffix]), { prefix, pump, suffix });
  };
  const visit = (pieces: readonly Piece[], before: string): void => {
    let prefix = before;
    for (const piece of pieces) {
      const inner = piece.kind === "Repeat" ? piece.piece : piece;
      if (piece.kind === "Repeat" && piece.endless)
        for (const rank of [0, 1])
          for (const way of [0, 1]) {
            add(prefix, sample(piece.piece, rank, way));
            // Many places to begin at.
            add("", prefix + sample(piece, rank, way));
          }
      if (inner.kind === "Group") for (const way of inner.ways) visit(way, prefix);
      prefix += sample(piece, 0, 0);
    }
  };
  for (const way of ways) visit(way, "");
  return [...attacks.values()];
}

function allSets(ways: readonly (readonly Piece[])[]): readonly string[] {
  return ways.flat().flatMap((piece): readonly string[] => {
    const inner = piece.kind === "Repeat" ? piece.piece : piece;
    if (inner.kind === "Set") return [inner.source];
    return inner.kind === "Group" ? allSets(inner.ways) : inner.kind === "Repeat" ? allSets([[inner]]) : [];
  });
}

// --------------------------------------------------------------------------------------------------------- growth

/** Small steps first: what doubles with each character must be seen before it takes for ever. */
const STEPS: readonly number[] = [16, 24, 36, 54, 81, 121, 181, 725, 2_900, 11_600, 46_400];
const MOST_CHARACTERS = 64 * 1024;
/** CPU milliseconds beyond which it is asked how they grow. */
const SUSPICIOUS_MS = 25;
/** Four times the text: linear is 4, quadratic 16. */
const MOST_GROWTH = 8;
/** A machine that does other work may slow one measurement down, hardly so many on end. */
const ROUNDS = 3;

/** What is wrong with an expression; undefined: its time grows with the text over all attacks. */
export function judgeExpression(expression: Pick<Expression, "source" | "flags">): string | undefined {
  // As a literal is used most: it looks from the start, and on for as long as it finds nothing.
  const pattern = new RegExp(expression.source, expression.flags.replaceAll(/[gy]/g, ""));
  for (const attack of attacksOn(expression)) {
    const { prefix, pump, suffix } = attack;
    const textOf = (times: number): string => prefix + pump.repeat(times) + suffix;
    for (const times of STEPS) {
      if (pump.length * times > MOST_CHARACTERS) break;
      if (costOf(pattern, textOf(times), 1) <= SUSPICIOUS_MS) continue;
      const found = growthOf(pattern, textOf(times >> 2), textOf(times));
      if (found !== undefined)
        return `${JSON.stringify(attack)}: ${found.some.toFixed(1)} ms for ${times >> 2} times, ${found.all.toFixed(1)} ms for ${times}`;
      break;
    }
  }
  return undefined;
}

/** What both cost where that grows faster than the text each time that it is measured. */
function growthOf(
  pattern: RegExp,
  quarter: string,
  whole: string,
): { readonly some: number; readonly all: number } | undefined {
  let found: { readonly some: number; readonly all: number } | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    found = { some: costOf(pattern, quarter, 3), all: costOf(pattern, whole, 3) };
    if (found.all <= SUSPICIOUS_MS || found.all / Math.max(found.some, 0.05) <= MOST_GROWTH) return undefined;
  }
  return found;
}

function costOf(pattern: RegExp, text: string, tries: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < tries; at += 1) {
    const before = process.threadCpuUsage();
    pattern.test(text);
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
