// `ringward status`: rings as lanes. Equal things are one line with a count; only what has a problem is spelled out (the idea is
// clusterctl describe's: surface problems, do not overload), so that 5,000 nodes fit on a screen.
import type { Instant } from "../clock.ts";
import { shortName } from "../core/asset-name.ts";
import { isCompliant } from "../core/compliance/states.ts";
import type { AssetRow } from "../core/model.ts";
import {
  asksForHelp,
  createPaint,
  type Format,
  FORMATS,
  oneLine,
  ownSurroundings,
  type Paint,
  parseFlags,
  readFormat,
  showLength,
  showTime,
  showWhen,
  type Surroundings,
  writeData,
  wrongUse,
} from "./output.ts";
import { blockData, estimateData, refuse, showEnd, summarise, warningSection } from "./plan.ts";
import type { Situation } from "./situation.ts";
import { readSituation, SOURCE_FLAGS, SOURCE_HELP } from "./sources.ts";
import { drawLanes, type Flight, type Group, groupRows, type Lane } from "./status-lanes.ts";
import { formatBar, formatTable } from "./table.ts";

const USAGE = `Usage: ringward status [SOURCES] [-o ${FORMATS.join("|")}]

Rings as lanes: done, in flight, blocked, soak left and an estimated end. Equal assets are one line; only problems are
spelled out. "ringward why KIND/NAME" tells one asset's story.

${SOURCE_HELP}
                     without a source: $KUBECONFIG, else the running demo
  -o FORMAT          text (default), wide (every asset that is not done), json or yaml

Exit codes: 0 every asset is compliant, 1 some are not, 2 wrong use.
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
  const { values, positionals } = parseFlags("status", args, {
    ...SOURCE_FLAGS,
    output: { type: "string", short: "o" },
  });
  if (positionals.length > 0)
    throw wrongUse("status", `there is no argument "${positionals[0]}"; for one asset: ringward why KIND/NAME`);
  const format = readFormat("status", values.output);
  const result = await readSituation("status", values, surroundings);
  if (result.kind === "Refused") return refuse(result.findings, format, surroundings);
  const { situation } = result;
  const lanes = drawLanes(situation);
  surroundings.stdout.write(render(situation, lanes, format, createPaint(surroundings)));
  return situation.plan.rows.every((row) => isCompliant(row.state)) ? 0 : 1;
}

// --------------------------------------------------------------------------------------------------------- data

function statusData(situation: Situation, lanes: readonly Lane[]): object {
  const { plan, input, warnings } = situation;
  const mode = input.ledger.spec.mode ?? "Observe";
  const claims = input.ledger.claims;
  return {
    at: showTime(plan.at),
    ledger: {
      mode,
      nodes: claims.filter(({ kind }) => kind === "Node").length,
      workloads: claims.filter(({ kind }) => kind !== "Node").length,
      rebuilding: input.ledger.rebuilding,
    },
    rings: lanes.map((lane) => ({
      name: lane.ring,
      after: lane.after,
      phase: lane.phase,
      members: lane.members,
      assets: lane.assets,
      done: lane.done,
      inFlight: lane.inFlight.length,
      failed: lane.inFlight.filter(({ failure }) => failure !== undefined).map(({ row }) => shortName(row.asset)),
      blocked: lane.blocked.length,
      next: lane.next.map((row) => shortName(row.asset)),
      waiting: lane.waiting.length,
      soakLeftSeconds: lane.soakLeft === undefined ? null : Math.ceil(lane.soakLeft / 1000),
      blockedBy: lane.blockedBy.map(blockData),
      problems: groupRows([...lane.blocked, ...lane.waiting]).map(groupData),
      estimates: lane.estimates.map(estimateData),
    })),
    unassigned: plan.rows.filter((row) => row.ring === undefined).length,
    summary: summarise(plan.rows),
    warnings,
  };
}

function groupData({ reason, message, since, rows }: Group): object {
  return {
    reason,
    message,
    since: since === undefined ? null : showTime(since),
    assets: rows.map((row) => shortName(row.asset)),
  };
}

// --------------------------------------------------------------------------------------------------------- text

function render(situation: Situation, lanes: readonly Lane[], format: Format, paint: Paint): string {
  if (format === "json" || format === "yaml") return writeData(statusData(situation, lanes), format);
  const { plan, warnings } = situation;
  const { assets, compliant } = summarise(plan.rows);
  const loose = plan.rows.filter((row) => row.ring === undefined);
  return [
    headline(situation),
    laneSection(lanes, plan.at, format === "wide", paint),
    loose.length === 0 ? "" : `in no ring, never touched: ${countKinds(loose)}\n`,
    warningSection(warnings, paint),
    `${compliant} of ${assets} compliant\n`,
  ]
    .filter((section) => section !== "")
    .join("\n");
}

function headline({ plan, input, source }: Situation): string {
  const { spec, claims, rebuilding } = input.ledger;
  const nodes = claims.filter(({ kind }) => kind === "Node").length;
  return `${source} at ${showTime(plan.at)}; ledger: ${spec.mode ?? "Observe"}, ${nodes} nodes and ${claims.length - nodes} workloads claimed${rebuilding ? ", rebuilding" : ""}\n`;
}

/** Lanes are one table; what is below a lane is put between its lines afterwards, so that columns stay aligned. */
function laneSection(lanes: readonly Lane[], now: Instant, wide: boolean, paint: Paint): string {
  const heading = ["RING", "PROGRESS", "DONE", "IN FLIGHT", "BLOCKED", "PHASE", "SOAK LEFT", "ENDS ABOUT"];
  const [head = "", ...lines] = formatTable(
    heading,
    lanes.map((lane) => laneRow(lane, now, paint)),
  ).split("\n");
  return `${[head, ...lanes.flatMap((lane, index) => [lines[index] ?? "", ...below(lane, now, wide, paint)])].join("\n")}\n`;
}

function laneRow(lane: Lane, now: Instant, paint: Paint): readonly string[] {
  const glyph = lane.assets > 0 && lane.done === lane.assets ? "●" : lane.done + lane.inFlight.length > 0 ? "◐" : "○";
  return [
    `${glyph} ${lane.ring}`,
    formatBar(lane.done, lane.assets),
    `${lane.done}/${lane.assets}`,
    String(lane.inFlight.length),
    lane.blocked.length === 0 ? "0" : paint("yellow", String(lane.blocked.length)),
    lane.phase,
    lane.soakLeft === undefined ? "-" : showLength(lane.soakLeft),
    laneEnd(lane, now),
  ];
}

/** The last of its baselines; what never ends comes before all. */
function laneEnd({ estimates }: Lane, now: Instant): string {
  const never = estimates.find((estimate) => estimate.never !== undefined);
  if (never !== undefined) return showEnd(never, now);
  const last = estimates
    .filter(({ endsAt }) => endsAt !== undefined)
    .sort((a, b) => (b.endsAt ?? 0) - (a.endsAt ?? 0))[0];
  return last === undefined ? "-" : `${showEnd(last, now)}${last.missesDeadline ? ", after its deadline" : ""}`;
}

function below(lane: Lane, now: Instant, wide: boolean, paint: Paint): readonly string[] {
  const lines: string[] = [];
  if (lane.done > 0) lines.push(`${paint("green", "✔")} ${lane.done} at their level`);
  lines.push(...flightLines(lane.inFlight, now, wide, paint));
  if (lane.next.length > 0) lines.push(`${paint("cyan", "→")} ${showNames(lane.next, wide)} next`);
  for (const group of groupRows([...lane.blocked, ...lane.waiting])) lines.push(groupLine(group, now, wide, paint));
  return lines.map((line, index) => `  ${index === lines.length - 1 ? "└" : "├"} ${line}`);
}

/** Failures one by one; what goes well is one line for each step. */
function flightLines(flights: readonly Flight[], now: Instant, wide: boolean, paint: Paint): readonly string[] {
  const failed = flights.filter(({ failure }) => failure !== undefined);
  const steps = Map.groupBy(
    flights.filter(({ failure }) => failure === undefined),
    ({ step, row }) => `at step ${step}, to ${row.level ?? "its level"}`,
  );
  const age = (since: Instant | undefined): string =>
    since === undefined ? "" : ` for ${showLength(Math.max(0, now - since))}`;
  return [
    ...failed.map(
      ({ row, failure, since }) =>
        `${paint("red", "✖")} ${shortName(row.asset)} failed${age(since)}: ${oneLine(failure ?? "")}  -> ringward why ${whyArgument(row)}`,
    ),
    ...[...steps].map(([step, list]) => {
      const first = list.reduce<Instant | undefined>(
        (oldest, { since }) => (since !== undefined && since < (oldest ?? Infinity) ? since : oldest),
        undefined,
      );
      return `${paint("cyan", "↻")} ${showNames(
        list.map(({ row }) => row),
        wide,
      )} ${step}${age(first)}`;
    }),
  ];
}

function groupLine(group: Group, now: Instant, wide: boolean, paint: Paint): string {
  const { reason, message, since, person, rows } = group;
  const [first] = rows;
  const fine = first !== undefined && first.blockedBy.length === 0 && isCompliant(first.state);
  const sign = person ? paint("yellow", "⏸") : fine ? paint("green", "✔") : "…";
  const what = showNames(rows, wide);
  const when = since === undefined || since === now ? "" : `, since ${showWhen(since, now)}`;
  const hint = person && first !== undefined ? `  -> ringward why ${whyArgument(first)}` : "";
  return `${sign} ${what}: ${reason}${message === "" ? "" : `: ${oneLine(message)}`}${when}${hint}`;
}

function showNames(rows: readonly AssetRow[], wide: boolean): string {
  return wide || rows.length <= 2 ? rows.map((row) => shortName(row.asset)).join(", ") : countKinds(rows);
}

function whyArgument({ asset }: AssetRow): string {
  return `${asset.kind.toLowerCase()}/${asset.name}${asset.namespace === undefined ? "" : ` -n ${asset.namespace}`}`;
}

function countKinds(rows: readonly AssetRow[]): string {
  const nodes = rows.filter(({ asset }) => asset.kind === "Node").length;
  const workloads = rows.length - nodes;
  const word = (number: number, one: string): string => `${number} ${one}${number === 1 ? "" : "s"}`;
  return [nodes > 0 ? word(nodes, "node") : "", workloads > 0 ? word(workloads, "workload") : ""]
    .filter((part) => part !== "")
    .join(", ");
}
