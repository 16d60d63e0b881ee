// The controller as a process: real transport, caches, git, forge, Lease and events around the passes. It starts nothing before every
// cache is synced, makes passes and writes only while it leads (L2, L3; else it hands webhooks over to the leader), and ends gracefully: no new
// write, what is under way ends, the Lease is given back so that the next one leads at once.
import { join } from "node:path";
import { createValidators } from "../api/validator.ts";
import { createBreath } from "../breath.ts";
import type { Clock, Random } from "../clock.ts";
import type { Forge } from "../forge/port.ts";
import type { PolicyGit } from "../git/port.ts";
import { type GateSettings, openGateSource } from "../gates/settings.ts";
import { createClient } from "../kube/client.ts";
import { createEventRecorder, type EventRecorder, REPORTING_CONTROLLER } from "../kube/events.ts";
import { createWriteGate, leaderPort, type Leads, onlyLeading, type WriteGate } from "../kube/leader-port.ts";
import { CONTROLLER_LEASE, type LeaderElection, startLeaderElection } from "../kube/lease.ts";
import { createLimiter } from "../kube/limiter.ts";
import { countRequests, measureLimiter, watchLeadership } from "../kube/metrics.ts";
import { TransportError } from "../kube/port.ts";
import { createTransport, type Transport } from "../kube/transport.ts";
import type { Meter } from "../metrics.ts";
import { countRefusals } from "../nodes/metrics.ts";
import { createNotifier } from "../notify/notifier.ts";
import type { DestinationSettings } from "../notify/settings.ts";
import type { BindAddress } from "../serve/bind-address.ts";
import { createPrometheus } from "../serve/prometheus.ts";
import { tellFrom } from "./approval-commits.ts";
import { type ClusterReader, watching } from "./cluster.ts";
import { type Endpoints, startEndpoints, type WebhookSettings } from "./endpoints.ts";
import { createAppAccounts } from "./forge-account.ts";
import { measureFleet } from "./fleet-metrics.ts";
import { createHandOver } from "./hand-over.ts";
import { type HealthParts, livenessChecks, readinessChecks } from "./health.ts";
import { type Loop, startLoop } from "./loop.ts";
import { createManifestProposer } from "./manifests/proposer.ts";
import { createController, type PassResult } from "./pass.ts";
import { manifestSpec, openForge, openRepository } from "./open-repository.ts";
import { createPolicyPulls } from "./policy-pulls.ts";
import { createPolicySource } from "./policy-source.ts";
import { createPromoter } from "./promotion/promoter.ts";

export interface ControllerSettings {
  readonly kubeconfig: string;
  /** Namespace of the Lease. */
  readonly namespace: string;
  /** Unique for each process that ever runs. */
  readonly identity: string;
  /** Folder for the object store of the policy repository. */
  readonly directory: string;
  /** A kubectl with which changed kustomizations are rendered; left out: they are not. */
  readonly kubectl?: string | undefined;
  /** A helm with which changed values of charts are rendered; left out: they are not. */
  readonly helm?: string | undefined;
  /** Lets the policy repository be on this machine, or be asked over http: tests and the sandbox. */
  readonly allowInsecure?: boolean;
  /** Longest wait between two passes, policy ms. */
  readonly idleMs: number;
  /** Shortest wait between two passes, transport ms. */
  readonly paceMs: number;
  /** Shortest time between two listings of pull requests, transport ms. */
  readonly listEveryMs: number;
  /** Where gates ask, and the shortest time between two equal asks, transport ms; left out: nowhere, and such gates are shut. */
  readonly gates?: GateSettings & { readonly everyMs: number };
  /** Whom to tell what happens to rings; left out: nobody. */
  readonly notifications?: readonly DestinationSettings[] | undefined;
  /** Policy time. */
  readonly clock: Clock;
  /** HTTP, Lease, backoff. */
  readonly transport: Clock;
  readonly random: Random;
  /** Where `/metrics` and the health endpoints listen; undefined: nowhere. */
  readonly metricsAddress?: BindAddress | undefined;
  readonly probeAddress?: BindAddress | undefined;
  /** Where the forge's webhooks are taken, and with which secret; undefined: nowhere. */
  readonly webhook?: WebhookSettings | undefined;
  /** Requests to the API server: so many a second in the long run, and so many at once. */
  readonly qps: number;
  readonly burst: number;
  /** Longest time that a stop may take, transport ms. */
  readonly stopMs?: number;
  readonly log: (level: "info" | "error", message: string, details?: object) => void;
  readonly onPass?: (result: PassResult) => void;
}

/** A pass waits so long for git and the forge, transport ms; what takes longer goes on beside the passes. */
const PATIENCE_MS = 2_000;
/** What a stop may take before it is cut, transport ms: less than the 30 s after which a kubelet kills. */
const STOP_MS = 20_000;
/** What is left unwritten of events by then is lost. */
const EVENTS_MS = 1_000;

/** It could not end by itself; whoever hears this ends the process. */
export class StopTimeout extends Error {
  override readonly name = "StopTimeout";
}

/** Runs until the signal aborts. Throws `UserError` where it cannot listen, and `StopTimeout`. */
export async function runController(settings: ControllerSettings, signal: AbortSignal): Promise<void> {
  const prometheus = createPrometheus({ process: true });
  const parts = assemble(settings, signal, prometheus.meter);
  const health: HealthParts = {
    clock: settings.transport,
    reader: parts.reader,
    election: parts.election,
    loop: parts.loop,
    stopping: () => signal.aborted,
  };
  try {
    const endpoints = await startEndpoints({
      metrics: settings.metricsAddress,
      probes: settings.probeAddress,
      webhook: settings.webhook === undefined ? undefined : { ...settings.webhook, poke: parts.poke },
      prometheus,
      liveness: livenessChecks(health),
      readiness: readinessChecks(health),
      clock: settings.transport,
      log: settings.log,
    });
    await parts.election.acquired(signal).catch(() => undefined);
    if (!signal.aborted) settings.log("info", "started", { host: parts.api.host });
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await stopWithin(settings, () => stop(settings, parts, endpoints));
  } catch (error) {
    // Nothing began that a next leader would have to wait for.
    if (!(error instanceof StopTimeout)) await stop(settings, parts, undefined);
    throw error;
  }
}

interface Parts {
  readonly api: Transport;
  readonly election: LeaderElection;
  readonly reader: ClusterReader;
  readonly loop: Loop;
  /** Git and the forge should be asked now, here or by whoever leads. */
  readonly poke: () => void;
  readonly events: EventRecorder;
  /** Everything but events goes through it. */
  readonly gate: WriteGate;
  /** What is handed over to the leader goes through this one. */
  readonly handOvers: WriteGate;
  readonly gates: { close(): Promise<void> };
  readonly notifier: { close(): Promise<void> } | undefined;
}

function assemble(settings: ControllerSettings, signal: AbortSignal, meter: Meter): Parts {
  const { clock, transport, random, log } = settings;
  const api = createTransport({
    kubeconfig: settings.kubeconfig,
    clock: transport,
    userAgent: "ringward",
    onRequest: countRequests(meter),
  });
  const breath = createBreath(transport);
  const fleet = measureFleet({ meter, clock, transport, breath, leads: () => election.isLeader() });
  const onError = (error: unknown, where: string): void => {
    // What is refused unsent while stopping is what stopping means, and so are reads that closing breaks: writes were waited for.
    const why = error instanceof Error && error.cause instanceof TransportError ? error.cause : error;
    if (signal.aborted && why instanceof TransportError && (why.outcome === "notSent" || why.kind === "aborted"))
      return;
    fleet.failed(where);
    log("error", `${where}: ${error instanceof Error ? error.message : String(error)}`);
  };
  const election = startLeaderElection({
    client: createClient(api, { fieldManager: "ringward", clock: transport }),
    namespace: settings.namespace,
    name: CONTROLLER_LEASE,
    identity: settings.identity,
    clock: transport,
    random,
    onChange: (leading) => {
      log("info", leading ? "leading" : "not leading");
      // Whoever led before may have been told of something that it did not come to.
      if (leading) look();
      else {
        fleet.forget();
        notifier?.forget();
      }
    },
    onError: (error) => onError(error, "lease"),
  });
  watchLeadership(meter, CONTROLLER_LEASE, () => election.isLeader());
  const leads: Leads = () => election.isLeader();
  const gate = createWriteGate(leads);
  const limits = {
    clock: transport,
    limiter: createLimiter({ perSecond: settings.qps, burst: settings.burst, clock: transport }),
    onLimited: measureLimiter(meter, api.host),
  };
  const client = createClient(leaderPort(api, gate), { fieldManager: "ringward", ...limits });
  const events = createEventRecorder({
    // Its own gate: what was done to the last is told, too.
    client: createClient(leaderPort(api, createWriteGate(leads)), { fieldManager: "ringward", ...limits }),
    clock: eventClock(clock, transport),
    random,
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: settings.identity,
  });
  const reader = watching({
    client,
    clock: transport,
    random,
    meter,
    breath,
    onChange: () => loop.wake(),
    onError: (error, key) => onError(error, `watch of ${key}`),
  });
  const patience = { clock: transport, patienceMs: PATIENCE_MS, wake: () => loop.wake() };
  const accounts = createAppAccounts(transport);
  const validators = createValidators();
  const policy = createPolicySource({
    client,
    validators,
    openGit: async (spec) => writingGit(await openRepository(spec, settings, accounts), gate),
    openForge: async (spec) => writingForge(await openForge(spec, settings, accounts), gate),
    patience,
    random,
    record: (event) => events.record(event),
    // Who asks may mean pull requests, too.
    onRequest: () => promoter.poke(),
    onError,
  });
  const gates = openGateSource({
    settings: settings.gates ?? { prometheus: undefined, alertmanager: undefined, resources: [] },
    port: client.port,
    clock,
    transport,
    everyMs: settings.gates?.everyMs ?? 15_000,
  });
  const promoter = createPromoter({
    clock,
    transport,
    listEveryMs: settings.listEveryMs,
    patience,
    poke: () => policy.poke(),
    record: (event) => events.record(event),
    onError,
  });
  const notifier =
    settings.notifications === undefined
      ? undefined
      : createNotifier({
          destinations: settings.notifications,
          allowInsecure: settings.allowInsecure === true,
          clock,
          transport,
          random,
          meter,
          leads,
          wake: () => loop.wake(),
          onError,
        });
  const controller = createController(
    {
      ...(notifier === undefined ? {} : { notifier: tellFrom(notifier, validators) }),
      gates,
      client,
      reader,
      policy,
      promoter,
      manifests: createManifestProposer({
        open: async (entry, spec) => {
          const own = manifestSpec(entry, spec);
          const theirs = createAppAccounts(transport);
          // A store of its own, also where the address is the policy repository's and only the branch differs.
          const folder = { ...settings, directory: join(settings.directory, "manifests", entry.name) };
          return {
            git: writingGit(await openRepository(own, folder, theirs), gate),
            forge: writingForge(await openForge(own, settings, theirs), gate),
          };
        },
        kubectl: settings.kubectl,
        helm: settings.helm,
        directory: join(settings.directory, "renderings"),
        clock,
        transport,
        listEveryMs: settings.listEveryMs,
        patience,
        poke: () => policy.poke(),
        record: (event) => events.record(event),
        onError,
      }),
      pulls: createPolicyPulls({
        validators,
        transport,
        listEveryMs: settings.listEveryMs,
        // No pass waits for what is only said.
        patience: { ...patience, patienceMs: 0 },
        breath,
        onError,
      }),
      clock,
      record: (event) => events.record(event),
      measure: (look) => fleet.look(look),
      onRefusal: countRefusals(meter),
      breath,
      onError,
    },
    { concurrency: 16, statusBudget: 400, inventoryJobs: 30 },
  );
  const loop = startLoop({
    pass: () => controller.pass(),
    leads,
    clock,
    transport,
    idleMs: settings.idleMs,
    paceMs: settings.paceMs,
    meter,
    onError: (error) => onError(error, "pass"),
    onPass: settings.onPass,
  });
  const look = (): void => {
    policy.poke();
    promoter.poke();
    loop.wake();
  };
  const handOvers = createWriteGate(() => true);
  const handOver = createHandOver({
    client: createClient(leaderPort(api, handOvers), { fieldManager: "ringward", ...limits }),
    clock,
    random,
    onError: (error) => onError(error, "webhook, handed over to the leader"),
  });
  const poke = (): void => (leads() ? look() : handOver());
  return { api, election, reader, loop, poke, events, gate, handOvers, gates, notifier };
}

/** In this order: nothing new, what is under way ends, its events are told, the next one may lead, and then the rest. */
async function stop(settings: ControllerSettings, parts: Parts, endpoints: Endpoints | undefined): Promise<void> {
  settings.log("info", "stopping");
  const lastPass = parts.loop.shutdown();
  await parts.gate.close();
  await parts.events.stop(EVENTS_MS);
  await parts.election.stop();
  await parts.handOvers.close();
  await parts.reader.stop();
  await parts.gates.close();
  await parts.notifier?.close();
  // Breaks what the last pass still reads: it can change nothing any more.
  await parts.api.close();
  await lastPass;
  await endpoints?.close();
  settings.log("info", "stopped");
}

async function stopWithin(settings: ControllerSettings, work: () => Promise<void>): Promise<void> {
  const timer = new AbortController();
  const ms = settings.stopMs ?? STOP_MS;
  const late = settings.transport.sleep(ms, timer.signal).then(
    () =>
      Promise.reject(
        new StopTimeout(`could not end within ${ms / 1000} s; what is unfinished is taken up by the next leader`),
      ),
    () => undefined,
  );
  try {
    await Promise.race([work(), late]);
  } finally {
    timer.abort(new Error("stopped"));
  }
}

/** Events bear policy time, and are paced by transport time. */
function eventClock(policy: Clock, transport: Clock): Clock {
  return {
    now: () => policy.now(),
    monotonic: () => transport.monotonic(),
    sleep: (ms, signal) => transport.sleep(ms, signal),
  };
}

/** Branches move only while we lead. */
function writingGit(git: PolicyGit, gate: WriteGate): PolicyGit {
  return {
    ...git,
    push: onlyLeading(gate, (commit) => git.push(commit)),
    deleteBranch: onlyLeading(gate, (branch, at) => git.deleteBranch(branch, at)),
  };
}

/** So do pull requests. */
function writingForge(forge: Forge | undefined, gate: WriteGate): Forge | undefined {
  if (forge === undefined) return undefined;
  const { push } = forge;
  return {
    ...forge,
    ...(push === undefined ? {} : { push: onlyLeading(gate, (commit) => push(commit)) }),
    keepComment: onlyLeading(gate, (number, marker, body) => forge.keepComment(number, marker, body)),
    report: onlyLeading(gate, (report) => forge.report(report)),
    merge: onlyLeading(gate, (number, request) => forge.merge(number, request)),
    keepIssue: onlyLeading(gate, (issue) => forge.keepIssue(issue)),
    open: onlyLeading(gate, (request) => forge.open(request)),
    update: onlyLeading(gate, (number, change) => forge.update(number, change)),
    close: onlyLeading(gate, (number, comment) => forge.close(number, comment)),
  };
}
