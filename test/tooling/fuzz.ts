// `npm run fuzz -- [--for 60s | --runs N] [--seed N] [--dry] [NAME…]`: the coverage-guided loop over the parsers that are named (`core/cron`,
// `policy`), or all, sharing the time, or each for so many executions. New inputs are kept in test/fuzz/corpus/, findings shrunk, printed and kept in test/fuzz/regressions/; `--dry` keeps nothing.
// Fails for a finding, and for a parser whose coverage never grew beyond what noise reaches.
import { parseArgs } from "node:util";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { readInputs, lineOf, writeInputs } from "../fuzz/corpus.ts";
import { startCoverage } from "../fuzz/coverage.ts";
import { type LoopResult, minimize, runLoop, shrink } from "../fuzz/loop.ts";
import type { Parser } from "../fuzz/parser.ts";
import { isMain } from "./is-main.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

export interface FuzzOptions {
  readonly milliseconds: number;
  /** Executions of each parser, whatever time they take; left out: the time decides. */
  readonly runs: number | undefined;
  readonly seed: number;
  readonly keep: boolean;
  readonly names: readonly string[];
  readonly print: (line: string) => void;
}

/** Runs the loop over each; answers the exit code. */
export async function fuzz({ milliseconds, runs, seed, keep, names, print }: FuzzOptions): Promise<number> {
  // Ours, and the reader of YAML, whose branches are what policy text is about.
  const coverage = startCoverage(
    ROOT,
    (path) => path.startsWith("controller/") || path.startsWith("node_modules/js-yaml/"),
  );
  // Only now: what is compiled before has no counters.
  const { PARSERS } = await import("../fuzz/parsers.ts");
  const chosen = PARSERS.filter(
    ({ name }) => names.length === 0 || names.some((one) => name === one || name.startsWith(`${one}/`)),
  );
  if (chosen.length === 0) {
    print(`no parser is called ${names.join(" or ")}; there are ${PARSERS.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const budget = runs === undefined ? `${Math.round(milliseconds / 1000)} s` : `${runs} executions each`;
  print(`seed ${seed}, ${chosen.length} parsers, ${budget}`);
  let [failures, executions, covered] = [0, 0, 0];
  const begun = systemClock.monotonic();
  for (const [index, parser] of chosen.entries()) {
    const end = begun + (milliseconds * (index + 1)) / chosen.length;
    const result = await runLoop(parser, {
      coverage,
      random: seededRandom(seed + index),
      kept: readInputs("corpus", parser),
      isOver: (done) => (runs === undefined ? systemClock.monotonic() >= end : done >= runs),
    });
    executions += result.executions;
    covered += result.covered;
    for (const line of describe(result)) print(line);
    failures += await conclude(parser, result, keep, print);
    if (keep && result.added > 0) writeInputs("corpus", parser, await minimize(parser, result.corpus, coverage));
  }
  coverage.close();
  print(`${executions} executions, ${covered} blocks covered, ${failures} failures`);
  return failures === 0 ? 0 : 1;
}

function describe(result: LoopResult): readonly string[] {
  const { parser, executions, blind, before, covered, known, corpus, added } = result;
  return [
    `${parser.padEnd(24)} ${String(executions).padStart(7)} executions, blocks: ${blind} by noise, ${before} by seeds and corpus, ${covered} of ${known} in the end; corpus ${corpus.length} (${added} new)`,
  ];
}

async function conclude(
  parser: Parser,
  result: LoopResult,
  keep: boolean,
  print: (line: string) => void,
): Promise<number> {
  const { finding, covered, blind, idle } = result;
  let failures = 0;
  if (finding !== undefined) {
    const { input, problem } = await shrink(parser, finding);
    print(`  FOUND: ${problem}`);
    print(`  input: ${lineOf(input)}`);
    print(
      `  bytes: ${Buffer.from(input, parser.form === "bytes" ? "latin1" : "utf8")
        .toString("hex")
        .slice(0, 2_000)}`,
    );
    if (keep) writeInputs("regressions", parser, [...readInputs("regressions", parser), input]);
    failures += 1;
  }
  if (finding === undefined && covered <= blind) {
    print(`  NO GROWTH: nothing reaches more of ${parser.name} than noise does`);
    failures += 1;
  }
  for (const entry of idle) {
    print(`  IDLE: ${entry} was never run`);
    failures += 1;
  }
  return failures;
}

function readLength(text: string): number {
  const [, number, unit = ""] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (number === undefined || size === undefined) throw new Error(`--for ${text}: write for example 60s or 10m`);
  return Number(number) * size;
}

if (isMain(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      for: { type: "string", default: "60s" },
      runs: { type: "string" },
      seed: { type: "string" },
      dry: { type: "boolean", default: false },
    },
  });
  process.exitCode = await fuzz({
    milliseconds: readLength(values.for),
    runs: values.runs === undefined ? undefined : Number(values.runs),
    seed: values.seed === undefined ? systemClock.now() % 1_000_000 : Number(values.seed),
    keep: !values.dry,
    names: positionals,
    print: (line) => void process.stdout.write(`${line}\n`),
  });
}
