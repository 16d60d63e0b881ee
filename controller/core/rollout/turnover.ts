// Who joined and who left a ring: what is stored of each asset held against where it is now. Pure. It is written down in the ring before the
// asset's own state is, so that a crash between the two forgets nobody, and nobody is written down twice.
import type { MemberChange, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { AssetRow } from "../model.ts";

/** An asset as its stored state names it. */
export interface StoredMember extends Omit<MemberChange, "namespace" | "time"> {
  readonly namespace?: string | undefined;
  readonly ring: string | undefined;
}

/** By ring. */
export interface Turnover {
  readonly joined: ReadonlyMap<string, readonly StoredMember[]>;
  readonly left: ReadonlyMap<string, readonly StoredMember[]>;
}

/** The schema takes so many; the oldest are forgotten first. */
const MOST_CHANGES = 64;

/** `isThere`: whether there is an asset with that UID at all. An asset that no baseline is about any more says nothing. */
export function findTurnover(
  stored: readonly StoredMember[],
  rows: readonly AssetRow[],
  isThere: (uid: string) => boolean,
): Turnover {
  const before = new Map(stored.map((member) => [member.uid, member]));
  const now = new Map<string, StoredMember>();
  for (const { asset, ring } of rows) {
    const known = now.get(asset.uid);
    if (known?.ring === undefined) now.set(asset.uid, { ...asset, ring });
  }
  const left = stored.filter(({ uid, ring }) => {
    const member = now.get(uid);
    return member === undefined ? !isThere(uid) : member.ring !== ring;
  });
  const joined = [...now.values()].filter(({ uid, ring }) => before.get(uid)?.ring !== ring);
  return { joined: byRing(joined), left: byRing(left) };
}

function byRing(members: readonly StoredMember[]): ReadonlyMap<string, readonly StoredMember[]> {
  return Map.groupBy(
    members.filter(({ ring }) => ring !== undefined),
    ({ ring }) => ring ?? "",
  );
}

/** What a ring's status says of it from now on. Until a first level is offered there, there is nothing that anybody could join. */
export function recordTurnover(
  ring: string,
  before: RolloutRingStatus | undefined,
  { joined, left }: Turnover,
  at: Instant,
): Pick<RolloutRingStatus, "joined" | "left"> {
  if (before?.levels?.some(({ offeredTime }) => offeredTime !== undefined) !== true) return {};
  const time = new Date(at).toISOString();
  const [come, gone] = [joined.get(ring) ?? [], left.get(ring) ?? []];
  const add = (
    known: readonly MemberChange[] = [],
    more: readonly StoredMember[],
    others: readonly StoredMember[],
  ): MemberChange[] => {
    const other = new Set(others.map(({ uid }) => uid));
    const there = new Set(known.map(({ uid }) => uid));
    return [
      ...known.filter(({ uid }) => !other.has(uid)),
      ...more.filter(({ uid }) => !there.has(uid)).map((member) => toChange(member, time)),
    ].slice(-MOST_CHANGES);
  };
  const [nowJoined, nowLeft] = [add(before.joined, come, gone), add(before.left, gone, come)];
  return {
    ...(nowJoined.length === 0 ? {} : { joined: nowJoined }),
    ...(nowLeft.length === 0 ? {} : { left: nowLeft }),
  };
}

function toChange({ kind, namespace, name, uid }: StoredMember, time: string): MemberChange {
  return { kind, ...(namespace === undefined ? {} : { namespace }), name, uid, time };
}
