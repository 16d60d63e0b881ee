// The picture of `ringward rollout RING`: one ring with its levels, its pace, what it waits for and since when, and everything that is not
// done, spelled out. Pure.
import type { Instant } from "../../clock.ts";
import { describeReason } from "../../api/reasons.ts";
import type { Estimate } from "../../core/estimate/estimate.ts";
import type { Block } from "../../core/model.ts";
import { oneLine, type Paint, showLength, showSoon } from "../output.ts";
import type { Situation } from "../situation.ts";
import { formatBar, formatTable } from "../table.ts";
import { finishLines, type Style, wrapLine } from "./drawing.ts";
import { headline, laneGlyph, warningLines } from "./fleet.ts";
import type { Lane, LevelLane } from "./lanes.ts";
import { drawTree } from "./tree.ts";
import {
  sayBudget,
  sayEnd,
  sayEstimate,
  sayFor,
  sayLater,
  sayLevelSoak,
  sayOpening,
  sayPace,
  saySoaked,
  SOON,
} from "./words.ts";

export interface RolloutOptions {
  readonly style: Style;
  /** Every asset by its name. */
  readonly wide: boolean;
}

/** One ring, drawn. */
export function drawRollout(situation: Situation, lane: Lane, { style, wide }: RolloutOptions): readonly string[] {
  const { plan } = situation;
  const sections: readonly (readonly string[])[] = [
    wrapLine(headline(situation), style.width, "  "),
    summaryLines(lane, plan.at, style),
    [
      ...levelLines(lane, plan.at, style),
      ...sayLater(lane).flatMap((line) => wrapLine(`  ${line}`, style.width, "    ")),
    ],
    blockLines(lane.blockedBy, plan.at, style),
    drawTree(lane, { now: plan.at, style, names: wide ? Infinity : 4, whole: true }),
    warningLines(warningsAbout(lane, situation), style),
  ];
  const lines = sections
    .filter((section) => section.length > 0)
    .flatMap((section, at) => (at === 0 ? section : ["", ...section]));
  return finishLines(lines, style);
}

/** What is said of this ring, and of no ring. */
function warningsAbout({ ring }: Lane, { warnings }: Situation): readonly string[] {
  return warnings.filter((warning) => !warning.startsWith("ring ") || warning.startsWith(`ring ${ring},`));
}

function summaryLines(lane: Lane, now: Instant, { paint, width }: Style): readonly string[] {
  const bar = width !== undefined && width < 100 ? 16 : 32;
  const after = lane.after.length === 0 ? "" : `, after ${lane.after.join(", ")}`;
  const counts = [
    `${lane.done}/${lane.assets} done`,
    `${lane.inFlight.length} in flight`,
    `${lane.blocked.length} blocked`,
    `${lane.waiting.length + lane.next.length} waiting`,
  ];
  const facts = [
    sayWhole(lane, now),
    saySoaked(lane, now),
    sayOpening(lane.opening, now),
    sayBudget(lane),
    ...paceLines(lane.estimates),
  ].filter((fact) => fact !== "");
  return [
    ...wrapLine(`${laneGlyph(lane)} ${paint("bold", lane.ring)}  ${lane.phase}${after}`, width, "  "),
    ...wrapLine(
      `  ${paint(lane.done === lane.assets ? "green" : "cyan", formatBar(lane.done, lane.assets, bar))} ${counts.join(", ")}`,
      width,
      "    ",
    ),
    ...facts.flatMap((fact) => wrapLine(`  ${fact}`, width, "    ")),
  ];
}

/** The ring's end as a sentence of its own. */
function sayWhole(lane: Lane, now: Instant): string {
  const never = lane.estimates.find((estimate) => estimate.never !== undefined)?.never;
  return never === undefined
    ? `ends about: ${sayEnd(lane, now)}`
    : `ends: never as things stand (${never.reason}: ${oneLine(never.message)})`;
}

/** One line for each pace; nothing where nothing is left. */
function paceLines(estimates: readonly Estimate[]): readonly string[] {
  const left = estimates.filter(({ remaining }) => remaining > 0);
  return left.map((one) => `pace of ${one.baseline}: ${one.remaining} left, ${one.atOnce} at once, ${sayPace(one)}`);
}

function levelLines({ levels, estimates, soakWanted }: Lane, now: Instant, { paint, width }: Style): readonly string[] {
  if (levels.length === 0) return ["  no level is approved for this ring"];
  const narrow = width !== undefined && width < 100;
  const rows = levels.map((level) => levelRow(level, { estimates, soakWanted, now, narrow, paint }));
  const heading = narrow
    ? ["BASELINE", "DONE", "FLIGHT", "FAILED", "PHASE", "SOAK", "ENDS ABOUT"]
    : ["LEVEL", "DONE", "FLIGHT", "FAILED", "PHASE", "LAST HOUR", "SOAK", "ENDS ABOUT"];
  return formatTable(heading, rows, "  ").trimEnd().split("\n");
}

interface LevelRowOptions {
  readonly estimates: readonly Estimate[];
  readonly soakWanted: number;
  readonly now: Instant;
  readonly narrow: boolean;
  readonly paint: Paint;
}

function levelRow(level: LevelLane, { estimates, soakWanted, now, narrow, paint }: LevelRowOptions): readonly string[] {
  const estimate = estimates.find(({ baseline }) => baseline === level.baseline);
  const said = estimate === undefined ? "-" : sayEstimate(estimate, now);
  const end = said === "done" && level.inFlight > 0 ? SOON : said;
  const failed = level.failed === 0 ? "0" : paint("red", String(level.failed));
  const counts = [`${level.done}/${level.targets}`, String(level.inFlight), failed, level.phase];
  const soak = sayLevelSoak(level, soakWanted);
  return narrow
    ? [level.baseline, ...counts, soak, end]
    : [level.level, ...counts, `${level.lastHour} done`, soak, end];
}

/** What holds the whole ring, since when, and what the reason means. */
function blockLines(blocks: readonly Block[], now: Instant, { paint, width }: Style): readonly string[] {
  return blocks.flatMap(({ reason, message, since }) => {
    const { care } = describeReason(reason);
    const sign = care === "person" ? paint("yellow", "■") : "■";
    const when =
      since === undefined || now - since < 1000
        ? ""
        : `${sayFor(since, now)}, since ${showSoon(since, now).replace(` (${showLength(now - since)} ago)`, "")}`;
    return wrapLine(
      `  ${sign} ${paint(care === "person" ? "yellow" : "dim", reason)}${when}: ${oneLine(message)}`,
      width,
      "    ",
    );
  });
}
