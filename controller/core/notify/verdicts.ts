// What is said on commits: how far each ring is with what a commit approved, and on pull requests that an approval is waited for. A verdict is
// no event. It is worked out anew from what holds now, so what is mended is said no more, and a process that begins repeats nothing.
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { FleetLook } from "../metrics/index.ts";
import type { RingInForce } from "../model.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import type { Audience } from "./due.ts";
import type { Notification, NotificationEvent } from "./notification.ts";

/** As commit statuses have it. */
export type VerdictState = "failure" | "pending" | "success";

interface Said {
  readonly ring: string;
  readonly state: VerdictState;
  readonly event: NotificationEvent;
  /** One line. */
  readonly title: string;
}

/** About one level of one ring; it belongs on the commit that approved that. */
export interface LevelVerdict extends Said {
  readonly of: RingInForce;
  readonly baseline: string;
  readonly level: string;
}

/** What is to stand on a commit under a name. */
export interface CommitVerdict extends Said {
  readonly name: string;
  readonly commit: string;
}

/** Of rings whose policy is in Git, what is to be said of the levels that they ask for, and of the last ones that they never completed. */
export function findLevelVerdicts(
  { plan }: FleetLook,
  found: readonly Notification[],
  audience: Audience,
): readonly LevelVerdict[] {
  const heard = found.filter(({ event }) => audience.events?.includes(event) !== false);
  return plan.rings
    .filter(({ ring }) => ring.authority.kind === "Git" && audience.rings?.includes(ring.name) !== false)
    .flatMap((outcome) => {
      const ofRing = heard.filter(({ ring }) => ring === outcome.ring.name);
      return [...baselinesOf(outcome)].flatMap((baseline) => [
        ...judgeCurrent(outcome, baseline, ofRing),
        ...judgeLast(outcome, baseline, audience),
      ]);
    });
}

function baselinesOf({ progress, levels }: RingOutcome): ReadonlySet<string> {
  return new Set([...progress.keys(), ...levels.map(({ baseline }) => baseline)].sort());
}

/** The level that is asked for; undefined: none, or its approval was taken back. */
function currentOf({ progress }: RingOutcome, baseline: string): RingLevelStatus | undefined {
  return progress.get(baseline)?.status;
}

/** The first of these counts: what is done is done, also where some of its targets failed. */
const ORDER = ["Done", "Failed", "Blocked", "Started"] as const;
const STATES: Readonly<Record<(typeof ORDER)[number], VerdictState>> = {
  Done: "success",
  Failed: "failure",
  Blocked: "pending",
  Started: "pending",
};

function judgeCurrent(outcome: RingOutcome, baseline: string, heard: readonly Notification[]): readonly LevelVerdict[] {
  const current = currentOf(outcome, baseline);
  if (current === undefined) return [];
  // What is about no level, such as a halt, is about all that the ring does.
  const about = heard.filter((one) => one.level === undefined || one.level === current.level);
  for (const event of ORDER) {
    const found = about.find((one) => one.event === event);
    if (found === undefined) continue;
    const { title } = found;
    const { level } = current;
    return [{ of: outcome.ring, ring: outcome.ring.name, baseline, level, state: STATES[event], event, title }];
  }
  return [];
}

/** The newest level before the current one, where it was begun and never completed: else its commit would be pending for ever. */
function judgeLast(outcome: RingOutcome, baseline: string, { events }: Audience): readonly LevelVerdict[] {
  if (events?.includes("Failed") === false) return [];
  const current = currentOf(outcome, baseline);
  const last = outcome.levels.findLast((one) => one.baseline === baseline && one.digest !== current?.digest);
  if (last?.startedTime === undefined || last.completedTime !== undefined || last.soakedTime !== undefined) return [];
  const { name: ring } = outcome.ring;
  const why = current === undefined ? "its approval was taken back" : `${current.level} took its place`;
  return [
    {
      of: outcome.ring,
      ring,
      baseline,
      level: last.level,
      state: "failure",
      event: "Failed",
      title: `Ring ${ring} did not complete ${last.level}: ${why}`,
    },
  ];
}

/** Of pull requests that ask for an approval. They stand on their heads, for as long as they are open. */
export function findPullVerdicts(
  { input }: FleetLook,
  found: readonly Notification[],
  { events, rings }: Audience,
): readonly CommitVerdict[] {
  if (events?.includes("WaitingForApproval") === false) return [];
  return found.flatMap(({ event, ring, title, pull }) =>
    event !== "WaitingForApproval" || pull?.head === undefined || rings?.includes(ring) === false
      ? []
      : [{ ring, event, title, state: "pending", commit: pull.head, name: nameOf(input.policy.clusterName, ring) }],
  );
}

const WORST: readonly VerdictState[] = ["failure", "pending", "success"];

/** One verdict for each ring on each commit: the worst, where it is about several levels. */
export function joinVerdicts(
  { input }: FleetLook,
  verdicts: readonly (LevelVerdict & { readonly commit: string })[],
): readonly CommitVerdict[] {
  return [...Map.groupBy(verdicts, ({ ring, commit }) => `${commit} ${ring}`).values()].flatMap((group) => {
    const worst = WORST.map((state) => group.filter((one) => one.state === state)).find(({ length }) => length > 0);
    const [first] = worst ?? [];
    if (first === undefined) return [];
    const { ring, state, event, commit, title } = first;
    const more = group.length > 1 ? ` (and ${group.length - 1} more)` : "";
    const name = nameOf(input.policy.clusterName, ring);
    return [{ ring, state, event, commit, name, title: `${title}${more}` }];
  });
}

function nameOf(cluster: string, ring: string): string {
  return `ringward/${cluster}/${ring}`;
}
