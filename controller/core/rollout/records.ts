// What is known of each asset: its membership and its targets, kept while the asset, its stored state and all that they depend on are
// the very same and no time has passed that changes them. Says which records changed since the last plan.
import type { Instant } from "../../clock.ts";
import type { NodeAsset, WorkloadAsset } from "../model.ts";
import type { Basis } from "./choices.ts";
import { isSameList } from "../incremental/memory.ts";
import type { Steps } from "../incremental/steps.ts";
import { findAlike } from "../incremental/sorted-list.ts";
import { type Membership, ringOf } from "./membership.ts";
import type { TargetRecord, TargetState } from "./target-record.ts";
import { type ChosenTarget, compareAssets } from "./targets.ts";

export type Asset = NodeAsset | WorkloadAsset;
export interface AssetRecord<Kind extends Asset = Asset> {
  readonly asset: Kind;
  readonly state: TargetState | undefined;
  readonly membership: Membership;
  readonly basis: Basis;
  readonly since: Instant;
  /** Up to, but not including, this time the targets are the same. */
  readonly until: Instant;
  readonly targets: readonly TargetRecord[];
}

export interface Change {
  readonly before: AssetRecord | undefined;
  readonly now: AssetRecord | undefined;
}

/** Every asset of one kind, in order. */
export interface Register<Kind extends Asset = Asset> {
  readonly assets: readonly Kind[];
  /** In the order of the assets. */
  readonly records: readonly AssetRecord<Kind>[];
  readonly states: ReadonlyMap<string, TargetState>;
  readonly bases: ReadonlyMap<string | undefined, Basis>;
  /** All records hold from the one to the other. */
  readonly since: Instant;
  readonly until: Instant;
  /** Against the plan before. */
  readonly changes: readonly Change[];
}

/** How assets of one kind are looked at. */
export interface Look<Kind extends Asset> {
  readonly now: Instant;
  readonly states: ReadonlyMap<string, TargetState>;
  readonly memberOf: (asset: Kind) => Membership;
  /** Whether memberOf may say something else than last time. */
  readonly reassigned: boolean;
  readonly bases: ReadonlyMap<string | undefined, Basis>;
  readonly targetsOf: (asset: Kind, membership: Membership, basis: Basis) => readonly ChosenTarget[];
  readonly holdsUntil: (asset: Kind) => Instant;
}

const NOTHING: Omit<Register<never>, "bases"> = {
  assets: [],
  records: [],
  states: new Map(),
  since: Infinity,
  until: -Infinity,
  changes: [],
};

/** A record for each asset, starting from those of before; `assets` are sorted. */
export function* registerAssets<Kind extends Asset>(
  known: Register<Kind> | undefined,
  assets: readonly Kind[],
  look: Look<Kind>,
): Steps<Register<Kind>> {
  const { now, states, bases } = look;
  const before: Register<Kind> = known ?? { ...NOTHING, bases };
  const settled =
    before.since <= now &&
    now < before.until &&
    !look.reassigned &&
    isSameList([...before.bases.values()], [...bases.values()]);
  const touched = findTouched(before.states, states);
  if (settled && touched.size === 0 && before.assets === assets) return { ...before, states, changes: [] };
  // Where only assets came, went or changed, nothing else needs a look than what stands between the parts that both lists share.
  const { start, end } = settled && touched.size === 0 ? findAlike(before.assets, assets) : { start: 0, end: 0 };
  const last = before.assets.length - end;
  const { records: merged, changes } = yield* mergeRecords(
    { assets: before.assets.slice(start, last), records: before.records.slice(start, last) },
    assets.slice(start, assets.length - end),
    (mine) => (settled ? !touched.has(mine.asset.uid) : holds(mine, look)),
    (asset) => recordAsset(asset, look),
  );
  const records = before.records.slice(0, start).concat(merged, before.records.slice(last));
  const fresh = settled ? changes.flatMap((change) => change.now ?? []) : records;
  let [since, until] = settled ? [before.since, before.until] : [-Infinity, Infinity];
  for (const record of fresh) {
    since = Math.max(since, record.since);
    until = Math.min(until, record.until);
  }
  return { assets, records, states, bases, since, until, changes };
}

/** Records. */
const MADE_IN_ONE_STEP = 256;

interface Merged<Kind extends Asset> {
  readonly records: readonly AssetRecord<Kind>[];
  readonly changes: readonly Change[];
}

/** Records of assets, both lists being in the same order: a known one is kept where its asset is the very same and it still holds. */
function* mergeRecords<Kind extends Asset>(
  before: Pick<Register<Kind>, "assets" | "records">,
  assets: readonly Kind[],
  isKept: (mine: AssetRecord<Kind>) => boolean,
  make: (asset: Kind) => AssetRecord<Kind>,
): Steps<Merged<Kind>> {
  const changes: Change[] = [];
  const records: AssetRecord<Kind>[] = [];
  let at = 0;
  for (const asset of assets) {
    // What stands before this asset and is another one is gone.
    let other = before.assets[at];
    while (other !== undefined && other !== asset && compareAssets(other, asset) < 0) {
      changes.push({ before: before.records[at], now: undefined });
      other = before.assets[++at];
    }
    const mine =
      other !== undefined && (other === asset || compareAssets(other, asset) === 0) ? before.records[at] : undefined;
    if (mine !== undefined) at += 1;
    if (mine !== undefined && other === asset && isKept(mine)) {
      records.push(mine);
      continue;
    }
    const record = make(asset);
    changes.push({ before: mine, now: record });
    records.push(record);
    if (changes.length % MADE_IN_ONE_STEP === 0) yield;
  }
  for (; at < before.records.length; at++) changes.push({ before: before.records[at], now: undefined });
  return { records, changes };
}

type States = ReadonlyMap<string, TargetState>;

/** UIDs of which something else is stored than before. */
function findTouched(before: States, now: States): ReadonlySet<string> {
  const touched = new Set<string>();
  if (before === now) return touched;
  const [left, right] = [[...before.keys()], [...now.keys()]];
  if (isSameList(left, right)) {
    const olds = [...before.values()];
    let at = 0;
    for (const [uid, state] of now) if (olds[at++] !== state) touched.add(uid);
    return touched;
  }
  for (const [uid, state] of now) if (before.get(uid) !== state) touched.add(uid);
  for (const uid of left) if (!now.has(uid)) touched.add(uid);
  return touched;
}

function holds<Kind extends Asset>(
  { asset, state, membership, basis, since, until }: AssetRecord<Kind>,
  look: Look<Kind>,
): boolean {
  return (
    since <= look.now &&
    look.now < until &&
    look.states.get(asset.uid) === state &&
    (!look.reassigned || isSameRing(look.memberOf(asset), membership)) &&
    look.bases.get(ringOf(membership)) === basis
  );
}

/** Two conflicts may be about different rings. */
function isSameRing(a: Membership, b: Membership): boolean {
  return a.kind === b.kind && a.kind !== "Conflict" && ringOf(a) === ringOf(b);
}

const NO_BASIS: Basis = { baselines: [], exceptions: [], choices: new Map() };

function recordAsset<Kind extends Asset>(asset: Kind, look: Look<Kind>): AssetRecord<Kind> {
  const state = look.states.get(asset.uid);
  const membership = look.memberOf(asset);
  const basis = look.bases.get(ringOf(membership)) ?? NO_BASIS;
  const targets = look
    .targetsOf(asset, membership, basis)
    .map(({ target, choice }): TargetRecord => ({ target, state, key: choice.key, wish: undefined, said: undefined }));
  return { asset, state, membership, basis, since: look.now, until: look.holdsUntil(asset), targets };
}
