// Evidence: when the ring may start, which freezes lie ahead, and how long it would take. Pure; the times are as of the plan.
import { type Freeze, nextStart } from "../calendar/index.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { calendarsOf, compileCalendars } from "../rollout/calendars.ts";
import { type EvidenceInput, type Section, showTime } from "./evidence-form.ts";

const AHEAD = 14 * 86_400_000;

/** Start, freezes, forecast. Only what a person set is a fact; the next window is not, or a body would change with every window. */
export function describeTiming(input: EvidenceInput, rows: number): Section {
  const { proposal, plan, policy, escape } = input;
  const { ring, level } = proposal;
  const { calendars, problems } = calendarsOf(ring, compileCalendars(policy));
  const deferral = parseDuration(ring.spec.deferral ?? "0s") ?? 0;
  const deferredTo = level.inputTime + deferral;
  const start = nextStart(calendars, Math.max(plan.at, deferredTo));
  const freezes = calendars
    .flatMap((calendar) => calendar.freezes)
    .filter((freeze) => freeze.end > plan.at && freeze.start < plan.at + AHEAD)
    .sort((a, b) => a.start - b.start);
  const lines = [
    "#### When",
    "",
    ...problems.map(
      (problem) => `- ⚠ \`${problem.reason}\`: ${escape.text(problem.message)}: nothing starts until that is mended.`,
    ),
    start === undefined
      ? "- ⚠ No window of the ring's calendars opens again: nothing starts."
      : start <= plan.at
        ? "- May start as soon as it is merged."
        : `- May start from ${showTime(start)}.`,
    ...(deferredTo > plan.at
      ? [`- The ring takes levels when they are ${formatDuration(deferral)} old: from ${showTime(deferredTo)}.`]
      : []),
    ...freezes
      .slice(0, Math.min(rows, 10))
      .map((freeze) => `- ${describeFreeze(freeze, plan.at)}: ${escape.text(freeze.reason)}.`),
    ...(ring.spec.suspend === true || ring.suspendedLive
      ? ["- ⚠ The ring is suspended (`RingSuspended`): nothing starts until it is resumed."]
      : []),
    ...describeForecast(input),
    ...describeDeadline(input),
  ];
  return {
    lines,
    facts: [
      deferredTo > plan.at,
      freezes.map((freeze) => [freeze.start, freeze.end]),
      ring.spec.suspend === true || ring.suspendedLive,
      problems.map((problem) => problem.message),
    ],
  };
}

function describeFreeze(freeze: Freeze, now: number): string {
  const until = `until ${showTime(freeze.end)}${freeze.override === "Never" ? ", not to be overridden" : ""}`;
  return freeze.start <= now ? `Frozen ${until}` : `A freeze from ${showTime(freeze.start)} ${until}`;
}

function describeForecast({ estimates, proposal, escape }: EvidenceInput): readonly string[] {
  const estimate = estimates?.find((one) => one.ring === proposal.ring.name && one.baseline === proposal.baseline);
  if (estimate === undefined || estimate.level !== proposal.level.name) return [];
  const pace = `${estimate.remaining} targets, ${estimate.atOnce} at once, about ${estimate.minutesPerTarget} minutes each`;
  const lines =
    estimate.never !== undefined
      ? [`- ⚠ Would not end as things stand: \`${estimate.never.reason}\`: ${escape.text(estimate.never.message)}.`]
      : estimate.endsAt === undefined
        ? []
        : [`- Merged now it would end about ${showTime(estimate.endsAt)} (${pace}).`];
  const stuck = estimate.stuck.map(({ reason, targets }) => `\`${reason}\` ${targets}`).join(", ");
  return [
    ...lines,
    ...(stuck === "" ? [] : [`- ⚠ Targets that wait for a person: ${stuck}.`]),
    ...(estimate.missesDeadline ? ["- ⚠ That is after the ring's deadline."] : []),
  ];
}

function describeDeadline({ proposal }: EvidenceInput): readonly string[] {
  const { deadline, onDeadline } = proposal.ring.spec;
  if (deadline === undefined) return [];
  return [
    `- Deadline: ${deadline} after it is offered${onDeadline === "IgnoreWindows" ? "; from then on windows are ignored (freezes are not)" : ""}.`,
  ];
}
