// `ringward compare-versions`: two versions on the command line, or a stream of pairs on standard input.
// The stream is processed in the chunks in which it arrives: one answer line per input line, in order, with backpressure
// both ways, so its size does not matter. Bytes are read as Latin-1, which no chunk boundary can cut: all schemes here
// treat what is not ASCII byte by byte (rpm) or refuse it.
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { versionOrder } from "../core/versions/index.ts";
import type { Order, VersionScheme } from "../core/versions/index.ts";
import { wrongUse } from "./wrong-use.ts";

const SCHEMES: readonly VersionScheme[] = ["dpkg", "rpm", "apk", "semver", "kernel"];

/** A line longer than this is no pair of versions; it is answered "?" without being kept. */
const LONGEST_LINE = 64 * 1024;

export const USAGE = `Usage: ringward compare-versions --scheme ${SCHEMES.join("|")} (A B | --stdin)

Prints "<" if A is older than B, "=" if they are equal, ">" if A is newer, and "?" if they cannot be compared
(a malformed version, kernels of different series or flavour, two providers on one Kubernetes version).

  --scheme SCHEME   whose rules apply
  --stdin           read one "A<TAB>B" a line from standard input and print one answer a line
  --                what follows are versions, even if they begin with "-"
`;

interface Request {
  readonly scheme: VersionScheme;
  /** undefined: read pairs from standard input. */
  readonly pair: readonly [string, string] | undefined;
}

/** Runs the command. Exit codes: 0 answered (also with "?"), 2 wrong use. */
export async function command(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { scheme, pair } = readArguments(args);
  const compare = versionOrder(scheme);
  if (pair !== undefined) {
    process.stdout.write(`${compare(...pair)}\n`);
    return 0;
  }
  await answerStream(process.stdin, process.stdout, compare);
  return 0;
}

function readArguments(args: readonly string[]): Request {
  let scheme: string | undefined;
  let stdin = false;
  let literal = false;
  const versions: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (literal || !word.startsWith("--")) versions.push(word);
    else if (word === "--") literal = true;
    else if (word === "--stdin") stdin = true;
    else if (word === "--scheme") scheme = args[++at] ?? "";
    else if (word.startsWith("--scheme=")) scheme = word.slice("--scheme=".length);
    else throw wrongUse("compare-versions", `there is no option ${word}`);
  }
  return { scheme: knownScheme(scheme), pair: pairOf(versions, stdin) };
}

function knownScheme(text: string | undefined): VersionScheme {
  if (text === undefined) throw wrongUse("compare-versions", `--scheme is missing: one of ${SCHEMES.join(", ")}`);
  const scheme = SCHEMES.find((one) => one === text);
  if (scheme === undefined)
    throw wrongUse("compare-versions", `--scheme ${text}: there is no such scheme; one of ${SCHEMES.join(", ")}`);
  return scheme;
}

function pairOf(versions: readonly string[], stdin: boolean): readonly [string, string] | undefined {
  const [a, b] = versions;
  if (stdin) {
    if (a === undefined) return undefined;
    throw wrongUse("compare-versions", `either two versions or --stdin, not both ("${a}")`);
  }
  if (a === undefined || b === undefined || versions.length > 2) {
    throw wrongUse(
      "compare-versions",
      `expected two versions, got ${versions.length}; or --stdin for a stream of pairs`,
    );
  }
  return [a, b];
}

/**
 * Answers each `A<TAB>B` line of `input` with one line of `output`. A line that is no pair is answered "?".
 * Ends quietly when nobody reads the answers any more (`| head`).
 */
export async function answerStream(
  input: Readable,
  output: Writable,
  compare: (a: string, b: string) => Order,
): Promise<void> {
  const broken = watchForClosedPipe(output);
  let rest = "";
  let skipping = false;
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const text = rest + (typeof chunk === "string" ? chunk : chunk.toString("latin1"));
    const end = text.lastIndexOf("\n") + 1;
    let answers = answerLines(text, end, compare);
    if (skipping && end > 0) {
      // The first line here is the end of one that was answered already.
      answers = answers.slice(2);
      skipping = false;
    }
    rest = text.slice(end);
    if (rest.length > LONGEST_LINE) {
      if (!skipping) answers += "?\n";
      skipping = true;
      rest = "";
    }
    if (answers !== "" && !output.write(answers)) await Promise.race([once(output, "drain"), broken.closed]);
    if (broken.isClosed()) return;
  }
  if (rest !== "" && !skipping) output.write(`${answerLine(rest, 0, rest.length, compare)}\n`);
}

/** The answers to the complete lines in text[0, end). */
function answerLines(text: string, end: number, compare: (a: string, b: string) => Order): string {
  let answers = "";
  for (let start = 0; start < end;) {
    const newline = text.indexOf("\n", start);
    answers += answerLine(text, start, newline, compare) + "\n";
    start = newline + 1;
  }
  return answers;
}

function answerLine(text: string, start: number, end: number, compare: (a: string, b: string) => Order): Order {
  const last = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
  const tab = text.indexOf("\t", start);
  if (tab === -1 || tab >= last) return "?";
  const another = text.indexOf("\t", tab + 1);
  if (another !== -1 && another < last) return "?";
  return compare(text.slice(start, tab), text.slice(tab + 1, last));
}

interface PipeWatch {
  readonly closed: Promise<void>;
  readonly isClosed: () => boolean;
}

/** EPIPE is the reader's right, not our error; any other write error is thrown to the process as usual. */
function watchForClosedPipe(output: Writable): PipeWatch {
  let closed = false;
  const promise = new Promise<void>((resolve, reject) => {
    output.on("error", (error: NodeJS.ErrnoException) => {
      closed = true;
      if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") resolve();
      else reject(error);
    });
  });
  return { closed: promise, isClosed: () => closed };
}
