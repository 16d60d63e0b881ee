// Evidence: when the ring may start, which freezes lie ahead, and how long it would take. Pure; the times are as of the plan.
import type { Instant } from "../../clock.ts";
import { type Freeze, nextStart } from "../calendar/index.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { calendarsOf, compileCalendars } from "../rollout/calendars.ts";
import { type EvidenceInput, type Section, showTime } from "./evidence-form.ts";

const AHEAD = 14 * 86_400_000;

/** Start, freezes, forecast. Only what a person set is a fact; the next window is not, or a body would change with every window. */
export function describeTiming(input: EvidenceInput): Section {
  const { proposal, plan, policy, escape } = input;
  const { ring, level } = proposal;
  const { calendars, problems } = calendarsOf(ring, compileCalendars(policy));
  const deferral = parseDuration(ring.spec.deferral ?? "0s") ?? 0;
  const deferredTo = level.inputTime + deferral;
  const freezes = calendars
    .flatMap((calendar) => calendar.freezes)
    .filter((freeze) => freeze.end > plan.at && freeze.start < plan.at + AHEAD)
    .sort((a, b) => a.start - b.start);
  const suspended = ring.spec.suspend === true || ring.suspendedLive;
  return {
    facts: [
      deferredTo > plan.at,
      freezes.map((freeze) => [freeze.start, freeze.end]),
      suspended,
      problems.map((problem) => problem.message),
      input.mode ?? null,
      // The forecast rests on these; how it comes out moves with every pass.
      [ring.spec.budget ?? null, ring.spec.deadline ?? null, ring.spec.onDeadline ?? null],
    ],
    lines: (rows) => [
      "#### When",
      "",
      ...problems.map(
        (problem) => `- ⚠ \`${problem.reason}\`: ${escape.text(problem.message)}: nothing starts until that is mended.`,
      ),
      describeStart(nextStart(calendars, Math.max(plan.at, deferredTo)), plan.at),
      ...(deferredTo > plan.at
        ? [`- The ring takes levels when they are ${formatDuration(deferral)} old: from ${showTime(deferredTo)}.`]
        : []),
      ...freezes
        .slice(0, Math.min(rows, 10))
        .map((freeze) => `- ${describeFreeze(freeze, plan.at)}: ${escape.text(freeze.reason)}.`),
      ...(suspended ? ["- ⚠ The ring is suspended (`RingSuspended`): nothing starts until it is resumed."] : []),
      ...describeMode(input),
      ...describeForecast(input),
      ...describeDeadline(input),
    ],
  };
}

function describeStart(start: Instant | undefined, now: Instant): string {
  if (start === undefined) return "- ⚠ No window of the ring's calendars opens again: nothing starts.";
  return start <= now ? "- May start as soon as it is merged." : `- May start from ${showTime(start)}.`;
}

function describeMode({ mode }: EvidenceInput): readonly string[] {
  if (mode === "Observe")
    return ["- ⚠ The cluster's mode is Observe: nothing is touched, merged or not (`Observing`)."];
  if (mode === "Stop") return ["- ⚠ The cluster's mode is Stop: nothing starts (`Stopped`)."];
  return [];
}

function describeFreeze(freeze: Freeze, now: number): string {
  const until = `until ${showTime(freeze.end)}${freeze.override === "Never" ? ", not to be overridden" : ""}`;
  return freeze.start <= now ? `Frozen ${until}` : `A freeze from ${showTime(freeze.start)} ${until}`;
}

function describeForecast({ forecast, proposal, escape }: EvidenceInput): readonly string[] {
  const estimate = forecast?.();
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
