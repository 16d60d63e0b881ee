// The fleet's metrics at `/metrics`: what core makes of the last plan is set there, and nothing is decided. Gauges are made when they are asked
// for, so passes cost nothing more, and only while this process leads: a follower shows none. What happens is counted pass by pass, from the
// first pass of a leader on.
import { readFileSync } from "node:fs";
import type { Breath } from "../breath.ts";
import type { Clock, Instant } from "../clock.ts";
import {
  FLEET_COUNTS,
  FLEET_GAUGES,
  type FleetLook,
  type Observation,
  observeFleet,
  type OpenApproval,
  type PullFacts,
  type RepositoryFacts,
  type Sample,
  sampleFleet,
  type SampleValue,
  type Seen,
} from "../core/metrics/index.ts";
import { defineCounter, defineGauge, type Meter, type MetricDefinition } from "../metrics.ts";
import type { KnownProposal } from "../core/promotion/known.ts";
import type { PullRequest } from "../forge/port.ts";
import { productFile } from "../place.ts";
import type { PolicyView } from "./policy-source.ts";
import { inSlices } from "./slices.ts";

const BUILD_INFO = defineGauge("ringward_build_info", "1, with the version of Ringward and of Node.", [
  "version",
  "node_version",
]);
const ERRORS = defineCounter(
  "ringward_errors_total",
  "Errors that a pass, or what runs beside it, met and survived, by what it was about.",
  ["source"],
);

/** Of every process, whoever leads. */
export const PROCESS_METRICS: readonly MetricDefinition[] = [BUILD_INFO, ERRORS];
/** Every metric of this file. */
export const FLEET_METRICS: readonly MetricDefinition[] = [...FLEET_GAUGES, ...FLEET_COUNTS, ...PROCESS_METRICS];

export interface FleetMetrics {
  /** A pass has made its plan. */
  look(look: FleetLook): void;
  /** This process leads no longer: another one tells of the fleet now, and of what happens from now on. */
  forget(): void;
  /** An error was survived; `where` is how the log names its place. */
  failed(where: string): void;
}

export interface FleetMetricsPorts {
  readonly meter: Meter;
  /** Policy time. */
  readonly clock: Clock;
  readonly transport: Clock;
  readonly leads: () => boolean;
  /** Lets the process do something else while samples are made. */
  readonly breath?: Breath | undefined;
}

/** Ties the fleet's metrics to a meter. */
export function measureFleet({ meter, clock, transport, leads, breath }: FleetMetricsPorts): FleetMetrics {
  let last: FleetLook | undefined;
  let seen: Seen | undefined;
  let made: { readonly of: FleetLook; readonly samples: readonly Sample[] } | undefined;
  const errors = meter.counter(ERRORS);
  for (const source of SOURCES) errors.add({ source }, 0);
  meter.gauge(BUILD_INFO).set({ version: productVersion(), node_version: process.version }, 1);
  const gauges = FLEET_GAUGES.map((metric) => meter.gauge(metric));
  for (const metric of FLEET_COUNTS) register(meter, metric);
  const clear = (): void => {
    for (const gauge of gauges) gauge.clear();
  };
  clear();
  meter.beforeScrape(async () => {
    const of = leads() ? last : undefined;
    if (of !== undefined && made?.of !== of) made = { of, samples: await samplesOf(of) };
    // From here to the end nobody else has a turn: no scrape sees half of it.
    clear();
    if (of === undefined || made?.of !== of || !leads()) return;
    const now = { policy: clock.now(), wall: transport.now() };
    for (const { metric, labels, ...value } of made.samples) meter.gauge(metric).set(labels, show(value, now));
  });
  /** What cannot be said is absent, and that it could not be said is counted. */
  async function samplesOf(look: FleetLook): Promise<readonly Sample[]> {
    try {
      return await inSlices(sampleFleet(look), breath);
    } catch {
      errors.add({ source: "metrics" });
      return [];
    }
  }
  return {
    look(look) {
      // A pass that ends after the lead was lost tells nothing any more.
      if (!leads()) return;
      last = look;
      const found = observeFleet(seen, look);
      seen = found.seen;
      for (const observation of found.observations) count(meter, observation);
    },
    forget() {
      [last, seen, made] = [undefined, undefined, undefined];
    },
    failed: (where) => errors.add({ source: sourceOf(where) }),
  };
}

/** Where both clocks agree but for the moment between two reads, an instant is what it is. */
const SAME_CLOCK_MS = 1_000;

/**
 * Policy time may be simulated; who scrapes compares with the wall clock. So an instant keeps its distance from now, and an age grows from
 * scrape to scrape, however old the plan is.
 */
function show(value: SampleValue, { policy, wall }: { readonly policy: Instant; readonly wall: Instant }): number {
  if ("value" in value) return value.value;
  if ("since" in value) return Math.max(0, policy - value.since) / 1000;
  const apart = wall - policy;
  return (Math.abs(apart) < SAME_CLOCK_MS ? value.at : value.at + apart) / 1000;
}

function register(meter: Meter, metric: Observation["metric"]): void {
  if (metric.kind === "counter") meter.counter(metric);
  else meter.histogram(metric);
}

function count(meter: Meter, { metric, labels, value }: Observation): void {
  if (metric.kind === "counter") meter.counter(metric).add(labels, value ?? 0);
  else if (value === undefined) meter.histogram(metric).begin(labels);
  else meter.histogram(metric).observe(labels, value);
}

/** What places that the log names are about, by their first word; all others are `other`. */
const SOURCE_OF: Readonly<Record<string, string>> = {
  PolicyRepository: "policy",
  policy: "policy",
  signatures: "policy",
  PatchBaseline: "policy",
  RolloutRing: "policy",
  Node: "targets",
  NodePatchState: "targets",
  Deployment: "targets",
  StatefulSet: "targets",
  DaemonSet: "targets",
  WorkloadPatchState: "targets",
  Job: "jobs",
  forge: "forge",
  pull: "forge",
  manifest: "manifests",
  manifests: "manifests",
  watch: "watch",
  lease: "lease",
  pass: "pass",
  notification: "notification",
  metrics: "metrics",
};
const SOURCES: readonly string[] = [...new Set([...Object.values(SOURCE_OF), "other"])];

function sourceOf(where: string): string {
  const [word = ""] = /^\w+/.exec(where) ?? [];
  return Object.hasOwn(SOURCE_OF, word) ? (SOURCE_OF[word] ?? "other") : "other";
}

function productVersion(): string {
  const text = readFileSync(productFile("package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** What metrics are told of the policy repository. */
export function repositoryFacts({
  repository,
  fetchedAt,
  intervalMs,
  health,
}: PolicyView): RepositoryFacts | undefined {
  if (health === undefined) return undefined;
  const loaded = repository?.loaded;
  return {
    fetchedAt,
    intervalMs,
    commitAt: repository?.snapshot.time,
    documents: loaded?.objects.length,
    problems: loaded?.problems.filter(({ severity }) => severity === "error").length,
  };
}

/** And of our pull requests. */
export function pullFacts(pulls: readonly PullRequest[] | undefined): readonly PullFacts[] | undefined {
  return pulls?.map(({ number, head, state, createdTime, closedTime }) => ({
    number,
    branch: head,
    state,
    openedAt: Date.parse(createdTime),
    closedAt: closedTime === undefined ? undefined : Date.parse(closedTime),
  }));
}

/** Which approvals are asked for. Of a branch without a forge nobody knows since when. */
export function openApprovals(
  known: readonly KnownProposal[] | undefined,
  pulls: readonly PullRequest[] | undefined,
): readonly OpenApproval[] | undefined {
  return known
    ?.filter(({ state }) => state === "open")
    .map(({ number, branch, ring, baseline, digest, scope }) => {
      const pull = number === 0 ? undefined : pulls?.find((one) => one.number === number);
      const openedAt = pull && Date.parse(pull.createdTime);
      return { number, branch, ring, baseline, digest, scope, url: pull?.url, head: pull?.headSha, openedAt };
    });
}
