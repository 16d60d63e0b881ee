// How read commands speak: data and findings on stdout as text, JSON or YAML, talk on stderr. Colour only on a terminal without
// NO_COLOR, and never alone: a glyph and a word always say the same. Equal data gives equal bytes.
import { hostname, tmpdir, userInfo } from "node:os";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { dump } from "js-yaml";
import type { State } from "../api/patch-state.ts";
import { type Clock, type Instant, type Random, systemClock, systemRandom } from "../clock.ts";
import { isCompliant } from "../core/compliance/states.ts";
import { wrongUse } from "./wrong-use.ts";

export { wrongUse } from "./wrong-use.ts";

export interface Sink {
  write(text: string): unknown;
}

/** Everything that a command touches besides files and clusters; tests give their own. */
export interface Surroundings {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** stdout is a terminal. */
  readonly terminal: boolean;
  /** Columns and rows of that terminal now; a person may change the window's size. */
  readonly size?: () => { readonly columns: number; readonly rows: number };
  /** Calls back, when somebody ends the command (Ctrl-C, a signal) or reads no more of it (`| head`); returns how to stop listening. */
  readonly onInterrupt?: (listener: () => void) => () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly user: string;
  readonly host: string;
  /** Where a running demo leaves its address. */
  readonly demoFolder: string;
}

/** The process's own. */
export function ownSurroundings(): Surroundings {
  const { env, stdout, stderr, getuid } = process;
  return {
    stdout,
    stderr,
    env,
    terminal: stdout.isTTY === true,
    ...(stdout.isTTY ? { size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }) } : {}),
    onInterrupt: listenForSignals,
    clock: systemClock,
    random: systemRandom,
    user: userName(env),
    host: hostname(),
    demoFolder: `${tmpdir()}/ringward-${getuid === undefined ? "user" : getuid.call(process)}`,
  };
}

function listenForSignals(listener: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, listener);
  process.stdout.once("error", listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
    process.stdout.off("error", listener);
  };
}

function userName(env: Surroundings["env"]): string {
  const named = env["USER"] ?? env["LOGNAME"];
  if (named !== undefined && named !== "") return named;
  try {
    return userInfo().username;
  } catch {
    // An account without an entry in the password file, as containers have.
    return "unknown";
  }
}

export const FORMATS = ["text", "wide", "json", "yaml"] as const;
export type Format = (typeof FORMATS)[number];

/** What Node says of a wrong flag, without its advice. */
export function firstSentence(error: unknown): string {
  return (error as Error).message.split(/\.?\n|\. /)[0] ?? "wrong arguments";
}

/** Parses flags; every mistake is a UserError that points to the command's help. */
export function parseFlags<const T extends ParseArgsOptionsConfig>(
  command: string,
  args: readonly string[],
  options: T,
) {
  const parsed = parseWords(command, args, options);
  // What a shell makes of a variable that nobody set.
  const empty = Object.entries(parsed.values).find(([, value]) => [value].flat().includes(""));
  if (empty !== undefined) throw wrongUse(command, `--${empty[0]} is empty`);
  return parsed;
}

function parseWords<const T extends ParseArgsOptionsConfig>(command: string, args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw wrongUse(command, firstSentence(error));
  }
}

/** Whether help is asked for: then nothing else has to be right. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}

export function readFormat(command: string, text: string | undefined): Format {
  const format = FORMATS.find((one) => one === (text ?? "text"));
  if (format === undefined)
    throw wrongUse(command, `-o ${text}: there is no such format; one of ${FORMATS.join(", ")}`);
  return format;
}

/** An RFC 3339 time. */
export function readTime(command: string, flag: string, text: string): Instant {
  const fits = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const time = fits ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw wrongUse(command, `${flag} ${text}: not a time; write for example 2026-11-21T17:50:00Z`);
  return time;
}

/** JSON or YAML of plain data, with a line break at the end. */
export function writeData(data: object, format: "json" | "yaml"): string {
  if (format === "json") return `${JSON.stringify(data, undefined, 2)}\n`;
  // Through JSON, so that both formats say the same of what is undefined.
  return dump(JSON.parse(JSON.stringify(data)), { lineWidth: -1, noRefs: true });
}

/** RFC 3339 in UTC, without milliseconds that are zero. */
export function showTime(at: Instant): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** A time for people: to the minute, with its distance from `now`. */
export function showWhen(at: Instant, now: Instant): string {
  const distance = showLength(Math.abs(at - now));
  const clock = new Date(at).toISOString().replace("T", " ").slice(0, 16);
  if (Math.abs(at - now) < 30_000) return `${clock}Z (now)`;
  return at > now ? `${clock}Z (in ${distance})` : `${clock}Z (${distance} ago)`;
}

const LENGTHS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** The same in fewer columns: within half a day the hour and minute are enough. */
export function showSoon(at: Instant, now: Instant): string {
  const whole = showWhen(at, now);
  return Math.abs(at - now) < 12 * 3_600_000 ? whole.slice(11) : whole;
}

/** `3d4h`, `90s`: the two largest units. */
export function showLength(ms: number): string {
  const at = LENGTHS.findIndex(([, size]) => ms >= size);
  const [name, size] = LENGTHS[at] ?? ["s", 1000];
  const whole = Math.floor(ms / size);
  const next = LENGTHS[at < 0 ? LENGTHS.length : at + 1];
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[1]);
  return `${whole}${name}${next === undefined || rest === 0 ? "" : `${rest}${next[0]}`}`;
}

// -------------------------------------------------------------------------------------------------------- paint

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

/** Colours text where colour is wanted, else gives it back (https://no-color.org). */
export function createPaint({ env, terminal }: Pick<Surroundings, "env" | "terminal">): Paint {
  const refused = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  if (!terminal || refused) return (_, text) => text;
  return (colour, text) => (text === "" ? "" : `\u001b[${CODES[colour]}m${text}\u001b[0m`);
}

const GLYPHS: Readonly<Record<State, string>> = {
  Failed: "✖",
  InstalledRejected: "⊘",
  Missing: "↑",
  InstalledPendingReboot: "↻",
  Unknown: "?",
  Exempt: "◇",
  Available: "○",
  InstalledOther: "✔",
  Installed: "✔",
  Rejected: "⊘",
  NotApplicable: "–",
};

/** A state as a glyph and its word. */
export function showState(state: State, paint: Paint): string {
  const colour = state === "Failed" || state === "InstalledRejected" ? "red" : isCompliant(state) ? "green" : "yellow";
  return paint(colour, `${GLYPHS[state]} ${state}`);
}

/** Text from outside for one line: without control characters. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}
