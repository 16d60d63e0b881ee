// Metrics of the fleet, from the plan of a pass. Pure: the shell only shows them. Outsiders import from here.
import type { Steps } from "../incremental/steps.ts";
import type { PolicyInForce, StoredStates } from "../model.ts";
import { sampleBudget } from "./budget.ts";
import { sampleRows } from "./fleet.ts";
import { chooseLabels, type Labels } from "./labels.ts";
import { type FleetLook, keepCalendars, type KnownCalendars, type PullFacts } from "./look.ts";
import {
  beginSeries,
  findApprovals,
  findProgress,
  findWindows,
  type OpenWindow,
  openWindows,
  type Records,
  recordsOf,
} from "./milestones.ts";
import { samplePolicy } from "./policy.ts";
import { sampleRings } from "./rings.ts";
import type { Observation, Sample } from "./sample.ts";
import { findTransitions } from "./transitions.ts";

export { FLEET_COUNTS, FLEET_GAUGES } from "./definitions.ts";
export type { FleetLook, OpenApproval, PullFacts, RepositoryFacts } from "./look.ts";
export type { Observation, Sample, SampleValue } from "./sample.ts";

/** All gauges of a look, each label set once; in steps. */
export function* sampleFleet(look: FleetLook): Steps<readonly Sample[]> {
  const labels = chooseLabels(look.input.policy);
  const { compiled } = keepCalendars(undefined, look.input.policy);
  const rows = yield* sampleRows(look, labels);
  yield;
  const rest = [...sampleRings(look, labels, compiled), ...sampleBudget(look, labels)];
  yield;
  // Policy last: it says how many pairs the others folded.
  return mergeSamples([...rows, ...rest, ...samplePolicy(look, labels)]);
}

/** Rings and baselines that share a label are summed up; of instants the earliest counts. */
function mergeSamples(samples: readonly Sample[]): readonly Sample[] {
  const merged = new Map<string, Sample>();
  for (const one of samples) {
    const key = `${one.metric.name} ${one.metric.labels.map((label) => one.labels[label]).join("\n")}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? one : mergeTwo(known, one));
  }
  return [...merged.values()];
}

function mergeTwo(a: Sample, b: Sample): Sample {
  if ("value" in a && "value" in b) return { ...a, value: a.value + b.value };
  if ("at" in a && "at" in b) return { ...a, at: Math.min(a.at, b.at) };
  if ("since" in a && "since" in b) return { ...a, since: Math.min(a.since, b.since) };
  return a;
}

/** What is kept of a look to tell what happened until the next. */
export interface Seen {
  readonly stored: StoredStates;
  readonly records: Records;
  readonly windows: ReadonlyMap<string, OpenWindow>;
  readonly pulls: readonly PullFacts[];
  readonly calendars: KnownCalendars;
  readonly labels: {
    readonly of: readonly [PolicyInForce["rings"], PolicyInForce["baselines"]];
    readonly labels: Labels;
  };
}

/** What happened since the last look; at the first one nothing has. */
export function observeFleet(
  before: Seen | undefined,
  look: FleetLook,
): { readonly seen: Seen; readonly observations: readonly Observation[] } {
  const { policy, stored } = look.input;
  const calendars = keepCalendars(before?.calendars, policy);
  const labels = keepLabels(before, policy);
  const windows = openWindows(look, calendars.compiled);
  const seen: Seen = {
    stored,
    records: recordsOf(look),
    windows,
    // What the forge does not say now it may say again.
    pulls: look.pulls ?? before?.pulls ?? [],
    calendars,
    labels,
  };
  const begun = before?.labels === labels ? [] : beginSeries(look, labels.labels);
  if (before === undefined) return { seen, observations: begun };
  return {
    seen,
    observations: [
      ...begun,
      ...findTransitions(before.stored, look, labels.labels),
      ...findProgress(before.records, look, labels.labels),
      ...findWindows(before.windows, windows, look, labels.labels),
      ...findApprovals(before.pulls, look, labels.labels),
    ],
  };
}

function keepLabels(before: Seen | undefined, policy: PolicyInForce): Seen["labels"] {
  const { rings, baselines } = policy;
  const known = before?.labels;
  if (known !== undefined && known.of[0] === rings && known.of[1] === baselines) return known;
  return { of: [rings, baselines], labels: chooseLabels(policy) };
}
