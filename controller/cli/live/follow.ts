// `--watch`: one picture after another. On a terminal it is redrawn in place, elsewhere each change is a line (or, with -o json, a
// document on a line). It draws at most twice a second, ends clean when it is interrupted, and goes on through an outage of the API
// server with a line that says how old the picture is.
import { type Estimate, estimateRollout } from "../../core/estimate/estimate.ts";
import type { Clock } from "../../clock.ts";
import { createPlanner } from "../../core/rollout/plan.ts";
import { UserError } from "../../errors.ts";
import { formatFinding } from "../../policy/finding.ts";
import { openCluster } from "../cluster-view.ts";
import { ownObjects, ringsBehind } from "../live-policy.ts";
import { type Format, type Surroundings, wrongUse } from "../output.ts";
import type { Thinkers } from "../situation.ts";
import { atClusterTime, findKubeconfig, judge, type SourceRequest } from "../sources.ts";
import { drawLanes } from "../views/lanes.ts";
import { type LiveCluster, watchCluster } from "./live-cluster.ts";
import { createOutlet, type Followed, type Outlet } from "./outlet.ts";
import { createWaiting, STEADY_MS, type Waiting } from "./wait.ts";

/** At most twice a second. */
const FRAME_MS = 500;
/** A picture in which nothing changed is made anew so often, for its ages. */
const REFRESH_MS = 5000;
const DAY_MS = 86_400_000;

/**
 * Follows until it is interrupted, or what is waited for has come to an end. The exit code says of the last picture what the command says
 * without --watch; of a wait, whether it ended well.
 */
export async function follow(
  followed: Followed,
  request: SourceRequest,
  format: Format,
  surroundings: Surroundings,
): Promise<number> {
  const { command } = followed;
  if (request.cluster !== undefined) throw wrongUse(command, "--watch with --cluster: a dump does not change");
  if (request.at !== undefined) throw wrongUse(command, "--watch with --at: what is watched is the present");
  if (format === "yaml") throw wrongUse(command, "--watch -o yaml: use -o json, a document on a line for each change");
  const stop = new AbortController();
  const unlisten = surroundings.onInterrupt?.(() => stop.abort(new Error("interrupted")));
  const { clock } = surroundings;
  const kubeconfig = findKubeconfig(request.kubeconfig, surroundings);
  const cluster = openCluster({ kubeconfig, context: request.context, clock });
  const waiting = followed.wait === undefined ? undefined : createWaiting(followed.wait.timeoutMs, clock);
  const out = createOutlet(followed, format, surroundings, waiting);
  const over = new AbortController();
  if (waiting !== undefined) void abortAtTimeout(waiting, clock, over);
  const signal = AbortSignal.any([stop.signal, over.signal]);
  try {
    const live = await watchCluster(cluster, surroundings, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (live === undefined) {
      if (!stop.signal.aborted) out.conclude({ kind: "TimedOut", behind: [] });
      return 1;
    }
    try {
      return await run({
        followed,
        request,
        live,
        loopback: cluster.loopback,
        out,
        surroundings,
        waiting,
        signal: stop.signal,
      });
    } finally {
      await live.stop();
    }
  } finally {
    over.abort(new Error("over"));
    // The terminal first: what is told of a failure must not vanish with the screen.
    out.end();
    unlisten?.();
    await cluster.close();
  }
}

interface Run {
  readonly followed: Followed;
  readonly request: SourceRequest;
  readonly live: LiveCluster;
  readonly loopback: boolean;
  readonly out: Outlet;
  readonly surroundings: Surroundings;
  readonly waiting: Waiting | undefined;
  readonly signal: AbortSignal;
}

/** The first lists may take as long as they like, but not longer than is waited. */
async function abortAtTimeout(waiting: Waiting, clock: Clock, over: AbortController): Promise<void> {
  for (let left = waiting.left(); left !== undefined; left = waiting.left()) {
    if (left === 0) return over.abort(new Error("timed out"));
    // A timer takes no more than 24 days.
    const woken = await clock.sleep(Math.min(left, DAY_MS), over.signal).then(
      () => true,
      () => false,
    );
    if (!woken) return;
  }
}

async function run({ followed, request, live, loopback, out, surroundings, waiting, signal }: Run): Promise<number> {
  const { clock } = surroundings;
  const thinkers = createThinkers(clock);
  let code = 1;
  let made = -Infinity;
  let spent = 0;
  const absence = createAbsence(clock);
  while (!signal.aborted) {
    // However large the cluster is, at most half of the time goes into pictures.
    const age = clock.monotonic() - made;
    if (age >= Math.max(REFRESH_MS, 10 * spent) || (live.changed() && age >= spent)) {
      const began = clock.monotonic();
      const seen = await live.view();
      const view = loopback ? atClusterTime(seen, clock.now()) : seen;
      const result = judge(request, view, view.takenAt ?? clock.now(), thinkers);
      if (result.kind === "Refused")
        throw new UserError(
          "RW0229",
          "the policy has errors; nothing was planned",
          result.findings.map(formatFinding).join("; "),
        );
      const { situation } = result;
      const lanes = drawLanes(situation);
      // A folder is planned as it is, whatever the controller has come to.
      const behind = request.policy === undefined ? ringsBehind(view) : NONE;
      const mayCome = request.policy === undefined && ownObjects(view.objects).repositories.length > 0;
      const missing = followed.wait?.missing?.(lanes);
      if (absence.see(missing, { mayCome, behind })) {
        waiting?.see({ kind: "Open", behind: [...behind] });
      } else {
        out.show(situation, lanes, followed.choose(situation, lanes));
        code = followed.isDone(lanes, situation) ? 0 : 1;
        if (followed.wait !== undefined) waiting?.see(followed.wait.judge(situation, behind));
      }
      made = clock.monotonic();
      spent = made - began;
    }
    const link = live.link();
    out.tick(link);
    const end = waiting?.end(link, !live.changed());
    if (end !== undefined) {
      absence.end();
      out.conclude(end);
      return end.kind === "Done" ? 0 : 1;
    }
    await clock.sleep(FRAME_MS, signal).catch(() => undefined);
  }
  return waiting === undefined ? code : 1;
}

const NONE: ReadonlySet<string> = new Set();

interface Absence {
  /** Whether what is waited for is not there yet. Throws `missing` when it will not come. */
  see(
    missing: UserError | undefined,
    may: { readonly mayCome: boolean; readonly behind: ReadonlySet<string> },
  ): boolean;
  /** Nothing is waited for any more. Throws where it never came. */
  end(): void;
}

/**
 * A merge may bring the ring that is waited for: the controller writes down which commit it saw, then the rings of it, and then what it made of
 * each. Until it has come to all rings that are there, and for a moment after, one that is not there is no mistake.
 */
function createAbsence(clock: Clock): Absence {
  let last: UserError | undefined;
  let since: number | undefined;
  return {
    see(missing, { mayCome, behind }) {
      last = missing;
      if (missing === undefined || behind.size > 0) since = undefined;
      else since ??= clock.monotonic();
      if (missing === undefined) return false;
      if (!mayCome || (since !== undefined && clock.monotonic() - since >= STEADY_MS)) throw missing;
      return true;
    },
    end() {
      if (last !== undefined) throw last;
    },
  };
}

/** A planner that remembers, and estimates that are made anew so seldom that they take a fifth of the time at most. */
function createThinkers(clock: Clock): Thinkers {
  const planner = createPlanner();
  let estimates: readonly Estimate[] = [];
  let [made, spent, at] = [-Infinity, 0, -Infinity];
  return {
    plan: (input) => planner.plan(input),
    estimate(input, plan) {
      const began = clock.monotonic();
      // Policy time may run faster than the clock, and stand still.
      if (began - made < 4 * spent && input.now - at < 60_000) return estimates;
      estimates = estimateRollout(input, plan);
      made = clock.monotonic();
      spent = made - began;
      at = input.now;
      return estimates;
    },
  };
}
