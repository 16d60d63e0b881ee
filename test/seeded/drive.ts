// One undisturbed run of a scenario with whatever controller this process has loaded, judged by all that it left behind.
import type { ApiPort } from "../../controller/kube/port.ts";
import { checkHistory } from "../../controller/sandbox/invariants/index.ts";
import { behindReader, MOST_LAG_MS } from "../simulate/stale-reader.ts";
import { type EndState, readEndState } from "../sweep/end-state.ts";
import { judgeHouse } from "../sweep/house.ts";
import { beBorn, createFate, type Life } from "../sweep/life.ts";
import { CONTROLLER_USERS, createQuiet, isIdle } from "../sweep/run.ts";
import type { Pulse } from "../sweep/soul.ts";
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
  const interrupted = new Set<string>();
  let born = 0;
  let over = false;
  let pass = 0;
  for (; pass < most && !over; pass += 1) {
    const place = pass % controllers;
    // Memory is only there to save work: it is lost now and then.
    if (pass % 7 === 6 && scene.livesOn !== true) lives[place] = undefined;
    const life = (lives[place] ??= bear(stage, scene, `ringward/${born++}`, fate, interrupted));
    restarted.add(life);
    const before = fate.count;
    const result = await life.pass();
    over = (await quiet(result, fate.count - before)) || scene.endsAt?.(stage) === true;
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

/** A controller that remembers nothing, with what stands in its way. */
function bear(
  stage: MemoryStage,
  { interrupts = [], isBehind, isForgeUnread, isGitDown }: Scene,
  user: string,
  fate: ReturnType<typeof createFate>,
  interrupted: Set<string>,
): Life {
  const ports = portsOf(stage, user);
  const wrap = (port: ApiPort): ApiPort => ({
    ...port,
    async request(request) {
      for (const { name, before, act, always } of interrupts) {
        if (interrupted.has(name) || !before(stage, request)) continue;
        if (always !== true) interrupted.add(name);
        await act(stage);
      }
      return port.request(request);
    },
  });
  const behind = isBehind === true ? behindReader(stage, { dead: false }, () => (_, low) => low) : undefined;
  const read = (pulse: Pulse): Pulse => ({
    ...pulse,
    read: (ask) =>
      isForgeUnread?.(stage) === true ? Promise.reject(new Error("the forge does not answer")) : pulse.read(ask),
  });
  return beBorn(
    stage,
    user,
    {
      ...ports,
      async git(branch) {
        const git = await ports.git(branch);
        const fetch = (): ReturnType<typeof git.fetch> =>
          isGitDown?.(stage) === true ? Promise.reject(new Error("git does not answer")) : git.fetch();
        return { ...git, fetch };
      },
      forge: (pulse) => ports.forge(read(pulse)),
      ...(behind === undefined ? {} : { reader: () => behind }),
    },
    fate,
    wrap,
  );
}

async function takeTurn(stage: MemoryStage, { tickMs, stopsAt = [] }: Scene, idle: boolean): Promise<void> {
  const before = stage.clock.now();
  await stage.turn(idle);
  if (tickMs !== undefined && !idle) stage.clock.set(before + tickMs);
  const stops = stopsAt.map((time) => Date.parse(`2024-12-16T${time}Z`)).sort((a, b) => a - b);
  const stop = stops.find((time) => time > before && time < stage.clock.now());
  if (stop !== undefined) stage.clock.set(stop);
}

function judge(
  stage: MemoryStage,
  { promises = [], isBehind }: Scene,
  fate: ReturnType<typeof createFate>,
): readonly string[] {
  const history = stage.cluster.server.store.history();
  const settleMs = isBehind === true ? MOST_LAG_MS : 0;
  const { violations } = checkHistory({ history, controllerUsers: CONTROLLER_USERS, settleMs });
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
