// How long operations usually took, from the histories that patch states keep.
import type { StoredStates } from "../model.ts";

/** Where there is no history: about a drain, an update and a reboot, or a rolling update. */
export const ASSUMED_MINUTES = 15;

/** The median of successful operations, in minutes: of this baseline's levels, else of all of the kind, else 15. */
export function usualMinutes(stored: StoredStates, baseline: string, kind: "Node" | "Workload"): number {
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
  return median === undefined ? ASSUMED_MINUTES : Math.max(0.1, Math.round(median / 6000) / 10);
}

/** Whether a level is one of the baseline, by its name: `<baseline>-<yyyymmdd>-<12 hex>`. */
export function isLevelOf(level: string, baseline: string): boolean {
  return level.startsWith(`${baseline}-`) && /^\d{8}-[0-9a-f]{12}$/.test(level.slice(baseline.length + 1));
}
