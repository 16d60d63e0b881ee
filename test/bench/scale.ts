// How the planner grows: clusters of 1,000, 5,000 and 15,000 nodes with 30 pods each, from memory, each in a process of its own so that its
// memory can be told. What matters is the time for one event, which must not grow faster than the cluster.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MAX_CLAIMS } from "../../controller/api/disruption-ledger.ts";
import { createPlanner } from "../../controller/core/rollout/plan.ts";
import { createMemory } from "../../controller/core/incremental/memory.ts";
import type { Steps } from "../../controller/core/incremental/steps.ts";
import { takeSnapshotInSteps } from "../../controller/reconcile/snapshot.ts";
import { isMain } from "../tooling/is-main.ts";
import { median, percentile, type Row, threadTime, timeThread } from "./measure.ts";
import { withEvent, withStates } from "./plan.ts";
import { makeObjects, makeScene } from "./scene.ts";

const SIZES = [1_000, 5_000, 15_000] as const;
const EVENT_RUNS = 60;
const SELF = fileURLToPath(import.meta.url);
const LAUNCH = fileURLToPath(new URL("../../controller/launch.cjs", import.meta.url));

interface Figures {
  readonly nodes: number;
  readonly pods: number;
  readonly rows: number;
  readonly firstMs: number;
  /** The longest piece between two rests of snapshot and plan: as long nobody else has a turn. */
  readonly blockMs: number;
  readonly eventMs: number;
  readonly eventP99Ms: number;
  /** What inventory, plan and what the planner remembers keep of the heap. */
  readonly keptMb: number;
  /** The ledger as JSON, with as many claims as it may hold. */
  readonly ledgerKb: number;
}

/** Measures; `log` hears of progress. */
export function benchScale(log: (line: string) => void): readonly Row[] {
  const all = SIZES.map((nodes) => {
    log(`planning for ${nodes.toLocaleString("en-US")} nodes`);
    return runAlone(nodes);
  });
  const [small, , large] = all as [Figures, Figures, Figures];
  const factor = large.nodes / small.nodes;
  const growth = large.eventMs / small.eventMs;
  return [
    ...all.flatMap(rowsOf),
    {
      what: `plan after one event: growth from ${small.nodes.toLocaleString("en-US")} to ${large.nodes.toLocaleString("en-US")} nodes`,
      unit: "×",
      goal: { most: factor },
      measured: growth,
      note: `${factor} times as many nodes`,
    },
    {
      what: `ledger with ${MAX_CLAIMS} claims`,
      unit: "KB",
      goal: undefined,
      measured: large.ledgerKb,
      note: "as JSON; an object of the API server may have about 1,500 KB",
    },
  ];
}

function rowsOf({ nodes, pods, rows, firstMs, blockMs, eventMs, eventP99Ms, keptMb }: Figures): readonly Row[] {
  const size = `${nodes.toLocaleString("en-US")} nodes`;
  const row = (what: string, unit: Row["unit"], measured: number, note: string): Row => ({
    what: `${size}: ${what}`,
    unit,
    goal: undefined,
    measured,
    note,
  });
  return [
    row(
      "first snapshot and plan",
      "ms",
      firstMs,
      `${pods.toLocaleString("en-US")} pods, ${rows.toLocaleString("en-US")} rows; one run, processor time`,
    ),
    row("longest piece of them", "ms", blockMs, "between two rests; everything else waits for so long"),
    row("plan after one event", "ms", eventMs, `median of ${EVENT_RUNS}, p99 ${eventP99Ms.toFixed(0)} ms`),
    row(
      "memory kept",
      "MB",
      keptMb,
      "heap after a collection: inventory, plan and what the planner remembers, without the API's objects",
    ),
  ];
}

function runAlone(nodes: number): Figures {
  const args = ["--expose-gc", "--max-old-space-size=12000", LAUNCH, SELF, String(nodes)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 24 });
  if (status !== 0) throw new Error(`the bench of ${nodes} nodes ended with ${status}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout) as Figures;
}

/** Finishes, and says how long the longest step was. */
function finishTimed<T>(steps: Steps<T>): { readonly value: T; readonly longestMs: number } {
  let longestMs = 0;
  for (;;) {
    const begun = threadTime();
    const step = steps.next();
    longestMs = Math.max(longestMs, threadTime() - begun);
    if (step.done === true) return { value: step.value, longestMs };
  }
}

function measure(nodes: number): Figures {
  const server = { version: "v1.31.4", ready: true };
  let objects: ReturnType<typeof makeObjects> | undefined = makeObjects(nodes);
  const scene = makeScene(objects).input;
  // What is compiled by now is not what is measured.
  createPlanner().plan(makeScene(makeObjects(100)).input);
  const begun = threadTime();
  const snapshot = finishTimed(takeSnapshotInSteps(objects, server, createMemory()));
  const planner = createPlanner();
  const first = finishTimed(planner.planInSteps(scene));
  const firstMs = threadTime() - begun;
  const rows = first.value.rows.length;
  const pods = objects.pods.length;
  let last = withStates(scene);
  planner.plan(last);
  const inputs = Array.from({ length: EVENT_RUNS }, (_, run) => (last = withEvent(last, run)));
  const events = timeThread(EVENT_RUNS, (run) => planner.plan(inputs[run] ?? last));
  const [claim] = scene.ledger.claims;
  if (claim === undefined) throw new Error("the scene has no claim");
  const ledger = { ...scene.ledger.spec, status: { claims: Array.from({ length: MAX_CLAIMS }, () => claim) } };
  objects = undefined;
  inputs.length = 0;
  globalThis.gc?.();
  const keptMb = process.memoryUsage().heapUsed / 2 ** 20;
  // Kept until here.
  if (planner.plan(last).rows.length === 0) throw new Error("the plan has no rows");
  return {
    nodes,
    pods,
    rows,
    firstMs,
    blockMs: Math.max(snapshot.longestMs, first.longestMs),
    eventMs: median(events),
    eventP99Ms: percentile(events, 0.99),
    keptMb,
    ledgerKb: JSON.stringify(ledger).length / 1024,
  };
}

if (isMain(import.meta.url)) process.stdout.write(JSON.stringify(measure(Number(process.argv[2]))));
