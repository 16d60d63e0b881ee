// The coverage-guided loop over one parser: an input that reaches a block which none before it reached is kept and mutated further. Asking V8
// for counts takes ten times as long as most parsers, so inputs are run in batches, and only a batch that brought something new is run
// again one by one. Deterministic for a seed as far as the number of executions goes.
import type { Random } from "../../controller/clock.ts";
import type { Block, Coverage } from "./coverage.ts";
import { judge, sortOf } from "./judge.ts";
import { chanceOf, mutate } from "./mutate.ts";
import type { Parser } from "./parser.ts";

export interface LoopOptions {
  readonly coverage: Coverage;
  readonly random: Random;
  /** Inputs that were kept before. */
  readonly kept: readonly string[];
  /** When to stop; asked between batches. */
  readonly isOver: (executions: number) => boolean;
}

export interface Finding {
  readonly input: string;
  readonly problem: string;
}

export interface LoopResult {
  readonly parser: string;
  readonly executions: number;
  /** Blocks that the empty input and noise reach; then seeds and kept inputs; then all. */
  readonly blind: number;
  readonly before: number;
  readonly covered: number;
  readonly known: number;
  /** Seeds aside: what was kept before or is now. */
  readonly corpus: readonly string[];
  readonly added: number;
  readonly finding: Finding | undefined;
  /** Functions of `covers` that never ran. */
  readonly idle: readonly string[];
}

/** A batch that brings nothing is followed by a larger one: asking for counts costs the same. */
const [SMALLEST_BATCH, LARGEST_BATCH] = [8, 64];
const BLIND = 20;

/** Noise that knows nothing of any grammar. */
function blindInputs(random: Random): string[] {
  const chance = chanceOf(random);
  const noise = (): string =>
    Array.from({ length: chance.upTo(24) }, () => String.fromCharCode(chance.upTo(256))).join("");
  return ["", ...Array.from({ length: BLIND }, noise)];
}

/** Runs the loop until it is over or finds something. */
export async function runLoop(parser: Parser, { coverage, random, kept, isOver }: LoopOptions): Promise<LoopResult> {
  const chance = chanceOf(random);
  let executions = 0;
  let finding: Finding | undefined;
  const run = async (input: string): Promise<void> => {
    if (finding !== undefined) return;
    executions += 1;
    const problem = await judge(parser, input);
    if (problem !== undefined) finding = { input, problem };
  };

  coverage.reset();
  for (const input of blindInputs(random)) await run(input);
  coverage.take();
  const blind = coverage.totals().covered;

  for (const input of [...parser.seeds, ...kept]) await run(input);
  coverage.take();
  const before = coverage.totals().covered;
  const corpus = [...kept];
  const pool = [...parser.seeds, ...kept];

  let added = 0;
  let size = SMALLEST_BATCH;
  while (finding === undefined && !isOver(executions)) {
    const batch = Array.from({ length: size }, () => mutate(parser, chance.pick(pool), chance.pick(pool), chance));
    for (const input of batch) await run(input);
    const news = coverage.take();
    if (finding !== undefined) break;
    size = news.length === 0 ? Math.min(size * 2, LARGEST_BATCH) : SMALLEST_BATCH;
    if (news.length === 0) continue;
    // Which of them brought it: each is run again as if that were not known yet.
    for (const block of news) block.covered = false;
    for (const input of batch) {
      await run(input);
      if (coverage.take().length === 0) continue;
      corpus.push(input);
      pool.push(input);
      added += 1;
    }
    // What happened only once (a cache was filled) is not waited for.
    for (const block of news) block.covered = true;
  }
  const { covered, known } = coverage.totals();
  const idle = parser.covers.filter((entry) => !coverage.hasRun(entry));
  return { parser: parser.name, executions, blind, before, covered, known, corpus, added, finding, idle };
}

/** Tries of the shrinker; each is one execution. */
const MOST_TRIES = 600;

/** A shorter input with the same sort of problem. */
export async function shrink(parser: Parser, { input, problem }: Finding): Promise<Finding> {
  const wanted = sortOf(problem);
  let best: Finding = { input, problem };
  let tries = 0;
  for (
    let size = Math.ceil(input.length / 2);
    size >= 1 && tries < MOST_TRIES;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.input.length && tries < MOST_TRIES;) {
      const shorter = best.input.slice(0, at) + best.input.slice(at + size);
      tries += 1;
      const found = await judge(parser, shorter);
      if (found !== undefined && sortOf(found) === wanted) best = { input: shorter, problem: found };
      else at += size;
    }
  }
  return best;
}

/** The fewest short inputs that together reach all that these reach beyond the seeds. */
export async function minimize(
  parser: Parser,
  inputs: readonly string[],
  coverage: Coverage,
): Promise<readonly string[]> {
  coverage.reset();
  for (const seed of parser.seeds) await judge(parser, seed);
  coverage.take();
  const least: string[] = [];
  for (const input of [...new Set(inputs)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    await judge(parser, input);
    const news = coverage.take();
    if (news.length === 0) continue;
    least.push(await shorten(parser, input, news, coverage));
  }
  return least;
}

const SHORTEN_TRIES = 24;

/** A shorter input that reaches the same blocks. */
async function shorten(parser: Parser, input: string, news: readonly Block[], coverage: Coverage): Promise<string> {
  let best = input;
  let tries = 0;
  for (
    let size = Math.ceil(input.length / 2);
    size >= 1 && tries < SHORTEN_TRIES;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.length && tries < SHORTEN_TRIES;) {
      const shorter = best.slice(0, at) + best.slice(at + size);
      for (const block of news) block.covered = false;
      tries += 1;
      await judge(parser, shorter);
      coverage.take();
      if (news.every(({ covered }) => covered)) best = shorter;
      else at += size;
    }
  }
  for (const block of news) block.covered = true;
  return best;
}
