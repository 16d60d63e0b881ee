// What the fuzzer knows of one parser: where it is entered, what inputs look like, which errors it may throw, and what must hold of its
// answers. Inputs are strings everywhere, so that one set of mutations, one corpus and one shrinker serve all: `bytes` rows take them as
// latin1 (one character a byte), `json` rows as the text of a value, as a server or a cluster would send it.
import type fc from "fast-check";

export type Form = "text" | "bytes" | "json";

export interface Parser {
  /** `room/what`; also the name of its files in corpus/ and regressions/. */
  readonly name: string;
  readonly form: Form;
  /** Exported functions that it enters: `controller/core/duration.ts parseDuration`. */
  readonly covers: readonly string[];
  /** Runs them all. What it answers is judged: its size, and that no object in it has a prototype of the input's making. */
  readonly run: (input: string) => unknown;
  /** Errors that are documented; any other that is thrown is a finding. */
  readonly mayThrow?: (error: unknown) => boolean;
  /** What must hold beside that: round trips, orders. A text says what does not. */
  readonly check?: (input: string, answer: unknown) => string | undefined;
  /** Well-formed inputs, and nearly so. */
  readonly grammar: fc.Arbitrary<string>;
  /** Where the coverage-guided loop begins; each is read without error. */
  readonly seeds: readonly string[];
  /** Words that mutations put in. */
  readonly words: readonly string[];
  /** Characters and members that an answer may have for each character of the input. Left out: 24. */
  readonly mostPerCharacter?: number;
}

/** Bytes of an input of a `bytes` row. */
export function bytesOf(input: string): Buffer {
  return Buffer.from(input, "latin1");
}

/** The value of an input of a `json` row; undefined where it is no JSON, which is an answer that a server can give as well. */
export function valueOf(input: string): unknown {
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return undefined;
  }
}

/** Files of the row: `core/duration` is `core-duration`. */
export function fileNameOf({ name }: Pick<Parser, "name">): string {
  return name.replaceAll("/", "-");
}
