// Which level each ring is offered: trains, predecessors' soak, withdrawals (DESIGN, "Approval"). Pure.
// Never offers a level that is older than the ring's entry, that was withdrawn there or before, or that a predecessor has not soaked
// (R1, R3). What a person merges anyway is the planner's to hold.
import type { Block, Digest, LevelInForce, PolicyInForce, RingInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { isInScope } from "../rollout/progress.ts";
import { predecessorsOf } from "../rollout/ring-order.ts";

export interface OfferInput {
  readonly policy: PolicyInForce;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  /** Whether people refused a level for a ring. */
  readonly isRejected: (ring: RingInForce, baseline: string, digest: Digest) => boolean;
}

/** What is on offer for one ring under one baseline. */
export interface Offer {
  readonly outcome: RingOutcome;
  readonly baseline: string;
  /** What the ring's entry names now. */
  readonly current: LevelInForce | undefined;
  /** The level to promote to; undefined: none now. */
  readonly level: LevelInForce | undefined;
  /** Why a newer level is not on offer yet. */
  readonly waiting: (Block & { readonly level: string }) | undefined;
  /** All targets of the ring under the baseline, as the planner's scope check counts them. */
  readonly targets: number;
}

/** A baseline's levels and rings, looked at once. */
export interface Track {
  readonly baseline: string;
  readonly candidate: LevelInForce | undefined;
  /** The newest level that some ring is approved for and that was not withdrawn on its way there. */
  readonly train: LevelInForce | undefined;
  /** What the train waits for, while it is under way. */
  readonly underWay: string | undefined;
  /** Every usable level of the baseline, by digest. */
  readonly levels: ReadonlyMap<Digest, LevelInForce>;
  readonly isNewer: (level: LevelInForce, than: LevelInForce | undefined) => boolean;
  /** Where a level was withdrawn: in the ring or in one before it. */
  readonly withdrawnAt: (ring: string, digest: Digest) => string | undefined;
  readonly offers: readonly Offer[];
}

/** The offers of every baseline, by name, each in ring order. */
export function findOffers(plan: Plan, input: OfferInput): readonly Track[] {
  const names = input.policy.baselines.map((baseline) => baseline.name).sort();
  const counts = countTargets(plan);
  return names.map((baseline) => trackOf(baseline, plan, input, counts));
}

interface Count {
  targets: number;
  inScope: number;
}

function countTargets(plan: Plan): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const target of plan.targets) {
    if (target.ring === undefined) continue;
    const key = `${target.ring}/${target.baseline.name}`;
    const count = counts.get(key) ?? { targets: 0, inScope: 0 };
    counts.set(key, { targets: count.targets + 1, inScope: count.inScope + (isInScope(target) ? 1 : 0) });
  }
  return counts;
}

interface Scene {
  readonly baseline: string;
  readonly plan: Plan;
  readonly input: OfferInput;
  readonly byName: ReadonlyMap<string, RingOutcome>;
  readonly countOf: (ring: string) => Count;
  readonly compare: (a: LevelInForce, b: LevelInForce) => number;
  readonly levels: ReadonlyMap<Digest, LevelInForce>;
  readonly withdrawnAt: Track["withdrawnAt"];
}

function trackOf(baseline: string, plan: Plan, input: OfferInput, counts: ReadonlyMap<string, Count>): Track {
  const resolved = input.candidates.get(baseline);
  const candidate = resolved?.mismatch === undefined ? resolved : undefined;
  const compare = orderOf(candidate);
  const scene: Scene = {
    baseline,
    plan,
    input,
    byName: new Map(plan.rings.map((outcome) => [outcome.ring.name, outcome])),
    countOf: (ring) => counts.get(`${ring}/${baseline}`) ?? { targets: 0, inScope: 0 },
    compare,
    levels: levelsOf(baseline, input.policy, candidate),
    withdrawnAt: findWithdrawals(plan, input),
  };
  const participants = plan.rings.filter(
    (outcome) => scene.countOf(outcome.ring.name).inScope > 0 || outcome.entries.listed.has(baseline),
  );
  const train = findTrain(participants, scene);
  const underWay = train === undefined ? undefined : findStraggler(train, participants, scene);
  const isNewer: Track["isNewer"] = (level, than) =>
    than === undefined || (level.digest !== than.digest && compare(level, than) > 0);
  const track = { baseline, candidate, train, underWay, levels: scene.levels, isNewer, withdrawnAt: scene.withdrawnAt };
  return { ...track, offers: participants.map((outcome) => offerTo(outcome, { ...track, offers: [] }, scene)) };
}

/** Answers the ring itself, or the first by name of those before it, where a level was withdrawn. */
function findWithdrawals({ withdrawn }: Plan, { policy }: OfferInput): Track["withdrawnAt"] {
  const where = new Map<Digest, string[]>();
  for (const [ring, digests] of withdrawn)
    for (const digest of digests) where.set(digest, [...(where.get(digest) ?? []), ring]);
  return (ring, digest) => {
    const rings = where.get(digest);
    if (rings === undefined || rings.includes(ring)) return rings === undefined ? undefined : ring;
    const before = predecessorsOf(ring, policy.rings);
    return rings.filter((name) => before.has(name)).sort()[0];
  };
}

/** By the time of the newest input. Of two of the same instant the one that the baseline resolves to now is the newer, else by name. */
function orderOf(candidate: LevelInForce | undefined): Scene["compare"] {
  const isCandidate = (level: LevelInForce): number => (level.digest === candidate?.digest ? 1 : 0);
  return (a, b) =>
    a.inputTime - b.inputTime || isCandidate(a) - isCandidate(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function levelsOf(
  baseline: string,
  policy: PolicyInForce,
  candidate: LevelInForce | undefined,
): ReadonlyMap<Digest, LevelInForce> {
  const levels = new Map<Digest, LevelInForce>();
  const known = policy.levels.filter((level) => level.mismatch === undefined && level.spec.baseline === baseline);
  // An equal digest is reused whatever its date: the oldest name stands for it, as in resolve.
  for (const level of [...known].sort((a, b) => a.inputTime - b.inputTime || (a.name < b.name ? -1 : 1)))
    if (!levels.has(level.digest)) levels.set(level.digest, level);
  if (candidate !== undefined && !levels.has(candidate.digest)) levels.set(candidate.digest, candidate);
  return levels;
}

function newest(levels: readonly LevelInForce[], compare: Scene["compare"]): LevelInForce | undefined {
  return levels.reduce<LevelInForce | undefined>(
    (best, level) => (best === undefined || compare(level, best) > 0 ? level : best),
    undefined,
  );
}

// ------------------------------------------------------------------------------------------------------- trains

function currentOf(outcome: RingOutcome, baseline: string): LevelInForce | undefined {
  return outcome.entries.approvals.get(baseline)?.level;
}

function findTrain(participants: readonly RingOutcome[], scene: Scene): LevelInForce | undefined {
  const entries = participants.flatMap((outcome) => {
    const level = currentOf(outcome, scene.baseline);
    return level === undefined || scene.withdrawnAt(outcome.ring.name, level.digest) !== undefined ? [] : [level];
  });
  return newest(entries, scene.compare);
}

/** The first ring that the train has still to pass, in words; undefined when it has arrived everywhere that it can. */
function findStraggler(train: LevelInForce, participants: readonly RingOutcome[], scene: Scene): string | undefined {
  for (const outcome of participants) {
    const { name } = outcome.ring;
    if (scene.countOf(name).inScope === 0 || hasPassed(outcome, train, scene)) continue;
    // Where people took it off the track it will not come any more, nor behind that ring.
    if (scene.withdrawnAt(name, train.digest) !== undefined || isRejectedBefore(name, train, scene)) continue;
    const progress = outcome.progress.get(scene.baseline);
    if (progress?.status.digest !== train.digest) return `ring ${name} does not have it yet`;
    const { done = 0, targets = 0 } = progress.status;
    return `ring ${name} has ${done} of ${targets} done`;
  }
  return undefined;
}

function hasPassed(outcome: RingOutcome, train: LevelInForce, scene: Scene): boolean {
  const current = currentOf(outcome, scene.baseline);
  if (current !== undefined && current.digest !== train.digest && scene.compare(current, train) > 0) return true;
  const progress = outcome.progress.get(scene.baseline);
  if (progress?.status.digest === train.digest && progress.complete) return true;
  // A late joiner opens no finished train again.
  return soakedIn(outcome, scene.baseline).has(train.digest);
}

function isRejectedBefore(ring: string, level: LevelInForce, scene: Scene): boolean {
  return [ring, ...predecessorsOf(ring, scene.input.policy.rings)].some((name) => {
    const outcome = scene.byName.get(name);
    const has = outcome !== undefined && currentOf(outcome, scene.baseline)?.digest === level.digest;
    return !has && outcome !== undefined && scene.input.isRejected(outcome.ring, scene.baseline, level.digest);
  });
}

// ------------------------------------------------------------------------------------------------- predecessors

function soakedIn(outcome: RingOutcome, baseline: string): Set<Digest> {
  const records = outcome.levels.filter(
    (level) => level.baseline === baseline && level.soakedTime !== undefined && level.withdrawnTime === undefined,
  );
  return new Set(records.map((level) => level.digest as Digest));
}

/** What a ring lets through: what it soaked, and, where it has no target and says Pass, what those before it let through. */
function passedThrough(name: string, scene: Scene, path: readonly string[]): ReadonlySet<Digest> | "Any" {
  const outcome = scene.byName.get(name);
  // A ring that does not exist, or comes after itself, lets nothing through.
  if (outcome === undefined || path.includes(name)) return new Set();
  const soaked = soakedIn(outcome, scene.baseline);
  const { after = [], completion } = outcome.ring.spec;
  if (scene.countOf(name).inScope > 0 || completion?.onEmpty !== "Pass") return soaked;
  const before = commonOf(after, scene, [...path, name]);
  return before === "Any" ? "Any" : new Set([...soaked, ...before]);
}

/** What all of these rings let through. */
function commonOf(names: readonly string[], scene: Scene, path: readonly string[]): ReadonlySet<Digest> | "Any" {
  const sets = names.map((name) => passedThrough(name, scene, path)).filter((passed) => passed !== "Any");
  const [first, ...others] = sets;
  if (first === undefined) return "Any";
  return new Set([...first].filter((digest) => others.every((other) => other.has(digest))));
}

// ------------------------------------------------------------------------------------------------------- offers

function offerTo(outcome: RingOutcome, track: Track, scene: Scene): Offer {
  const { ring } = outcome;
  const current = currentOf(outcome, track.baseline);
  const common = commonOf(ring.spec.after ?? [], scene, [ring.name]);
  const found = common === "Any" ? offerFirst(outcome, track) : offerAfter(outcome, common, track, scene);
  const usable = found.level !== undefined && track.isNewer(found.level, current) ? found.level : undefined;
  return {
    outcome,
    baseline: track.baseline,
    current,
    level: usable,
    waiting: usable === undefined || found.waiting?.level !== usable.name ? found.waiting : undefined,
    targets: scene.countOf(ring.name).targets,
  };
}

type Found = Pick<Offer, "level" | "waiting">;

/** A ring that nothing must come before: the newest candidate, but the train first. */
function offerFirst({ ring, entries }: RingOutcome, track: Track): Found {
  const { candidate, train, underWay } = track;
  const current = entries.approvals.get(track.baseline)?.level;
  const withdrawn = candidate === undefined ? undefined : track.withdrawnAt(ring.name, candidate.digest);
  const trainHere = train !== undefined && track.withdrawnAt(ring.name, train.digest) === undefined ? train : undefined;
  if (candidate === undefined) return { level: trainHere, waiting: undefined };
  const wait = (reason: Block["reason"], message: string): Found => ({
    level: trainHere,
    waiting: track.isNewer(candidate, current) ? { reason, message, level: candidate.name } : undefined,
  });
  if (withdrawn !== undefined)
    return wait(
      "LevelWithdrawn",
      `${candidate.name} was withdrawn in ring ${withdrawn}; name it in the entry of ring ${ring.name} to ask for it again`,
    );
  if (train === undefined || !track.isNewer(candidate, train)) {
    if (current !== undefined && current.digest !== candidate.digest && !track.isNewer(candidate, current))
      return {
        level: trainHere,
        waiting: {
          reason: "Superseded",
          message: `baseline ${track.baseline} resolves to ${candidate.name}, which is older than ${current.name}; a ring is never offered an older level: revert its entry if that is meant`,
          level: candidate.name,
        },
      };
    return {
      level: trainHere !== undefined && track.isNewer(trainHere, candidate) ? trainHere : candidate,
      waiting: undefined,
    };
  }
  if (underWay === undefined || ring.spec.onSupersede === "Restart") return { level: candidate, waiting: undefined };
  return wait("Progressing", `${candidate.name} waits until ${train.name} has arrived in every ring: ${underWay}`);
}

/** A ring with predecessors: the newest level that all of them have soaked. */
function offerAfter({ ring, entries }: RingOutcome, common: ReadonlySet<Digest>, track: Track, scene: Scene): Found {
  const current = entries.approvals.get(track.baseline)?.level;
  const soaked = [...common].flatMap((digest) => track.levels.get(digest) ?? []);
  const kept = soaked.filter((level) => track.withdrawnAt(ring.name, level.digest) === undefined);
  const level = newest(kept, scene.compare);
  const best = level !== undefined && track.isNewer(level, current) ? level : current;
  const refused = newest(
    soaked.filter((other) => !kept.includes(other)),
    scene.compare,
  );
  if (refused !== undefined && track.isNewer(refused, best))
    return {
      level,
      waiting: {
        reason: "LevelWithdrawn",
        message: `${refused.name} was withdrawn in ring ${track.withdrawnAt(ring.name, refused.digest) ?? ""}; name it in the entry of ring ${ring.name} to ask for it again`,
        level: refused.name,
      },
    };
  return { level, waiting: waitForPredecessor(scene.byName.get(ring.name), best, track, scene) };
}

/** Which ring before this one has not soaked the newest level that is on its way here. */
function waitForPredecessor(
  outcome: RingOutcome | undefined,
  best: LevelInForce | undefined,
  track: Track,
  scene: Scene,
): Offer["waiting"] {
  if (outcome === undefined) return undefined;
  const { ring } = outcome;
  const missing = (ring.spec.after ?? []).find((name) => !scene.byName.has(name));
  const coming = newest(
    [...predecessorsOf(ring.name, scene.input.policy.rings)].flatMap((name) => {
      const before = scene.byName.get(name);
      const level = before === undefined ? undefined : currentOf(before, track.baseline);
      return level === undefined || track.withdrawnAt(ring.name, level.digest) !== undefined ? [] : [level];
    }),
    scene.compare,
  );
  const next = coming ?? (missing === undefined ? undefined : track.candidate);
  if (next === undefined || !track.isNewer(next, best)) return undefined;
  if (missing !== undefined)
    return { reason: "ReferenceMissing", message: `after: ring ${missing} does not exist`, level: next.name };
  for (const name of [...(ring.spec.after ?? [])].sort()) {
    const passed = passedThrough(name, scene, [ring.name]);
    if (passed === "Any" || passed.has(next.digest)) continue;
    const before = scene.byName.get(name);
    if (scene.countOf(name).inScope === 0 && before?.ring.spec.completion?.onEmpty !== "Pass")
      return { reason: "RingEmpty", message: `ring ${name} has no target of ${track.baseline}`, level: next.name };
    return { reason: "PredecessorNotSoaked", message: describe(name, before, next, track.baseline), level: next.name };
  }
  return undefined;
}

function describe(name: string, outcome: RingOutcome | undefined, level: LevelInForce, baseline: string): string {
  const progress = outcome?.progress.get(baseline);
  if (progress?.status.digest !== level.digest) return `ring ${name} is not approved for ${level.name} yet`;
  const { done = 0, targets = 0, failed = 0 } = progress.status;
  if (progress.complete) return `ring ${name} is complete with ${level.name} and soaks`;
  return `ring ${name} has ${done} of ${targets} done with ${level.name}${failed > 0 ? `, ${failed} failed` : ""}`;
}
