// How an operation is closed in its patch state: history, what was verified, what must not be tried again at once. Pure.
// Closing comes before the claim is freed, so a crash between the two frees it once, later.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Instant } from "../clock.ts";
import type { Claim } from "../core/model.ts";

const HISTORY = 10;
const VERIFIED_PER_BASELINE = 3;
/** What the schema takes. Baselines come and go over a target's life; the oldest are forgotten first, or nothing could be closed any more. */
const MOST_VERIFIED = 64;
const MOST_ATTEMPTED = 32;

export interface Closing {
  readonly claim: Claim;
  readonly now: Instant;
  readonly result: "Succeeded" | "BackedOut" | "NotAvailable" | "RolledBack" | "Released";
  readonly reason: string;
  readonly message: string;
  readonly retryAt?: Instant | undefined;
  /** Boot in which the node's update waits for another one. */
  readonly pendingReboot?: string | undefined;
  /** The target runs its level, as it was just seen. */
  readonly verified: boolean;
  readonly contested?: boolean | undefined;
}

/** The status without its operation. */
export function closeOperation<Status extends NodePatchStateStatus | WorkloadPatchStateStatus>(
  status: Status | undefined,
  closing: Closing,
): Status {
  const { operation, ...rest } = (status ?? {}) as NodePatchStateStatus;
  const { claim, result, reason, message } = closing;
  const time = new Date(closing.now).toISOString();
  const entry = {
    claimId: claim.id,
    level: claim.level,
    ring: claim.ring,
    result: result === "NotAvailable" ? ("BackedOut" as const) : result,
    startedTime: operation?.startedTime ?? claim.since,
    finishedTime: time,
    message: message.slice(0, 512),
  };
  const others = (rest.attempted ?? []).filter((attempt) => attempt.baseline !== claim.baseline);
  // What a person released stays released: this level is not tried again until a person takes that back (`ringward retry`).
  const attempted =
    result === "Succeeded"
      ? others
      : [
          ...others,
          {
            baseline: claim.baseline,
            digest: claim.digest,
            result,
            reason: result === "Released" ? "ReleasedByPerson" : reason.slice(0, 64),
            message: message.slice(0, 512),
            time,
            ...(closing.retryAt === undefined ? {} : { notBefore: new Date(closing.retryAt).toISOString() }),
          },
        ];
  return {
    ...rest,
    blockedBy: [],
    attempted: attempted.slice(-MOST_ATTEMPTED),
    ...keepPending(rest.pendingReboot, closing, time),
    ...(closing.verified ? { verified: addVerified(rest.verified ?? [], claim, time) } : {}),
    ...(closing.contested === true
      ? {
          contested: [
            ...(rest.contested ?? []).filter((item) => item.digest !== claim.digest),
            { baseline: claim.baseline, digest: claim.digest, time },
          ].slice(-64),
        }
      : {}),
    history: [...(rest.history ?? []), entry].slice(-HISTORY),
  } as unknown as Status;
}

type Pending = NodePatchStateStatus["pendingReboot"];

/** What waited for a boot before an attempt that changed nothing waits still. */
function keepPending(
  known: Pending,
  { claim, result, pendingReboot: bootId }: Closing,
  time: string,
): { readonly pendingReboot?: Pending } {
  const changed = bootId !== undefined || result === "Succeeded" || result === "Released";
  const others = changed ? known?.filter(({ baseline }) => baseline !== claim.baseline) : known;
  const { baseline, digest } = claim;
  const all = [...(others ?? []), ...(bootId === undefined ? [] : [{ baseline, digest, bootId, time }])];
  // An empty list takes away what was there.
  return known === undefined && all.length === 0 ? {} : { pendingReboot: all.slice(-MOST_ATTEMPTED) };
}

type Verified = NonNullable<NodePatchStateStatus["verified"]>;

/** Remembers that the target ran the level; the newest few of each baseline are enough to notice a regression. */
export function addVerified(list: Verified, claim: Pick<Claim, "baseline" | "digest">, time: string): Verified {
  const others = list.filter((item) => item.baseline !== claim.baseline);
  const mine = list.filter((item) => item.baseline === claim.baseline && item.digest !== claim.digest);
  return [
    ...others,
    ...mine.slice(-(VERIFIED_PER_BASELINE - 1)),
    { baseline: claim.baseline, digest: claim.digest, time },
  ].slice(-MOST_VERIFIED);
}
