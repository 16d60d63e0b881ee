// All targets of a plan, found by what is asked for: in order, by asset, by ring and baseline, by ring. Between two plans only what
// belongs to changed assets is touched; whatever is the same is the very same list.
import { isCompliant } from "../compliance/states.ts";
import type { NodeAsset, WorkloadAsset } from "../model.ts";
import { isSameList } from "../incremental/memory.ts";
import { listMembers, type Members, type Membership, ringOf } from "./membership.ts";
import { isInScope } from "./progress.ts";
import type { Asset, AssetRecord, Change, Register } from "./records.ts";
import type { TargetRecord } from "./target-record.ts";
import { cut, join, patchPieces, type Pieces } from "../incremental/pieces.ts";
import { MOST_CHANGES, patch } from "../incremental/sorted-list.ts";
import type { Steps } from "../incremental/steps.ts";
import { compareAssets } from "./targets.ts";
import { compareText } from "../text-order.ts";

/** The targets of one ring (or of none) under one baseline. */
export interface Group {
  readonly ring: string | undefined;
  readonly baseline: string;
  /** In order. */
  readonly records: Pieces<TargetRecord>;
  readonly size: number;
  readonly compliant: number;
  /** How many are in scope. */
  readonly scope: number;
}

export interface Survey {
  /** In the order of rows: nodes, then workloads. */
  readonly nodes: Pieces<TargetRecord>;
  readonly workloads: Pieces<TargetRecord>;
  /** By `ring/baseline`. */
  readonly groups: ReadonlyMap<string, Group>;
  readonly members: Members;
  /** By UID; of this plan alone, because the next one writes into it. */
  readonly byUid: Map<string, AssetRecord>;
}

interface Registers {
  readonly nodes: Register;
  readonly workloads: Register;
}

/** Surveys the registers, starting from the last survey; `rings` in the order in which members are listed. */
export function* surveyAssets(
  before: Survey | undefined,
  registers: Registers,
  rings: readonly string[],
): Steps<Survey> {
  const changes = [...registers.nodes.changes, ...registers.workloads.changes];
  const few =
    before !== undefined && changes.length <= MOST_CHANGES && isSameList([...before.members.nodes.keys()], rings);
  return (few ? patchSurvey(before, registers, changes) : undefined) ?? (yield* makeSurvey(before, registers, rings));
}

// -------------------------------------------------------------------------------------------------------- anew

function* makeSurvey(
  before: Survey | undefined,
  { nodes, workloads }: Registers,
  rings: readonly string[],
): Steps<Survey> {
  const all = [...nodes.records, ...workloads.records];
  const lists = new Map<string, TargetRecord[]>();
  for (const { targets } of all)
    for (const record of targets) {
      const list = lists.get(record.key);
      if (list === undefined) lists.set(record.key, [record]);
      else list.push(record);
    }
  yield;
  const groups: [string, Group][] = [];
  for (const [key, list] of lists) {
    groups.push([key, makeGroup(list, before?.groups.get(key))]);
    yield;
  }
  const of = new Map(all.map(({ asset, membership }) => [asset.uid, membership]));
  yield;
  const byUid = new Map(all.map((record) => [record.asset.uid, record]));
  yield;
  return {
    nodes: cut(nodes.records.flatMap((record) => record.targets)),
    workloads: cut(workloads.records.flatMap((record) => record.targets)),
    groups: new Map(groups.sort(byKey)),
    members: {
      of,
      nodes: listMembers(rings, nodes.records) as ReadonlyMap<string, readonly NodeAsset[]>,
      workloads: listMembers(rings, workloads.records) as ReadonlyMap<string, readonly WorkloadAsset[]>,
    },
    byUid,
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return compareText(a, b);
}

function makeGroup(records: readonly TargetRecord[], before: Group | undefined): Group {
  if (before?.size === records.length && isSameList(records, join(before.records))) return before;
  return {
    ring: records[0]?.target.ring,
    baseline: records[0]?.target.baseline.name ?? "",
    records: cut(records),
    size: records.length,
    compliant: countCompliant(records),
    scope: countInScope(records),
  };
}

function countCompliant(records: readonly TargetRecord[]): number {
  return records.filter(({ target }) => isCompliant(target.assessment.state)).length;
}

function countInScope(records: readonly TargetRecord[]): number {
  return records.filter(({ target }) => isInScope(target)).length;
}

// ------------------------------------------------------------------------------------------------------ patched

/** Undefined: it cannot be told where everything goes. */
function patchSurvey(before: Survey, { nodes, workloads }: Registers, changes: readonly Change[]): Survey | undefined {
  const flatNodes = patchRecords(before.nodes, nodes.changes);
  const flatWorkloads = patchRecords(before.workloads, workloads.changes);
  const groups = patchGroups(before.groups, changes);
  const nodeLists = patchMembers(before.members.nodes, nodes.changes);
  const workloadLists = patchMembers(before.members.workloads, workloads.changes);
  if (
    flatNodes === undefined ||
    flatWorkloads === undefined ||
    groups === undefined ||
    nodeLists === undefined ||
    workloadLists === undefined
  )
    return undefined;
  const { byUid } = before;
  for (const { before: gone } of changes) if (gone !== undefined) byUid.delete(gone.asset.uid);
  for (const { now: come } of changes) if (come !== undefined) byUid.set(come.asset.uid, come);
  const members: Members = {
    of: patchMemberships(before.members.of, changes),
    nodes: nodeLists as ReadonlyMap<string, readonly NodeAsset[]>,
    workloads: workloadLists as ReadonlyMap<string, readonly WorkloadAsset[]>,
  };
  return { nodes: flatNodes, workloads: flatWorkloads, groups, members, byUid };
}

export function compareRecords(a: TargetRecord, b: TargetRecord): number {
  return compareAssets(a.target.asset, b.target.asset) || compareText(a.target.baseline.name, b.target.baseline.name);
}

const targetsOf = (record: AssetRecord | undefined): readonly TargetRecord[] => record?.targets ?? [];

function patchRecords(records: Pieces<TargetRecord>, changes: readonly Change[]): Pieces<TargetRecord> | undefined {
  if (changes.length === 0) return records;
  const gone = changes.flatMap(({ before }) => targetsOf(before));
  const come = changes.flatMap(({ now }) => targetsOf(now));
  return patchPieces(records, gone, come, compareRecords);
}

function patchGroups(
  groups: ReadonlyMap<string, Group>,
  changes: readonly Change[],
): ReadonlyMap<string, Group> | undefined {
  const gone = Map.groupBy(
    changes.flatMap(({ before }) => targetsOf(before)),
    (record) => record.key,
  );
  const come = Map.groupBy(
    changes.flatMap(({ now }) => targetsOf(now)),
    (record) => record.key,
  );
  const patched = new Map(groups);
  for (const key of new Set([...gone.keys(), ...come.keys()])) {
    const group = patchGroup(groups.get(key), gone.get(key) ?? [], come.get(key) ?? []);
    if (group === undefined) return undefined;
    if (group.size === 0) patched.delete(key);
    else patched.set(key, group);
  }
  return new Map([...patched].sort(byKey));
}

function patchGroup(
  before: Group | undefined,
  gone: readonly TargetRecord[],
  come: readonly TargetRecord[],
): Group | undefined {
  const records = patchPieces(before?.records ?? [], gone, come, compareRecords);
  if (records === undefined) return undefined;
  if (before === undefined) return makeGroup(join(records), undefined);
  return {
    ring: before.ring,
    baseline: before.baseline,
    records,
    size: before.size - gone.length + come.length,
    compliant: before.compliant - countCompliant(gone) + countCompliant(come),
    scope: before.scope - countInScope(gone) + countInScope(come),
  };
}

function patchMembers(
  lists: ReadonlyMap<string, readonly Asset[]>,
  changes: readonly Change[],
): ReadonlyMap<string, readonly Asset[]> | undefined {
  const ringsOf = (record: AssetRecord | undefined): string =>
    record === undefined ? "" : (ringOf(record.membership) ?? "");
  const patched = new Map(lists);
  for (const ring of new Set(changes.flatMap(({ before, now }) => [ringsOf(before), ringsOf(now)]))) {
    const list = lists.get(ring);
    if (list === undefined) continue;
    const gone = changes.flatMap(({ before }) =>
      before !== undefined && ringsOf(before) === ring ? [before.asset] : [],
    );
    const come = changes.flatMap(({ now }) => (now !== undefined && ringsOf(now) === ring ? [now.asset] : []));
    const assets = patch<Asset>(list, gone, come, compareAssets);
    if (assets === undefined) return undefined;
    patched.set(ring, assets);
  }
  return patched;
}

/** Most changes of assets change nobody's membership. */
function patchMemberships(
  of: ReadonlyMap<string, Membership>,
  changes: readonly Change[],
): ReadonlyMap<string, Membership> {
  const moved = changes.filter(
    ({ before, now }) => before?.asset.uid !== now?.asset.uid || before?.membership !== now?.membership,
  );
  if (moved.length === 0) return of;
  const patched = new Map(of);
  for (const { before } of moved) if (before !== undefined) patched.delete(before.asset.uid);
  for (const { now } of moved) if (now !== undefined) patched.set(now.asset.uid, now.membership);
  return patched;
}
