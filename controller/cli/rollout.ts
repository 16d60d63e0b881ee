// `ringward rollout RING`: one ring's rollout, once or as it goes on.
import { closest } from "../api/suggest.ts";
import { judgeRing, type Verdict } from "../core/rollout/waiting.ts";
import { UserError } from "../errors.ts";
import { PICTURE_FLAGS, PICTURE_HELP, showPicture } from "./live/picture.ts";
import { readWait } from "./live/wait.ts";
import {
  asksForHelp,
  FORMATS,
  ownSurroundings,
  parseFlags,
  readFormat,
  type Surroundings,
  wrongUse,
} from "./output.ts";
import type { Situation } from "./situation.ts";
import { rolloutData } from "./views/data.ts";
import type { Lane } from "./views/lanes.ts";
import { drawRollout } from "./views/rollout.ts";

export const USAGE = `Usage: ringward rollout RING [SOURCES] [--watch] [--wait [--timeout DURATION]] [-o ${FORMATS.join("|")}]

One ring: each level's progress and soak, what is in flight and at which step, pace and estimated end (and what they rest
on), its budget, its window, and everything that stands still, why and since when.

${PICTURE_HELP}
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
  const { values, positionals } = parseFlags("rollout", args, PICTURE_FLAGS);
  const [ring, more] = positionals;
  if (ring === undefined) throw wrongUse("rollout", "which ring? ringward status shows them");
  if (more !== undefined) throw wrongUse("rollout", `one ring at a time: what is "${more}"?`);
  const format = readFormat("rollout", values.output);
  const wide = format === "wide";
  const wait = readWait("rollout", values);
  return showPicture(
    {
      command: "rollout",
      draw: (situation, lanes, style) => drawRollout(situation, findLane(lanes, ring), { style, wide }),
      data: (situation, lanes) => rolloutData(situation, findLane(lanes, ring)),
      choose: (_, lanes) => [findLane(lanes, ring)],
      isDone: (lanes) => isDone(findLane(lanes, ring)),
      wait: wait && {
        ...wait,
        words: [`ring ${ring}`, "done"],
        missing: (lanes) => (lanes.some((lane) => lane.ring === ring) ? undefined : noLane(lanes, ring)),
        judge: (situation, behind) => judgeOne(ring, situation, behind),
        isOpen: () => true,
      },
    },
    values,
    format,
    surroundings,
  );
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
  throw noLane(lanes, name);
}

function noLane(lanes: readonly Lane[], name: string): UserError {
  return noRing(
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
