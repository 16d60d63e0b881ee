// Lists that answer late, as a forge's replicas and indexes do: what was written a moment ago is not in them yet. What is asked for by its
// number, and every write, sees the present.
import type { Clock } from "../../clock.ts";
import type { IssueRecord, PullRecord, StatusRecord } from "./records.ts";

/** Both must have passed before a list shows what was written. */
export interface Lag {
  /** Reads of any list. */
  readonly reads?: number;
  /** Policy time, ms. */
  readonly ms?: number;
}

/** What lists can show. */
export interface Listed {
  readonly pulls: ReadonlyMap<number, PullRecord>;
  readonly issues: ReadonlyMap<number, IssueRecord>;
  readonly statuses: readonly StatusRecord[];
}

interface Version extends Listed {
  readonly at: number;
  /** How often lists had been read by then. */
  readonly reads: number;
}

/** States that lists may still show, the newest last. */
export interface Lagging {
  readonly lag: Lag;
  versions: readonly Version[];
  reads: number;
}

/** A forge whose lists may answer late. */
export interface Listing extends Listed {
  readonly options: { readonly clock: Clock };
  /** Undefined: lists show the present. */
  readonly lagging: Lagging | undefined;
}

export function startLagging(lag: Lag): Lagging {
  return { lag, versions: [], reads: 0 };
}

/** Remembers what the forge holds now, where that is new. */
export function noteVersion(store: Listing): void {
  const { lagging } = store;
  if (lagging === undefined || isSame(lagging.versions.at(-1), store)) return;
  const { pulls, issues, statuses } = store;
  const version = {
    pulls: new Map(pulls),
    issues: new Map(issues),
    statuses: [...statuses],
    at: store.options.clock.now(),
    reads: lagging.reads,
  };
  lagging.versions = [...lagging.versions, version];
}

/** What a list shows now. */
export function listed(store: Listing): Listed {
  const { lagging } = store;
  if (lagging === undefined) return store;
  const { lag, versions, reads } = lagging;
  lagging.reads += 1;
  const now = store.options.clock.now();
  const seen = versions.findLastIndex(
    (version) => now - version.at >= (lag.ms ?? 0) && reads - version.reads >= (lag.reads ?? 0),
  );
  lagging.versions = versions.slice(Math.max(seen, 0));
  return lagging.versions[0] ?? store;
}

function isSame(last: Listed | undefined, { pulls, issues, statuses }: Listed): boolean {
  if (last === undefined || last.statuses.length !== statuses.length) return false;
  return holdsSame(last.pulls, pulls) && holdsSame(last.issues, issues);
}

function holdsSame<T>(one: ReadonlyMap<number, T>, other: ReadonlyMap<number, T>): boolean {
  return one.size === other.size && [...one].every(([number, record]) => other.get(number) === record);
}
