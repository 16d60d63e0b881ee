// The planner at 5,000 nodes and 150,000 pods: projecting the objects, a full plan, and the plan after one event of a node or pod.
import type { Inventory, WorkloadAsset } from "../../controller/core/model.ts";
import { createMemory } from "../../controller/core/incremental/memory.ts";
import { createPlanner, makePlan } from "../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../controller/core/rollout/plan-input.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import type { ClusterObjects } from "../../controller/reconcile/cluster-kinds.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { median, percentile, type Row, timeThread } from "./measure.ts";
import { makeObjects, makeScene } from "./scene.ts";

const FULL_RUNS = 9;
const EVENT_RUNS = 100;
const SNAPSHOT_RUNS = 5;

/** Measures; `log` hears of progress. */
export function benchPlan(log: (line: string) => void): readonly Row[] {
  log("making 5,000 nodes and 150,000 pods");
  const objects = makeObjects();
  const projecting = timeThread(3, () => takeSnapshot(objects, { version: "v1.31.4", ready: true }));
  const memory = createMemory();
  takeSnapshot(objects, { version: "v1.31.4", ready: true }, memory);
  const changed = Array.from({ length: SNAPSHOT_RUNS }, (_, run) => withPod(objects, run));
  const again = timeThread(SNAPSHOT_RUNS, (run) =>
    takeSnapshot(changed[run] ?? objects, { version: "v1.31.4", ready: true }, memory),
  );
  const input = withStates(makeScene(objects).input);
  const { nodes, workloads, pods } = input.inventory;
  log(`planning for ${nodes.length} nodes, ${workloads.length} workloads, ${pods.length} pods`);
  checkScene(input);
  const full = timeThread(FULL_RUNS, () => makePlan(input));
  const planner = createPlanner();
  planner.plan(input);
  // Each after the one before: a plan sees one event.
  let last = input;
  const inputs = Array.from({ length: EVENT_RUNS }, (_, run) => (last = withEvent(last, run)));
  const events = timeThread(EVENT_RUNS, (run) => planner.plan(inputs[run] ?? input));
  const still = timeThread(EVENT_RUNS, () => planner.plan(last));
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
      what: "inventory after one pod changed (no goal of its own)",
      unit: "ms",
      goal: undefined,
      measured: median(again),
      note: `median of ${SNAPSHOT_RUNS}; what is the very same object is not projected again`,
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
    {
      what: "plan when nothing happened (no goal of its own)",
      unit: "ms",
      goal: undefined,
      measured: median(still),
      note: `median of ${EVENT_RUNS}`,
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

/** The input after one thing happened: a node came back with a new version, or a pod of a workload went away. Time goes on. */
export function withEvent(input: PlanInput, run: number): PlanInput {
  const { inventory } = input;
  const at = (run * 797) % (run % 2 === 0 ? inventory.nodes.length : inventory.workloads.length);
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
      : { ...inventory, workloads: inventory.workloads.with(at, withoutPod(inventory.workloads[at])) };
  return { ...input, now: input.now + 1_000, inventory: changed };
}

function withoutPod(workload: WorkloadAsset | undefined): WorkloadAsset {
  if (workload === undefined) throw new Error("the bench's cluster has no such workload");
  return { ...workload, pods: workload.pods.slice(1) };
}

/** What the controller has stored of every target after it wrote down what a plan says: why each stands still, and since when. */
export function withStates(input: PlanInput): PlanInput {
  const nodes = new Map(input.stored.nodes);
  const workloads = new Map(input.stored.workloads);
  for (const { asset, blockedBy } of makePlan(input).rows) {
    const reasons = blockedBy.map(({ reason, message }) => ({
      ...{ reason, message },
      since: new Date(input.now).toISOString(),
    }));
    if (asset.kind === "Node") nodes.set(asset.uid, { ...nodes.get(asset.uid), blockedBy: reasons });
    else workloads.set(asset.uid, { targetUID: asset.uid, blockedBy: reasons });
  }
  return { ...input, stored: { nodes, workloads } };
}

/** Objects after one pod of them was read anew. */
function withPod(objects: ClusterObjects, run: number): ClusterObjects {
  const at = (run * 7_919) % objects.pods.length;
  return { ...objects, pods: objects.pods.with(at, structuredClone(objects.pods[at] as KubeObject)) };
}
