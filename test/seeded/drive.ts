// One undisturbed run of a scenario with whatever controller this process has loaded, judged by all that it left behind.
import { checkHistory } from "../../controller/sandbox/invariants/index.ts";
import { type EndState, readEndState } from "../sweep/end-state.ts";
import { judgeHouse } from "../sweep/house.ts";
import { beBorn, createFate, type Life } from "../sweep/life.ts";
import { CONTROLLER_USERS, createQuiet, isIdle } from "../sweep/run.ts";
import { createStage, type MemoryStage, portsOf } from "../sweep/stage.ts";
import { keepsNodesEmpty, keepsUncordons } from "./promises.ts";
import type { Scene } from "./scene.ts";

/** A run that has not ended after so many passes never will. */
const MOST_PASSES = 300;

export interface Judgement {
  /** `ID object: message`; ids are those of invariants, or of what a scene promises. */
  readonly problems: readonly string[];
  /** Undefined: the run did not end. */
  readonly end: EndState | undefined;
  readonly passes: number;
  readonly writes: number;
}

/** Runs a scene to its end; `most`: how many passes it may take, left out: as many as the scene says. */
export async function drive(
  scene: Scene,
  controllers: number,
  most = scene.mostPasses ?? MOST_PASSES,
): Promise<Judgement> {
  const stage = await createStage(1, scene.scenario);
  const fate = createFate(0);
  const quiet = createQuiet(stage);
  const lives: (Life | undefined)[] = Array.from({ length: controllers });
  const restarted = new Set<Life>();
  const errors: unknown[] = [];
  let born = 0;
  let over = false;
  let pass = 0;
  for (; pass < most && !over; pass += 1) {
    const place = pass % controllers;
    // Memory is only there to save work: it is lost now and then.
    if (pass % 7 === 6) lives[place] = undefined;
    const life = (lives[place] ??= beBorn(stage, `ringward/${born}`, portsOf(stage, `ringward/${born++}`), fate));
    restarted.add(life);
    const before = fate.count;
    const result = await life.pass();
    over = await quiet(result, fate.count - before);
    if (!over) await takeTurn(stage, scene, isIdle(result, fate.count - before));
  }
  for (const life of restarted) errors.push(...life.errors);
  return {
    problems: [...judge(stage, scene, fate), ...describeErrors(errors, scene)],
    end: over ? await readEndState(stage) : undefined,
    passes: pass,
    writes: fate.count,
  };
}

async function takeTurn(stage: MemoryStage, { tickMs, stopsAt = [] }: Scene, idle: boolean): Promise<void> {
  const before = stage.clock.now();
  await stage.turn(idle);
  if (tickMs !== undefined && !idle) stage.clock.set(before + tickMs);
  const stops = stopsAt.map((time) => Date.parse(`2024-12-16T${time}Z`)).sort((a, b) => a - b);
  const stop = stops.find((time) => time > before && time < stage.clock.now());
  if (stop !== undefined) stage.clock.set(stop);
}

function judge(stage: MemoryStage, { promises = [] }: Scene, fate: ReturnType<typeof createFate>): readonly string[] {
  const history = stage.cluster.server.store.history();
  const { violations } = checkHistory({ history, controllerUsers: CONTROLLER_USERS });
  return [
    ...violations.map(({ invariant, object, message }) => `${invariant} ${object}: ${message}`),
    ...judgeHouse(stage, fate.requests, new Map()),
    ...[keepsNodesEmpty, keepsUncordons, ...promises].flatMap((promise) => promise(history)),
  ];
}

/** Errors that a controller survives are none of a healthy one, but where people pull things from under it. */
function describeErrors(errors: readonly unknown[], { isRough }: Scene): readonly string[] {
  if (isRough === true) return [];
  return errors.slice(0, 3).map((error) => `error ${error instanceof Error ? error.message : String(error)}`);
}
