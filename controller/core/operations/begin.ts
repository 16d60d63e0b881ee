// How every operation begins: with what its claim says, written down before anything is touched.
import type { Instant } from "../../clock.ts";
import type { Claim } from "../model.ts";

/** What an operation says from the start, whatever its target is. */
export function beginOperation({ id, ring, baseline, level, digest }: Claim, now: Instant) {
  const time = new Date(now).toISOString();
  return {
    claimId: id,
    ring,
    baseline,
    level,
    digest,
    startedTime: time,
    stepTime: time,
    attempt: 1,
    step: "Claimed",
  } as const;
}
