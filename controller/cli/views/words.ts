// What views say of a lane in words: when it ends and on what that rests, its window, its budget, its soak. Unknown is said as unknown.
import type { Instant } from "../../clock.ts";
import type { Estimate } from "../../core/estimate/estimate.ts";
import type { Opening } from "../../core/rollout/opening.ts";
import { oneLine, showLength, showSoon } from "../output.ts";
import type { Lane, LevelLane } from "./lanes.ts";

/** What is left is under way: nothing more has to start. */
export const SOON = "any moment";

/** When the last of a ring's baselines ends; what never ends comes before all. */
export function sayEnd({ estimates, inFlight }: Lane, now: Instant): string {
  const never = estimates.find((estimate) => estimate.never !== undefined);
  if (never !== undefined) return sayEstimate(never, now);
  const [last] = estimates
    .filter(({ endsAt }) => endsAt !== undefined)
    .sort((a, b) => (b.endsAt ?? 0) - (a.endsAt ?? 0));
  if (last !== undefined) return `${sayEstimate(last, now)}${last.missesDeadline ? ", after its deadline" : ""}`;
  if (estimates.some(({ remaining, stuck }) => remaining > 0 || stuck.length > 0)) return "unknown";
  if (inFlight.length > 0) return SOON;
  return estimates.length === 0 ? "-" : "done";
}

/** When one baseline of a ring ends. */
export function sayEstimate({ never, endsAt, ifApproved, remaining, stuck }: Estimate, now: Instant): string {
  if (never !== undefined) return `never: ${never.reason}`;
  if (endsAt !== undefined) return `${showSoon(endsAt, now)}${ifApproved ? ", if approved now" : ""}`;
  return remaining === 0 && stuck.length === 0 ? "done" : "unknown";
}

/** What an estimate rests on. */
export function sayPace({ minutesPerTarget, measured }: Estimate): string {
  const each = `${showLength(minutesPerTarget * 60_000)} each`;
  return measured === 0 ? `${each} (assumed, nothing measured yet)` : `${each} (median of ${measured})`;
}

/** A ring's window. */
export function sayOpening(opening: Opening, now: Instant): string {
  switch (opening.kind) {
    case "Always":
      return "window: always open";
    case "Open":
      return `window: open${opening.until === undefined ? "" : `, starts until ${showSoon(opening.until, now)}`}`;
    case "Shut":
      return `window: shut, ${sayNext(opening.opensAt, now)}`;
    case "Frozen":
      return `window: ${sayFrozen(opening, now)}`;
    case "Unknown":
      return `window: unknown, so shut (${oneLine(opening.block.message)})`;
  }
}

function sayFrozen({ freeze, reason, until, opensAt }: Opening & { readonly kind: "Frozen" }, now: Instant): string {
  const frozen = `frozen until ${showSoon(until, now)} by ${freeze} (${oneLine(reason)})`;
  return opensAt === until ? frozen : `${frozen}, ${sayNext(opensAt, now)}`;
}

function sayNext(opensAt: Instant | undefined, now: Instant): string {
  return opensAt === undefined ? "never opens again" : `next ${showSoon(opensAt, now)}`;
}

/** What of a ring's budget is in use; nothing of what it has no members of. */
export function sayBudget({ budget: { nodes, workloads }, members }: Lane): string {
  const parts = [
    ...(members.nodes > 0 || nodes.used > 0 ? [`${nodes.used}/${nodes.limit} nodes`] : []),
    ...(members.workloads > 0 || workloads.used > 0 ? [`${workloads.used}/${workloads.limit} workloads`] : []),
  ];
  return parts.length === 0 ? "" : `budget: ${parts.join(", ")} in use`;
}

/** A ring's soak, of the level that still has longest to go. */
export function saySoak({ soakLeft, soakWanted }: Lane): string {
  if (soakLeft === undefined) return "";
  return `soak: ${showLength(soakLeft)} left of ${showLength(soakWanted)}`;
}

/** When the soak ends of all that a ring is approved for, and who may start then; nothing where it did already, or nobody knows. */
export function saySoaked({ estimates, soakWanted, before }: Lane, now: Instant): string {
  const times = estimates.flatMap(({ soakedAt }) => soakedAt ?? []);
  if (times.length === 0 || times.length < estimates.length || Math.max(...times) <= now) return "";
  const then = before.length === 0 ? "over" : `${before.join(", ")} may start`;
  return `soak: ${showLength(soakWanted)}; ${then} about ${showSoon(Math.max(...times), now)}`;
}

/** A level's soak. */
export function sayLevelSoak({ soaked, complete, soakedMs }: LevelLane, wanted: number): string {
  if (soaked) return "soaked";
  if (!complete && soakedMs === 0) return "-";
  return `${showLength(soakedMs)} of ${showLength(wanted)}${complete ? "" : ", stands still"}`;
}

/** Newer levels that only wait for somebody's approval, by name while they are few; nothing where there are none. */
export function sayAwaited({ later }: Lane, most: number): string {
  const awaited = later.filter(({ reason }) => reason === "WaitingForApproval").map(({ level }) => level);
  if (awaited.length === 0) return "";
  const told = awaited.length > most ? [...awaited.slice(0, most), `${awaited.length - most} more`] : awaited;
  return `next level${awaited.length === 1 ? " waits" : "s wait"} for approval: ${told.join(", ")}`;
}

/** Every newer level of a lane, one by one. */
export function sayLater({ later }: Lane): readonly string[] {
  return later.map(({ level, reason, message }) =>
    reason === "WaitingForApproval"
      ? `next level: ${level} waits for approval`
      : `next level: ${level}: ${reason}: ${oneLine(message)}`,
  );
}

/** ` for 3m`; nothing where it began just now or is not known. */
export function sayFor(since: Instant | undefined, now: Instant): string {
  return since === undefined || now - since < 1000 ? "" : ` for ${showLength(now - since)}`;
}
