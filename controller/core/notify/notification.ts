// What is told to people elsewhere: one thing that happened to a ring, with an id that stays the same over restarts, fail-overs and retries, so
// that neither we nor a receiver tells it twice.
import { createHash } from "node:crypto";
import type { Instant } from "../../clock.ts";

export const NOTIFICATION_EVENTS = ["Started", "WaitingForApproval", "Blocked", "Failed", "Done"] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

export interface Notification {
  /** 32 hex digits. */
  readonly id: string;
  readonly event: NotificationEvent;
  readonly cluster: string;
  readonly ring: string;
  readonly baseline?: string;
  /** Name of the level. */
  readonly level?: string;
  /** When it became so. */
  readonly at: Instant;
  /** One line. */
  readonly title: string;
  /** What else there is to say; "": nothing. May hold what others wrote: whoever shows it escapes it. */
  readonly text: string;
  /** One of docs/reasons.md. */
  readonly reason?: string;
  readonly pull?: {
    readonly number: number;
    readonly url: string | undefined;
    /** Commit that is asked for. */
    readonly head: string | undefined;
  };
}

/** Longest texts, in characters; messages of others are cut there. */
const MOST_TITLE = 200;
const MOST_TEXT = 600;

/** A notification with its id: equal `key`s of one cluster, ring and event are one and the same thing. */
export function notify(key: readonly string[], what: Omit<Notification, "id">): Notification {
  const { cluster, ring, event, title, text } = what;
  const id = createHash("sha256")
    .update(JSON.stringify([cluster, ring, event, ...key]))
    .digest("hex")
    .slice(0, 32);
  return { ...what, id, title: bound(title, MOST_TITLE), text: bound(text, MOST_TEXT) };
}

/** One line of at most so many characters, without half of one at its end. */
function bound(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
