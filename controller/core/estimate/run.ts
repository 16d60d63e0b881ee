// Runs the remaining targets of a ring through its budget and windows, batch by batch, as the planner would claim them: zone by
// zone, then by name. Part of the estimate; pure, and bounded in time and in turns.
import type { Instant } from "../../clock.ts";
import { type Calendar, nextStart } from "../calendar/index.ts";
import type { Block } from "../model.ts";
import type { Spare } from "./capacity.ts";

/** How far an estimate looks ahead, ms. */
export const HORIZON = 366 * 86_400_000;

/** One target that is still to be done. */
export interface Job {
  readonly baseline: string;
  readonly name: string;
  readonly zone: string;
  readonly notBefore: Instant;
  /** ms. */
  readonly duration: number;
  /** It holds budget already. */
  readonly claimedAt: Instant | undefined;
  readonly skips: ReadonlySet<string>;
  readonly skipsUntil: Instant | undefined;
  /** From then on windows do not hold (`onDeadline: IgnoreWindows`). */
  readonly windowsUntil: Instant | undefined;
}

export type JobEnd =
  | { readonly kind: "Ends"; readonly startsAt: Instant; readonly endsAt: Instant }
  | { readonly kind: "Never"; readonly block: Block };

/** When the jobs of each baseline begin and end. */
export function runJobs(
  jobs: readonly Job[],
  spare: Spare,
  calendars: readonly Calendar[],
  now: Instant,
): ReadonlyMap<string, JobEnd> {
  const ends = new Map<string, JobEnd>();
  const flying = jobs.filter((job) => job.claimedAt !== undefined);
  let waiting = jobs.filter((job) => job.claimedAt === undefined).sort(byClaimOrder);
  for (const job of flying) extend(ends, job, job.claimedAt ?? now, now + left(job, now));
  let at = now;
  let held = flying.length;
  const free = now + flying.reduce((most, job) => Math.max(most, left(job, now)), 0);
  while (waiting.length > 0) {
    const starts = startsOf(waiting, calendars, at);
    const start = Math.min(...starts.values());
    if (!(start <= now + HORIZON)) return giveUp(ends, waiting, outOfSight(calendars));
    if (start >= free) held = 0;
    const batch = pick(
      waiting.filter((job) => starts.get(job.baseline) === start),
      spare,
      held,
    );
    if (batch.length === 0 && held === 0) return giveUp(ends, waiting, spare.exhausted);
    const end = batch.reduce((most, job) => Math.max(most, start + job.duration), held > 0 ? free : start);
    for (const job of batch) extend(ends, job, start, start + job.duration);
    const taken = new Set(batch);
    waiting = waiting.filter((job) => !taken.has(job));
    at = Math.max(end, at + 1);
  }
  return ends;
}

function left(job: Job, now: Instant): number {
  // What is over its usual time is taken to end now rather than never.
  return Math.max(0, (job.claimedAt ?? now) + job.duration - now);
}

function byClaimOrder(a: Job, b: Job): number {
  const [left, right] = [[a.zone, a.name, a.baseline].join("\u0000"), [b.zone, b.name, b.baseline].join("\u0000")];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The next instant from `at` on at which a job of each baseline may start. */
function startsOf(waiting: readonly Job[], calendars: readonly Calendar[], at: Instant): ReadonlyMap<string, Instant> {
  const starts = new Map<string, Instant>();
  for (const job of waiting)
    if (!starts.has(job.baseline)) starts.set(job.baseline, nextFor(job, calendars, Math.max(at, job.notBefore)));
  return starts;
}

function nextFor(job: Job, calendars: readonly Calendar[], from: Instant): Instant {
  const holds = job.skipsUntil === undefined || from < job.skipsUntil;
  const expedite = holds && job.skips.has("Freezes");
  const usual = nextStart(calendars, from, { expedite, ignoreWindows: holds && job.skips.has("Windows") });
  if (job.windowsUntil === undefined) return usual ?? Infinity;
  const forced = nextStart(calendars, Math.max(from, job.windowsUntil), { expedite, ignoreWindows: true });
  return Math.min(usual ?? Infinity, forced ?? Infinity);
}

/** As many as the ring, the cluster and each zone leave room for. */
function pick(ready: readonly Job[], spare: Spare, held: number): readonly Job[] {
  const zones = new Map<string, number>();
  const batch: Job[] = [];
  for (const job of ready) {
    if (batch.length + held >= spare.ring) break;
    const used = zones.get(job.zone) ?? 0;
    if (used >= spare.zone(job.zone)) continue;
    zones.set(job.zone, used + 1);
    batch.push(job);
  }
  return batch;
}

function extend(ends: Map<string, JobEnd>, job: Job, startsAt: Instant, endsAt: Instant): void {
  const before = ends.get(job.baseline);
  if (before?.kind === "Never") return;
  ends.set(job.baseline, {
    kind: "Ends",
    startsAt: Math.min(startsAt, before?.startsAt ?? Infinity),
    endsAt: Math.max(endsAt, before?.endsAt ?? -Infinity),
  });
}

function giveUp(ends: Map<string, JobEnd>, waiting: readonly Job[], block: Block): ReadonlyMap<string, JobEnd> {
  for (const job of waiting) ends.set(job.baseline, { kind: "Never", block });
  return ends;
}

function outOfSight(calendars: readonly Calendar[]): Block {
  const closed = calendars.some((calendar) => calendar.windows.length > 0);
  return {
    reason: closed ? "OutsideWindow" : "Frozen",
    message: "the windows and freezes of the next 366 days leave too little time",
  };
}
