// `ringward demo`: from policy in Git to a patched fleet, on an embedded cluster. `ringward demo merge N|all` and `ringward demo mend`
// play the person from another terminal. The story goes to standard error; with -o json the verdict is the last line on standard output.
import { constants } from "node:os";
import { parseDuration } from "../core/duration.ts";
import { UserError } from "../errors.ts";
import { METRICS_FLAG } from "../reconcile/endpoints.ts";
import { FAULT_NAMES } from "../sandbox/demo/faults/index.ts";
import { mendFromOutside, mergeFromOutside, readNumbers } from "../sandbox/demo/outside.ts";
import { type DemoResult, exitCode } from "../sandbox/demo/result.ts";
import { runDemo } from "../sandbox/demo/run.ts";
import { createStory } from "../sandbox/demo/story.ts";
import { findDemo, type RunningDemo } from "../sandbox/workspace.ts";
import { type BindAddress, readBindAddress } from "../serve/bind-address.ts";
import { createPaint, parseFlags } from "./output.ts";

export const USAGE = `Usage: ringward demo [--auto-approve] [--fault NAME] [--seed N] [--timeout DURATION] [--keep]
                     [--metrics-bind-address ADDR] [-o json]
       ringward demo merge N|all [--forge URL]
       ringward demo mend

Starts an embedded cluster and a forge, runs the controller against them, and tells the story of one rollout.

  --auto-approve       a scripted person merges pull requests and mends the budget that allows nothing
  --fault NAME         asks for trouble: ${FAULT_NAMES.join(", ")}
  --seed N             seed of everything random (default: 1)
  --rate N             policy time runs N times as fast as real time (default: 160)
  --timeout DURATION   gives up after so long, such as 90s or 5m (default: 10m; on a terminal where you merge: never)
  --keep               leaves cluster and forge up at the end, until Ctrl-C
  --metrics-bind-address ADDR  the controller serves /metrics there, for a Prometheus beside it: 127.0.0.1:8080, or
                       :8080, which is the same (on every interface: 0.0.0.0:8080)
  -o json              the last line on standard output is the result

From another terminal, while a demo runs:
  merge N|all          merges its pull requests; --forge URL: those of another demo, or of a sandbox
  mend                 lets the PodDisruptionBudget that allows nothing spare one pod

Exit code: 0 all is compliant and nothing was violated, 1 it is not, 2 nobody merged what waits (or wrong use).
`;

const DEFAULT_LIMIT = "10m";
/** Past this a whole day of policy passes between two looks at the cluster. */
const FASTEST = 1000;
/** On a machine that is too slow for the default, nodes fall silent and windows end before anything was done. */
const SLOW_RATE = 30;

export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags("demo", args, {
    "auto-approve": { type: "boolean", default: false },
    fault: { type: "string" },
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "160" },
    timeout: { type: "string" },
    keep: { type: "boolean", default: false },
    "metrics-bind-address": { type: "string", default: "0" },
    forge: { type: "string" },
    output: { type: "string", short: "o" },
    help: { type: "boolean", short: "h", default: false },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [word, ...more] = positionals;
  if (word === "merge") return merge(more, values.forge);
  if (word === "mend" && more.length === 0) return mend();
  if (word !== undefined) throw misuse(positionals.join(" "), "see ringward demo --help");
  if (values.output !== undefined && values.output !== "json")
    throw misuse(`-o ${values.output}`, "demo tells its story as text, and its result with -o json");
  const terminal = process.stderr.isTTY;
  const limit = values.timeout ?? (terminal && !values["auto-approve"] ? undefined : DEFAULT_LIMIT);
  const limitMs = limit === undefined ? Number.POSITIVE_INFINITY : milliseconds("--timeout", limit);
  return play(
    {
      autoApprove: values["auto-approve"],
      fault: values.fault,
      seed: wholeNumber("--seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
      rate: wholeNumber("--rate", values.rate, 1, FASTEST),
      givesUp: (elapsedMs) => elapsedMs >= limitMs,
      keep: values.keep,
      metrics: metricsAddress(values["metrics-bind-address"]),
      // Started as an npm script there is no `ringward` on the person's path.
      cli: process.env["npm_lifecycle_event"] === undefined ? "ringward" : "npm run -s ringward --",
    },
    values.output === "json",
  );
}

type Wanted = Omit<Parameters<typeof runDemo>[0], "signal">;

async function play(wanted: Wanted, json: boolean): Promise<number> {
  const stop = new AbortController();
  let stoppedBy: "SIGINT" | "SIGTERM" | "SIGHUP" | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      stoppedBy = signal;
      stop.abort(new Error(signal));
    });
  const live = process.stderr.isTTY && process.env["TERM"] !== "dumb";
  const paint = createPaint({ env: process.env, terminal: process.stderr.isTTY });
  const result = await runDemo(
    { ...wanted, signal: stop.signal },
    (elapsed) =>
      createStory(
        {
          write: (text) => process.stderr.write(text),
          live,
          width: () => process.stderr.columns ?? 120,
          paint,
        },
        () => `${elapsed().toFixed(1).padStart(6)}s`,
      ),
    (done) => {
      process.stderr.write(summarise(done));
      if (!json) process.stderr.write(describeNext(wanted, done));
      else if (!wanted.keep) process.stdout.write(`${JSON.stringify(done)}\n`);
    },
  );
  if (result === undefined) {
    process.stderr.write("stopped: cluster, forge and controller are gone\n");
    return 128 + (stoppedBy === undefined ? 0 : constants.signals[stoppedBy]);
  }
  if (json && wanted.keep) process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const pull of result.pullRequests.filter((other) => other.state === "open"))
    process.stderr.write(`waited in vain for #${pull.number} (ring ${pull.ring}, ${pull.baseline}): ${pull.url}\n`);
  return exitCode(result, wanted.autoApprove);
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
  const merged = pullRequests.filter((pull) => pull.state === "merged").length;
  const lines = [
    "",
    `${nodes.compliant} of ${nodes.total} nodes and ${workloads.compliant} of ${workloads.total} workloads at their level after ${elapsedSeconds} s`,
    ...rings.map(
      (ring) =>
        `  ${ring.name.padEnd(8)} ${ring.phase.padEnd(10)} at most ${ring.maxInFlight.nodes} of ${ring.budget.nodes} nodes and ${ring.maxInFlight.workloads} of ${ring.budget.workloads} workloads at once`,
    ),
    `  ${merged} of ${pullRequests.length} pull requests merged; ${violations.length} violations in the store's history`,
    ...violations
      .slice(0, 10)
      .map((violation) => `  ${violation.invariant} ${violation.object} ${violation.at}: ${violation.message}`),
    ...[...nodes.blocked, ...workloads.blocked]
      .slice(0, 5)
      .map(({ name, reason }) => `  not there: ${name}: ${reason}`),
    ...(fault === null
      ? []
      : [
          `  fault ${fault.name}: ${fault.ok ? "as promised" : "NOT as promised"}`,
          `    promised: ${fault.promise}`,
          `    observed: ${fault.observed}`,
        ]),
    ok ? "✔ all is well" : "✖ NOT all is well",
  ];
  return `${lines.join("\n")}\n`;
}

/** What a person may look at after the run. */
function describeNext({ keep, fault, cli, rate }: Wanted, { ok }: DemoResult): string {
  const other = FAULT_NAMES.find((name) => name !== fault) ?? "crash";
  const rows = [
    ...(ok || rate <= SLOW_RATE ? [] : [["a slow or busy machine", `${cli} demo --auto-approve --rate ${SLOW_RATE}`]]),
    ["the policy that was rolled out", "examples/quickstart/"],
    ["the same, step by step, by hand", "docs/quickstart.md"],
    keep
      ? ["the rings now", `${cli} status`]
      : ["the fleet afterwards, with kubectl", `${cli} demo --auto-approve --keep`],
    ["trouble on purpose", `${cli} demo --auto-approve --fault ${other}`],
    ["", `(or ${FAULT_NAMES.filter((name) => name !== other).join(", ")})`],
    ["the same policy on a dump", `${cli} plan --policy examples/quickstart --cluster examples/dump-quickstart`],
  ];
  const lines = ["", "What to look at next", ...rows.map(([what, how]) => `  ${(what ?? "").padEnd(36)}${how}`)];
  return `${lines.join("\n")}\n`;
}

function milliseconds(flag: string, text: string): number {
  const length = parseDuration(text);
  if (length === undefined || length === 0) throw misuse(`${flag} ${text}`, "give a duration such as 90s or 10m");
  return length;
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw misuse(`${flag} ${text}`, `give a whole number from ${least} to ${most}`);
  return value;
}

/** What a demo shows is for this machine, unless somebody says otherwise; a port that nobody knows nobody scrapes. */
function metricsAddress(text: string): BindAddress | undefined {
  const address = readBindAddress(METRICS_FLAG, text);
  if (address?.port === 0) throw misuse(`${METRICS_FLAG} ${text}`, "give a port, as in 127.0.0.1:8080");
  return address === undefined ? undefined : { ...address, host: address.host ?? "127.0.0.1" };
}

function misuse(what: string, hint: string): UserError {
  return new UserError("RW0304", `${what} is not understood`, hint);
}

function runningDemo(): RunningDemo {
  const demo = findDemo();
  if (demo === undefined) throw new UserError("RW0305", "no demo is running", "start one with: ringward demo");
  return demo;
}

async function merge(words: readonly string[], forge: string | undefined): Promise<number> {
  const which = readNumbers(words);
  const report = await mergeFromOutside(forge ?? runningDemo().forge, which);
  for (const line of report.lines) process.stdout.write(`${line}\n`);
  return report.failed ? 1 : 0;
}

async function mend(): Promise<number> {
  process.stdout.write(`${await mendFromOutside(runningDemo().kubeconfig)}\n`);
  return 0;
}
