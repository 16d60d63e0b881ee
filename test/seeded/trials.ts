// The trials of a hunt, the cheap ones first. Each is a run, or a sweep of crashes, of the machine that tries to break the promises.
import type { EndState } from "../sweep/end-state.ts";
import { createGame } from "../exhaustive/moves.ts";
import { createScene } from "../exhaustive/scene.ts";
import { SCOPES } from "../exhaustive/scopes.ts";
import { search } from "../exhaustive/search.ts";
import { chanceOf } from "../simulate/chance.ts";
import { prepare, simulate } from "../simulate/run.ts";
import { compareEndStates } from "../sweep/end-state.ts";
import { ANSWERS, MANIFESTS, PLAIN, PROTECTED, TALK } from "../sweep/house-scenarios.ts";
import { type Mode, MODES } from "../sweep/life.ts";
import { PEOPLE } from "../sweep/people.ts";
import { CONTROLLER_USERS, runDisturbed, runReference, type Worlds } from "../sweep/run.ts";
import { REFERENCE } from "../sweep/scenario.ts";
import type { Scenario } from "../sweep/stage.ts";
import { createStage } from "../sweep/stage.ts";
import { lastOfEachKind } from "../sweep/write-kind.ts";
import { checkHistory } from "../../controller/sandbox/invariants/index.ts";
import { drive } from "./drive.ts";
import type { Scene } from "./scene.ts";
import { FAILING } from "./scenes/hands.ts";
import { SCENES } from "./scenes/index.ts";

/** What a trial left to be compared with that of the healthy controller. */
export interface Trace {
  readonly end: EndState | undefined;
  /** How many it took. */
  readonly passes?: number;
}

export interface Finding {
  /** Ids of what was broken: invariants, promises of a scene, `end`, `V1` (it does not end) or `error`. */
  readonly by: readonly string[];
  /** The first line. */
  readonly says: string;
}

export interface Trial {
  readonly name: string;
  /** Its end is compared with that of the healthy controller. */
  readonly isCompared: boolean;
  /** Plays it. `healthy`: what the controller without a bug left behind; undefined: this is that controller. */
  readonly run: (
    healthy: Trace | undefined,
  ) => Promise<{ readonly trace: Trace; readonly finding: Finding | undefined }>;
}

function runOf(name: string, scene: Scene, controllers = 1): Trial {
  return {
    name,
    isCompared: true,
    async run(healthy) {
      // What goes on for more than twice as long does not end.
      const most = healthy?.passes === undefined ? undefined : healthy.passes * 2 + 30;
      const { problems, end, passes } = await drive(scene, controllers, most);
      const lines = [...problems];
      if (end === undefined) lines.push(`V1 run: it did not end in ${passes} passes`);
      else if (healthy?.end !== undefined)
        lines.push(...compareEndStates(healthy.end, end).map((line) => `end ${line}`));
      return { trace: { end, passes }, finding: toFinding(lines) };
    },
  };
}

function toFinding(lines: readonly string[]): Finding | undefined {
  const [first] = lines;
  if (first === undefined) return undefined;
  const by = new Set(lines.map((line) => line.split(" ")[0] ?? ""));
  // Where a promise is broken by name, that it ends elsewhere too says nothing more.
  const named = [...by].filter((id) => !["end", "error", "V1"].includes(id));
  return { by: (named.length > 0 ? named : [...by]).sort(), says: first };
}

/** Crashes at each kind of write, in some modes, until one is judged bad. */
function sweepOf(name: string, scenario: Scenario, controllers: number, modes: readonly Mode[]): Trial {
  return {
    name,
    isCompared: false,
    async run() {
      const stage = await createStage(1, scenario);
      const trace: Trace = { end: undefined };
      try {
        const reference = await runReference(stage, controllers);
        const worlds: Worlds = new Map();
        for (const write of lastOfEachKind(reference.writes.map((one) => one.name)))
          for (const mode of modes) {
            const { problems } = await runDisturbed(stage, reference, write, mode, worlds);
            if (problems.length === 0) continue;
            const lines = problems.map((line) => line.replace(/^(\w+): /, "$1 "));
            const found = toFinding(lines);
            const where = `${mode} ${reference.writes[write]?.name ?? ""}: `;
            return { trace, finding: found && { by: found.by, says: where + found.says } };
          }
        return { trace, finding: undefined };
      } catch (error) {
        const { violations } = checkHistory({
          history: stage.cluster.server.store.history(),
          controllerUsers: CONTROLLER_USERS,
        });
        const lines = violations.map(({ invariant, object, message }) => `${invariant} ${object}: ${message}`);
        return { trace, finding: toFinding([...lines, `error ${String(error)}`]) };
      }
    },
  };
}

/** A scope of the exhaustive search, to its end or for so long. */
const MOST_SECONDS = 180;

function searchOf(scope: string): Trial {
  return {
    name: `every order: ${scope.replaceAll(",", "")}`,
    isCompared: false,
    async run() {
      const trace: Trace = { end: undefined };
      const chosen = SCOPES.find(({ name }) => name === scope);
      if (chosen === undefined) throw new RangeError(`there is no scope ${scope}`);
      try {
        const game = await createGame(await createScene(chosen.scene), chosen);
        const { found } = await search(game, { mostSeconds: MOST_SECONDS });
        return { trace, finding: toFinding(found === undefined ? [] : [found.problem]) };
      } catch (error) {
        return { trace, finding: toFinding([`error ${String(error)}`]) };
      }
    },
  };
}

/** Simulated runs of so many seeds, until one is judged bad. */
function simulationOf(seeds: number): Trial {
  return {
    name: "simulated",
    isCompared: false,
    async run() {
      const trace: Trace = { end: undefined };
      try {
        const prepared = await prepare();
        for (let seed = 0; seed < seeds; seed += 1) {
          const { problems } = await simulate(prepared, chanceOf(seed));
          const found = toFinding(problems.map((line) => line.replace(/^(\w+): /, "$1 ")));
          if (found !== undefined) return { trace, finding: { by: found.by, says: `seed ${seed}: ${found.says}` } };
        }
        return { trace, finding: undefined };
      } catch (error) {
        return { trace, finding: toFinding([`error ${String(error)}`]) };
      }
    },
  };
}

export const TRIALS: readonly Trial[] = [
  ...Object.entries(SCENES).map(([name, scene]) => runOf(name, scene)),
  runOf("people", { scenario: PEOPLE }),
  runOf("plain", { scenario: REFERENCE }),
  runOf("two controllers", { scenario: PEOPLE }, 2),
  ...Object.entries({
    talk: TALK,
    answers: ANSWERS,
    protected: PROTECTED,
    "no forge": PLAIN,
    manifests: MANIFESTS,
  }).map(([name, scenario]) => runOf(name, { scenario })),
  searchOf("two controllers, a fault"),
  searchOf("two controllers, stale caches"),
  searchOf("two controllers, every read"),
  searchOf("one controller, a person, a fault and stale caches"),
  sweepOf("refusals", FAILING.scenario, 1, ["refused"]),
  sweepOf("overtaken", PEOPLE, 1, ["overtaken"]),
  sweepOf("crashes with people", PEOPLE, 1, MODES),
  sweepOf("crashes, two controllers", REFERENCE, 2, ["lost", "after"]),
  simulationOf(30),
];
