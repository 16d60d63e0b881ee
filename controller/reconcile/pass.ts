// One pass of the controller, from reading to acting, in a fixed order: policy, plan, claims under way, the ledger, statuses,
// promotions. Between passes nothing is kept that could not be rebuilt from what is read; losing it costs time, never safety.
// No pass acts before every cache is synced (K3), and nobody but a leader makes one (L3).
import type { Breath } from "../breath.ts";
import type { Clock, Instant } from "../clock.ts";
import { asksOf } from "../core/gates/asks.ts";
import type { GateReading, GateReadings } from "../core/gates/readings.ts";
import { type Candidates, resolveCandidates } from "../core/rollout/candidates.ts";
import type { FleetLook } from "../core/metrics/index.ts";
import type { Claim, LevelInForce } from "../core/model.ts";
import type { ClaimRequest } from "../core/rollout/claim-request.ts";
import type { PlanInput } from "../core/rollout/plan-input.ts";
import { createPlanner, type Plan, type Planner } from "../core/rollout/plan.ts";
import { createMemory, type AnswerMemory } from "../core/incremental/memory.ts";
import { predecessorsOf } from "../core/rollout/ring-order.ts";
import type { GateSource } from "../gates/port.ts";
import { isConflict, isPatchTestFailure } from "../kube/api-errors.ts";
import { type ApiServerView, viewApiServer } from "../kube/api-server.ts";
import type { Client } from "../kube/client.ts";
import type { EventInput } from "../kube/events.ts";
import { apiVersionOf, findResource } from "../kube/resources.ts";
import type { EvictionPauses } from "../nodes/evict.ts";
import type { RefusalClass } from "../nodes/metrics.ts";
import { removeAbandonedJobs } from "./abandoned-jobs.ts";
import type { PassNotifier } from "./approval-commits.ts";
import { hasWork, serveClaims } from "./claims.ts";
import type { ClusterReader } from "./cluster.ts";
import type { ClusterObjects } from "./cluster-kinds.ts";
import { openApprovals, pullFacts, repositoryFacts } from "./fleet-metrics.ts";
import { runInventoryCycle } from "./inventory-cycle.ts";
import {
  confirmLostClaims,
  confirmRequests,
  findLostClaims,
  type LiveLedger,
  readLedger,
  viewLedger,
  writeLedger,
} from "./ledger.ts";
import type { PolicyPulls } from "./policy-pulls.ts";
import type { PolicySource, PolicyView } from "./policy-source.ts";
import type { ManifestProposer } from "./manifests/proposer.ts";
import type { Promoter } from "./promotion/promoter.ts";
import { inSlices } from "./slices.ts";
import { type Snapshot, takeSnapshotInSteps } from "./snapshot.ts";
import {
  type BaselineView,
  recordLost,
  removeOrphans,
  type StatusInput,
  writeBaselineStatuses,
  writeRingStatuses,
  writeTargetStates,
} from "./statuses.ts";

export interface PassPorts {
  readonly client: Client;
  readonly reader: ClusterReader;
  readonly policy: PolicySource;
  readonly promoter: Promoter;
  /** Asks for changes of manifests that somebody else applies; left out: nobody does. */
  readonly manifests?: ManifestProposer;
  /** Told of pull requests that change policy; left out: nobody looks at them. */
  readonly pulls?: PolicyPulls;
  /** Answers what gates ask; without it those gates are shut. */
  readonly gates?: GateSource;
  /** Policy time. */
  readonly clock: Clock;
  readonly record: (event: EventInput) => void;
  /** Is told of each plan before it is acted on; must be quick, and what it throws costs no pass. */
  readonly measure?: (look: FleetLook) => void;
  /** Hears of each eviction that the API server refused; left out: nobody counts. */
  readonly onRefusal?: (reason: RefusalClass) => void;
  /** Tells people elsewhere what happens to rings; left out: nobody does. */
  readonly notifier?: PassNotifier;
  /** Lets the process do something else during long work; left out: nothing else waits. */
  readonly breath?: Breath | undefined;
  /** Hears of everything that went wrong and was survived. */
  readonly onError: (error: unknown, where: string) => void;
}

export interface PassOptions {
  /** Targets served at once. */
  readonly concurrency: number;
  /** Target states written in one pass. */
  readonly statusBudget: number;
  readonly inventoryJobs: number;
}

export interface PassResult {
  readonly plan: Plan;
  /** How reading the policy repository went; undefined where there is none. */
  readonly policy: PolicyView["health"];
  /** Whether something was written or is under way, so that the next pass should come soon. */
  readonly busy: boolean;
  /** When a target is to be looked at again at the latest, policy time; left out: nothing that is known ends by itself. */
  readonly again?: Instant | undefined;
}

/** What a process knows beside what is stored; all of it may be lost. */
interface Memory {
  wall: number | undefined;
  monotonic: number | undefined;
  /** Exact soak of `ring/digest` since it was stored, ms. */
  soakedMs: ReadonlyMap<string, number>;
  /** Exact time that gates held, and the rings whose gates were all open, at the last look. */
  gates: Pick<Plan, "gateHeldMs" | "gatesHeld"> | undefined;
  readonly pauses: EvictionPauses;
  /** What the API server said of itself, and when (monotonic, ms). */
  apiServer: { readonly at: number; readonly view: ApiServerView } | undefined;
  /** What only saves work: projections of objects, and parts of the last plan. */
  readonly projections: AnswerMemory;
  readonly planner: Planner;
}

/** Observed time longer than this between two looks was not observed. */
const LONGEST_LOOK_MS = 15 * 60_000;

export interface Controller {
  pass(): Promise<PassResult>;
}

/** A controller over its ports; `pass` is called again and again, by a loop or by a test. */
export function createController(ports: PassPorts, options: PassOptions): Controller {
  const memory: Memory = {
    wall: undefined,
    monotonic: undefined,
    soakedMs: new Map(),
    gates: undefined,
    pauses: new Map(),
    apiServer: undefined,
    projections: createMemory(),
    planner: createPlanner(),
  };
  return { pass: () => makePass(ports, options, memory) };
}

async function makePass(ports: PassPorts, options: PassOptions, memory: Memory): Promise<PassResult> {
  const { client, clock } = ports;
  // What passes while nothing can be read was not observed, and does not soak.
  const looked = { wall: memory.wall, monotonic: memory.monotonic };
  memory.wall = undefined;
  memory.monotonic = undefined;
  const objects = await ports.reader.read();
  const apiServer = await askApiServer(ports, memory);
  const snapshot = await inSlices(takeSnapshotInSteps(objects, apiServer, memory.projections), ports.breath);
  for (const problem of snapshot.problems) ports.onError(new Error(problem.message), `${problem.kind} ${problem.name}`);
  const policy = await ports.policy.sync(objects, clock.now());
  const ledger = await readLedger(client);
  const lost = await confirmLostClaims(
    client,
    findLostClaims(ledger, snapshot.inventory, snapshot.stored, policy.inForce.clusterName),
  );
  const resolved = resolveCandidates(policy.inForce, snapshot.stored, clock.now());
  const readings = (await ports.gates?.read(asksOf(policy.inForce.rings))) ?? new Map<string, GateReading>();
  const input = planInput(ports, memory, looked, readings, {
    policy,
    snapshot,
    ledger,
    lost,
    candidates: resolved.levels,
  });
  const plan = await inSlices(memory.planner.planInSteps(input), ports.breath);
  memory.soakedMs = plan.soakedMs;
  memory.gates = { gateHeldMs: plan.gateHeldMs, gatesHeld: plan.gatesHeld };
  const pulls = ports.promoter.listed();
  const look = {
    input,
    plan,
    repository: repositoryFacts(policy),
    pulls: pullFacts(pulls),
    approvals: openApprovals(ports.promoter.known(), pulls),
  };
  measure(ports, look, policy);
  const { busy, again } = await act(ports, options, memory, {
    objects,
    policy,
    snapshot,
    ledger,
    lost,
    input,
    plan,
    views: viewBaselines(policy, resolved),
  });
  return { plan, policy: policy.health, busy, again };
}

function measure(ports: PassPorts, look: FleetLook, { repository }: PolicyView): void {
  try {
    ports.measure?.(look);
  } catch (error) {
    ports.onError(error, "metrics");
  }
  try {
    ports.notifier?.look(look, repository);
  } catch (error) {
    ports.onError(error, "notification");
  }
}

interface Scene {
  readonly objects: ClusterObjects;
  readonly policy: PolicyView;
  readonly snapshot: Snapshot;
  readonly ledger: LiveLedger;
  readonly lost: readonly Claim[];
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly views: readonly BaselineView[];
}

/** An API server that is upgraded, or not ready, is noticed within this time. */
const ASK_API_SERVER_MS = 5_000;

async function askApiServer({ client, clock }: PassPorts, memory: Memory): Promise<ApiServerView> {
  const at = clock.monotonic();
  if (memory.apiServer === undefined || !(at - memory.apiServer.at < ASK_API_SERVER_MS))
    memory.apiServer = { at, view: await viewApiServer(client) };
  return memory.apiServer.view;
}

function planInput(
  { clock }: PassPorts,
  memory: Memory,
  last: Pick<Memory, "wall" | "monotonic">,
  readings: GateReadings,
  scene: Omit<Scene, "objects" | "input" | "plan" | "views"> & {
    readonly candidates: ReadonlyMap<string, LevelInForce>;
  },
): PlanInput {
  const [wall, monotonic] = [clock.now(), clock.monotonic()];
  // The lesser of two clocks: a jump of one can only lengthen the soak (invariant of soak; DESIGN "Approval").
  const looked =
    last.wall === undefined || last.monotonic === undefined
      ? 0
      : Math.min(wall - last.wall, monotonic - last.monotonic);
  memory.wall = wall;
  memory.monotonic = monotonic;
  return {
    now: wall,
    policy: scene.policy.inForce,
    inventory: scene.snapshot.inventory,
    stored: scene.snapshot.stored,
    ledger: viewLedger(scene.ledger, scene.lost),
    candidates: scene.candidates,
    observedMs: looked > LONGEST_LOOK_MS ? 0 : Math.max(0, looked),
    soakedMs: memory.soakedMs,
    readings,
    ...memory.gates,
  };
}

/** What is written down of each baseline. */
function viewBaselines({ inForce }: PolicyView, resolved: Candidates): readonly BaselineView[] {
  return inForce.baselines.map(({ name }) => ({
    name,
    candidate: resolved.levels.get(name),
    offered: resolved.offered.get(name),
    problem: resolved.problems.get(name),
  }));
}

async function act(
  ports: PassPorts,
  options: PassOptions,
  memory: Memory,
  scene: Scene,
): Promise<Pick<PassResult, "busy" | "again">> {
  const { client, clock } = ports;
  const { plan, ledger, snapshot, policy } = scene;
  const aims = { client, now: () => clock.now(), policy: policy.inForce, plan, inventory: snapshot.inventory };
  const served = await serveClaims({
    ...aims,
    pauses: memory.pauses,
    onRefusal: ports.onRefusal,
    concurrency: options.concurrency,
    tell: (claim, event) => ports.record(toEvent(claim, event)),
    onError: (error, claim) => {
      // Not as it was read: somebody was faster, and the next pass looks again.
      if (!isConflict(error) && !isPatchTestFailure(error)) ports.onError(error, `${claim.kind} ${claim.name}`);
    },
  });
  const free = new Set(served.free);
  for (const claim of served.lost) {
    try {
      await recordLost(client, claim);
    } catch (error) {
      // Its claim is kept until the failure stands in the ring; the others are served on (V4).
      free.delete(claim.uid);
      if (!isConflict(error)) ports.onError(error, `RolloutRing ${claim.ring}`);
      continue;
    }
    ports.record(
      toEvent(claim, {
        type: "Warning",
        reason: "TargetVanished",
        note: `counts as failed in ring ${claim.ring} for ${claim.level}`,
      }),
    );
  }
  const report = {
    client,
    now: plan.at,
    objects: scene.objects,
    plan,
    stored: snapshot.stored,
    budget: options.statusBudget,
    records: ports.promoter.records(),
    refusals: ports.manifests?.refusals(),
    notified: ports.notifier?.taken(),
    record: ports.record,
    onError: (error: unknown, where: string) => {
      if (!isConflict(error)) ports.onError(error, where);
    },
  };
  // Records come before claims: a ring begins only on a predecessor's soak that a crash cannot forget (R1), and takes nobody at a level whose
  // withdrawal still stands in its own record (A3).
  const unstored = await writeRingStatuses(report);
  const wanted = plan.claims.filter((request) =>
    [request.ring, ...predecessorsOf(request.ring, policy.inForce.rings)].every((ring) => !unstored.has(ring)),
  );
  const add = await confirmRequests(wanted, {
    client,
    now: clock.now(),
    concurrency: options.concurrency,
    hasWork: (request, state) => hasWork(aims, request, state),
    onError: (error, request) => ports.onError(error, `${request.kind} ${request.name}`),
  });
  const ledgerMoved = await changeLedger(ports, scene, free, add);
  const claimed = new Set([
    ...ledger.claims.map((claim) => claim.uid),
    ...scene.lost.map((claim) => claim.uid),
    ...ledgerMoved.map((claim) => claim.uid),
  ]);
  const inventoryRuns = await runInventoryCycle({
    client,
    now: clock.now(),
    policy: policy.inForce,
    plan,
    stored: snapshot.stored.nodes,
    claimed,
    limit: options.inventoryJobs,
    onError: ports.onError,
  });
  const status: StatusInput = { ...report, claimed, unwritten: unstored };
  await writeBaselineStatuses(status, scene.views);
  const left = await writeTargetStates(status);
  await removeOrphans(status);
  const claims = new Set([...ledger.claims, ...scene.lost, ...ledgerMoved].map((claim) => claim.id));
  await removeAbandonedJobs({ client, now: plan.at, jobs: scene.objects.jobs, claims, onError: report.onError });
  const asks = { input: scene.input, plan, policy, now: plan.at };
  const promoted = await ports.promoter.promote(asks);
  // Where something was just promoted this plan is not of the policy that is in force by now.
  const proposed = !promoted && (await ports.manifests?.propose(asks)) === true;
  await ports.pulls?.look({ input: scene.input, plan, policy, objects: scene.objects });
  const moved = served.moved || ledgerMoved.length > 0 || served.free.size > 0;
  return { busy: moved || inventoryRuns || left || promoted || proposed, again: served.again };
}

async function changeLedger(
  ports: PassPorts,
  { plan, ledger, lost }: Scene,
  free: ReadonlySet<string>,
  add: readonly ClaimRequest[],
): Promise<readonly Claim[]> {
  try {
    const { added, freed } = await writeLedger(ports.client, ledger, {
      now: ports.clock.now(),
      add,
      free,
      restore: lost,
      capacity: plan.capacity,
    });
    for (const claim of freed)
      ports.record(
        toEvent(claim, { type: "Normal", reason: "Released", note: `budget of ring ${claim.ring} given back` }),
      );
    return added;
  } catch (error) {
    // Somebody was faster: nothing was changed, and the next pass plans from what is there then.
    if (!isConflict(error)) throw error;
    return [];
  }
}

function toEvent(
  claim: Claim,
  event: { readonly type: "Normal" | "Warning"; readonly reason: string; readonly note: string },
): EventInput {
  const resource = findResource(claim.kind === "Node" ? "v1" : "apps/v1", claim.kind);
  return {
    regarding: {
      ...(resource === undefined ? {} : { apiVersion: apiVersionOf(resource) }),
      kind: claim.kind,
      name: claim.name,
      ...(claim.namespace === undefined ? {} : { namespace: claim.namespace }),
      uid: claim.uid,
    },
    type: event.type,
    reason: event.reason,
    action: event.reason,
    note: event.note,
  };
}
