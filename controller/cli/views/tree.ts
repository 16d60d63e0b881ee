// What hangs below a ring: done, failed, in flight, next, and what stands still, each kind of thing once. Pure.
import type { Instant } from "../../clock.ts";
import { shortName } from "../../core/asset-name.ts";
import { isCompliant } from "../../core/compliance/states.ts";
import { oneLine } from "../output.ts";
import { widthOf } from "../table.ts";
import { branch, type Style, wrapLine } from "./drawing.ts";
import { type Group, groupRows, mergeGroups, showNames, whyArgument } from "./groups.ts";
import type { Flight, Lane } from "./lanes.ts";
import { sayFor } from "./words.ts";

export interface TreeOptions {
  readonly now: Instant;
  readonly style: Style;
  /** How many names are told before they become a count. */
  readonly names: number;
  /** Long lines are wrapped, with all that they say; else they are cut. */
  readonly whole: boolean;
}

/** Space that a branch's sign and indent take. */
const BRANCH = 4;

/** What one branch says, and what a person may ask about it. */
interface Twig {
  readonly text: string;
  readonly hint?: string;
}

/** The branches below a ring. */
export function drawTree(lane: Lane, options: TreeOptions): readonly string[] {
  const { paint } = options.style;
  const twigs: Twig[] = [];
  if (lane.done > 0) twigs.push({ text: `${paint("green", "✔")} ${lane.done} at their level` });
  twigs.push(...flightTwigs(lane.inFlight, options));
  if (lane.next.length > 0) twigs.push({ text: `${paint("cyan", "→")} ${showNames(lane.next, options.names)} next` });
  const groups = groupRows([...lane.blocked, ...lane.waiting]);
  for (const group of Number.isFinite(options.names) ? mergeGroups(groups) : groups)
    twigs.push(groupTwig(group, options));
  return branch(twigs.map((twig) => layOut(twig, options)));
}

/** The hint stands behind the text where there is room, else below it or, where lines are cut, nowhere: `why` is in the help. */
function layOut({ text, hint }: Twig, { whole, style: { width, paint } }: TreeOptions): readonly string[] {
  const room = width === undefined ? Infinity : width - BRANCH;
  if (hint === undefined) return whole && width !== undefined ? wrapLine(text, room, "  ") : [text];
  const asked = `-> ringward why ${hint}`;
  if (widthOf(text) + 2 + asked.length <= room) return [`${text}  ${paint("dim", asked)}`];
  return whole ? [...wrapLine(text, room, "  "), `  ${paint("dim", asked)}`] : [text];
}

/** Failures one by one; what goes well is one line for each step. */
function flightTwigs(flights: readonly Flight[], { now, style, names }: TreeOptions): readonly Twig[] {
  const { paint } = style;
  const failed = flights.filter(({ failure }) => failure !== undefined);
  const steps = Map.groupBy(
    flights.filter(({ failure }) => failure === undefined),
    ({ step, row }) => JSON.stringify([step, row.level ?? "its level"]),
  );
  return [
    ...failed.map(({ row, failure, since }) => ({
      text: `${paint("red", "✖")} ${shortName(row.asset)} failed${sayFor(since, now)}: ${oneLine(failure ?? "")}`,
      hint: whyArgument(row),
    })),
    ...[...steps].map(([key, list]) => {
      const [step = "", level = ""] = JSON.parse(key) as readonly string[];
      const times = list.flatMap(({ since }) => since ?? []);
      const oldest = times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
      const rows = list.map(({ row }) => row);
      return {
        text: `${paint("cyan", "↻")} ${showNames(rows, names)} at step ${step}${sayFor(oldest, now)}, to ${level}`,
      };
    }),
  ];
}

function groupTwig(group: Group, { now, style, names }: TreeOptions): Twig {
  const { reason, message, since, person, rows } = group;
  const { paint } = style;
  const [first] = rows;
  const fine = first !== undefined && first.blockedBy.length === 0 && isCompliant(first.state);
  const sign = person ? paint("yellow", "⏸") : fine ? paint("green", "✔") : "⋯";
  const about = message === "" ? "" : `: ${oneLine(message)}`;
  const text = `${sign} ${showNames(rows, names)}: ${reason}${sayFor(since, now)}${about}`;
  return person && first !== undefined ? { text, hint: whyArgument(first) } : { text };
}
