// Ringward's reading and first plan against a real API server, beside client-go's informers in the same run: a loaded etcd and
// kube-apiserver alone, each reader a process of its own and alone, in turns. Then what one reader does while nodes and pods change.
import { systemClock } from "../../../controller/clock.ts";
import { KUBERNETES_VERSION } from "../../tooling/controlplane.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import { median, percentile, type Row } from "../measure.ts";
import { probeNode, startPodEvents } from "./events.ts";
import type { PlanLine } from "./lines.ts";
import type { Loaded } from "./load.ts";
import { type Figures, measureInformer, type Reader, type ReaderRun, startReader } from "./processes.ts";
import { measureRest } from "./rest.ts";
import { type Server, startServer } from "./server.ts";

const NODE_EVENTS = 60;
const POD_EVENTS_PER_SECOND = 200;
const LOADED_NODE_EVENTS = 30;

export interface RealOptions {
  readonly assets: string;
  /** The Go program. */
  readonly program: string;
  readonly loaded: Loaded;
  /** How often each is measured; whole objects once. */
  readonly rounds: number;
  readonly log: (line: string) => void;
}

/** Measures everything. */
export async function benchReal({ assets, program, loaded, rounds, log }: RealOptions): Promise<readonly Row[]> {
  log("starting etcd and kube-apiserver");
  const server = await startServer(assets, loaded.data, true);
  try {
    await warm(server, loaded);
    const { counts } = loaded.facts;
    const measure = (keep: "whole" | "trimmed"): Promise<Figures> =>
      tell(log, `client-go, ${keep}`, () => measureInformer(program, server.kubeconfig, keep, counts));
    const whole = await measure("whole");
    const trimmed: Figures[] = [];
    const ours: ReaderRun[] = [];
    const events: Row[] = [];
    for (let round = 1; round <= rounds; round++) {
      trimmed.push(await measure("trimmed"));
      const reader = await startReader(server.kubeconfig, counts);
      try {
        ours.push(await tell(log, "ringward", () => Promise.resolve(reader.run)));
        if (round === rounds) events.push(...(await measureEvents(server, reader, log)));
      } finally {
        await reader.stop();
      }
    }
    return [...startRows(whole, trimmed, ours), ...events, ...(await measureRest(server, log))];
  } finally {
    await server.stop();
  }
}

async function tell<T extends object>(log: (line: string) => void, who: string, run: () => Promise<T>): Promise<T> {
  const result = await run();
  log(`${who}: ${JSON.stringify(result)}`);
  return result;
}

/** Until the API server's caches hold everything: what it does for its first client is not any client's time. */
async function warm({ admin }: Server, { facts }: Loaded): Promise<void> {
  for (const kind of ["nodes", "pods"])
    await waitFor(
      `the API server's cache of ${kind}`,
      async () => {
        const { status, body } = await admin.request({
          method: "GET",
          path: `/api/v1/${kind}`,
          query: { limit: "1" },
        });
        const rest = (body as { readonly metadata?: { readonly remainingItemCount?: number } }).metadata;
        return status === 200 && rest?.remainingItemCount === (facts.counts[kind] ?? 0) - 1 ? true : undefined;
      },
      { withinMs: 300_000, everyMs: 1_000 },
    );
}

function startRows(whole: Figures, trimmed: readonly Figures[], ours: readonly ReaderRun[]): readonly Row[] {
  const mid = <T>(runs: readonly T[], of: (run: T) => number): number => median(runs.map(of));
  const time = mid(ours, (run) => run.ms);
  const memory = mid(ours, (run) => run.peakMb);
  const first = ours[0]?.first;
  const parts = `modules and policy ${seconds(mid(ours, (run) => run.startedMs))}, lists in the stores after ${seconds(mid(ours, (run) => run.syncedMs))}, snapshot ${ms(mid(ours, (run) => run.first.snapshotMs))}, plan ${ms(mid(ours, (run) => run.first.planMs))}`;
  const free = { goal: undefined } as const;
  return [
    row("client-go informers, whole objects: start to synced", "ms", whole.ms, { ...free, note: "one run" }),
    row("… peak resident memory", "MB", whole.peakMb, { ...free, note: "VmHWM when synced" }),
    row(
      "client-go informers, trimmed: start to synced",
      "ms",
      mid(trimmed, (run) => run.ms),
      {
        ...free,
        note: `median of ${spread(trimmed)}; protobuf, and a transform that keeps what our projections keep`,
      },
    ),
    row(
      "… peak resident memory",
      "MB",
      mid(trimmed, (run) => run.peakMb),
      { ...free, note: "VmHWM when synced, median" },
    ),
    row("Ringward: start to first plan", "ms", time, {
      ...free,
      note: `median of ${spread(ours)}; ${parts}; ${first?.decisions.toLocaleString("en-US")} decisions`,
    }),
    row("… of trimmed client-go's time", "×", time / mid(trimmed, (run) => run.ms), {
      goal: { most: 0.5 },
      note: "process start included in both",
    }),
    row("… peak resident memory", "MB", memory, { ...free, note: "VmHWM after the first plan, median" }),
    row("… of trimmed client-go's memory", "×", memory / mid(trimmed, (run) => run.peakMb), {
      goal: { most: 0.35 },
      note: "",
    }),
    row(
      "… longest block of the event loop, start and lists",
      "ms",
      mid(ours, (run) => run.listBlockedMs),
      {
        goal: { most: 50 },
        note: "monitorEventLoopDelay, resolution 5 ms; median",
      },
    ),
    row(
      "… and first snapshot and plan",
      "ms",
      mid(ours, (run) => run.planBlockedMs),
      {
        goal: { most: 50 },
        note: "the first plan is made in slices from one snapshot",
      },
    ),
  ];
}

async function measureEvents(server: Server, reader: Reader, log: (line: string) => void): Promise<readonly Row[]> {
  log("events of a node");
  await reader.blocked();
  const calm = await probeNode(server.admin, reader, 1, NODE_EVENTS);
  const calmBlock = await reader.blocked();
  log(`with ${POD_EVENTS_PER_SECOND} pod events a second`);
  const plans: PlanLine[] = [];
  const events = await startPodEvents(server.admin, POD_EVENTS_PER_SECOND);
  await systemClock.sleep(3_000);
  await reader.blocked();
  const forget = reader.onPlan((plan) => plans.push(plan));
  const busy = await probeNode(server.admin, reader, 1 + NODE_EVENTS, LOADED_NODE_EVENTS);
  forget();
  const rate = await events.stop();
  const busyBlock = await reader.blocked();
  const replans = plans.map((plan) => plan.snapshotMs + plan.planMs);
  const free = { goal: undefined } as const;
  const under = `under ${Math.round(rate)} pod events a second`;
  return [
    row("node event to decision, median", "ms", median(calm), {
      ...free,
      note: `${calm.length} events; from the request that changes the node to the plan that has it; two plans are 250 ms apart at least`,
    }),
    row("… p99", "ms", percentile(calm, 0.99), { ...free, note: `longest block of the event loop ${ms(calmBlock)}` }),
    row("node event to decision, p99", "ms", percentile(busy, 0.99), {
      ...free,
      note: `${under}; ${busy.length} events, median ${ms(median(busy))}`,
    }),
    row("re-plan, median", "ms", median(replans), {
      ...free,
      note: `${under}; ${replans.length} plans; snapshot ${ms(median(plans.map((plan) => plan.snapshotMs)))}, plan ${ms(median(plans.map((plan) => plan.planMs)))}`,
    }),
    row("… p99", "ms", percentile(replans, 0.99), { ...free, note: "wall time of snapshot and plan" }),
    row("… longest block of the event loop", "ms", busyBlock, { goal: { most: 50 }, note: under }),
    row("peak resident memory at the end", "MB", reader.peakMb(), { ...free, note: "VmHWM after all of these" }),
  ];
}

function row(what: string, unit: Row["unit"], measured: number, { goal, note }: Pick<Row, "goal" | "note">): Row {
  return { what, unit, measured, goal, note };
}

function ms(value: number): string {
  return `${value.toFixed(value >= 10 ? 0 : 1)} ms`;
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}

function spread(runs: readonly Figures[]): string {
  return runs.map((run) => seconds(run.ms)).join(", ");
}

/** What the figures were taken with, for the page. */
export function describe({ facts }: Loaded): string {
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
  return `Kubernetes ${KUBERNETES_VERSION}; ${facts.objects.toLocaleString("en-US")} objects, ${megabytes(facts.bytesJson)} as JSON, ${megabytes(facts.bytesStored)} in etcd. `;
}
