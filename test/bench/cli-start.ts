// How long `ringward version` takes: the processor time of its process, as the shell's own `times` counts it, and the wall time.
import { execFileSync } from "node:child_process";
import { systemClock } from "../../controller/clock.ts";
import { median, type Row } from "./measure.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const RUNS = 11;

/** The command line as npm starts it, from a runtime that needs no other. */
export const launcher: readonly string[] = [`${ROOT}controller/launch.cjs`, `${ROOT}controller/main.ts`];

export function benchCliStart(log: (line: string) => void): readonly Row[] {
  log("starting the command line");
  const runs = Array.from({ length: RUNS }, startOnce);
  return [
    {
      what: "CLI start (`version`), process time",
      unit: "ms",
      goal: { most: 300 },
      measured: median(runs.map(({ cpu }) => cpu)),
      note: `median of ${RUNS}; wall time ${Math.round(median(runs.map(({ wall }) => wall)))} ms`,
    },
  ];
}

function startOnce(): { readonly cpu: number; readonly wall: number } {
  const start = systemClock.monotonic();
  // `times` prints two lines: user and system time of the shell, then of its children.
  const output = execFileSync("sh", ["-c", '"$0" "$@" >/dev/null && times', process.execPath, ...launcher, "version"], {
    encoding: "utf8",
  });
  const wall = systemClock.monotonic() - start;
  const children = output.trim().split("\n").at(-1) ?? "";
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60_000 + Number(s) * 1000);
  if (parts.length !== 2) throw new Error(`the shell's "times" said "${output.trim()}"`);
  return { cpu: (parts[0] ?? 0) + (parts[1] ?? 0), wall };
}
