// Drives runs on a stage. The reference run is undisturbed; along it, every few passes, the stage is kept and the controllers are replaced by
// new ones, so that a disturbed run can start there and be the same, write by write, up to the moment when something happens.
import { isDeepStrictEqual } from "node:util";
import { type Checker, createChecker, type Verdict } from "../../controller/sandbox/invariants/index.ts";
import type { PassResult } from "../../controller/reconcile/pass.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import { compareEndStates, type EndState, readEndState } from "./end-state.ts";
import { beBorn, createFate, type Fate, type Life, type Mode } from "./life.ts";
import { branchOf, judgeHouse, type Judged } from "./house.ts";
import { TICK_MS } from "./pace.ts";
import type { Witness } from "./soul.ts";
import { type MemoryStage, portsOf, type Stage, type StageSnapshot } from "./stage.ts";

/** Passes between two kept moments. */
const KEEP_EVERY = 5;
/** Passes and turns of the life that takes over while a write of another one waits. */
const OVERTAKEN_BY = 3;
/** A run that has not ended after so many passes never will. */
const MOST_PASSES = 300;

/** Every user that a life may write as. */
export const CONTROLLER_USERS: ReadonlySet<string> = new Set(
  Array.from({ length: 400 }, (_, index) => `ringward/${index}`),
);

/** A moment of the undisturbed run at which another one may begin. */
export interface Kept {
  readonly pass: number;
  readonly writes: number;
  readonly lives: number;
  readonly snapshot: StageSnapshot;
  readonly versions: number;
  readonly checker: Checker;
  readonly key: string;
}

export interface Reference {
  readonly controllers: number;
  readonly passes: number;
  /** Every write in order, and the pass that it was made in. */
  readonly writes: readonly { readonly name: string; readonly pass: number }[];
  readonly kept: readonly Kept[];
  readonly end: EndState;
  readonly checker: Checker;
  readonly history: readonly StoredVersion[];
  /** Commits that were judged already. */
  readonly judged: Judged;
}

/** Controllers that take turns; the dead are replaced when their turn comes. */
interface Cast {
  readonly lives: (Life | undefined)[];
  born: number;
}

function turnOf(stage: MemoryStage, cast: Cast, pass: number, fate: Fate, wrap?: (port: ApiPort) => ApiPort): Life {
  const place = pass % cast.lives.length;
  const present = cast.lives[place];
  if (present !== undefined && !present.dead) return present;
  const user = `ringward/${cast.born}`;
  cast.born += 1;
  const life = beBorn(stage, user, portsOf(stage, user), fate, wrap);
  cast.lives[place] = life;
  return life;
}

/** An hour of policy time, in steps that let no kubelet fall silent. */
const [QUIET_PASSES, QUIET_STEP_MS] = [72, 50_000];

/** Goes on after a run that has ended, with a controller that remembers nothing: nobody may write any more (K7, V1). */
export async function goOnQuietly(stage: MemoryStage, reference: Reference): Promise<Verdict> {
  const quietSince = stage.clock.now();
  const user = `ringward/${CONTROLLER_USERS.size - 1}`;
  const life = beBorn(stage, user, portsOf(stage, user), createFate(0));
  // The world that was left when the run ended may still have something to do, and time has to go on before anybody looks.
  for (let pass = 0; pass < QUIET_PASSES; pass += 1) {
    await stage.turn();
    stage.clock.advance(QUIET_STEP_MS - TICK_MS);
    await life.pass();
  }
  if (life.errors.length > 0) throw new Error("a pass after the end failed", { cause: life.errors[0] });
  const checker = reference.checker.clone();
  checker.feed(stage.cluster.server.store.history().slice(reference.history.length));
  return checker.finish({ quietSince });
}

/** Everything is done and nothing moves any more. */
export async function isOver(stage: Stage, result: PassResult | undefined, written: number): Promise<boolean> {
  if (result === undefined || result.busy || written > 0) return false;
  const { rings, steering } = result.plan;
  const { isDone } = stage.scenario;
  if (isDone !== undefined) return !stage.isUndone() && isDone(stage, result.plan);
  const last = rings.at(-1);
  const { ring, levels } = stage.scenario.last;
  if (last?.ring.name !== ring || last.entries.approvals.size < levels || steering.length > 0 || stage.isUndone())
    return false;
  if (rings.some((other) => other.phase !== "Done")) return false;
  return (await stage.host.pulls()).every((pull) => pull.state !== "open");
}

/** Says when it has been over for as many passes as the scenario wants: what is done again after a while comes before that. */
export function createQuiet(stage: Stage): (result: PassResult | undefined, written: number) => Promise<boolean> {
  let passes = 0;
  return async (result, written) => {
    passes = (await isOver(stage, result, written)) ? passes + 1 : 0;
    return passes >= (stage.scenario.quietPasses ?? 1);
  };
}

/** Only time can change anything. */
export function isIdle(result: PassResult | undefined, written: number): boolean {
  return result?.busy === false && written === 0 && result.plan.steering.length === 0;
}

/** Runs once without a disturbance. */
export async function runReference(
  stage: MemoryStage,
  controllers: number,
  wrap?: (port: ApiPort) => ApiPort,
  witness?: Witness,
  settleMs?: number,
): Promise<Reference> {
  const fate = createFate(0, undefined, "before", witness);
  const quiet = createQuiet(stage);
  const cast: Cast = { lives: Array.from({ length: controllers }), born: 0 };
  const checker = createChecker({
    controllerUsers: CONTROLLER_USERS,
    git: branchOf(stage),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  const kept: Kept[] = [];
  const writes: { name: string; pass: number }[] = [];
  let fed = 0;
  const feed = (): void => {
    const history = stage.cluster.server.store.history();
    checker.feed(history.slice(fed));
    fed = history.length;
  };
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    if (isKept(stage, pass)) {
      feed();
      kept.push({
        pass,
        writes: fate.count,
        lives: cast.born,
        snapshot: stage.snapshot(),
        versions: fed,
        checker: checker.clone(),
        key: worldKey(stage, pass),
      });
      cast.lives.fill(undefined);
    }
    const before = fate.count;
    const life = turnOf(stage, cast, pass, fate, wrap);
    const result = await life.pass();
    if (life.errors.length > 0 && !stage.isLate)
      throw new Error(`pass ${pass} of the undisturbed run failed`, { cause: life.errors[0] });
    for (const name of fate.names.slice(before)) writes.push({ name, pass });
    if (await quiet(result, fate.count - before)) {
      feed();
      return {
        controllers,
        passes: pass + 1,
        writes,
        kept,
        end: await readEndState(stage),
        judged: new Map(),
        checker,
        history: stage.cluster.server.store.history(),
      };
    }
    await stage.turn(isIdle(result, fate.count - before));
  }
  throw new Error(`the undisturbed run did not end in ${MOST_PASSES} passes`);
}

/** What a process remembers of git and forges must be able to be wrong for long: where that is the matter nobody is replaced on the way. */
function isKept({ scenario }: Stage, pass: number): boolean {
  return scenario.house === undefined ? pass % KEEP_EVERY === 0 : pass === 0;
}

export interface Outcome {
  readonly at: number;
  readonly mode: Mode;
  readonly passes: number;
  /** What is wrong; empty: nothing. */
  readonly problems: readonly string[];
  readonly occurred: ReadonlySet<string>;
  /** The world became exactly that of another run, with nothing in any memory: the rest was not run twice. */
  readonly shared: boolean;
}

/** Worlds right after a crash, so that the rest of equal ones is run once. */
export type Worlds = Map<string, { readonly outcome: Outcome; readonly versions: readonly StoredVersion[] }>;

/** The world at one place of the run but for the stored objects, which `isSame` compares. */
function worldKey(stage: MemoryStage, pass: number): string {
  return JSON.stringify([
    pass,
    stage.cluster.server.store.revision(),
    [...stage.remote.people.branches()].map(([name, head]) => `${name} ${head}`).sort(),
    ...[stage.forge, stage.apps.forge].map((forge) => forge.snapshot()),
    [...stage.apps.remote.people.branches()].map(([name, head]) => `${name} ${head}`).sort(),
    stage.clock.now(),
  ]);
}

/** Whether two runs stored the same since a common start; who wrote is another life's name and does not count. */
function isSame(one: readonly StoredVersion[], other: readonly StoredVersion[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((version, index) => {
    const twin = other[index];
    return (
      version === twin ||
      (version.key === twin?.key && version.type === twin.type && isDeepStrictEqual(version.object, twin.object))
    );
  });
}

/**
 * Runs with one disturbance to the end and judges it. Where the undisturbed run replaced its controllers and the world is exactly what
 * it was there, down to every stored object, the disturbed one's are replaced as well: what follows is the undisturbed run.
 */
export async function runDisturbed(
  stage: MemoryStage,
  reference: Reference,
  at: number,
  mode: Mode,
  worlds: Worlds,
): Promise<Outcome> {
  const point = reference.writes[at];
  if (point === undefined) throw new RangeError(`there is no write ${at}`);
  const start = reference.kept.findLast((one) => one.pass <= point.pass);
  if (start === undefined) throw new Error("nothing was kept");
  stage.restore(start.snapshot);
  const fate = createFate(start.writes, at, mode);
  const cast: Cast = { lives: Array.from({ length: reference.controllers }), born: start.lives };
  fate.meanwhile = () => takeOver(stage, cast, fate);
  const quiet = createQuiet(stage);
  const since = (): readonly StoredVersion[] => stage.cluster.server.store.history().slice(start.versions);
  const rejoin = reference.kept[reference.kept.indexOf(start) + 1];
  let key: string | undefined;
  /** What this run came to is what every run comes to that reaches the same world. */
  const settle = (outcome: Outcome): Outcome => {
    const known = key === undefined ? undefined : worlds.get(key);
    if (key !== undefined && known !== undefined) worlds.set(key, { ...known, outcome });
    return outcome;
  };
  let pass = start.pass;
  for (; pass < start.pass + MOST_PASSES; pass += 1) {
    if (
      pass === rejoin?.pass &&
      rejoin.key === worldKey(stage, pass) &&
      isSame(since(), reference.history.slice(start.versions, rejoin.versions))
    )
      return settle({ at, mode, passes: pass - start.pass, problems: [], occurred: new Set(), shared: true });
    const before = fate.count;
    const life = turnOf(stage, cast, pass, fate);
    const result = await life.pass();
    if (life.dead && key === undefined && cast.lives.length === 1 && !stage.isLate) {
      key = worldKey(stage, pass);
      const known = worlds.get(key);
      if (known !== undefined && isSame(since(), known.versions))
        return { ...known.outcome, at, mode, passes: pass + 1 - start.pass, shared: true };
      worlds.set(key, {
        outcome: { at, mode, passes: 0, problems: ["unfinished"], occurred: new Set(), shared: false },
        versions: since(),
      });
    }
    if (fate.count > at && fate.names[at - start.writes] !== point.name)
      return {
        at,
        mode,
        passes: pass,
        problems: [`write ${at} is ${fate.names[at - start.writes] ?? ""} and was ${point.name}`],
        occurred: new Set(),
        shared: false,
      };
    if (await quiet(result, fate.count - before)) break;
    await stage.turn(isIdle(result, fate.count - before));
  }
  const outcome = await judge(stage, reference, start, {
    at,
    mode,
    fate,
    passes: pass + 1 - start.pass,
    over: pass < start.pass + MOST_PASSES,
  });
  return settle(outcome);
}

/** Another controller comes, works for a while, and from then on takes turns with the one whose write waits. */
async function takeOver(stage: MemoryStage, cast: Cast, fate: Fate): Promise<void> {
  const user = `ringward/${cast.born}`;
  cast.born += 1;
  const heir = beBorn(stage, user, portsOf(stage, user), fate);
  cast.lives.push(heir);
  for (let pass = 0; pass < OVERTAKEN_BY; pass += 1) {
    await heir.pass();
    await stage.turn();
  }
}

async function judge(
  stage: MemoryStage,
  reference: Reference,
  start: Kept,
  run: {
    readonly at: number;
    readonly mode: Mode;
    readonly fate: Fate;
    readonly passes: number;
    readonly over: boolean;
  },
): Promise<Outcome> {
  const checker = start.checker.clone();
  checker.feed(stage.cluster.server.store.history().slice(start.versions));
  const { violations, occurred } = checker.finish();
  const problems = violations.map(({ invariant, object, at, message }) => `${invariant} ${object} ${at}: ${message}`);
  problems.push(...judgeHouse(stage, run.fate.requests, reference.judged));
  if (!run.over) problems.push(`V1: the run did not end in ${MOST_PASSES} passes`);
  else problems.push(...compareEndStates(reference.end, await readEndState(stage)).map((line) => `end: ${line}`));
  return { at: run.at, mode: run.mode, passes: run.passes, problems, occurred, shared: false };
}
