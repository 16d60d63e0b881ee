// The undisturbed rollout, in which something happens while one write waits to be sent: between what a controller saw and what it does. What was
// done stays for a while, then it is made good, all that is wanted must come about, and the whole run is judged by all invariants.
import { MOST_LAG_MS } from "../simulate/stale-reader.ts";
import { chanceOf } from "../simulate/chance.ts";
import type { Fortune, Waiting } from "../simulate/in-flight.ts";
import { CALM } from "../simulate/mix.ts";
import {
  areDone,
  begin,
  finish,
  passAll,
  type Prepared,
  type Run,
  type SimulateOptions,
  turn,
} from "../simulate/run.ts";
import { listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { compareEndStates, type EndState, readEndState } from "./end-state.ts";
import { runReference } from "./run.ts";
import type { Soul } from "./soul.ts";
import { createStage, type MemoryStage, type Scenario } from "./stage.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";

/** An undisturbed run to begin others in. */
export async function prepareSteps(scenario: Scenario): Promise<Prepared> {
  const stage = await createStage(1, scenario);
  const reference = await runReference(stage, 1, undefined, undefined, MOST_LAG_MS);
  const { violations } = reference.checker.finish();
  if (violations.length > 0) throw new Error("the undisturbed run breaks a promise", { cause: violations });
  return { stage, reference };
}

/** What happens at a step. */
export interface Blow {
  readonly name: string;
  /** Happens while the write waits. Answers what it did; undefined: there was nothing to do it to, and it is tried again at the next one. */
  readonly strike?: (run: Run, place: number) => Promise<string | undefined> | string | undefined;
  /** What becomes of the write itself; done unless given. */
  readonly fortune?: Fortune;
  /** Passes before all is made good. */
  readonly stays: number;
  /** It comes again after so many more writes, and again until all is done; left out: once. */
  readonly every?: number;
  /** It comes so often at most. */
  readonly most?: number;
  /** It stays until all is done. */
  readonly whole?: boolean;
  /** Every call counts, and not only what writes. */
  readonly calls?: boolean;
  readonly controllers?: number;
  readonly caches?: (stage: MemoryStage, soul: Soul, hasStruck: () => boolean) => ClusterReader;
  /** The end is not that of the undisturbed run, for this reason. */
  readonly endsElsewhere?: string;
}

export interface Struck {
  readonly problems: readonly string[];
  readonly occurred: ReadonlySet<string>;
  /** How often it came. */
  readonly blows: number;
  /** How often it came while a target was claimed. */
  readonly inFlight: number;
  readonly passes: number;
  readonly said: string;
  readonly story: readonly string[];
}

export function claimsOf({ stage }: Pick<Run, "stage">): readonly unknown[] {
  const ledger = stage.cluster.server.store
    .snapshot()
    .tables.get("disruptionledgers.ringward.dev")
    ?.objects.get("cluster");
  return listAt(ledger?.["status"], "claims");
}

/** The node that a write is about; else one that is claimed, else any. */
function aimAt(run: Run, at: number, request: string): string | undefined {
  const names = run.stage.cluster.machines.specs().map(({ name }) => name);
  const about = names.find((name) => new RegExp(`\\b${name}\\b`).test(request));
  if (about !== undefined) return about;
  const claimed = claimsOf(run).flatMap((claim) =>
    textAt(claim, "kind") === "Node" ? [textAt(claim, "name") ?? ""] : [],
  );
  return claimed.length > 0 ? claimed[at % claimed.length] : names[at % names.length];
}

/** Runs with a blow at write `at` of the undisturbed run. */
export async function strikeAt(
  { stage, reference }: Prepared,
  at: number,
  blow: Blow,
  options: SimulateOptions = {},
): Promise<Struck> {
  const point = reference.writes[at];
  if (point === undefined) throw new RangeError(`there is no write ${at}`);
  const start = reference.kept.findLast((one) => one.pass <= point.pass);
  if (start === undefined) throw new Error("nothing was kept");
  const mix = { ...CALM, controllers: blow.controllers ?? 1, moves: 0, slowReads: blow.calls === true };
  let [count, next, blows, inFlight, since] = [start.writes, at as number | undefined, 0, 0, -1];
  const run: Run = begin(stage, start, {
    chance: chanceOf(at),
    mix,
    ...options,
    caches: blow.caches && ((soul) => blow.caches?.(stage, soul, () => blows > 0)),
  });
  const said: string[] = [];
  run.intercept = async (place: number, request: Waiting) => {
    if (!request.write && (blow.calls !== true || since < 0)) return undefined;
    const mine = count;
    count += 1;
    if (mine !== next) return undefined;
    if (since < 0 && request.name !== point.name) throw new Error(`write ${at} is ${request.name}, was ${point.name}`);
    next = undefined;
    since = 0;
    run.trouble.aim = aimAt(run, mine, request.name);
    const met = claimsOf(run).length > 0;
    const done = blow.strike === undefined ? request.name : await blow.strike(run, place);
    // What others wrote in the meantime is no step of this one's.
    if (blow.every !== undefined && blows + 1 < (blow.most ?? Infinity)) next = count + blow.every - 1;
    if (done === undefined) {
      next = mine + 1;
      return undefined;
    }
    blows += 1;
    if (met) inFlight += 1;
    said.push(done);
    run.tell?.(`BLOW ${blow.name}: ${done} (at ${request.name})`);
    return blow.fortune;
  };
  const goesOn = blow.whole === true || (blow.every !== undefined && blow.most === undefined);
  const last = reference.passes + 2 * blow.stays;
  for (let pass = start.pass; pass < last && since < blow.stays; pass += 1) {
    run.writes = 0;
    await passAll(run);
    if (since >= 0 && (!goesOn || (await areDone(run, run.writes)))) since += 1;
    await turn(run);
  }
  if (since < 0) throw new Error(`write ${at} (${point.name}) never came`);
  const outcome = await finish(run, reference, start);
  const problems = [...outcome.problems];
  // Of what did not end the end says nothing.
  if (problems.every((line) => !line.startsWith("V1:")) && blow.endsElsewhere === undefined)
    problems.push(...compareTargets(reference.end, await readEndState(stage)));
  const { occurred, passes, story } = outcome;
  return { problems, occurred, blows, inFlight, passes, said: said.slice(0, 3).join("; "), story };
}

/** What nodes and workloads run in the end; how often what was done on the way trouble may change, and of nodes that joined the plan tells. */
function compareTargets(undisturbed: EndState, end: EndState): readonly string[] {
  const targets = (state: EndState): EndState =>
    Object.fromEntries(
      Object.entries(state).filter(([key]) => /^(?:nodes|deployments\.apps|statefulsets\.apps)\//.test(key)),
    );
  const known = targets(undisturbed);
  const same = Object.fromEntries(Object.entries(targets(end)).filter(([key]) => key in known));
  return compareEndStates(known, same).map((line) => `end: ${line}`);
}
