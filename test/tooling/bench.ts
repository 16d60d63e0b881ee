// `npm run bench`: measures what the design promises, on this machine, and prints goal, figure and verdict. It writes nothing
// unless asked: `--write` puts the table into docs/benchmarks.md, `--only NAME` runs one part. Exit code 1 when a goal is missed.
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { formatTable } from "../../controller/cli/table.ts";
import { systemClock } from "../../controller/clock.ts";
import { benchApiServer } from "../bench/apiserver.ts";
import { benchCliStart } from "../bench/cli-start.ts";
import { judge, type Row, showFigure, showGoal } from "../bench/measure.ts";
import { benchPlan } from "../bench/plan.ts";
import { benchPolicy } from "../bench/policy.ts";
import { benchScale } from "../bench/scale.ts";
import { benchVersions } from "../bench/versions.ts";
import { benchWrites } from "../bench/writes.ts";
import { isMain } from "./is-main.ts";

const PAGE = new URL("../../docs/benchmarks.md", import.meta.url).pathname;

type Bench = (log: (line: string) => void) => readonly Row[] | Promise<readonly Row[]>;

const BENCHES: Readonly<Record<string, Bench>> = {
  plan: benchPlan,
  scale: benchScale,
  writes: benchWrites,
  policy: benchPolicy,
  versions: benchVersions,
  cli: benchCliStart,
  apiserver: benchApiServer,
};

/** Puts the figures of a command (`npm run bench`) into docs/benchmarks.md, between its two marks; `more` is said beside the machine. */
export function writeFigures(command: string, rows: readonly Row[], more = ""): void {
  const begin = `<!-- begin figures: ${command} -- --write -->`;
  const end = "<!-- end figures -->";
  const page = readFileSync(PAGE, "utf8");
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`docs/benchmarks.md lacks the marks ${begin} and ${end}`);
  const date = new Date(systemClock.now()).toISOString().slice(0, 10);
  writeFileSync(PAGE, `${page.slice(0, from + begin.length)}\n${figures(rows, date, more)}${page.slice(to)}`);
}

/** Prints the figures; false when one misses its goal. */
export function showFigures(rows: readonly Row[]): boolean {
  process.stdout.write(table(rows));
  const busy = disturbance();
  if (busy !== undefined) process.stdout.write(`${busy}\n`);
  return rows.every((row) => judge(row) !== "missed");
}

/** What other programs did meanwhile; undefined: little. */
function disturbance(): string | undefined {
  const load = loadavg()[0] ?? 0;
  // The bench itself is about one.
  if (load <= 1.5) return undefined;
  return `The machine did other work meanwhile: load average ${load.toFixed(1)} on ${availableParallelism()} processors.`;
}

function figures(rows: readonly Row[], date: string, more: string): string {
  const lines = rows.map(
    (row) =>
      `| ${row.what} | ${showGoal(row)} | ${showFigure(row.measured, row.unit)} | ${judge(row)} | ${row.note} |\n`,
  );
  return `\nMeasured on ${date}, 2 cores, 24 GiB, Node ${process.versions.node}. ${more}${disturbance() ?? ""}\n\n| what | goal | measured | verdict | how, and why if missed |\n|---|---|---|---|---|\n${lines.join("")}\n`;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.what, showGoal(row), showFigure(row.measured, row.unit), judge(row), row.note]);
  return formatTable(["WHAT", "GOAL", "MEASURED", "VERDICT", "HOW"], cells);
}

async function main(args: readonly string[]): Promise<number> {
  const only = args.includes("--only") ? (args[args.indexOf("--only") + 1] ?? "") : undefined;
  if (only !== undefined && !Object.hasOwn(BENCHES, only)) {
    process.stderr.write(`there is no part "${only}" (there are ${Object.keys(BENCHES).join(", ")})\n`);
    return 2;
  }
  if (only !== undefined && args.includes("--write")) {
    process.stderr.write("--write needs all parts: leave --only out\n");
    return 2;
  }
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (only !== undefined && name !== only) continue;
    rows.push(...(await bench((line) => process.stderr.write(`${line}\n`))));
  }
  const held = showFigures(rows);
  if (args.includes("--write")) writeFigures("npm run bench", rows);
  return held ? 0 : 1;
}

if (isMain(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
