// The invariants of research (A6), checked on what an API server stored, what a repository holds and what a forge recorded, never on what a
// controller says of itself. The demo, the crash sweeps and the tests run this one. A silent invariant says nothing unless it `occurred`.
import type { StoredVersion } from "../apiserver/index.ts";
import { approval, checkCommits, checkProposals, type PullFacts } from "./approvals.ts";
import { attempts } from "./attempts.ts";
import { brakes } from "./brakes.ts";
import { budgets } from "./budgets.ts";
import { disruption } from "./disruption.ts";
import { entries } from "./entries.ts";
import type { GitHistory } from "./git-history.ts";
import { viewGit } from "./git-view.ts";
import type { Ending, Invariant, Report, Violation } from "./invariant.ts";
import { leadership } from "./leadership.ts";
import { membership } from "./membership.ts";
import { nodeFields } from "./node-fields.ts";
import { oldReadings } from "./old-readings.ts";
import { outcome } from "./outcome.ts";
import { policyCommits } from "./policy-commits.ts";
import { progress } from "./progress.ts";
import { judgeProposals } from "./proposals.ts";
import { quiet } from "./quiet.ts";
import { checkFresh, checkPace, checkPreconditions, checkSynced, type TimedRequest } from "./requests.ts";
import { rings } from "./rings.ts";
import { schedulability } from "./schedulability.ts";
import { standstill } from "./standstill.ts";
import { statuses } from "./statuses.ts";
import { findDifference } from "./twin.ts";
import { windows } from "./windows.ts";
import { workloadOwners } from "./workload-owners.ts";
import { cloneWorld, createWorld, type World } from "./world.ts";
import { advance } from "./replay.ts";

export type { PullFacts } from "./approvals.ts";
export type { CommitRecord, GitHistory } from "./git-history.ts";
export { readGitHistory } from "./git-history.ts";
export type { Ending, Violation } from "./invariant.ts";
export type { TimedRequest } from "./requests.ts";
export { recordRequests } from "./requests.ts";

export interface HistoryInput {
  /** Every version of every object, oldest first. */
  readonly history: readonly StoredVersion[];
  /** Users that controllers wrote as. */
  readonly controllerUsers: ReadonlySet<string>;
  /** How old a change of the cluster may be and still not have been seen by who acted, ms of the history's time; 0 unless given. */
  readonly settleMs?: number;
  /** Requests of the controllers: without them K1 and K3 do not occur. */
  readonly requests?: readonly TimedRequest[];
  /** The tracked branch: without it A4 does not occur, and A1 trusts the copies in the cluster. */
  readonly git?: GitHistory;
  /** Pull requests: without them A5 does not occur. */
  readonly pulls?: readonly PullFacts[];
  /** The history of another run from the same seed (R6). */
  readonly twin?: readonly StoredVersion[];
  /** The name that a user's process has in the controllers' Lease (L3); left out: whoever it names is taken for the one who writes. */
  readonly identityOf?: (user: string) => string | undefined;
  /** How many writes a second a controller may make, of the requests' own time (K6); left out: only repeats are judged. */
  readonly mostWritesPerSecond?: number;
  /** What the run says of its end (K7, V1). */
  readonly ending?: Ending;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Invariants whose precondition occurred: the others were not tried. */
  readonly occurred: ReadonlySet<string>;
}

/** Not checked here, and why. */
export const EXCLUDED: ReadonlyMap<string, string> = new Map([
  ["B15", "the controller runs on no node of the sandbox's cluster, so it cannot evict itself"],
  ["A7", "what a webhook said leaves no trace; two runs are compared instead"],
  ["A8", "no history knows that a forge was away; what may not happen then is A1 and A4"],
  ["L1", "it is all the others, over runs in which two controllers write in turns"],
  ["L2", "how fresh a Lease is stands on the leader's own clock and in no object; L3 shows who wrote without it"],
  ["K5", "a watch that is silent is seen by nobody but who waits for it"],
  ["V4", "an object is poisonous to who reads it: parsers are fuzzed, one by one"],
  ["V5", "it is all the others, over rollouts that an older version began"],
  ["D2", "it is R1, R3 and R4"],
  ["D6", "it is A2"],
]);

/** Those that are asked after changes of the cluster, in a fixed order. */
function invariantsFor({ git, identityOf }: Pick<HistoryInput, "git" | "identityOf">): readonly Invariant[] {
  const view = git === undefined ? undefined : viewGit(git);
  return [
    ...budgets,
    ...disruption,
    ...schedulability,
    ...attempts,
    ...outcome,
    ...rings,
    ...windows,
    approval(view),
    ...entries,
    ...membership,
    ...progress,
    ...brakes,
    ...workloadOwners,
    ...nodeFields,
    ...policyCommits(view),
    ...leadership(identityOf),
    ...statuses,
    ...standstill,
    ...oldReadings,
    ...quiet,
  ];
}

/** Every invariant that is checked here, with what it says. */
export const INVARIANTS: ReadonlyMap<string, string> = new Map([
  ...invariantsFor({}).map(({ id, says }) => [id, says] as const),
  ["R6", "two runs of the same input decide the same"],
  ["A4", "the controller writes only entries of Automatic rings to the tracked branch, and the levels that they name"],
  ["A5", "at most one open pull request for a ring and digest"],
  ["A6", "no withdrawn or refused level is proposed again, and a level's name is that of its content"],
  ["D3", "a ring is offered only what all before it have soaked, and nothing newer while a train is under way"],
  ["D5", "where a level was withdrawn its proposals close"],
  ["K1", "each mutation names the uid or resourceVersion that it was meant for"],
  ["K3", "nothing is written before every kind was read"],
  ["K6", "no refused write is sent again and again, and writes keep their pace"],
]);

/** A check of a growing history. It can be cloned at any point: both go on from there on their own. */
export interface Checker {
  feed(versions: readonly StoredVersion[]): void;
  clone(): Checker;
  /** What was found broken so far. */
  violations(): readonly Violation[];
  /** All that what comes next is judged by. Checkers of equal memories judge alike, but for what was loud last, which only an ending asks for. */
  memory(): { readonly world: World; readonly memos: ReadonlyMap<string, ReadonlyMap<string, unknown>> };
  /** Invariants whose precondition occurred so far. */
  occurred(): ReadonlySet<string>;
  /** What was found so far, with what only an end can show. */
  finish(ending?: Ending): Verdict;
}

interface Found {
  readonly violations: Violation[];
  readonly occurred: Set<string>;
  readonly memos: ReadonlyMap<string, Map<string, unknown>>;
}

/** Begins a check of versions alone; Git, forge and requests are judged by `checkHistory`. */
export function createChecker(
  options: Pick<HistoryInput, "controllerUsers" | "settleMs" | "git" | "identityOf">,
): Checker {
  const invariants = invariantsFor(options);
  const found: Found = {
    violations: [],
    occurred: new Set(),
    memos: new Map(invariants.map(({ id }) => [id, new Map()])),
  };
  return checkerOver(invariants, createWorld(options.controllerUsers, options.settleMs ?? 0), found);
}

function checkerOver(invariants: readonly Invariant[], world: World, found: Found): Checker {
  const asked = askedAfter(invariants, (id) => reportTo(id, world, found));
  return {
    feed(versions) {
      for (const version of versions) {
        const step = advance(world, version);
        if (step === undefined) continue;
        for (const { check, report } of asked(version.resource)) check(step, world, report);
      }
    },
    clone: () =>
      checkerOver(invariants, cloneWorld(world), {
        violations: [...found.violations],
        occurred: new Set(found.occurred),
        memos: new Map([...found.memos].map(([id, memo]) => [id, new Map(memo)])),
      }),
    violations: () => found.violations,
    memory: () => ({ world, memos: found.memos }),
    occurred: () => found.occurred,
    finish(ending = {}) {
      const last: Found = { violations: [...found.violations], occurred: new Set(found.occurred), memos: found.memos };
      for (const { id, end } of invariants) end?.(world, reportTo(id, world, last), ending);
      return { violations: last.violations, occurred: last.occurred };
    },
  };
}

interface Asked {
  readonly check: NonNullable<Invariant["check"]>;
  readonly report: Report;
}

/** The checks that are asked after a change of a resource: most are about one kind, and most changes are of pods. */
function askedAfter(
  invariants: readonly Invariant[],
  report: (id: string) => Report,
): (resource: string) => readonly Asked[] {
  const all = invariants.flatMap(({ id, check, on }) =>
    check === undefined ? [] : [{ check, on, report: report(id) }],
  );
  const known = new Map<string, readonly Asked[]>();
  return (resource) => {
    const found = known.get(resource) ?? all.filter(({ on }) => on === undefined || on.includes(resource));
    known.set(resource, found);
    return found;
  };
}

function reportTo(invariant: string, world: World, found: Found): Report {
  return {
    met: () => void found.occurred.add(invariant),
    violated(object, message) {
      found.occurred.add(invariant);
      found.violations.push({ invariant, object, at: isoOf(world.now), message });
    },
    memo: found.memos.get(invariant) ?? new Map(),
  };
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** Checks a whole run. */
export function checkHistory(input: HistoryInput): Verdict {
  const checker = createChecker(input);
  checker.feed(input.history);
  const { violations, occurred } = checker.finish(input.ending);
  return finishVerdict({ violations: [...violations], occurred: new Set(occurred) }, input);
}

/** Adds what Git, the forge, the requests and a twin say to a verdict on versions. */
export function finishVerdict(
  verdict: Verdict,
  input: Omit<HistoryInput, "history"> & { readonly history: readonly StoredVersion[] },
): Verdict {
  const violations = [...verdict.violations];
  const occurred = new Set(verdict.occurred);
  const judge = (
    invariant: string,
    run: (tell: (time: number, object: string, message: string) => void) => boolean,
  ): void => {
    if (run((time, object, message) => violations.push({ invariant, object, at: isoOf(time), message })))
      occurred.add(invariant);
  };
  const { requests, controllerUsers, git, pulls, twin } = input;
  if (requests !== undefined) {
    judge("K1", (tell) => checkPreconditions(requests, controllerUsers, tell));
    judge("K3", (tell) => checkSynced(requests, controllerUsers, tell));
    const { history, mostWritesPerSecond } = input;
    const log = { requests, history, users: controllerUsers, mostWritesPerSecond, settleMs: input.settleMs ?? 0 };
    judge("K4", (tell) => checkFresh(log, tell));
    judge("K6", (tell) => checkPace(log, tell));
  }
  if (git !== undefined) judge("A4", (tell) => checkCommits(git, tell));
  if (pulls !== undefined) {
    judge("A5", (tell) => checkProposals(pulls, tell));
    judgeProposals(
      { history: input.history, pulls, settleMs: input.settleMs ?? 0 },
      (invariant, time, object, message) => violations.push({ invariant, object, at: isoOf(time), message }),
      (invariant) => occurred.add(invariant),
    );
  }
  if (twin !== undefined)
    judge("R6", (tell) => {
      const difference = findDifference(input.history, twin);
      if (difference !== undefined) tell(difference.at.time, difference.at.key, difference.message);
      return true;
    });
  return { violations, occurred };
}
