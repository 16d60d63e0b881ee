// A command whose answer is a picture of the fleet: drawn once, or (`--watch`, `--wait`) one after another.
import { type Format, type Surroundings, writeData } from "../output.ts";
import { refuse } from "../plan.ts";
import { readSituation, SOURCE_FLAGS, SOURCE_HELP, type SourceRequest } from "../sources.ts";
import { styleOf } from "../views/drawing.ts";
import { drawLanes } from "../views/lanes.ts";
import { follow } from "./follow.ts";
import type { Followed } from "./outlet.ts";
import { WAIT_FLAGS, WAIT_HELP } from "./wait.ts";

/** Flags of such a command. */
export const PICTURE_FLAGS = {
  ...SOURCE_FLAGS,
  watch: { type: "boolean", short: "w", default: false },
  ...WAIT_FLAGS,
  output: { type: "string", short: "o" },
} as const;

/** For the help of such a command. */
export const PICTURE_HELP = `${SOURCE_HELP}
                     without a source: $KUBECONFIG, else the running demo
  --watch, -w        go on, until Ctrl-C: redrawn in place on a terminal, elsewhere a line for each change
${WAIT_HELP}`;

/** Shows the picture, or follows it where that is asked for. Answers the exit code: 0 where all is done. */
export async function showPicture(
  picture: Followed,
  request: SourceRequest & { readonly watch: boolean },
  format: Format,
  surroundings: Surroundings,
): Promise<number> {
  if (request.watch || picture.wait !== undefined) return follow(picture, request, format, surroundings);
  const result = await readSituation(picture.command, request, surroundings);
  if (result.kind === "Refused") return refuse(result.findings, format, surroundings);
  const { situation } = result;
  const lanes = drawLanes(situation);
  surroundings.stdout.write(
    format === "json" || format === "yaml"
      ? writeData(picture.data(situation, lanes), format)
      : `${picture.draw(situation, lanes, styleOf(surroundings)).join("\n")}\n`,
  );
  return picture.isDone(lanes, situation) ? 0 : 1;
}
