// Every delay of the sandbox's cluster in one object, all in milliseconds of policy time.
// The defaults suit a policy clock at about 100x: a node's update (job, reboot, Ready) then takes about a second.
// `timingForRate` keeps the number of heartbeat writes per real second bounded when the clock runs faster.

export interface SandboxTiming {
  /** How often time-driven actors look when nothing changed. */
  readonly tick: number;
  /** How often actors that only follow changes look anyway. */
  readonly resync: number;
  /** Steps that a pod waits unbound before the scheduler binds it. */
  readonly scheduleRounds: number;
  /** Pulling an image that the node does not have yet. */
  readonly imagePull: number;
  /** From a started container to a Ready one. */
  readonly containerStart: number;
  /** How long a container takes to stop after SIGTERM (never longer than its grace period). */
  readonly terminate: number;
  /** Waiting before a container that ended is started again. */
  readonly crashBackoff: number;
  /** How long the steps of a recipe run. */
  readonly program: Readonly<Record<"inventory" | "prepare" | "stage" | "update" | "reboot" | "rollback", number>>;
  /** From the reboot command to the host going down; the kubelet still reports that long. */
  readonly shutdown: number;
  /** The host is down. */
  readonly reboot: number;
  /** From the kubelet's start to a Ready node. */
  readonly bootToReady: number;
  readonly leaseRenew: number;
  readonly leaseDuration: number;
  /** How often an unchanged node status is posted. */
  readonly nodeStatusReport: number;
  /** A Lease that was not renewed for so long makes its node Unknown. */
  readonly nodeMonitorGrace: number;
  /** Pods without tolerationSeconds of their own leave a NotReady node after this (a server's admission may give them 300 s). */
  readonly podEviction: number;
  /** Before a failed job pod is replaced; doubles with every failure. */
  readonly jobBackoff: number;
}

export const DEFAULT_TIMING: SandboxTiming = {
  tick: 1_000,
  resync: 10_000,
  scheduleRounds: 0,
  imagePull: 2_000,
  containerStart: 2_000,
  terminate: 1_000,
  crashBackoff: 10_000,
  program: { inventory: 1_000, prepare: 1_000, stage: 3_000, update: 8_000, reboot: 1_000, rollback: 8_000 },
  shutdown: 2_000,
  reboot: 25_000,
  bootToReady: 5_000,
  leaseRenew: 60_000,
  leaseDuration: 240_000,
  nodeStatusReport: 600_000,
  nodeMonitorGrace: 240_000,
  podEviction: 300_000,
  jobBackoff: 10_000,
};

/**
 * The defaults for a clock at `rate`. Heartbeats, and what waits for missing ones, stretch with the rate so that a node
 * renews its Lease at most about once a real second; everything else keeps its policy time.
 */
export function timingForRate(rate: number, base: SandboxTiming = DEFAULT_TIMING): SandboxTiming {
  const stretch = Math.max(1, (rate * 1_000) / base.leaseRenew);
  return {
    ...base,
    tick: Math.max(base.tick, rate * 5),
    resync: Math.max(base.resync, rate * 50),
    leaseRenew: base.leaseRenew * stretch,
    leaseDuration: base.leaseDuration * stretch,
    nodeMonitorGrace: base.nodeMonitorGrace * stretch,
    nodeStatusReport: base.nodeStatusReport * stretch,
  };
}
