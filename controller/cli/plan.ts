// `ringward plan`: the state of every asset, what would happen next and why, and about when it would be over. It runs the planner that
// the controller runs and touches nothing. Same input, same bytes (R6).
import type { Instant } from "../clock.ts";
import { shortName } from "../core/asset-name.ts";
import { isCompliant } from "../core/compliance/states.ts";
import type { AssetRow, Block } from "../core/model.ts";
import type { Estimate } from "../core/estimate/estimate.ts";
import type { Decision } from "../core/rollout/decision.ts";
import { counted, formatFinding, type Finding } from "../policy/finding.ts";
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
  showState,
  showTime,
  showWhen,
  type Surroundings,
  writeData,
  wrongUse,
} from "./output.ts";
import type { Situation } from "./situation.ts";
import { readSituation, SOURCE_FLAGS, SOURCE_HELP } from "./sources.ts";
import { formatTable } from "./table.ts";
import { showable } from "./views/drawing.ts";

export const USAGE = `Usage: ringward plan --policy DIR (--cluster DUMPDIR | --kubeconfig FILE) [--at TIME] [-o ${FORMATS.join("|")}]

Shows the state of every asset under every baseline, what would happen next and why, and about when each ring would be
done, with a warning where budget and windows do not meet a deadline. Nothing is touched.

${SOURCE_HELP}
  -o FORMAT          text (default), wide (with components and times), json or yaml

Exit codes: 0 every asset is compliant, 1 some are not, 2 wrong use, or errors in the policy (as validate prints them).
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
  const { values, positionals } = parseFlags("plan", args, { ...SOURCE_FLAGS, output: { type: "string", short: "o" } });
  if (positionals.length > 0)
    throw wrongUse("plan", `there is no argument "${positionals[0]}"; name folders with --policy and --cluster`);
  const format = readFormat("plan", values.output);
  if (values.cluster === undefined && values.kubeconfig === undefined)
    throw wrongUse("plan", "which cluster? give --cluster DUMPDIR or --kubeconfig FILE");
  if (values.policy === undefined && values.kubeconfig === undefined)
    throw wrongUse("plan", "which policy? give --policy DIR");
  const result = await readSituation("plan", values, surroundings);
  if (result.kind === "Refused") return refuse(result.findings, format, surroundings);
  const { situation } = result;
  const text = render(situation, format, createPaint(surroundings));
  const isData = format === "json" || format === "yaml";
  surroundings.stdout.write(isData ? text : showable(text, surroundings));
  if (isData) for (const warning of situation.warnings) surroundings.stderr.write(`warning: ${oneLine(warning)}\n`);
  return situation.plan.rows.every((row) => isCompliant(row.state)) ? 0 : 1;
}

/** Errors in the policy, as `validate` prints them: nothing is planned with half a policy. */
export function refuse(findings: readonly Finding[], format: Format, { stdout, stderr }: Surroundings): number {
  const errors = findings.filter(({ severity }) => severity === "error");
  const warnings = findings.filter(({ severity }) => severity === "warning");
  const row = ({ file, line, column, path, code, message, hint }: Finding): object => ({
    file,
    line,
    column,
    path,
    code,
    message,
    hint,
  });
  if (format === "json" || format === "yaml")
    stdout.write(writeData({ ok: false, errors: errors.map(row), warnings: warnings.map(row) }, format));
  else stdout.write(findings.map((finding) => `${formatFinding(finding)}\n`).join(""));
  stderr.write(`the policy has ${counted(errors.length, "error")}; nothing was planned\n`);
  return 2;
}

// --------------------------------------------------------------------------------------------------------- data

/** The plan as data: the contract of `-o json`. */
export function planData({ plan, decisions, estimates, warnings }: Situation): object {
  return {
    at: showTime(plan.at),
    assets: plan.rows.map(assetData),
    decisions: decisions.map(decisionData),
    summary: summarise(plan.rows),
    estimates: estimates.map(estimateData),
    warnings,
  };
}

export function assetData({ asset, ring, baseline, level, state, phase, components, blockedBy }: AssetRow): object {
  return {
    kind: asset.kind,
    namespace: asset.namespace ?? null,
    name: asset.name,
    ring: ring ?? null,
    baseline,
    level: level ?? null,
    state,
    phase,
    components: components.map(({ name, running, desired, scheme, state: own, reason }) => ({
      name,
      running: running ?? null,
      desired,
      scheme,
      state: own,
      ...(reason === undefined ? {} : { reason }),
    })),
    blockedBy: blockedBy.map(blockData),
  };
}

export function blockData({ reason, message, since }: Block): object {
  return { reason, message, since: since === undefined ? null : showTime(since) };
}

export function decisionData({ action, target, ring, level, reason, message }: Decision): object {
  const { kind, namespace, name } = target;
  return {
    action,
    target: { kind, namespace: namespace ?? null, name },
    ring: ring ?? null,
    level: level ?? null,
    reason,
    message,
  };
}

export function estimateData(estimate: Estimate): object {
  const {
    ring,
    baseline,
    level,
    ifApproved,
    remaining,
    stuck,
    atOnce,
    minutesPerTarget,
    measured,
    missesDeadline,
    never,
  } = estimate;
  const time = (at: Instant | undefined): string | null => (at === undefined ? null : showTime(at));
  return {
    ring,
    baseline,
    level: level ?? null,
    ifApproved,
    remaining,
    stuck,
    atOnce,
    minutesPerTarget,
    measured,
    startsAt: time(estimate.startsAt),
    endsAt: time(estimate.endsAt),
    soakedAt: time(estimate.soakedAt),
    deadline: time(estimate.deadline),
    missesDeadline,
    never: never === undefined ? null : { reason: never.reason, message: never.message },
  };
}

export interface Summary {
  readonly assets: number;
  readonly byState: Readonly<Record<string, number>>;
  readonly byRing: Readonly<Record<string, number>>;
  readonly compliant: number;
}

/** Counts of rows: one for each asset and baseline. `Unassigned` and `RingConflict` are no rings. */
export function summarise(rows: readonly AssetRow[]): Summary {
  return {
    assets: rows.length,
    byState: count(rows.map((row) => row.state)),
    byRing: count(
      rows.map((row) => row.ring ?? (row.blockedBy[0]?.reason === "RingConflict" ? "RingConflict" : "Unassigned")),
    ),
    compliant: rows.filter((row) => isCompliant(row.state)).length,
  };
}

/**
 * The sum in words. What is below a level that nobody approved for it (Available), or is excepted, counts as compliant (DESIGN, "Words") and
 * may run no level for that: it is named beside the number.
 */
export function sayCompliant(rows: readonly AssetRow[]): string {
  const { assets, compliant, byState } = summarise(rows);
  const loose = rows.filter(({ state, ring }) => state === "Available" && ring === undefined).length;
  const waiting = (byState["Available"] ?? 0) - loose;
  const exempt = byState["Exempt"] ?? 0;
  const apart = [
    ...(waiting === 0 ? [] : [`${waiting} ${waiting === 1 ? "waits" : "wait"} for approval`]),
    ...(loose === 0 ? [] : [`${loose} ${loose === 1 ? "is" : "are"} Available in no ring`]),
    ...(exempt === 0 ? [] : [`${exempt} ${exempt === 1 ? "is" : "are"} Exempt`]),
  ];
  return `${compliant} of ${assets} compliant${apart.length === 0 ? "" : `; of these ${apart.join(", ")}`}`;
}

function count(words: readonly string[]): Readonly<Record<string, number>> {
  const sorted = [...Map.groupBy(words, (word) => word)].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([word, list]) => [word, list.length]));
}

// --------------------------------------------------------------------------------------------------------- text

function render(situation: Situation, format: Format, paint: Paint): string {
  if (format === "json" || format === "yaml") return writeData(planData(situation), format);
  const { plan, source } = situation;
  const { assets, compliant, byState } = summarise(plan.rows);
  const states = Object.entries(byState).map(([state, number]) => `${number} ${state}`);
  const sections = [
    `${paint("bold", "Plan")} at ${showTime(plan.at)}: ${source}\n`,
    assetSection(situation, format === "wide", paint),
    nextSection(situation.decisions, paint),
    estimateSection(situation.estimates, plan.at, paint),
    warningSection(situation.warnings, paint),
    `${compliant} of ${assets} compliant${states.length === 0 ? "" : ` (${states.join(", ")})`}\n`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function assetSection({ plan }: Situation, wide: boolean, paint: Paint): string {
  const heading = ["RING", "ASSET", "BASELINE", "STATE", "PHASE", "WHY", ...(wide ? ["LEVEL", "COMPONENTS"] : [])];
  const rows = plan.rows.map((row) => [
    row.ring ?? "-",
    shortName(row.asset),
    row.baseline,
    showState(row.state, paint),
    row.phase,
    whyOf(row, wide, plan.at),
    ...(wide ? [row.level ?? "-", row.components.map(showComponent).join(", ")] : []),
  ]);
  return formatTable(heading, rows);
}

function whyOf(row: AssetRow, wide: boolean, now: Instant): string {
  const [block] = row.blockedBy;
  if (block === undefined) return row.reason ?? "-";
  if (!wide) return block.reason;
  const since = block.since === undefined || block.since === now ? "" : ` since ${showWhen(block.since, now)}`;
  return `${block.reason}${since}: ${oneLine(block.message)}`;
}

export function showComponent({ name, running, desired, state }: AssetRow["components"][number]): string {
  const change = running === desired ? desired : `${running ?? "?"} → ${desired}`;
  return `${name} ${oneLine(change)} (${state})`;
}

/** Equal waits are one line: what they wait for matters, not every name. */
function nextSection(decisions: readonly Decision[], paint: Paint): string {
  if (decisions.length === 0) return "Next: nothing.\n";
  const groups = Map.groupBy(decisions, ({ action, ring, reason, message }) =>
    JSON.stringify([action, ring, reason, message]),
  );
  const rows = [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [[first.action, first.ring ?? "-", showNames([first, ...others]), first.reason, oneLine(first.message)]],
  );
  return `${paint("bold", "Next")}\n${formatTable(["ACTION", "RING", "TARGETS", "REASON", "MESSAGE"], rows, "  ")}`;
}

/** Assets by name; of a decision about a ring the level that it is about. */
function showNames(decisions: readonly Decision[]): string {
  const names = [
    ...new Set(
      decisions.map(({ target, level }) =>
        target.kind === "RolloutRing" ? (level ?? target.name) : shortName(target),
      ),
    ),
  ];
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

export function estimateSection(estimates: readonly Estimate[], now: Instant, paint: Paint): string {
  const rows = estimates.map((estimate) => [
    estimate.ring,
    estimate.baseline,
    String(estimate.remaining),
    String(estimate.atOnce),
    estimate.startsAt === undefined ? "-" : showWhen(estimate.startsAt, now),
    showEnd(estimate, now),
    estimate.deadline === undefined
      ? "-"
      : `${showWhen(estimate.deadline, now)}${estimate.missesDeadline ? " missed" : ""}`,
  ]);
  const heading = ["RING", "BASELINE", "LEFT", "AT ONCE", "STARTS", "ENDS ABOUT", "DEADLINE"];
  return rows.length === 0 ? "" : `${paint("bold", "Estimate")}\n${formatTable(heading, rows, "  ")}`;
}

export function showEnd(estimate: Estimate, now: Instant): string {
  const { never, endsAt, ifApproved, remaining, stuck } = estimate;
  if (never !== undefined) return `never: ${never.reason}`;
  if (endsAt !== undefined) return `${showWhen(endsAt, now)}${ifApproved ? ", if approved now" : ""}`;
  return remaining === 0 && stuck.length === 0 ? "done" : "-";
}

export function warningSection(warnings: readonly string[], paint: Paint): string {
  if (warnings.length === 0) return "";
  return `${paint("yellow", "Warnings")}\n${warnings.map((warning) => `  ! ${oneLine(warning)}\n`).join("")}`;
}
