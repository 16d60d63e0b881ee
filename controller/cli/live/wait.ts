// `--wait`: when watching ends by itself. Done is an end at once; what needs a person is one when it was seen for a few seconds (kinds come
// by watches of their own, so a ring may name a level that arrives a moment later); an outage of the API server is none; the timeout ends
// all. What is decided is core's (waiting.ts); here is only time.
import type { Clock } from "../../clock.ts";
import { shortName } from "../../core/asset-name.ts";
import { parseDuration } from "../../core/duration.ts";
import type { Standstill, Verdict } from "../../core/rollout/waiting.ts";
import type { UserError } from "../../errors.ts";
import { oneLine, showLength, wrongUse } from "../output.ts";
import type { Situation } from "../situation.ts";
import { describeLanes } from "../views/news.ts";
import type { Lane } from "../views/lanes.ts";
import type { Link } from "./live-cluster.ts";

/** What is waited for. */
export interface Wait {
  /** ms from the start; undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly judge: (situation: Situation, behind: ReadonlySet<string>) => Verdict;
  /** Why it cannot be waited for: what was asked for is not there. With a policy repository it may come a moment later. */
  readonly missing?: (lanes: readonly Lane[]) => UserError | undefined;
  /** What is waited for, and how it will be: `ring prod`, `done`. */
  readonly words: readonly [what: string, how: string];
  /** Whether a ring is still waited for. */
  readonly isOpen: (lane: Lane) => boolean;
}

export type End =
  | { readonly kind: "Done" }
  | { readonly kind: "Stuck"; readonly because: readonly Standstill[] }
  /** `behind`: rings that the controller had not come to under the repository's last commit. */
  | { readonly kind: "TimedOut"; readonly behind: readonly string[] };

/** Flags of a command that can wait. */
export const WAIT_FLAGS = {
  wait: { type: "boolean", default: false },
  timeout: { type: "string" },
} as const;

/** For the help of such a command. */
export const WAIT_HELP = `  --wait             the same, but it ends: when all is done (0), when a person has to act (1), or at the timeout (1)
  --timeout DURATION with --wait: at most so long, such as 90s, 45m or 12h (default: as long as it takes)`;

/** How long it is waited, as the flags say it; undefined: it is not waited at all. Throws UserError for a duration that is none. */
export function readWait(
  command: string,
  { wait, timeout }: { readonly wait: boolean; readonly timeout?: string | undefined },
): Pick<Wait, "timeoutMs"> | undefined {
  if (timeout === undefined) return wait ? { timeoutMs: undefined } : undefined;
  if (!wait) throw wrongUse(command, "--timeout without --wait: there is nothing to end");
  const timeoutMs = parseDuration(timeout);
  if (timeoutMs === undefined || timeoutMs === 0)
    throw wrongUse(command, `--timeout ${timeout}: give a duration such as 90s, 45m or 12h`);
  return { timeoutMs };
}

/** So long the same cause must have been seen. */
export const STEADY_MS = 3000;

export interface Waiting {
  /** A picture was made. */
  see(verdict: Verdict): void;
  /** Whether that is an end now. `current`: nothing changed since the picture. */
  end(link: Link, current: boolean): End | undefined;
  /** ms until the timeout; undefined: there is none. */
  left(): number | undefined;
  /** ms since it began. */
  elapsed(): number;
}

/** Begins to wait now. */
export function createWaiting(timeoutMs: number | undefined, clock: Pick<Clock, "monotonic">): Waiting {
  const began = clock.monotonic();
  let last: Verdict = { kind: "Open" };
  let stuckSince: number | undefined;
  const elapsed = (): number => clock.monotonic() - began;
  const left = (): number | undefined => (timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - elapsed()));
  return {
    elapsed,
    left,
    see(verdict) {
      last = verdict;
      if (verdict.kind !== "Stuck") stuckSince = undefined;
      else stuckSince ??= clock.monotonic();
    },
    end(link, current) {
      // Of a picture that is old nothing is concluded.
      if (link.kind === "Up" && last.kind === "Done") return { kind: "Done" };
      if (left() === 0) return { kind: "TimedOut", behind: (last.kind === "Open" && last.behind) || [] };
      const steady = stuckSince !== undefined && clock.monotonic() - stuckSince >= STEADY_MS;
      return link.kind === "Up" && current && steady && last.kind === "Stuck" ? last : undefined;
    },
  };
}

/** The end as a person reads it; of a timeout with what is still open. */
export function describeEnd(
  end: End,
  { words: [what, how], isOpen }: Wait,
  elapsedMs: number,
  lanes: readonly Lane[],
): readonly string[] {
  const time = showLength(elapsedMs);
  switch (end.kind) {
    case "Done":
      return [`${what} is ${how} after ${time}`];
    case "Stuck":
      return [`${what} needs a person, after ${time}:`, ...describeStandstills(end.because)];
    case "TimedOut":
      return lanes.length === 0
        ? [`${what}: the cluster was not read within ${time}`]
        : [`${what} is not ${how} after ${time}; still open:`, ...describeOpen(lanes, isOpen, end.behind)];
  }
}

/** So many are named. */
const MOST_NAMED = 5;

function describeStandstills(because: readonly Standstill[]): readonly string[] {
  const lines = because.map(({ ring, asset, reason, message }) => {
    const whose = [ring, asset === undefined ? undefined : shortName(asset)].filter((part) => part !== undefined);
    return `  ${[...whose, reason].join(": ")}: ${oneLine(message)}`;
  });
  const more = lines.length - MOST_NAMED;
  return more <= 0 ? lines : [...lines.slice(0, MOST_NAMED), `  and ${more} more`];
}

/** What is said of each ring where nothing can be redrawn. */
function describeOpen(lanes: readonly Lane[], isOpen: Wait["isOpen"], behind: readonly string[]): readonly string[] {
  const open = lanes.filter((lane) => isOpen(lane) || behind.includes(lane.ring));
  return [...describeLanes(open)].map(
    ([ring, line]) =>
      `  ${line}${behind.includes(ring) ? "; as it was before the policy repository's last commit" : ""}`,
  );
}

/** The end as a program reads it. */
export function endData(end: End, elapsedMs: number): object {
  return {
    result: end.kind,
    elapsedSeconds: Math.round(elapsedMs / 1000),
    because: end.kind === "Stuck" ? end.because.map(standstillData) : [],
  };
}

function standstillData({ ring, asset, reason, message }: Standstill): object {
  return { ring: ring ?? null, asset: asset === undefined ? null : shortName(asset), reason, message };
}
