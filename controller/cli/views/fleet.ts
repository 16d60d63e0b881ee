// The picture of `ringward status`: rings as lanes. Equal things are one line with a count; only what has a problem is spelled out (the
// idea is clusterctl describe's: surface problems, do not overload), so that 5,000 nodes fit on a screen. Pure.
import type { Instant } from "../../clock.ts";
import { oneLine, type Paint, showTime } from "../output.ts";
import { sayCompliant } from "../plan.ts";
import type { Situation } from "../situation.ts";
import { formatBar, formatTable } from "../table.ts";
import { finishLines, type Style, wrapLine } from "./drawing.ts";
import { countKinds } from "./groups.ts";
import type { Lane } from "./lanes.ts";
import { drawTree } from "./tree.ts";
import { sayAwaited, sayBudget, sayEnd, sayOpening, saySoak } from "./words.ts";

export interface FleetOptions {
  readonly style: Style;
  /** Every asset that is not done by its name, and nothing cut. */
  readonly wide: boolean;
}

/** All rings, drawn. */
export function drawFleet(situation: Situation, lanes: readonly Lane[], options: FleetOptions): readonly string[] {
  const { plan, warnings } = situation;
  const { style } = options;
  const loose = plan.rows.filter((row) => row.ring === undefined);
  const sections: readonly (readonly string[])[] = [
    wrapLine(headline(situation), style.width, "  "),
    laneSection(lanes, plan.at, options),
    loose.length === 0 ? [] : [`in no ring, never touched: ${countKinds(loose)}`],
    warningLines(warnings, style),
    wrapLine(sayCompliant(plan.rows), style.width, "  "),
  ];
  const lines = sections
    .filter((section) => section.length > 0)
    .flatMap((section, at) => (at === 0 ? section : ["", ...section]));
  return finishLines(lines, style);
}

/** Where the picture comes from, as of when, and what the ledger says. */
export function headline({ plan, input, source }: Situation): string {
  const { spec, claims, rebuilding } = input.ledger;
  const nodes = claims.filter(({ kind }) => kind === "Node").length;
  return `${source} at ${showTime(plan.at)}; ledger: ${spec.mode ?? "Observe"}, ${nodes} nodes and ${claims.length - nodes} workloads claimed${rebuilding ? ", rebuilding" : ""}`;
}

/** Warnings, each in as many lines as it takes. */
export function warningLines(warnings: readonly string[], { paint, width }: Style): readonly string[] {
  if (warnings.length === 0) return [];
  return [
    paint("yellow", "Warnings"),
    ...warnings.flatMap((warning) => wrapLine(`  ! ${oneLine(warning)}`, width, "    ")),
  ];
}

/** Lanes are one table; what is below a lane is put between its lines afterwards, so that columns stay aligned. */
function laneSection(lanes: readonly Lane[], now: Instant, { style, wide }: FleetOptions): readonly string[] {
  const narrow = style.width !== undefined && style.width < 100;
  const heading = ["RING", "PROGRESS", "DONE", "FLIGHT", "BLOCKED", "PHASE", "ENDS ABOUT"];
  const rows = lanes.map((lane) => laneRow(lane, now, narrow ? 8 : 16, style.paint));
  const [head = "", ...lines] = formatTable(heading, rows).split("\n");
  const tree = { now, style, names: wide ? Infinity : 2, whole: wide };
  return lanes.length === 0
    ? []
    : [
        head,
        ...lanes.flatMap((lane, index) => [
          lines[index] ?? "",
          ...factLines(lane, now, { style, wide }),
          ...drawTree(lane, tree),
        ]),
      ];
}

function laneRow(lane: Lane, now: Instant, bar: number, paint: Paint): readonly string[] {
  return [
    `${laneGlyph(lane)} ${lane.ring}`,
    paint(lane.done === lane.assets ? "green" : "cyan", formatBar(lane.done, lane.assets, bar)),
    `${lane.done}/${lane.assets}`,
    String(lane.inFlight.length),
    lane.blocked.length === 0 ? "0" : paint("yellow", String(lane.blocked.length)),
    lane.phase,
    sayEnd(lane, now),
  ];
}

/** Done, begun, or not. */
export function laneGlyph({ assets, done, inFlight }: Lane): string {
  if (assets > 0 && done === assets) return "●";
  return done + inFlight.length > 0 ? "◐" : "○";
}

/** Budget, window and soak of a lane that has something to do, or soaks; and what somebody's approval would give it to do. */
function factLines(lane: Lane, now: Instant, { style: { paint, width }, wide }: FleetOptions): readonly string[] {
  const idle =
    lane.assets === 0 || (lane.done === lane.assets && lane.inFlight.length === 0 && lane.soakLeft === undefined);
  const facts = idle
    ? []
    : [sayBudget(lane), saySoak(lane), sayOpening(lane.opening, now)].filter((fact) => fact !== "");
  const indent =
    lane.done + lane.inFlight.length + lane.next.length + lane.blocked.length + lane.waiting.length > 0
      ? "  │ "
      : "    ";
  return [facts.join("; "), sayAwaited(lane, wide ? Infinity : 2)]
    .filter((line) => line !== "")
    .flatMap((line) => wrapLine(`${indent}${line}`, width, indent).map((part) => paint("dim", part)));
}
