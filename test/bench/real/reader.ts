// A process of its own for `npm run bench:real`: the product's reflectors, snapshot, planner and loop against a real API server, with the
// policy of the bench in place of a repository's. It writes nothing to the server. It prints one JSON line for each plan, and answers
// each line that it is told with how long the event loop was blocked since the last one.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { createBreath } from "../../../controller/breath.ts";
import { systemClock, systemRandom } from "../../../controller/clock.ts";
import { createMemory } from "../../../controller/core/incremental/memory.ts";
import { createPlanner, type Plan } from "../../../controller/core/rollout/plan.ts";
import { createClient } from "../../../controller/kube/client.ts";
import { createLimiter } from "../../../controller/kube/limiter.ts";
import { createTransport } from "../../../controller/kube/transport.ts";
import { watching } from "../../../controller/reconcile/cluster.ts";
import { CLUSTER_KEYS, type ClusterKey, type ClusterObjects } from "../../../controller/reconcile/cluster-kinds.ts";
import { inSlices } from "../../../controller/reconcile/slices.ts";
import { startLoop } from "../../../controller/reconcile/loop.ts";
import { takeSnapshotInSteps } from "../../../controller/reconcile/snapshot.ts";
import { createPrometheus } from "../../../controller/serve/prometheus.ts";
import { claimNodes, makeScenePolicy, NOW } from "../scene-policy.ts";
import { PROBE_LABEL, type ReaderLine } from "./lines.ts";

/** As `ringward controller` paces itself. */
const PACE_MS = 250;
/** More than the resolution of the measured delays. */
const TICK_MS = 25;

function say(line: ReaderLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const nothing = Object.fromEntries(CLUSTER_KEYS.map((key): [ClusterKey, []] => [key, []])) as unknown as ClusterObjects;

function start(kubeconfig: string): void {
  const clock = systemClock;
  const { meter } = createPrometheus({ process: true });
  const transport = createTransport({ kubeconfig, clock, userAgent: "ringward" });
  const limiter = createLimiter({ perSecond: 100, burst: 200, clock });
  const client = createClient(transport, { fieldManager: "ringward", clock, limiter });
  const { policy, candidates } = makeScenePolicy(nothing);
  const memory = createMemory();
  const planner = createPlanner();
  const breath = createBreath(clock);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const blocked = (): number => {
    const most = delay.max / 1e6;
    delay.reset();
    return most;
  };
  const onError = (error: unknown, where: string): void => {
    process.stderr.write(`${where}: ${error instanceof Error ? error.message : String(error)}\n`);
  };
  const reader = watching({
    client,
    clock,
    random: systemRandom,
    meter,
    breath,
    onChange: () => loop.wake(),
    onError: (error, key) => onError(error, key),
  });
  let first = true;
  say({ type: "started", at: clock.now() });
  const pass = async (): Promise<{ plan: Plan; policy: undefined; busy: false }> => {
    const objects = await reader.read();
    if (first) say({ type: "synced", at: clock.now(), blockedMs: blocked() });
    first = false;
    const begun = clock.monotonic();
    const steps = takeSnapshotInSteps(objects, { version: "v1.36.3", ready: true }, memory);
    const { inventory, stored, problems } = await inSlices(steps, breath);
    if (problems.length > 0) throw new Error(`${problems.length} objects could not be read: ${problems[0]?.message}`);
    const read = clock.monotonic();
    const planning = planner.planInSteps({
      now: NOW,
      policy,
      inventory,
      stored,
      ledger: {
        spec: { mode: "Enforce", limits: { nodes: "10%", workloads: "10%", nodesPerZone: "25%" } },
        claims: claimNodes(inventory.nodes, candidates),
        rebuilding: false,
      },
      candidates,
      observedMs: 1_000,
    });
    const plan = await inSlices(planning, breath);
    const ended = clock.monotonic();
    const probe = inventory.nodes.find((node) => node.labels[PROBE_LABEL] !== undefined)?.labels[PROBE_LABEL];
    say({
      type: "plan",
      at: clock.now(),
      snapshotMs: read - begun,
      planMs: ended - read,
      nodes: inventory.nodes.length,
      pods: inventory.pods.length,
      workloads: inventory.workloads.length,
      states: stored.nodes.size,
      decisions: plan.decisions.length,
      probe: probe === undefined ? 0 : Number(probe),
    });
    return { plan, policy: undefined, busy: false };
  };
  const loop = startLoop({
    pass,
    leads: () => true,
    clock,
    transport: clock,
    idleMs: 30_000,
    paceMs: PACE_MS,
    meter,
    onError: (error) => {
      onError(error, "pass");
      process.exit(1);
    },
  });
  loop.wake();
  createInterface({ input: process.stdin }).on("line", () => {
    // A block is known only when the next tick comes.
    void clock.sleep(TICK_MS).then(() => say({ type: "blocked", blockedMs: blocked() }));
  });
  process.stdin.once("end", () => process.exit(0));
}

start(process.argv[2] ?? "");
