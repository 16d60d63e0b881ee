// `ringward status`: rings as lanes. Equal things are one line with a count; only what has a problem is spelled out (the idea is
// clusterctl describe's: surface problems, do not overload), so that 5,000 nodes fit on a screen.
import type { Instant } from "../clock.ts";
import { parseDuration } from "../core/duration.ts";
import { describeReason } from "../api/reasons.ts";
import { isCompliant } from "../core/compliance/states.ts";
import type { AssetRow, Block } from "../core/model.ts";
import type { Estimate } from "../core/rollout/estimate.ts";
import type { RingOutcome } from "../core/rollout/plan.ts";
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
import { blockData, estimateData, nameOf, refuse, showEnd, summarise, warningSection } from "./plan.ts";
import { readSituation, type Situation, SOURCE_FLAGS, SOURCE_HELP } from "./sources.ts";
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

// -------------------------------------------------------------------------------------------------------- lanes

interface Lane {
  readonly ring: string;
  readonly after: readonly string[];
  readonly phase: string;
  readonly members: { readonly nodes: number; readonly workloads: number };
  readonly assets: number;
  readonly done: number;
  readonly inFlight: readonly AssetRow[];
  readonly blocked: readonly AssetRow[];
  /** What is claimed next. */
  readonly next: readonly AssetRow[];
  readonly waiting: readonly AssetRow[];
  /** ms; undefined while no level soaks. */
  readonly soakLeft: number | undefined;
  readonly blockedBy: readonly Block[];
  readonly estimates: readonly Estimate[];
}

/** A lane for each ring in ring order, and what is in none. */
function drawLanes({ plan, estimates }: Situation): readonly Lane[] {
  const next = new Set(plan.decisions.filter(({ action }) => action === "claim").map(({ target }) => nameOf(target)));
  return plan.rings.map((outcome) => {
    const { name, spec } = outcome.ring;
    const rows = plan.rows.filter((row) => row.ring === name);
    return {
      ring: name,
      after: spec.after ?? [],
      phase: outcome.phase,
      members: outcome.members,
      ...sortRows(rows, next),
      soakLeft: soakLeftOf(outcome),
      blockedBy: outcome.blockedBy,
      estimates: estimates.filter(({ ring }) => ring === name),
    };
  });
}

function sortRows(rows: readonly AssetRow[], next: ReadonlySet<string>) {
  const isDone = (row: AssetRow): boolean => row.phase === "Done" || row.phase === "Soaking";
  const isNext = (row: AssetRow): boolean => row.phase === "Offered" && next.has(nameOf(row.asset));
  return {
    assets: rows.length,
    done: rows.filter(isDone).length,
    inFlight: rows.filter((row) => row.phase === "InProgress"),
    blocked: rows.filter((row) => row.phase === "Blocked"),
    next: rows.filter(isNext),
    waiting: rows.filter(
      (row) => !isDone(row) && !isNext(row) && row.phase !== "InProgress" && row.phase !== "Blocked",
    ),
  };
}

/** The longest that a complete level of the ring still has to be observed. */
function soakLeftOf({ ring, progress }: RingOutcome): number | undefined {
  const wanted = parseDuration(ring.spec.soak ?? "24h") ?? 0;
  const left = [...progress.values()]
    .filter(({ complete, soaked }) => complete && !soaked)
    .map(({ soakedMs }) => Math.max(0, wanted - soakedMs));
  return left.length === 0 ? undefined : Math.max(...left);
}

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
      blocked: lane.blocked.length,
      next: lane.next.map((row) => nameOf(row.asset)),
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

interface Group {
  readonly reason: string;
  readonly message: string;
  readonly since: Instant | undefined;
  readonly person: boolean;
  readonly rows: readonly AssetRow[];
}

/** Rows that stand still for the same reason in the same words. Those that need a person come first. */
function groupRows(rows: readonly AssetRow[]): readonly Group[] {
  const groups = Map.groupBy(rows, (row) =>
    JSON.stringify([row.blockedBy[0]?.reason ?? standing(row), row.blockedBy[0]?.message ?? ""]),
  );
  return [...groups.values()]
    .map((list): Group => {
      const block = list[0]?.blockedBy[0];
      const times = list.flatMap((row) => row.blockedBy[0]?.since ?? []);
      return {
        reason: block?.reason ?? (list[0] === undefined ? "" : standing(list[0])),
        message: block?.message ?? "",
        since: times.length === 0 ? undefined : Math.min(...times),
        person: block !== undefined && describeReason(block.reason).care === "person",
        rows: list,
      };
    })
    .sort(
      (a, b) =>
        Number(b.person) - Number(a.person) ||
        b.rows.length - a.rows.length ||
        (a.reason + a.message < b.reason + b.message ? -1 : 1),
    );
}

/** What is said of a row that nothing blocks. */
function standing({ state, reason }: AssetRow): string {
  return reason === undefined ? state : `${state} (${reason})`;
}

function groupData({ reason, message, since, rows }: Group): object {
  return {
    reason,
    message,
    since: since === undefined ? null : showTime(since),
    assets: rows.map((row) => nameOf(row.asset)),
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
  for (const row of lane.inFlight)
    lines.push(`${paint("cyan", "↻")} ${nameOf(row.asset)} in progress, to ${row.level ?? "its level"}`);
  if (lane.next.length > 0) lines.push(`${paint("cyan", "→")} ${showNames(lane.next, wide)} next`);
  for (const group of groupRows([...lane.blocked, ...lane.waiting])) lines.push(groupLine(group, now, wide, paint));
  return lines.map((line, index) => `  ${index === lines.length - 1 ? "└" : "├"} ${line}`);
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
  return wide || rows.length <= 2 ? rows.map((row) => nameOf(row.asset)).join(", ") : countKinds(rows);
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
