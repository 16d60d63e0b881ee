// The process in which one seeded bug is hunted (hook.ts has switched it in before this loads): plays trial after trial and ends with the first
// that finds it. Answers one JSON line on its standard output.
//   hunted.ts HEALTHY-FILE [TRIALS [FIRST-TRIALS]]   compares with what the healthy controller left; `-`: is the healthy controller, and answers what it left.
import { readFileSync } from "node:fs";
import { systemClock } from "../../controller/clock.ts";
import { type Trace, TRIALS } from "./trials.ts";

const [file = "-", only = "", first = ""] = process.argv.slice(2);
const healthy = file === "-" ? undefined : (JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, Trace>>);
const begun = systemClock.monotonic();
const traces: Record<string, Trace> = {};
const tried: string[] = [];
let found: object | undefined;
const names = first.split(",");
const early = names.flatMap((name) => TRIALS.find((trial) => trial.name === name) ?? []);
for (const trial of new Set([...early, ...TRIALS])) {
  if (only !== "" && !only.split(",").includes(trial.name)) continue;
  tried.push(trial.name);
  const start = systemClock.monotonic();
  const { trace, finding } = await trial.run(healthy?.[trial.name]);
  process.stderr.write(`  ${trial.name}: ${finding === undefined ? "nothing" : finding.says}, ${seconds(start)} s\n`);
  traces[trial.name] = trace;
  if (finding === undefined) continue;
  found = { trial: trial.name, ...finding };
  if (healthy !== undefined) break;
}
process.stdout.write(
  `${JSON.stringify({ tried, found, seconds: seconds(begun), ...(healthy === undefined ? { traces } : {}) })}\n`,
);

function seconds(since: number): number {
  return Math.round((systemClock.monotonic() - since) / 100) / 10;
}
