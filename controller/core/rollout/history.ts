// How long operations usually took, from the histories that patch states keep.
import type { Instant } from "../../clock.ts";
import type { StoredStates } from "../model.ts";

/** Where there is no history: about a drain, an update and a reboot, or a rolling update. */
export const ASSUMED_MINUTES = 15;

/** How long one target takes, and what that rests on. */
export interface Pace {
  readonly minutes: number;
  /** Operations whose median it is; 0: nothing was measured and 15 minutes are assumed. */
  readonly measured: number;
}

/** The median of successful operations: of this baseline's levels, else of all of the kind, else 15 minutes that nobody measured. */
export function usualPace(stored: StoredStates, baseline: string, kind: "Node" | "Workload"): Pace {
  const states = [...(kind === "Node" ? stored.nodes : stored.workloads).values()];
  const past = states.flatMap((state) => state.history ?? []).filter((one) => one.result === "Succeeded");
  const times = (list: typeof past): readonly number[] =>
    list
      .map((one) => Date.parse(one.finishedTime) - Date.parse(one.startedTime))
      .filter((time) => time >= 0)
      .sort((a, b) => a - b);
  const own = times(past.filter((one) => isLevelOf(one.level, baseline)));
  const all = own.length > 0 ? own : times(past);
  const median = all[Math.floor(all.length / 2)];
  if (median === undefined) return { minutes: ASSUMED_MINUTES, measured: 0 };
  return { minutes: Math.max(0.1, Math.round(median / 6000) / 10), measured: all.length };
}

/** Only its minutes. */
export function usualMinutes(stored: StoredStates, baseline: string, kind: "Node" | "Workload"): number {
  return usualPace(stored, baseline, kind).minutes;
}

/** How many of these targets came to a level between two instants; histories keep a target's last few operations only. */
export function countFinished(
  stored: StoredStates,
  uids: Iterable<string>,
  level: string,
  span: { readonly from: Instant; readonly until: Instant },
): number {
  let count = 0;
  for (const uid of uids)
    for (const past of (stored.nodes.get(uid) ?? stored.workloads.get(uid))?.history ?? []) {
      const at = Date.parse(past.finishedTime);
      if (past.level === level && past.result === "Succeeded" && at > span.from && at <= span.until) count += 1;
    }
  return count;
}

/** Whether a level is one of the baseline, by its name: `<baseline>-<yyyymmdd>-<12 hex>`. */
export function isLevelOf(level: string, baseline: string): boolean {
  return level.startsWith(`${baseline}-`) && /^\d{8}-[0-9a-f]{12}$/.test(level.slice(baseline.length + 1));
}
