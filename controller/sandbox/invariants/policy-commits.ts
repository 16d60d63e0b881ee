// Policy and its commits: by fast-forward only (G1), not when it is too old (G2), all of one commit (G3), nothing begun by a deletion (G4) or
// from what cannot be read (G5), signed where that is asked for (G6), and the copies in the cluster what Git says (D1).
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { RolloutRingSpec } from "../../api/rollout-ring.ts";
import { compileCalendar, mayStartAt } from "../../core/calendar/index.ts";
import type { Claim } from "../../core/model.ts";
import type { GitView, PolicyAt } from "./git-view.ts";
import type { Invariant, Report } from "./invariant.ts";
import { allBefore, skips } from "./rings.ts";
import { ignoresWindows } from "./windows.ts";
import { isSettled, type RepositoryView, type Step, type World } from "./world.ts";

const REPOSITORIES = "policyrepositories.ringward.dev";
const LEDGERS = "disruptionledgers.ringward.dev";
const RINGS = "rolloutrings.ringward.dev";
const COPIES: Readonly<Record<string, string>> = {
  [RINGS]: "RolloutRing",
  "patchbaselines.ringward.dev": "PatchBaseline",
  "maintenancecalendars.ringward.dev": "MaintenanceCalendar",
  "patchexceptions.ringward.dev": "PatchException",
};
const APPLIED_COMMIT = "ringward.dev/applied-commit";
const FROM_GIT = "ringward.dev/policy";

const short = (commit: string): string => commit.slice(0, 12);

// ------------------------------------------------------------------------------------------------------------ G1

function checkForward(git: GitView): NonNullable<Invariant["check"]> {
  return ({ version, ledger, byController }, world, report) => {
    const now = world.repository;
    if (now === undefined) return;
    if (version.resource === REPOSITORIES) {
      if (now.name !== version.object.metadata.name) return;
      if (isRewritten(git, now)) report.met();
      if (byController && now.observedSince === world.now) judgeMove(git, now, report, version.key);
      return;
    }
    if (!isRewritten(git, now) || !isSettled(world, now.fetchedSince)) return;
    for (const claim of ledger?.fresh ?? [])
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${claim.name} was claimed while the branch is at ${short(now.fetched ?? "")}, which does not contain ${short(now.observed ?? "")}`,
      );
  };
}

/** The branch was fetched at a commit that does not contain what is in force. */
function isRewritten(git: GitView, { observed, fetched }: RepositoryView): boolean {
  return observed !== undefined && fetched !== undefined && git.contains(fetched, observed) === false;
}

function judgeMove(git: GitView, now: RepositoryView, report: Report, key: string): void {
  const { observed, observedBefore: before, spec } = now;
  if (observed === undefined || before === undefined || git.contains(observed, before) !== false) return;
  report.met();
  const accepted = spec.acknowledgedCommit;
  if (accepted !== undefined && git.contains(observed, accepted) === true) return;
  report.violated(
    key,
    `went from ${short(before)} to ${short(observed)}, which does not contain it, and nobody acknowledged that`,
  );
}

// ------------------------------------------------------------------------------------------------------------ G2

const checkStale: NonNullable<Invariant["check"]> = ({ version, ledger }, world, report) => {
  const stale = world.repository?.stalled === "RepositoryStale";
  if (!stale) return;
  if (version.resource === REPOSITORIES) report.met();
  if (!isSettled(world, world.repository?.stalledSince ?? 0)) return;
  for (const claim of ledger?.fresh ?? [])
    report.violated(
      `rolloutrings/${claim.ring}`,
      `${claim.name} was claimed although the repository is RepositoryStale`,
    );
};

// ------------------------------------------------------------------------------------------------------------ G3

/** What is in force, or was until a moment ago. */
function isInForce(world: World, commit: string): boolean {
  const { repository } = world;
  if (repository === undefined || repository.observed === commit) return true;
  return repository.observedBefore === commit && !isSettled(world, repository.observedSince);
}

const checkOneCommit: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { version, ledger, byController } = step;
  for (const claim of ledger?.fresh ?? []) {
    // The record of the ring itself may be written a pass later; nothing is built on those before that are not (R1).
    for (const ring of allBefore(world, claim.ring)) {
      const commit = world.rings.get(ring)?.status?.observedCommit;
      if (commit === undefined || world.repository === undefined) continue;
      report.met();
      if (!isInForce(world, commit))
        report.violated(
          `rolloutrings/${claim.ring}`,
          `${claim.name} was claimed with ring ${ring} of ${short(commit)}, and policy is of ${short(world.repository.observed ?? "none")}`,
        );
    }
  }
  const applied = writtenCopy(step)?.commit;
  if (!byController || applied === undefined) return;
  report.met();
  if (!isInForce(world, applied))
    report.violated(
      version.key,
      `written as ${short(applied)} has it, and policy is of ${short(world.repository?.observed ?? "none")}`,
    );
};

/** A copy of policy whose content this version changed, and the commit that it is of. */
function writtenCopy({ version }: Step): { readonly commit: string } | undefined {
  const { object, previous, resource, type } = version;
  if (COPIES[resource] === undefined || type === "DELETED") return undefined;
  if (object.metadata.labels?.[FROM_GIT] !== "git") return undefined;
  const commit = object.metadata.annotations?.[APPLIED_COMMIT];
  if (commit === undefined) return undefined;
  const same = previous?.metadata.annotations?.[APPLIED_COMMIT] === commit;
  // A status that is written is no new content.
  return same && previous?.metadata.generation === object.metadata.generation ? undefined : { commit };
}

// ------------------------------------------------------------------------------------------------------------ D1

function checkCopies(git: GitView): NonNullable<Invariant["check"]> {
  return (step, _world, report) => {
    const { version, byController } = step;
    const copy = byController ? writtenCopy(step) : undefined;
    const said = copy === undefined ? undefined : git.policy(copy.commit);
    if (copy === undefined || said === undefined) return;
    const kind = COPIES[version.resource] ?? "";
    const document = said.documents.get(`${kind}/${version.object.metadata.name}`);
    if (document === undefined) return;
    report.met();
    const difference = findDifference(document.spec, version.object.spec, "spec");
    if (difference !== undefined)
      report.violated(version.key, `${difference} is not what commit ${short(copy.commit)} says`);
    if (kind === "RolloutRing") judgeSuspension(git, step, document.spec as RolloutRingSpec, report);
  };
}

/** A person's suspension of the live ring is never put back; what Git alone had suspended, Git may resume. */
function judgeSuspension(git: GitView, { version }: Step, now: RolloutRingSpec, report: Report): void {
  const before = version.previous?.spec as RolloutRingSpec | undefined;
  const after = version.object.spec as RolloutRingSpec;
  if (before?.suspend !== true || after.suspend === true || now.suspend === true) return;
  const commit = version.previous?.metadata.annotations?.[APPLIED_COMMIT] ?? "";
  const document = git.policy(commit)?.documents.get(`RolloutRing/${version.object.metadata.name}`);
  if (document !== undefined && (document.spec as RolloutRingSpec).suspend !== true)
    report.violated(version.key, "a person's suspension was taken back");
}

/** The first field that Git gives and the copy has not so. What Git leaves out the server may fill; a suspension may be a person's. */
function findDifference(said: unknown, has: unknown, path: string): string | undefined {
  if (path === "spec.suspend") return undefined;
  if (Array.isArray(said)) {
    if (!Array.isArray(has) || has.length !== said.length) return path;
    for (const [index, one] of said.entries()) {
      const found = findDifference(one, has[index], `${path}[${index}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof said !== "object" || said === null) return isSameValue(said, has) ? undefined : path;
  if (said instanceof Date) return undefined;
  for (const [key, value] of Object.entries(said)) {
    const found = findDifference(
      value,
      (has as Readonly<Record<string, unknown>> | undefined)?.[key],
      `${path}.${key}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSameValue(said: unknown, has: unknown): boolean {
  return said === has || (said === null && has === undefined);
}

// ------------------------------------------------------------------------------------------------------------ G4

/** Policy before the deletions that led to a commit: as long as a commit only deletes, its parent's counts, too. */
function beforeDeletions(
  git: GitView,
  commit: string,
): { readonly policy: PolicyAt; readonly deleted: boolean } | undefined {
  const here = git.policy(commit);
  if (here === undefined) return undefined;
  const parent = git.parent(commit);
  const before = parent === undefined ? undefined : git.policy(parent);
  if (before === undefined) return { policy: here, deleted: false };
  const gone = [...before.documents.keys()].filter((key) => !here.documents.has(key));
  const changed = [...here.documents].some(
    ([key, document]) => !isSameDocument(before.documents.get(key)?.spec, document.spec),
  );
  return gone.length > 0 && !changed ? { policy: before, deleted: true } : { policy: here, deleted: false };
}

function isSameDocument(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function checkDeletions(git: GitView): NonNullable<Invariant["check"]> {
  return ({ ledger }, world, report) => {
    for (const claim of ledger?.fresh ?? []) {
      const found = beforeDeletions(git, world.observedCommit ?? "");
      if (found?.deleted !== true) continue;
      report.met();
      const why = forbids(found.policy, claim, world);
      if (why !== undefined)
        report.violated(
          `rolloutrings/${claim.ring}`,
          `${claim.name} was claimed after files were deleted, and before that ${why}`,
        );
    }
  };
}

/** Why policy as it was would not have let a claim start. */
function forbids(policy: PolicyAt, claim: Claim, world: World): string | undefined {
  const ring = policy.documents.get(`RolloutRing/${claim.ring}`)?.spec as RolloutRingSpec | undefined;
  if (ring === undefined) return `there was no ring ${claim.ring}`;
  const named = new Set((ring.calendarRefs ?? []).map(({ name }) => name));
  for (const { kind, name, spec } of policy.documents.values()) {
    if (kind !== "MaintenanceCalendar") continue;
    const calendar = spec as MaintenanceCalendarSpec;
    if (!named.has(name) && calendar.scope !== "Cluster") continue;
    const compiled = compileCalendar({ ...calendar, timeZone: calendar.timeZone ?? "UTC" });
    if (!compiled.ok) return `calendar ${name} could not be read`;
    const open = [world.now, world.now - world.settleMs].some((now) =>
      mayStartAt([compiled.calendar], now, {
        expedite: skips(world, claim, "Freezes"),
        ignoreWindows: ignoresWindows(world, claim, now),
      }),
    );
    if (!open) return `calendar ${name} did not let it start`;
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------------------------ G5

/** What the files that are no YAML at a commit held when they were: by the first-parent line, as far as it is known. */
function lostDocuments(git: GitView, commit: string): ReadonlySet<string> {
  const broken = git.policy(commit)?.broken ?? new Set<string>();
  const lost = new Set<string>();
  for (const path of broken) {
    for (let at = git.parent(commit), steps = 0; at !== undefined && steps < 100; at = git.parent(at), steps += 1) {
      const policy = git.policy(at);
      if (policy === undefined) break;
      if (policy.broken.has(path)) continue;
      for (const [key, document] of policy.documents) if (document.path === path) lost.add(key);
      break;
    }
  }
  return lost;
}

function checkBroken(git: GitView): NonNullable<Invariant["check"]> {
  return ({ ledger }, world, report) => {
    const fresh = ledger?.fresh ?? [];
    if (fresh.length === 0 || world.observedCommit === undefined) return;
    if ((git.policy(world.observedCommit)?.broken.size ?? 0) === 0) return;
    if (!isSettled(world, world.repository?.observedSince ?? 0)) return;
    const lost = lostDocuments(git, world.observedCommit);
    for (const claim of fresh) {
      report.met();
      const refs = world.rings.get(claim.ring)?.spec.calendarRefs ?? [];
      const uses = [
        `RolloutRing/${claim.ring}`,
        `PatchLevel/${claim.level}`,
        `PatchBaseline/${claim.baseline}`,
        ...refs.map(({ name }) => `MaintenanceCalendar/${name}`),
        ...[...allBefore(world, claim.ring)].map((ring) => `RolloutRing/${ring}`),
      ];
      const missing = uses.find((key) => lost.has(key));
      if (missing !== undefined)
        report.violated(`rolloutrings/${claim.ring}`, `${claim.name} was claimed while ${missing} cannot be read`);
    }
  };
}

// ------------------------------------------------------------------------------------------------------------ G6

function checkSigned(git: GitView | undefined): NonNullable<Invariant["check"]> {
  return ({ version, byController }, world, report) => {
    const now = world.repository;
    if (!byController || now === undefined || now.name !== version.object.metadata.name) return;
    if (now.observed === undefined || now.observedSince !== world.now) return;
    if ((now.spec.verification?.mode ?? "None") === "None") return;
    report.met();
    if (now.verified !== now.observed)
      report.violated(version.key, `${short(now.observed)} is in force, and ${now.verified ?? "nothing"} was verified`);
    if (git?.isSigned(now.observed) === false)
      report.violated(version.key, `${short(now.observed)} is in force, and it bears no signature that counts`);
  };
}

/** Every check of policy; those that ask the branch only where it is known. */
export function policyCommits(git: GitView | undefined): readonly Invariant[] {
  const never = (): void => undefined;
  const of = (make: (view: GitView) => NonNullable<Invariant["check"]>): NonNullable<Invariant["check"]> =>
    git === undefined ? never : make(git);
  return [
    {
      id: "D1",
      says: "a copy of policy in the cluster says what Git says, and a person's suspension stays",
      on: Object.keys(COPIES),
      check: of(checkCopies),
    },
    {
      id: "G1",
      says: "the commit in force moves by fast-forward only, until a person acknowledges another one",
      on: [REPOSITORIES, LEDGERS],
      check: of(checkForward),
    },
    {
      id: "G2",
      says: "nothing is claimed while the repository is stale",
      on: [REPOSITORIES, LEDGERS],
      check: checkStale,
    },
    {
      id: "G3",
      says: "claims and copies are of the one commit that is in force",
      on: [LEDGERS, ...Object.keys(COPIES)],
      check: checkOneCommit,
    },
    {
      id: "G4",
      says: "where files were only deleted nothing is claimed that was not allowed before",
      on: [LEDGERS],
      check: of(checkDeletions),
    },
    {
      id: "G5",
      says: "nothing is claimed that rests on a file that cannot be read",
      on: [LEDGERS],
      check: of(checkBroken),
    },
    {
      id: "G6",
      says: "only a verified commit comes into force where that is asked for",
      on: [REPOSITORIES],
      check: checkSigned(git),
    },
  ];
}
