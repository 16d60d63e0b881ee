// Leader election on a Lease (coordination.k8s.io/v1), as client-go does it: for economy, so that two controllers do not
// do the same work twice. Safety never depends on it (L1). `isLeader` checks the age of the last renewal on the monotonic
// clock at each call, so that a process that was paused wakes up as nobody (L2). Another's renewal times are never compared
// with our clock: a Lease is expired when we have watched it unchanged for its whole duration.
import type { Clock, Random } from "../clock.ts";
import { microTime } from "./micro-time.ts";
import { isAlreadyExists, isConflict } from "./api-errors.ts";
import type { Client } from "./client.ts";
import type { KubeObject } from "./port.ts";
import { LEASES } from "./resources.ts";

/** Name of the Lease that controllers compete for. */
export const CONTROLLER_LEASE = "ringward-controller";

export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface LeaseObject extends KubeObject {
  spec?: LeaseSpec;
}

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string;
  /** Unique for each process that ever runs, for example pod name and a random part. */
  readonly identity: string;
  /** Transport time, whatever clock policy uses. */
  readonly clock: Clock;
  readonly random: Random;
  /** How long others wait for a silent leader; 15 s. */
  readonly leaseDurationMs?: number;
  /** How long a leader that cannot renew stays one; 10 s, less than the duration. */
  readonly renewDeadlineMs?: number;
  /** Between two tries; 2 s. */
  readonly retryPeriodMs?: number;
  readonly onChange?: (leading: boolean) => void;
  /** Must not throw. */
  readonly onError?: (error: unknown) => void;
}

export interface LeaderElection {
  /** True while our last renewal is younger than the renew deadline. Ask before each write. */
  isLeader(): boolean;
  /** The Lease's `leaseTransitions` of our term; grows with every change of leader. Undefined while we do not lead. */
  term(): number | undefined;
  /** Whom the Lease named when it was last read. */
  holder(): string | undefined;
  /** Resolves when we lead; rejects with the signal's reason. */
  acquired(signal?: AbortSignal): Promise<void>;
  /** Ends the election and gives the Lease back, so that the next one need not wait. */
  stop(): Promise<void>;
}

/** Starts to compete for the Lease at once. */
export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, clock, random, identity, name, namespace } = options;
  const leaseDurationMs = options.leaseDurationMs ?? 15_000;
  const renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
  const retryPeriodMs = options.retryPeriodMs ?? 2_000;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * 1.2)) {
    throw new Error("leader election needs leaseDuration > renewDeadline > 1.2 x retryPeriod");
  }
  const stopping = new AbortController();
  const waiting = new Set<() => void>();
  /** The Lease as last read or written, and when (monotonic) we first saw it so. */
  let observed: { lease: LeaseObject; since: number } | undefined;
  /** When (monotonic) the request that last renewed it was *sent*; the answer may have come much later. */
  let renewed: number | undefined;
  let told = false;

  const isLeader = (): boolean => renewed !== undefined && clock.monotonic() - renewed < renewDeadlineMs;

  function observe(lease: LeaseObject, at: number): void {
    if (observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) observed = { lease, since: at };
  }

  function holds(lease: LeaseObject): boolean {
    return lease.spec?.holderIdentity === identity;
  }

  /** When (monotonic) a Lease that stays as we saw it is nobody's any more. */
  function expiresAt({ lease, since }: { readonly lease: LeaseObject; readonly since: number }): number {
    return since + (lease.spec?.leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000;
  }

  /** Free, ours, or left unchanged for its holder's whole duration as we saw it. */
  function isTakeable(now: number): boolean {
    if (observed === undefined) return true;
    const { holderIdentity } = observed.lease.spec ?? {};
    if (holderIdentity === undefined || holderIdentity === "" || holderIdentity === identity) return true;
    return now >= expiresAt(observed);
  }

  function claim(known: LeaseObject | undefined): LeaseSpec {
    const time = microTime(clock.now());
    const transitions = known?.spec?.leaseTransitions ?? 0;
    const ours = known !== undefined && holds(known);
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
      acquireTime: ours ? (known.spec?.acquireTime ?? time) : time,
      renewTime: time,
      // A first holder starts at 0; every later change of holder counts one up.
      leaseTransitions: known === undefined || ours ? transitions : transitions + 1,
    };
  }

  /** One look and, if the Lease may be ours, one write under its resourceVersion. */
  async function tryOnce(): Promise<void> {
    const callOptions = { signal: stopping.signal, timeoutMs: Math.max(retryPeriodMs, renewDeadlineMs / 2) };
    const lease = await client.get<LeaseObject>(LEASES, { name, namespace }, callOptions);
    const now = clock.monotonic();
    if (lease === undefined) observed = undefined;
    else observe(lease, now);
    if (!isTakeable(now)) {
      renewed = undefined;
      return;
    }
    const sent = clock.monotonic();
    const spec = claim(lease);
    const written =
      lease === undefined
        ? await client.create<LeaseObject>(LEASES, { metadata: { name, namespace }, spec }, callOptions)
        : await client.update<LeaseObject>(LEASES, { ...lease, spec: { ...lease.spec, ...spec } }, callOptions);
    observe(written, clock.monotonic());
    renewed = sent;
  }

  /** Until the next try. A leader renews on the beat. Followers spread out, and are there when the holder's time is over. */
  function pause(): number {
    if (isLeader()) return retryPeriodMs;
    const spread = random.next();
    const left = observed === undefined ? retryPeriodMs : expiresAt(observed) - clock.monotonic();
    const atEnd = left > 0 ? left + 0.1 * retryPeriodMs * spread : retryPeriodMs;
    return Math.min(atEnd, retryPeriodMs * (1 + 0.2 * spread));
  }

  function tellChange(): void {
    const leading = isLeader();
    if (leading) for (const wake of waiting) wake();
    if (leading === told) return;
    told = leading;
    try {
      options.onChange?.(leading);
    } catch (error) {
      // A listener's mistake must not end the election.
      options.onError?.(error);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await tryOnce();
      } catch (error) {
        if (stopping.signal.aborted) return;
        // Somebody else wrote first: the next look tells who. Anything else leaves `renewed` to age.
        if (!isConflict(error) && !isAlreadyExists(error)) options.onError?.(error);
      }
      tellChange();
      await clock.sleep(pause(), stopping.signal).catch(() => undefined);
    }
  }

  /** Gives the Lease back under its resourceVersion. Failing is harmless: it expires. */
  async function release(): Promise<void> {
    const wasLeader = isLeader();
    renewed = undefined;
    if (!wasLeader || observed === undefined) return;
    try {
      await giveBack(observed.lease);
    } catch (error) {
      options.onError?.(error);
    }
  }

  async function giveBack(known: LeaseObject): Promise<void> {
    const callOptions = { timeoutMs: renewDeadlineMs / 4 };
    try {
      await writeFree(known, callOptions);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // A renewal that was cut by the stop may have been stored after all.
      const now = await client.get<LeaseObject>(LEASES, { name, namespace }, callOptions);
      if (now !== undefined && holds(now)) await writeFree(now, callOptions);
    }
  }

  async function writeFree(lease: LeaseObject, callOptions: { readonly timeoutMs: number }): Promise<void> {
    if (!holds(lease)) return;
    const time = microTime(clock.now());
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: time, acquireTime: time };
    await client.update<LeaseObject>(LEASES, { ...lease, spec }, callOptions);
  }

  const running = run();
  return {
    isLeader,
    term: () => (isLeader() ? observed?.lease.spec?.leaseTransitions : undefined),
    holder: () => observed?.lease.spec?.holderIdentity || undefined,
    acquired: (signal) =>
      new Promise((resolve, reject) => {
        if (isLeader()) return resolve();
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        const giveUp = (reason: unknown) => (): void => {
          waiting.delete(wake);
          reject(reason as Error);
        };
        if (signal?.aborted) giveUp(signal.reason)();
        signal?.addEventListener("abort", () => giveUp(signal.reason)(), { once: true });
        stopping.signal.addEventListener("abort", giveUp(new Error("the leader election was stopped")), { once: true });
      }),
    async stop() {
      stopping.abort(new Error("the leader election was stopped"));
      await running;
      await release();
      tellChange();
    },
  };
}
