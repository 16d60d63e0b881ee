// `npm run simulate`: many simulated runs, or one that is told move by move. A run that breaks a promise is made simpler, told, and can be
// replayed by its seed.
//   npm run simulate -- --plans 500 [--from N] | --for 10m | --seed N
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { systemClock } from "../../controller/clock.ts";
import { parseDuration } from "../../controller/core/duration.ts";
import { chanceOf, replay } from "./chance.ts";
import { type Outcome, prepare, simulate } from "./run.ts";
import { shrink } from "./shrink.ts";

/** Processes that run side by side. */
const WORKERS = 2;
const LAUNCH = fileURLToPath(new URL("../../controller/launch.cjs", import.meta.url));

/** What a worker says of a run, a line each. */
interface Line {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly occurred: readonly string[];
  readonly moves: number;
  readonly passes: number;
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    plans: { type: "string" },
    from: { type: "string" },
    for: { type: "string" },
    worker: { type: "string" },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readNumber(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`--${name} ${text}: write a whole number`);
}

/** Tells one run, and the simplest one that fails like it. */
async function tellRun(seed: number): Promise<boolean> {
  const prepared = await prepare();
  const outcome = await simulate(prepared, chanceOf(seed), { tells: true });
  say(outcome.story.join("\n"));
  if (outcome.problems.length === 0) {
    say(`seed ${seed}: ${outcome.moves} moves of trouble, ${outcome.passes} passes, and all promises kept`);
    return true;
  }
  const { drawn, tries } = await shrink(prepared, outcome);
  const simple = await simulate(prepared, replay(drawn), { tells: true });
  say(`\nmade simpler in ${tries} runs, ${drawn.filter((draw) => draw !== 0).length} draws are left:\n`);
  say(simple.story.join("\n"));
  tellProblems(seed, outcome);
  return false;
}

function tellProblems(seed: number, { problems }: Pick<Outcome, "problems">): void {
  say(`FAIL  seed ${seed} broke ${problems.length} promises; see how: npm run simulate -- --seed ${seed}`);
  for (const problem of problems.slice(0, 5)) say(`  ${problem}`);
}

/** Runs every `WORKERS`th seed of a range until its time is over. */
async function work(first: number, end: number, ms: number): Promise<void> {
  const prepared = await prepare();
  const begun = systemClock.monotonic();
  for (let seed = first; seed < end && systemClock.monotonic() - begun < ms; seed += WORKERS) {
    const { problems, occurred, moves, passes } = await simulate(prepared, chanceOf(seed));
    const line: Line = { seed, problems, occurred: [...occurred], moves, passes };
    say(JSON.stringify(line));
  }
}

async function readWorker(
  index: number,
  from: number,
  end: number,
  ms: number,
  take: (line: Line) => void,
): Promise<void> {
  const child = spawn(
    process.execPath,
    [LAUNCH, fileURLToPath(import.meta.url), "--worker", [from + index, end, ms].join(",")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const line of createInterface({ input: child.stdout })) take(JSON.parse(line) as Line);
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once("exit", resolve)));
  if (code !== 0) throw new Error(`worker ${index} ended with ${code}`);
}

async function search(): Promise<boolean> {
  const from = readNumber(values.from, "from", 0);
  const ms = values.for === undefined ? Infinity : parseDuration(values.for);
  if (ms === undefined) throw new RangeError(`--for ${values.for ?? ""}: write a duration, such as 10m`);
  const plans = readNumber(values.plans, "plans", ms === Infinity ? 200 : 1_000_000_000 - from);
  const begun = systemClock.monotonic();
  const lines: Line[] = [];
  const take = (line: Line): void => {
    lines.push(line);
    if (line.problems.length > 0) tellProblems(line.seed, line);
  };
  await Promise.all(
    Array.from({ length: WORKERS }, (_, index) => readWorker(index, from, from + plans, Math.min(ms, 2 ** 40), take)),
  );
  const seconds = (systemClock.monotonic() - begun) / 1000;
  const sum = (of: (line: Line) => number): number => lines.reduce((total, line) => total + of(line), 0);
  const occurred = new Set(lines.flatMap((line) => line.occurred));
  const broken = lines.filter(({ problems }) => problems.length > 0).length;
  say(
    `${lines.length} plans from seed ${from}, ${sum(({ moves }) => moves)} moves of trouble, ${sum(({ passes }) => passes)} passes, ` +
      `${seconds.toFixed(1)} s, ${(lines.length / seconds).toFixed(2)} plans a second; invariants tried: ${[...occurred].sort().join(" ")}`,
  );
  say(`${lines.length - broken} passed, ${broken} failed`);
  return broken === 0 && lines.length > 0;
}

if (values.worker !== undefined) {
  const [first = 0, end = 0, ms = 0] = values.worker.split(",").map(Number);
  await work(first, end, ms);
} else {
  const isFine = values.seed === undefined ? await search() : await tellRun(readNumber(values.seed, "seed", 0));
  process.exitCode = isFine ? 0 : 1;
}
