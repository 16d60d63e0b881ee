// A rehearsal as plain data: the contract of `-o json`. Times are RFC 3339 in UTC; what is not there is null. Pure.
import type { Rehearsal } from "./rehearse.ts";
import type { ValidationLine } from "./render.ts";

/** The data. */
export function rehearsalData(
  rehearsal: Rehearsal,
  findings: readonly ValidationLine[],
  notes: readonly string[],
): object {
  const { at, cluster, horizon, fleet, same, objects, rings, head, base, risks, newStops, oldStops } = rehearsal;
  return {
    at: time(at),
    cluster,
    horizonSeconds: horizon / 1000,
    fleet,
    ok: findings.every(({ severity }) => severity !== "error"),
    same,
    findings,
    objects,
    rings: rings.map((ring) => ({
      ...ring,
      closed: ring.closed.map(({ reason, message }) => ({ reason, message })),
      approvals: ring.approvals.map((one) => ({
        ...one,
        from: one.from ?? null,
        to: one.to ?? null,
        expedite: one.expedite ?? null,
      })),
    })),
    head: outcomeData(head),
    base: outcomeData(base),
    risks,
    stops: [
      ...newStops.map((stop) => ({ ...stop, baseline: stop.baseline ?? null, withoutChange: false })),
      ...oldStops.map((stop) => ({ ...stop, baseline: stop.baseline ?? null, withoutChange: true })),
    ],
    notes,
  };
}

function outcomeData({ stages, holds, endsAt, ...rest }: Rehearsal["head"]): object {
  return {
    ...rest,
    endsAt: time(endsAt),
    stages: stages.map(({ approvedAt, offeredAt, startsAt, completeAt, soakedAt, ...stage }) => ({
      ...stage,
      approvedAt: time(approvedAt),
      offeredAt: time(offeredAt),
      startsAt: time(startsAt),
      completeAt: time(completeAt),
      soakedAt: time(soakedAt),
    })),
    holds: holds.map(({ from, to, ...hold }) => ({ ...hold, from: time(from), to: time(to) })),
  };
}

function time(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString().replace(".000Z", "Z");
}
