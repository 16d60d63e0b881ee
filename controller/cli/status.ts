// `ringward status`: rings as lanes, once or as they change.
import { isCompliant } from "../core/compliance/states.ts";
import { judgeFleet } from "../core/rollout/waiting.ts";
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
import { fleetData } from "./views/data.ts";
import { drawFleet } from "./views/fleet.ts";

export const USAGE = `Usage: ringward status [SOURCES] [--watch] [--wait [--timeout DURATION]] [-o ${FORMATS.join("|")}]

Rings as lanes: done, in flight, blocked, budget, window, soak and an estimated end. Equal assets are one line; only
problems are spelled out. "ringward rollout RING" tells one ring's story, "ringward why KIND/NAME" one asset's.

${PICTURE_HELP}
  -o FORMAT          text (default), wide (every asset that is not done), json or yaml

On a terminal lines are cut at its width, and drawn in colour unless NO_COLOR is set; with TERM=dumb or a locale that
is not UTF-8, such as LANG=C, in ASCII.

Exit codes: 0 every asset is compliant, 1 some are not (with --watch: in the last picture; with --wait: a person has to
act, or the timeout is over), 2 wrong use or failure.
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
  const { values, positionals } = parseFlags("status", args, PICTURE_FLAGS);
  if (positionals.length > 0)
    throw wrongUse(
      "status",
      `there is no argument "${positionals[0]}"; for one ring: ringward rollout RING, for one asset: ringward why KIND/NAME`,
    );
  const format = readFormat("status", values.output);
  const wide = format === "wide";
  const wait = readWait("status", values);
  return showPicture(
    {
      command: "status",
      draw: (situation, lanes, style) => drawFleet(situation, lanes, { style, wide }),
      data: fleetData,
      choose: (_, lanes) => lanes,
      isDone: (_, { plan }) => plan.rows.every((row) => isCompliant(row.state)),
      wait: wait && {
        ...wait,
        words: ["the fleet", "compliant"],
        judge: ({ plan, input: { ledger } }, behind) => judgeFleet({ plan, ledger, behind }),
        isOpen: ({ inFlight, blocked, next, waiting }) =>
          inFlight.length > 0 || [...blocked, ...next, ...waiting].some(({ state }) => !isCompliant(state)),
      },
    },
    values,
    format,
    surroundings,
  );
}
