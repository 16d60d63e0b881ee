// What a plan starts from: rings in order, members, entries with withdrawals marked, and every asset under every baseline.
// Every list is put in an order of its own here, so that nothing after this depends on how lists arrived (R6).
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Block, Claim, Digest, RingInForce } from "../model.ts";
import { type CompiledCalendars, compileCalendars } from "./calendars.ts";
import { markWithdrawals, readEntries, type RingEntries, withdrawnIn } from "./entries.ts";
import { assignMembers, type Members } from "./membership.ts";
import type { PlanMemory } from "./memory.ts";
import type { PlanInput } from "./plan.ts";
import { sortRings } from "./ring-order.ts";
import type { RingView } from "./ring-view.ts";
import { findTargets, sortAssets, type Target } from "./targets.ts";
import { compareText } from "./text-order.ts";

export interface Context {
  /** Nodes and workloads sorted. */
  readonly input: PlanInput;
  readonly memory: PlanMemory | undefined;
  readonly rings: readonly RingInForce[];
  readonly ringOf: ReadonlyMap<string, RingInForce>;
  readonly calendars: CompiledCalendars;
  readonly members: Members;
  readonly entries: ReadonlyMap<string, RingEntries>;
  readonly records: ReadonlyMap<string, readonly RingLevelStatus[]>;
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
  readonly targets: readonly Target[];
  /** By `ring/baseline`. */
  readonly targetsOf: ReadonlyMap<string, readonly Target[]>;
  readonly claims: readonly Claim[];
  /** By target UID. */
  readonly claimOf: ReadonlyMap<string, Claim>;
  /** UIDs whose claim is under way and has not failed. */
  readonly busy: ReadonlySet<string>;
  /** Claimed targets that more than one baseline is about now. */
  readonly conflicts: ReadonlyMap<string, Block>;
  /** Rings looked at so far: predecessors stand before their successors. */
  readonly done: Map<string, RingView>;
}

/** Puts the input in order. The memory only saves work. */
export function prepare(unsorted: PlanInput, memory?: PlanMemory): Context {
  const input = sorted(unsorted);
  const { policy, inventory, now, ledger } = input;
  const rings = sortRings(policy.rings);
  const members = assignMembers(rings, inventory.nodes, inventory.workloads, memory);
  const entries = new Map(rings.map((ring) => [ring.name, readEntries(ring, policy, now)]));
  const records = new Map(rings.map((ring) => [ring.name, recordsOf(ring, entries.get(ring.name), now)]));
  const withdrawn = new Map(rings.map((ring) => [ring.name, withdrawnIn(records.get(ring.name) ?? [])]));
  const targets = findTargets({ ...input, members, entries, withdrawn }, memory);
  const claims = [...ledger.claims].sort(compareClaims);
  const claimed = new Set(claims.map((claim) => claim.uid));
  return {
    input,
    memory,
    rings,
    ringOf: new Map(rings.map((ring) => [ring.name, ring])),
    calendars: calendarsIn(policy, memory),
    members,
    entries,
    records,
    withdrawn,
    targets,
    targetsOf: groupTargets(targets),
    claims,
    claimOf: new Map(claims.map((claim) => [claim.uid, claim])),
    busy: new Set(claims.filter((claim) => failureOf(claim, input) === undefined).map((claim) => claim.uid)),
    conflicts: new Map(
      targets.flatMap(({ asset, conflict }) =>
        conflict !== undefined && claimed.has(asset.uid) ? [[asset.uid, conflict]] : [],
      ),
    ),
    done: new Map(),
  };
}

function sorted(input: PlanInput): PlanInput {
  const { nodes, workloads } = input.inventory;
  return { ...input, inventory: { ...input.inventory, nodes: sortAssets(nodes), workloads: sortAssets(workloads) } };
}

function calendarsIn(policy: PlanInput["policy"], memory: PlanMemory | undefined): CompiledCalendars {
  const known = memory?.calendars.get(policy.calendars);
  if (known !== undefined) return known;
  const compiled = compileCalendars(policy);
  memory?.calendars.set(policy.calendars, compiled);
  return compiled;
}

/** Why the operation of this very claim failed, if it did. */
export function failureOf(claim: Claim, { stored }: Pick<PlanInput, "stored">) {
  const operation = (stored.nodes.get(claim.uid) ?? stored.workloads.get(claim.uid))?.operation;
  return operation?.claimId === claim.id ? operation.failure : undefined;
}

function groupTargets(targets: readonly Target[]): ReadonlyMap<string, readonly Target[]> {
  const groups = new Map<string, Map<string, Target[]>>();
  for (const target of targets) {
    const ring = target.ring ?? "";
    let mine = groups.get(ring);
    if (mine === undefined) groups.set(ring, (mine = new Map()));
    const list = mine.get(target.baseline.name);
    if (list === undefined) mine.set(target.baseline.name, [target]);
    else list.push(target);
  }
  return new Map(
    [...groups].flatMap(([ring, mine]) => [...mine].map(([baseline, list]) => [`${ring}/${baseline}`, list])),
  );
}

function compareClaims(a: Claim, b: Claim): number {
  return (
    compareText(a.kind, b.kind) ||
    compareText(a.namespace ?? "", b.namespace ?? "") ||
    compareText(a.name, b.name) ||
    compareText(a.uid, b.uid)
  );
}

/** Stored records with withdrawals marked and today's approvals present. */
function recordsOf(ring: RingInForce, entries: RingEntries | undefined, now: Instant): readonly RingLevelStatus[] {
  let records: readonly RingLevelStatus[] = ring.status?.levels ?? [];
  const baselines = new Set([...records.map((record) => record.baseline), ...(entries?.approvals.keys() ?? [])]);
  for (const baseline of [...baselines].sort(compareText)) {
    // An entry that cannot be read (its level is missing) takes nothing back: partial data never withdraws.
    if (entries?.problems.has(baseline) === true) continue;
    const level = entries?.approvals.get(baseline)?.level;
    if (
      level !== undefined &&
      !records.some((record) => record.baseline === baseline && record.digest === level.digest)
    )
      records = [...records, { baseline, level: level.name, digest: level.digest }];
    records = markWithdrawals(records, baseline, level, now);
  }
  return records;
}
