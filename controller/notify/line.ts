// Those who wait to be told one destination: bounded, oldest first, and all of them wait while the destination does not answer. What it never takes,
// or what there was no room for, is settled for this process: it is found again in each pass, and must not come again.
import type { Random } from "../clock.ts";
import type { Notification, NotificationEvent } from "../core/notify/index.ts";

export const MOST_WAITING = 256;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/** These say how something is now. Once it is not so any more nobody needs to hear of it. */
const PASSING: ReadonlySet<NotificationEvent> = new Set(["WaitingForApproval", "Blocked"]);

export interface Line {
  /** Takes what is new. Answers what there was no room for, and what nobody needs to hear any more. */
  join(due: readonly Notification[]): {
    readonly dropped: readonly Notification[];
    readonly outdated: readonly Notification[];
  };
  first(): Notification | undefined;
  length(): number;
  /** It was sent, or never will be. */
  settle(notification: Notification): void;
  clear(): void;
}

export function createLine(): Line {
  let waiting: readonly Notification[] = [];
  let settled: ReadonlySet<string> = new Set();
  return {
    join(due) {
      const found = new Set(due.map(({ id }) => id));
      // What is not found any more comes no more either.
      const kept = new Set([...settled].filter((id) => found.has(id)));
      const there = new Set(waiting.map(({ id }) => id));
      const fresh = due.filter(({ id }) => !there.has(id) && !kept.has(id)).sort((a, b) => a.at - b.at);
      const all = [...waiting, ...fresh];
      const outdated = all.filter(({ id, event }) => PASSING.has(event) && !found.has(id));
      const still = all.filter((one) => !outdated.includes(one));
      const surplus = still.length - MOST_WAITING;
      const order = surplus <= 0 ? [] : [...still.filter(isStart), ...still.filter((one) => !isStart(one))];
      const dropped = order.slice(0, Math.max(0, surplus));
      const gone = new Set(dropped);
      waiting = still.filter((one) => !gone.has(one));
      settled = new Set([...kept, ...dropped.map(({ id }) => id)]);
      return { dropped, outdated };
    },
    first: () => waiting[0],
    length: () => waiting.length,
    settle({ id }) {
      waiting = waiting.filter((one) => one.id !== id);
      settled = new Set([...settled, id]);
    },
    clear() {
      [waiting, settled] = [[], new Set()];
    },
  };
}

function isStart({ event }: Notification): boolean {
  return event === "Started";
}

/** How long to stay away after so many failures in a row: from 5 s, doubling up to an hour, and up to half of that less, so that no herd comes back at once. */
export function pauseAfter(failures: number, random: Random): number {
  const base = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
  return base * (1 - random.next() / 2);
}
