// The planner at 5,000 nodes and 150,000 pods: projecting the objects, a full plan, and the plan after one event of a node or pod.
import type { Inventory } from "../../controller/core/model.ts";
import { createPlanner, makePlan, type PlanInput } from "../../controller/core/rollout/plan.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { median, percentile, type Row, timeThread } from "./measure.ts";
import { makeObjects, makeScene } from "./scene.ts";

const FULL_RUNS = 9;
const EVENT_RUNS = 100;

/** Measures; `log` hears of progress. */
export function benchPlan(log: (line: string) => void): readonly Row[] {
  log("making 5,000 nodes and 150,000 pods");
  const objects = makeObjects();
  const projecting = timeThread(3, () => takeSnapshot(objects, "v1.31.4"));
  const { input } = makeScene(objects);
  const { nodes, workloads, pods } = input.inventory;
  log(`planning for ${nodes.length} nodes, ${workloads.length} workloads, ${pods.length} pods`);
  checkScene(input);
  const full = timeThread(FULL_RUNS, () => makePlan(input));
  const planner = createPlanner();
  planner.plan(input);
  const inputs = Array.from({ length: EVENT_RUNS }, (_, run) => withEvent(input, run));
  const events = timeThread(EVENT_RUNS, (run) => planner.plan(inputs[run] ?? input));
  const plan = makePlan(input);
  return [
    {
      what: "objects to inventory (no goal of its own)",
      unit: "ms",
      goal: undefined,
      measured: median(projecting),
      note: `${nodes.length.toLocaleString("en-US")} nodes, ${pods.length.toLocaleString("en-US")} pods, ${workloads.length.toLocaleString("en-US")} workloads, parsed already`,
    },
    {
      what: "full plan, from memory",
      unit: "ms",
      goal: { most: 1_000 },
      measured: median(full),
      note: `median of ${FULL_RUNS}, fastest ${Math.round(Math.min(...full))} ms; ${plan.rows.length.toLocaleString("en-US")} rows, ${plan.decisions.length.toLocaleString("en-US")} decisions`,
    },
    {
      what: "plan after one node or pod event, p99",
      unit: "ms",
      goal: { most: 10 },
      measured: percentile(events, 0.99),
      note: `${EVENT_RUNS} events, median ${Math.round(median(events))} ms, fastest ${Math.round(Math.min(...events))} ms; a planner that remembers (createPlanner)`,
    },
  ];
}

/** A bench of a planner that has nothing to decide would measure nothing. */
function checkScene(input: PlanInput): void {
  const plan = makePlan(input);
  const actions = new Set(plan.decisions.map(({ action }) => action));
  if (!actions.has("claim") || plan.steering.length === 0 || plan.claims.length === 0)
    throw new Error(`the bench's cluster is idle: ${plan.claims.length} claims, actions ${[...actions].join(", ")}`);
}

/** The input after one thing happened: a node came back with a new version, or a pod went away. */
export function withEvent(input: PlanInput, run: number): PlanInput {
  const { inventory } = input;
  const at = (run * 797) % (run % 2 === 0 ? inventory.nodes.length : inventory.pods.length);
  const changed: Inventory =
    run % 2 === 0
      ? {
          ...inventory,
          nodes: inventory.nodes.with(at, {
            ...(inventory.nodes[at] as Inventory["nodes"][number]),
            resourceVersion: `e${run}`,
            kubeletVersion: "v1.31.4",
          }),
        }
      : { ...inventory, pods: inventory.pods.toSpliced(at, 1) };
  return { ...input, inventory: changed };
}
