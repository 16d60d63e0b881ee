// The command lines of all processes of this machine, looked at again and again: what `ps` would show to anybody who looked at the right time.
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../../controller/clock.ts";

export interface Watch {
  /** Every command line that was seen, once. */
  seen(): readonly string[];
  stop(): void;
}

export function watchProcesses(): Watch {
  const seen = new Set<string>();
  let stopped = false;
  const look = (): void => {
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        // It has ended.
      }
    }
  };
  const again = (): void => {
    if (stopped) return;
    look();
    void systemClock.sleep(4).then(again);
  };
  again();
  return { seen: () => [...seen], stop: () => void (stopped = true) };
}
