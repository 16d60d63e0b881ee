// Version comparison: in process, and end to end through `ringward compare-versions --stdin`. The versions are random and well
// formed (the generators of the property tests), with many near misses, which are the slow case.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { systemClock } from "../../controller/clock.ts";
import { compareVersions } from "../../controller/core/versions/index.ts";
import { arbitraries } from "../core/versions/arbitraries.ts";
import { launcher } from "./cli-start.ts";
import { median, type Row, threadTime } from "./measure.ts";

const SCHEMES = ["dpkg", "rpm", "apk", "semver", "kernel"] as const;
const PAIRS = 20_000;
const ROUNDS = 25;
const LINES = 1_000_000;

export async function benchVersions(log: (line: string) => void): Promise<readonly Row[]> {
  log("comparing versions");
  const rates = SCHEMES.map((scheme) => ({ scheme, rate: rateOf(scheme) }));
  const slowest = rates.toSorted((a, b) => a.rate - b.rate)[0];
  if (slowest === undefined) throw new Error("no scheme was measured");
  const streamed = await streamRate();
  return [
    {
      what: "version comparisons in process, slowest scheme",
      unit: "/s",
      goal: { least: 1_000_000 },
      measured: slowest.rate,
      note: rates.map(({ scheme, rate }) => `${scheme} ${(rate / 1e6).toFixed(1)} M`).join(", "),
    },
    {
      what: "`compare-versions --stdin`, lines end to end",
      unit: "/s",
      goal: { least: 300_000 },
      measured: streamed,
      note: `${LINES.toLocaleString("en-US")} lines of dpkg versions through a pipe, process start included`,
    },
  ];
}

function samplePairs(scheme: (typeof SCHEMES)[number], count: number): readonly (readonly [string, string])[] {
  return fc.sample(fc.tuple(arbitraries[scheme], arbitraries[scheme]), { seed: 1, numRuns: count });
}

/** Comparisons a second: the median round. */
function rateOf(scheme: (typeof SCHEMES)[number]): number {
  const pairs = samplePairs(scheme, PAIRS);
  const answers = { "<": 0, "=": 0, ">": 0, "?": 0 };
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = threadTime();
    for (const [a, b] of pairs) answers[compareVersions(scheme, a, b)]++;
    times.push(threadTime() - start);
  }
  // Used, so that no optimiser may leave the comparisons out.
  if (answers["<"] === 0 || answers[">"] === 0) throw new Error(`${scheme}: the sample has no order`);
  return PAIRS / (median(times) / 1000);
}

async function streamRate(): Promise<number> {
  const sample = samplePairs("dpkg", PAIRS).map(([a, b]) => `${a}\t${b}\n`);
  const text = sample.join("").repeat(LINES / PAIRS);
  const start = systemClock.monotonic();
  const child = spawn(process.execPath, [...launcher, "compare-versions", "--scheme", "dpkg", "--stdin"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let lines = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines++;
  });
  child.stdin.end(text);
  const [code] = (await once(child, "close")) as [number | null];
  const seconds = (systemClock.monotonic() - start) / 1000;
  if (code !== 0 || lines !== LINES)
    throw new Error(`compare-versions ended with ${String(code)} after ${lines} lines`);
  return LINES / seconds;
}
