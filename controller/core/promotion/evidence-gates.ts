// Evidence: what has to hold before a target starts, each with pass, fail or unknown as of the plan, what was observed and what is needed.
// The same conditions hold after the merge: it is a permission, not an order. Pure.
import type { Gate } from "../../api/gate.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { freezesAt, windowsAt } from "../calendar/index.ts";
import { calendarsOf, compileCalendars } from "../rollout/calendars.ts";
import type { GateOutcome } from "../rollout/gates.ts";
import { type EvidenceInput, type Section, showTime, table } from "./evidence-form.ts";
import { proofsOf } from "./evidence-proof.ts";

type Result = "pass" | "fail" | "unknown";

/** One condition. `needed` and `observed` are escaped already. */
interface Condition {
  readonly name: string;
  readonly result: Result;
  readonly observed: string;
  readonly needed: string;
  /** Comes and goes by the clock: not worth a new text. */
  readonly byClock?: true;
}

const SIGNS: Readonly<Record<Result, string>> = { pass: "✅ pass", fail: "❌ fail", unknown: "❔ unknown" };

/** Predecessors, deferral, windows, freezes, suspension and the ring's own gates. */
export function describeConditions(input: EvidenceInput): Section {
  const conditions = [...judgePredecessors(input), ...judgeTime(input), ...judgeGates(input)];
  return {
    facts: conditions.filter((one) => one.byClock !== true).map(({ name, result }) => [name, result]),
    lines: () => [
      "#### What has to hold before a target starts",
      "",
      ...table(
        ["Condition", "Now", "Observed", "Needed"],
        conditions.map(({ name, result, observed, needed }) => [name, SIGNS[result], observed, needed]),
      ),
      "",
      "All of it is looked at again after the merge and before each target; what is unknown holds as failed.",
    ],
  };
}

function judgePredecessors(input: EvidenceInput): readonly Condition[] {
  const { escape, proposal } = input;
  if (proposal.kind === "Scope") return [];
  return proofsOf(input).map(({ name, outcome, record, soaked, empty, passes: passedThrough }) => {
    const soak = formatDuration(parseDuration(outcome?.ring.spec.soak ?? "24h") ?? 0);
    const passes = soaked || passedThrough;
    const served = formatDuration((record?.soakedSeconds ?? 0) * 1000);
    return {
      name: `Ring ${escape.code(name)} has soaked this level`,
      result: outcome === undefined ? "unknown" : passes ? "pass" : "fail",
      observed:
        outcome === undefined
          ? "no such ring"
          : record === undefined
            ? empty
              ? "no target of this baseline"
              : "not approved for it"
            : `${record.done ?? 0} of ${record.targets ?? 0} done, ${record.failed ?? 0} failed, ${served} soaked`,
      needed: `${outcome?.ring.spec.completion?.minPercent ?? 100} % done, then ${soak}`,
    };
  });
}

function judgeTime({ proposal, plan, policy, escape }: EvidenceInput): readonly Condition[] {
  const { ring, level } = proposal;
  const { calendars, problems } = calendarsOf(ring, compileCalendars(policy));
  const deferral = parseDuration(ring.spec.deferral ?? "0s") ?? 0;
  const age = Math.max(0, plan.at - level.inputTime);
  const window = windowsAt(calendars, plan.at);
  const freeze = freezesAt(calendars, plan.at);
  const suspended = ring.spec.suspend === true || ring.suspendedLive;
  return [
    ...(deferral === 0
      ? []
      : [
          {
            name: "Deferral",
            result: age >= deferral ? ("pass" as const) : ("fail" as const),
            observed: `the level is ${formatDuration(Math.floor(age / 60_000) * 60_000)} old`,
            needed: formatDuration(deferral),
            byClock: true as const,
          },
        ]),
    ...problems.map((problem) => ({
      name: "Calendars",
      result: "fail" as const,
      observed: `\`${problem.reason}\`: ${escape.text(problem.message)}`,
      needed: "all of them can be read",
    })),
    ...(calendars.every((calendar) => calendar.windows.length === 0)
      ? []
      : [
          {
            name: "Maintenance window",
            result: window.mayStart ? ("pass" as const) : ("fail" as const),
            observed: window.mayStart ? "open" : window.open ? "open, and its cutoff has passed" : "shut",
            needed: "open",
            byClock: true as const,
          },
        ]),
    ...(calendars.every((calendar) => calendar.freezes.length === 0)
      ? []
      : [
          {
            name: "No freeze",
            result: freeze.frozen ? ("fail" as const) : ("pass" as const),
            observed: freeze.frozen ? "frozen" : "none now",
            needed: "none",
            byClock: true as const,
          },
        ]),
    ...(suspended
      ? [{ name: "Not suspended", result: "fail" as const, observed: "`RingSuspended`", needed: "resumed" }]
      : []),
  ];
}

function judgeGates({ proposal, plan, escape }: EvidenceInput): readonly Condition[] {
  const outcome = plan.rings.find((one) => one.ring.name === proposal.ring.name);
  return (outcome?.gates ?? []).map((gate) => ({
    name: `Gate ${escape.code(gate.gate.name)}`,
    result: resultOf(gate),
    observed: observedBy(gate, escape.text),
    needed: neededBy(gate.gate, escape),
  }));
}

function resultOf({ block, status }: GateOutcome): Result {
  if (block?.reason === "GateUnknown" || status?.reason === "GateUnknown") return "unknown";
  return block === undefined ? "pass" : "fail";
}

function observedBy({ block, heldMs }: GateOutcome, text: EvidenceInput["escape"]["text"]): string {
  if (block !== undefined) return text(block.message, 240);
  return heldMs === undefined ? "holds" : `holds for ${formatDuration(Math.floor(heldMs / 1000) * 1000)}`;
}

const COMPARED = { LessThan: "<", AtMost: "≤", Equal: "=", AtLeast: "≥", GreaterThan: ">" } as const;

function neededBy({ type, minPercent, promQL, alerts, cel }: Gate, escape: EvidenceInput["escape"]): string {
  const held = (time: string | undefined): string => (time === undefined || time === "0s" ? "" : ` for ${time}`);
  if (promQL !== undefined)
    return `${escape.code(promQL.query, 240)} ${COMPARED[promQL.operator]} ${promQL.threshold}${held(promQL.for)}`;
  if (alerts !== undefined) {
    const matchers = alerts.matchers
      .map(({ name, operator = "=", value }) => `${name}${operator}"${value}"`)
      .join(", ");
    return `no alert with ${escape.code(matchers, 240)}${held(alerts.for)}`;
  }
  if (cel !== undefined) return `${escape.code(cel.expression, 240)}${held(cel.for)}`;
  if (type === "BlockingPods") return "no such pod";
  return `${minPercent ?? 100} % (${type})`;
}

/** As of when the evidence is, for the foot of the page. */
export function describeFreshness({ plan, inventory, proposal }: EvidenceInput): string {
  const nodes = new Set(
    plan.targets.filter(({ ring }) => ring === proposal.ring.name).flatMap(({ node }) => node?.uid ?? []),
  );
  const heard = inventory.nodes.flatMap(({ uid, heardAt }) =>
    nodes.has(uid) && heardAt !== undefined ? [heardAt] : [],
  );
  const silent = nodes.size - heard.length;
  if (nodes.size === 0) return "";
  const oldest = heard.length === 0 ? undefined : heard.reduce((least, at) => Math.min(least, at));
  return [
    oldest === undefined ? "" : ` The node heard of longest ago: ${showTime(oldest)}.`,
    silent === 0 ? "" : ` Nodes without a Lease: ${silent}.`,
  ].join("");
}
