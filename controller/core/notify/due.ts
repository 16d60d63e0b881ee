// What is still to be told to whom, from what is stored: `RolloutRing.status.notified`. Nothing that was told is told again, and whoever is new
// hears nothing of the time before.
import type { NotifiedRecord } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Notification, NotificationEvent } from "./notification.ts";

/** Entries that a ring's status keeps. */
export const MOST_NOTIFIED = 64;

/** Who is told what. */
export interface Audience {
  readonly name: string;
  /** Undefined: all. */
  readonly events: readonly NotificationEvent[] | undefined;
  readonly rings: readonly string[] | undefined;
}

export interface DueInput {
  readonly found: readonly Notification[];
  readonly stored: readonly NotifiedRecord[];
  /** When this process began, policy time. */
  readonly started: Instant;
}

/** What of one ring is to be told to this audience. */
export function findDue(
  { name, events, rings }: Audience,
  { found, stored, started }: DueInput,
): readonly Notification[] {
  const own = stored.filter(({ destination }) => destination === name);
  const told = new Set(own.map(({ id }) => id));
  // The oldest entries are forgotten first, so what was told and forgotten is no younger than the oldest that is kept.
  const forgotten = stored.length < MOST_NOTIFIED ? Number.NEGATIVE_INFINITY : oldestOf(stored);
  // Whoever heard something once hears all that came after it, also what came while no process ran.
  const from = Math.min(started, oldestOf(own));
  return found.filter(
    ({ id, event, ring, at }) =>
      at >= from &&
      at > forgotten &&
      !told.has(id) &&
      events?.includes(event) !== false &&
      rings?.includes(ring) !== false,
  );
}

/** Infinity: there is none. */
function oldestOf(records: readonly NotifiedRecord[]): Instant {
  return Math.min(...records.map(({ time }) => Date.parse(time)));
}

/** The entries with new ones, the oldest gone first. */
export function addNotified(
  stored: readonly NotifiedRecord[],
  added: readonly NotifiedRecord[],
): readonly NotifiedRecord[] {
  const keyOf = ({ id, destination }: NotifiedRecord): string => `${destination} ${id}`;
  const known = new Set(stored.map(keyOf));
  const fresh = added.filter((one) => !known.has(keyOf(one)));
  if (fresh.length === 0) return stored;
  return [...stored, ...fresh]
    .map((one, index) => ({ one, index, time: Date.parse(one.time) }))
    .sort((a, b) => a.time - b.time || a.index - b.index)
    .slice(-MOST_NOTIFIED)
    .map(({ one }) => one);
}
