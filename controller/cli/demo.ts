// `ringward demo`: from policy in Git to a patched fleet, on an embedded cluster. `ringward demo merge N|all` plays the person.
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UserError } from "../errors.ts";
import { FAULT_NAMES } from "../sandbox/demo/faults/index.ts";
import type { DemoResult } from "../sandbox/demo/result.ts";
import { runDemo } from "../sandbox/demo/run.ts";
import { createStory } from "../sandbox/demo/story.ts";
import { mergeFromOutside } from "../sandbox/demo/merge.ts";
import { demoFile } from "../sandbox/workspace.ts";

const HELP = `Usage: ringward demo [--auto-approve] [--fault NAME] [--seed N] [-o json]
       ringward demo merge N|all

Starts an embedded cluster and a forge, runs the controller against them, and tells the story of one rollout.

  --auto-approve   a scripted person merges pull requests and mends the budget that allows nothing
  --fault NAME     asks for trouble: ${FAULT_NAMES.join(", ")}
  --seed N         seed of everything random (default: 1)
  -o json          the last line on standard output is the result
  merge N|all      merges pull requests of the demo that is running
`;

const LIMIT_MS = 10 * 60_000;

export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "auto-approve": { type: "boolean", default: false },
      fault: { type: "string" },
      seed: { type: "string", default: "1" },
      rate: { type: "string", default: "120" },
      output: { type: "string", short: "o" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals[0] === "merge") return merge(positionals.slice(1));
  if (positionals.length > 0)
    throw new UserError("RW0304", `${positionals.join(" ")} is not understood`, "see ringward demo --help");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const live = process.stderr.isTTY && process.env["TERM"] !== "dumb";
  const result = await runDemo(
    {
      autoApprove: values["auto-approve"],
      fault: values.fault,
      seed: Number(values.seed),
      rate: Number(values.rate),
      limitMs: LIMIT_MS,
      signal: stop.signal,
    },
    (elapsed) =>
      createStory(
        { write: (text) => process.stderr.write(text), live, width: process.stderr.columns ?? 120 },
        () => `${elapsed().toFixed(1).padStart(6)}s`,
      ),
  );
  if (values.output === "json") process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stderr.write(summarise(result));
  return exitCode(result);
}

/** 2 where people were waited for in vain, 1 where something is wrong. */
function exitCode(result: DemoResult): number {
  if (result.ok) return 0;
  const waiting = result.pullRequests.filter((pull) => pull.state === "open");
  for (const pull of waiting)
    process.stderr.write(`waiting for #${pull.number} (ring ${pull.ring}, ${pull.baseline}): ${pull.url}\n`);
  return waiting.length > 0 ? 2 : 1;
}

function summarise({
  nodes,
  workloads,
  rings,
  pullRequests,
  violations,
  fault,
  elapsedSeconds,
  ok,
}: DemoResult): string {
  const lines = [
    `${nodes.compliant} of ${nodes.total} nodes and ${workloads.compliant} of ${workloads.total} workloads at their level after ${elapsedSeconds} s`,
    ...rings.map(
      (ring) =>
        `  ${ring.name.padEnd(8)} ${ring.phase.padEnd(10)} at most ${ring.maxInFlight.nodes} of ${ring.budget.nodes} nodes and ${ring.maxInFlight.workloads} of ${ring.budget.workloads} workloads at once`,
    ),
    `  ${pullRequests.length} pull requests, ${violations.length} violations in the store's history`,
    ...violations
      .slice(0, 10)
      .map((violation) => `  ${violation.invariant} ${violation.object} ${violation.at}: ${violation.message}`),
    ...(fault === null
      ? []
      : [`  fault ${fault.name}: ${fault.ok ? "as promised" : "NOT as promised"} (${fault.observed})`]),
    ok ? "all is well" : "NOT all is well",
  ];
  return `${lines.join("\n")}\n`;
}

async function merge(which: readonly string[]): Promise<number> {
  const file = demoFile();
  if (!existsSync(file)) throw new UserError("RW0305", "no demo is running", "start one with: ringward demo");
  if (which.length === 0) throw new UserError("RW0304", "which pull request?", "ringward demo merge N, or all");
  const { forge } = JSON.parse(readFileSync(file, "utf8")) as { readonly forge: string };
  const merged = await mergeFromOutside(forge, which);
  for (const line of merged.lines) process.stdout.write(`${line}\n`);
  return merged.failed ? 1 : 0;
}
