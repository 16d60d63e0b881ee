// `ringward rollout RING`: one ring's rollout, once or as it goes on.
import { closest } from "../api/suggest.ts";
import { judgeRing, type Verdict } from "../core/rollout/waiting.ts";
import { UserError } from "../errors.ts";
import { follow } from "./live/follow.ts";
import { readWait, WAIT_FLAGS, WAIT_HELP } from "./live/wait.ts";
import {
  asksForHelp,
  FORMATS,
  ownSurroundings,
  parseFlags,
  readFormat,
  type Surroundings,
  writeData,
  wrongUse,
} from "./output.ts";
import { refuse } from "./plan.ts";
import type { Situation } from "./situation.ts";
import { readSituation, SOURCE_FLAGS, SOURCE_HELP } from "./sources.ts";
import { rolloutData } from "./views/data.ts";
import { styleOf } from "./views/drawing.ts";
import { drawLanes, type Lane } from "./views/lanes.ts";
import { drawRollout } from "./views/rollout.ts";

export const USAGE = `Usage: ringward rollout RING [SOURCES] [--watch] [--wait [--timeout DURATION]] [-o ${FORMATS.join("|")}]

One ring: each level's progress and soak, what is in flight and at which step, pace and estimated end (and what they rest
on), its budget, its window, and everything that stands still, why and since when.

${SOURCE_HELP}
                     without a source: $KUBECONFIG, else the running demo
  --watch, -w        go on, until Ctrl-C: redrawn in place on a terminal, elsewhere a line for each change
${WAIT_HELP}
  -o FORMAT          text (default), wide (every asset by its name), json or yaml

Exit codes: 0 every asset of the ring is done, 1 some are not (with --watch: in the last picture; with --wait: a person
has to act, or the timeout is over), 2 wrong use, failure, or there is no such ring.
`;

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("rollout", args, {
    ...SOURCE_FLAGS,
    watch: { type: "boolean", short: "w", default: false },
    ...WAIT_FLAGS,
    output: { type: "string", short: "o" },
  });
  const [ring, more] = positionals;
  if (ring === undefined) throw wrongUse("rollout", "which ring? ringward status shows them");
  if (more !== undefined) throw wrongUse("rollout", `one ring at a time: what is "${more}"?`);
  const format = readFormat("rollout", values.output);
  const wide = format === "wide";
  const wait = readWait("rollout", values);
  if (values.watch || wait !== undefined)
    return follow(
      {
        command: "rollout",
        draw: (situation, lanes, style) => drawRollout(situation, findLane(lanes, ring), { style, wide }),
        data: (situation, lanes) => rolloutData(situation, findLane(lanes, ring)),
        choose: (_, lanes) => [findLane(lanes, ring)],
        isDone: (lanes) => isDone(findLane(lanes, ring)),
        wait: wait && {
          ...wait,
          words: [`ring ${ring}`, "done"],
          judge: (situation, behind) => judgeOne(ring, situation, behind),
          isOpen: () => true,
        },
      },
      values,
      format,
      surroundings,
    );
  const result = await readSituation("rollout", values, surroundings);
  if (result.kind === "Refused") return refuse(result.findings, format, surroundings);
  const { situation } = result;
  const lane = findLane(drawLanes(situation), ring);
  surroundings.stdout.write(
    format === "json" || format === "yaml"
      ? writeData(rolloutData(situation, lane), format)
      : `${drawRollout(situation, lane, { style: styleOf(surroundings), wide }).join("\n")}\n`,
  );
  return isDone(lane) ? 0 : 1;
}

/** Throws UserError where the ring is gone. */
function judgeOne(ring: string, { plan, input }: Situation, behind: ReadonlySet<string>): Verdict {
  const verdict = judgeRing(ring, { plan, ledger: input.ledger, behind });
  if (verdict === undefined)
    throw noRing(
      ring,
      plan.rings.map(({ ring: { name } }) => name),
    );
  return verdict;
}

function isDone({ done, assets, inFlight }: Lane): boolean {
  return done === assets && inFlight.length === 0;
}

function findLane(lanes: readonly Lane[], name: string): Lane {
  const lane = lanes.find(({ ring }) => ring === name);
  if (lane !== undefined) return lane;
  throw noRing(
    name,
    lanes.map(({ ring }) => ring),
  );
}

function noRing(name: string, names: readonly string[]): UserError {
  const guess = closest(name, names);
  return new UserError(
    "RW0227",
    `there is no ring ${name}`,
    guess === undefined ? `there are: ${names.join(", ") || "none"}` : `did you mean ${guess}?`,
  );
}
