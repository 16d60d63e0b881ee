// The controller as a process: real transport, caches, git, forge, Lease and events around the passes. It starts nothing before every
// cache is synced, makes passes and writes only while it leads (L2, L3), and ends gracefully: no new pass, the Lease given back.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import { createValidators } from "../api/validator.ts";
import type { Clock, Random } from "../clock.ts";
import { createForge } from "../forge/index.ts";
import type { Forge } from "../forge/port.ts";
import { tokenFile } from "../git/auth.ts";
import type { PolicyGit } from "../git/port.ts";
import { openPolicyGit } from "../git/repository.ts";
import { type GateSettings, openGateSource } from "../gates/settings.ts";
import { isConflict } from "../kube/api-errors.ts";
import { createClient } from "../kube/client.ts";
import { createEventRecorder, REPORTING_CONTROLLER } from "../kube/events.ts";
import { leaderPort, type Leads, onlyLeading } from "../kube/leader-port.ts";
import { CONTROLLER_LEASE, type LeaderElection, startLeaderElection } from "../kube/lease.ts";
import { createTransport } from "../kube/transport.ts";
import { watching } from "./cluster.ts";
import { createController, type PassResult } from "./pass.ts";
import { createPolicySource } from "./policy-source.ts";
import { createPromoter } from "./promoter.ts";

export interface ControllerSettings {
  readonly kubeconfig: string;
  /** Namespace of the Lease. */
  readonly namespace: string;
  /** Unique for each process that ever runs. */
  readonly identity: string;
  /** Folder for the object store of the policy repository. */
  readonly directory: string;
  /** Longest wait between two passes, policy ms. */
  readonly idleMs: number;
  /** Shortest wait between two passes, transport ms. */
  readonly paceMs: number;
  /** Shortest time between two listings of pull requests, transport ms. */
  readonly listEveryMs: number;
  /** Where gates ask, and the shortest time between two equal asks, transport ms; left out: nowhere, and such gates are shut. */
  readonly gates?: GateSettings & { readonly everyMs: number };
  /** Policy time. */
  readonly clock: Clock;
  /** HTTP, Lease, backoff. */
  readonly transport: Clock;
  readonly random: Random;
  readonly log: (level: "info" | "error", message: string, details?: object) => void;
  readonly onPass?: (result: PassResult) => void;
}

/** Runs until the signal aborts. */
export async function runController(settings: ControllerSettings, signal: AbortSignal): Promise<void> {
  const { clock, transport, random, log } = settings;
  const api = createTransport({ kubeconfig: settings.kubeconfig, clock: transport, userAgent: "ringward" });
  const onError = (error: unknown, where: string): void =>
    log("error", `${where}: ${error instanceof Error ? error.message : String(error)}`);
  const election = startLeaderElection({
    client: createClient(api, { fieldManager: "ringward", clock: transport }),
    namespace: settings.namespace,
    name: CONTROLLER_LEASE,
    identity: settings.identity,
    clock: transport,
    random,
    onChange: (leading) => log("info", leading ? "leading" : "not leading"),
    onError: (error) => onError(error, "lease"),
  });
  const leads: Leads = () => election.isLeader();
  const client = createClient(leaderPort(api, leads), { fieldManager: "ringward", clock: transport });
  const events = createEventRecorder({
    client,
    clock: eventClock(clock, transport),
    random,
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: settings.identity,
  });
  const reader = watching({
    client,
    clock: transport,
    random,
    onError: (error, key) => onError(error, `watch of ${key}`),
  });
  const policy = createPolicySource({
    client,
    validators: createValidators(),
    openGit: async (spec) => writingGit(await openRepository(spec, settings), leads),
    openForge: async (spec) => writingForge(await openForge(spec, settings), leads),
    record: (event) => events.record(event),
    onError,
  });
  const gates = openGateSource({
    settings: settings.gates ?? { prometheus: undefined, alertmanager: undefined, resources: [] },
    port: client.port,
    clock,
    transport,
    everyMs: settings.gates?.everyMs ?? 15_000,
  });
  const controller = createController(
    {
      gates,
      client,
      reader,
      policy,
      promoter: createPromoter({
        clock,
        transport,
        listEveryMs: settings.listEveryMs,
        poke: () => policy.poke(),
        record: (event) => events.record(event),
        onError,
      }),
      clock,
      record: (event) => events.record(event),
      onError,
    },
    { concurrency: 16, statusBudget: 400, inventoryJobs: 30 },
  );
  try {
    await election.acquired(signal);
    log("info", "started", { host: api.host });
    await loop(settings, { controller, election, changed: (ms, stop) => reader.changed(ms, stop) }, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await events.stop(1_000);
    await election.stop();
    await reader.stop();
    await gates.close();
    await api.close();
  }
}

interface Running {
  readonly controller: { pass(): Promise<PassResult> };
  readonly election: LeaderElection;
  readonly changed: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Longest pause after a pass that failed, transport ms. */
const LONGEST_BACKOFF_MS = 30_000;

async function loop(settings: ControllerSettings, running: Running, signal: AbortSignal): Promise<void> {
  const { transport, clock, log } = settings;
  let failures = 0;
  while (!signal.aborted) {
    if (!running.election.isLeader()) await running.election.acquired(signal);
    let busy = false;
    try {
      const result = await running.controller.pass();
      settings.onPass?.(result);
      busy = result.busy;
      failures = 0;
    } catch (error) {
      failures = isConflict(error) ? 0 : failures + 1;
      if (!isConflict(error)) log("error", `pass: ${error instanceof Error ? error.message : String(error)}`);
    }
    // At least the pace between passes, so that changes of our own making cannot make the loop hot (K6).
    await transport.sleep(failures === 0 ? settings.paceMs : Math.min(LONGEST_BACKOFF_MS, 250 * 2 ** failures), signal);
    if (!busy && failures === 0) await waitForChange(running, clock, settings.idleMs, signal);
  }
}

async function waitForChange(running: Running, clock: Clock, idleMs: number, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  const both = AbortSignal.any([signal, timer.signal]);
  try {
    await Promise.race([running.changed(60_000, both), clock.sleep(idleMs, both).catch(() => undefined)]);
  } finally {
    timer.abort(new Error("waited"));
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
function writingGit(git: PolicyGit, leads: Leads): PolicyGit {
  return {
    ...git,
    push: onlyLeading(leads, (commit) => git.push(commit)),
    deleteBranch: onlyLeading(leads, (branch, at) => git.deleteBranch(branch, at)),
  };
}

/** So do pull requests. */
function writingForge(forge: Forge | undefined, leads: Leads): Forge | undefined {
  if (forge === undefined) return undefined;
  return {
    ...forge,
    open: onlyLeading(leads, (request) => forge.open(request)),
    update: onlyLeading(leads, (number, change) => forge.update(number, change)),
    close: onlyLeading(leads, (number, comment) => forge.close(number, comment)),
  };
}

function openRepository(spec: PolicyRepositorySpec, settings: ControllerSettings): Promise<PolicyGit> {
  const { auth } = spec;
  const key = createHash("sha256").update(settings.identity).digest("hex").slice(0, 8);
  return openPolicyGit({
    url: spec.url,
    branch: spec.branch ?? "main",
    directory: join(settings.directory, key),
    author: { name: "Ringward", email: `ringward@${spec.clusterName}.invalid` },
    clock: settings.transport,
    ...(auth?.tokenFile === undefined
      ? auth?.sshKeyFile === undefined || auth.knownHostsFile === undefined
        ? {}
        : { auth: { kind: "Ssh", privateKeyFile: auth.sshKeyFile, knownHostsFile: auth.knownHostsFile } }
      : {
          auth: {
            kind: "Token",
            token: tokenFile(auth.tokenFile),
            ...(auth.username === undefined ? {} : { username: auth.username }),
          },
        }),
  });
}

async function openForge(spec: PolicyRepositorySpec, settings: ControllerSettings): Promise<Forge | undefined> {
  const { forge } = spec;
  if (forge === undefined) return undefined;
  return createForge({
    kind: forge.kind,
    apiUrl: forge.apiUrl ?? "https://api.github.com",
    owner: forge.owner,
    repository: forge.repository,
    token: tokenFile(forge.tokenFile),
    clock: settings.transport,
  });
}
