// What a planner may remember between two plans: answers that depend only on objects that are still the very same ones, and on times
// that have not passed. Losing it costs time, never correctness; a plan with it equals a plan without it byte for byte (a property
// test holds that).
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type {
  AssetRow,
  BaselineInForce,
  Block,
  ExceptionInForce,
  NodeAsset,
  PolicyInForce,
  RingInForce,
  StoredStates,
} from "../model.ts";
import type { CompiledCalendars } from "./calendars.ts";
import type { ClaimRequest } from "./limits.ts";
import type { Membership } from "./membership.ts";
import type { Target } from "./targets.ts";

/** An identity that stands for "nothing that this depends on has changed". */
export type Epoch = object;

export interface RememberedTargets {
  readonly epoch: Epoch;
  readonly choices: Epoch;
  readonly membership: Membership;
  readonly stored: unknown;
  readonly since: Instant;
  /** Up to, but not including, this time the assessment is the same. */
  readonly until: Instant;
  readonly targets: readonly Target[];
}

/** A target that has work to do: what stands in its own way, and what it would claim. */
export interface Wish {
  readonly blocks: readonly Block[];
  /** Where it stands in the order of claims. */
  readonly order: string;
  readonly request: ClaimRequest;
}

export interface PlanMemory {
  readonly calendars: WeakMap<PolicyInForce["calendars"], CompiledCalendars>;
  readonly epochs: Map<string, { readonly parts: readonly unknown[]; readonly epoch: Epoch }>;
  readonly memberships: WeakMap<object, { readonly epoch: Epoch; readonly membership: Membership }>;
  readonly targets: WeakMap<object, RememberedTargets>;
  readonly wishes: WeakMap<Target, { readonly epoch: Epoch; readonly wish: Wish }>;
  readonly rows: WeakMap<
    Target,
    {
      readonly epoch: Epoch;
      readonly blocks: readonly Block[] | undefined;
      readonly refused: Block | undefined;
      readonly row: AssetRow;
    }
  >;
}

export function createMemory(): PlanMemory {
  return {
    calendars: new WeakMap(),
    epochs: new Map(),
    memberships: new WeakMap(),
    targets: new WeakMap(),
    wishes: new WeakMap(),
    rows: new WeakMap(),
  };
}

/** The epoch of a name: the same object as last time while all its parts are the same. */
export function epochOf(memory: PlanMemory, name: string, parts: readonly unknown[]): Epoch {
  const known = memory.epochs.get(name);
  if (
    known !== undefined &&
    known.parts.length === parts.length &&
    known.parts.every((part, index) => Object.is(part, parts[index]))
  )
    return known.epoch;
  const epoch = {};
  memory.epochs.set(name, { parts, epoch });
  return epoch;
}

/** What membership depends on, beside the asset. */
export function membershipParts(rings: readonly RingInForce[]): readonly unknown[] {
  return rings.flatMap((ring) => [ring.name, ring.spec.members, ring.spec.after]);
}

/** A kubelet counts as heard for so long (compliance/node-evidence.ts). */
const HEARD_WITHIN = 5 * 60_000;
const DEFAULT_STALE = "24h";

/** The first time after `now` at which a node's assessment may be another by time alone. */
export function nodeHoldsUntil(
  node: NodeAsset,
  stored: ReturnType<StoredStates["nodes"]["get"]>,
  baselines: readonly BaselineInForce[],
  exceptions: readonly ExceptionInForce[],
  now: Instant,
): Instant {
  const times = exceptions.map(({ spec }) => Date.parse(spec.expirationTime));
  if (node.heardAt !== undefined) times.push(node.heardAt + HEARD_WITHIN + 1);
  if (stored?.inventory !== undefined)
    for (const { spec } of baselines) times.push(Date.parse(stored.inventory.time) + staleAfter(spec) + 1);
  return earliestAfter(times, now);
}

/** The same for a workload: only exceptions end. */
export function workloadHoldsUntil(exceptions: readonly ExceptionInForce[], now: Instant): Instant {
  return earliestAfter(
    exceptions.map(({ spec }) => Date.parse(spec.expirationTime)),
    now,
  );
}

function staleAfter(spec: PatchBaselineSpec): number {
  return parseDuration(spec.node?.inventory?.staleAfter ?? DEFAULT_STALE) ?? parseDuration(DEFAULT_STALE) ?? 0;
}

function earliestAfter(times: readonly number[], now: Instant): Instant {
  let earliest = Number.POSITIVE_INFINITY;
  for (const time of times) if (time > now && time < earliest) earliest = time;
  return earliest;
}
