// The invariants of research (A6), checked on what an API server stored, what a repository holds and what a forge recorded, never on what a
// controller says of itself. The demo, the crash sweeps and the tests run this one. A silent invariant says nothing unless it `occurred`.
import type { StoredVersion } from "../apiserver/index.ts";
import { approval, checkCommits, checkProposals, type PullFacts } from "./approvals.ts";
import { attempts } from "./attempts.ts";
import { budgets } from "./budgets.ts";
import { disruption } from "./disruption.ts";
import type { GitHistory } from "./git-history.ts";
import type { Invariant, Report, Violation } from "./invariant.ts";
import { outcome } from "./outcome.ts";
import { checkPreconditions, checkSynced, type TimedRequest } from "./requests.ts";
import { rings } from "./rings.ts";
import { schedulability } from "./schedulability.ts";
import { findDifference } from "./twin.ts";
import { windows } from "./windows.ts";
import { advance, cloneWorld, createWorld, type World } from "./world.ts";

export type { PullFacts } from "./approvals.ts";
export type { CommitRecord, GitHistory } from "./git-history.ts";
export { readGitHistory } from "./git-history.ts";
export type { Violation } from "./invariant.ts";
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
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Invariants whose precondition occurred: the others were not tried. */
  readonly occurred: ReadonlySet<string>;
}

/** Not checked here, and why. */
export const EXCLUDED: ReadonlyMap<string, string> = new Map([
  ["B15", "the controller runs on no node of the sandbox's cluster, so it cannot evict itself"],
]);

/** Every invariant that is checked here, with what it says. */
export const INVARIANTS: ReadonlyMap<string, string> = new Map([
  ...[
    ...budgets,
    ...disruption,
    ...schedulability,
    ...attempts,
    ...outcome,
    ...rings,
    ...windows,
    approval(undefined),
  ].map(({ id, says }) => [id, says] as const),
  ["R6", "two runs of the same input decide the same"],
  ["A4", "the controller writes only entries of Automatic rings to the tracked branch, and the levels that they name"],
  ["A5", "at most one open pull request for a ring and digest"],
  ["K1", "each mutation names the uid or resourceVersion that it was meant for"],
  ["K3", "nothing is written before every kind was read"],
]);

/** A check of a growing history. It can be cloned at any point: both go on from there on their own. */
export interface Checker {
  feed(versions: readonly StoredVersion[]): void;
  clone(): Checker;
  /** What was found so far, with what only an end can show. */
  finish(): Verdict;
}

interface Found {
  readonly violations: Violation[];
  readonly occurred: Set<string>;
  readonly memos: ReadonlyMap<string, Map<string, unknown>>;
}

/** Begins a check of versions alone; Git, forge and requests are judged by `checkHistory`. */
export function createChecker(options: Pick<HistoryInput, "controllerUsers" | "settleMs" | "git">): Checker {
  const invariants = [
    ...budgets,
    ...disruption,
    ...schedulability,
    ...attempts,
    ...outcome,
    ...rings,
    ...windows,
    approval(options.git),
  ];
  const found: Found = {
    violations: [],
    occurred: new Set(),
    memos: new Map(invariants.map(({ id }) => [id, new Map()])),
  };
  return checkerOver(invariants, createWorld(options.controllerUsers, options.settleMs ?? 0), found);
}

function checkerOver(invariants: readonly Invariant[], world: World, found: Found): Checker {
  const reports = new Map(invariants.map(({ id }) => [id, reportTo(id, world, found)]));
  return {
    feed(versions) {
      for (const version of versions) {
        const step = advance(world, version);
        if (step === undefined) continue;
        for (const { id, check } of invariants) if (check !== undefined) check(step, world, reports.get(id) as Report);
      }
    },
    clone: () =>
      checkerOver(invariants, cloneWorld(world), {
        violations: [...found.violations],
        occurred: new Set(found.occurred),
        memos: new Map([...found.memos].map(([id, memo]) => [id, new Map(memo)])),
      }),
    finish() {
      const last: Found = { violations: [...found.violations], occurred: new Set(found.occurred), memos: found.memos };
      for (const { id, end } of invariants) end?.(world, reportTo(id, world, last));
      return { violations: last.violations, occurred: last.occurred };
    },
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
  const { violations, occurred } = checker.finish();
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
  }
  if (git !== undefined) judge("A4", (tell) => checkCommits(git, tell));
  if (pulls !== undefined) judge("A5", (tell) => checkProposals(pulls, tell));
  if (twin !== undefined)
    judge("R6", (tell) => {
      const difference = findDifference(input.history, twin);
      if (difference !== undefined) tell(difference.at.time, difference.at.key, difference.message);
      return true;
    });
  return { violations, occurred };
}
