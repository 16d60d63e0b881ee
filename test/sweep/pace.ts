// How time goes in a sweep: when it begins, how far it goes between two passes, and how fast the actors are.
import { DEFAULT_TIMING, type SandboxTiming } from "../../controller/sandbox/actors/timing.ts";

/** A Monday morning inside the window. */
export const START = Date.parse("2024-12-16T07:00:00Z");
/** Policy time between two passes. */
export const TICK_MS = 5_000;

/** As fast as the actors can be: nothing takes longer than a tick. */
export const TIMING: SandboxTiming = {
  ...DEFAULT_TIMING,
  imagePull: 0,
  containerStart: 0,
  terminate: 0,
  program: { inventory: 0, prepare: 0, stage: 0, update: 0, reboot: 0, rollback: 0 },
  shutdown: 0,
  reboot: 1_000,
  bootToReady: 0,
  // Renewed whenever time went fast, so that no Lease looks old.
  leaseRenew: 190_000,
  leaseDuration: 3_600_000,
  nodeMonitorGrace: 3_600_000,
  nodeStatusReport: 3_600_000,
};
