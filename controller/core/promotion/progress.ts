// The comment on a merged proposal: first how far the rollout is, in the end what came of it, the forecast held against what really
// happened. Pure. Told in steps (a tenth of the targets, a phase, a failure), so that a large ring does not write a comment for each target.
import { createHash } from "node:crypto";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { formatDuration } from "../duration.ts";
import type { Estimate } from "../estimate/estimate.ts";
import type { AssetRow, PolicyInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { atMost, type Escape, showTime, table } from "./evidence-form.ts";
import { isDone, nameOf, whyOf } from "./evidence-proof.ts";
import { branchPart, type KnownProposal, type ProposalMarker } from "./known.ts";
import { isAbout } from "./stops.ts";

/** The comment is found again by this line; a shared pull request has one for each baseline. */
export function progressMarker(baseline: string): string {
  return `<!-- ringward-progress ${branchPart(baseline)} -->`;
}

export interface ProgressInput {
  readonly plan: Plan;
  readonly policy: PolicyInForce;
  readonly known: readonly KnownProposal[];
  /** What a pull request's body remembers; untrusted. */
  readonly markerOf: (number: number) => Partial<ProposalMarker> | undefined;
  /** When rollouts would end now; asked only when a comment is written. */
  readonly estimates: () => readonly Estimate[];
  readonly escape: Escape;
}

export interface ProgressComment {
  readonly number: number;
  readonly marker: string;
  /** Changes when the comment is worth a new text. */
  readonly key: string;
  /** Written when it is read. */
  readonly body: string;
}

/** One comment for the newest merged proposal of each ring and baseline. */
export function reportProgress(input: ProgressInput): readonly ProgressComment[] {
  return input.plan.rings.flatMap((outcome) =>
    [...outcome.progress.keys(), ...pastBaselines(outcome)].flatMap(
      (baseline) => reportOne(input, outcome, baseline) ?? [],
    ),
  );
}

/** Baselines that the ring names no more. */
function pastBaselines({ levels, progress }: RingOutcome): readonly string[] {
  return [...new Set(levels.map(({ baseline }) => baseline))].filter((baseline) => !progress.has(baseline)).sort();
}

interface Scene extends ProgressInput {
  readonly outcome: RingOutcome;
  readonly record: RingLevelStatus;
  readonly number: number;
  readonly mergedTime: Instant | undefined;
  /** Of the ring under this baseline, not there yet; empty where the ring runs another level by now. */
  readonly left: readonly AssetRow[];
  readonly stage: Stage;
}

type Stage = "Waiting" | "InProgress" | "Soaking" | "Done" | "Withdrawn" | "Overtaken";

function reportOne(input: ProgressInput, outcome: RingOutcome, baseline: string): ProgressComment | undefined {
  const merged = input.known.findLast(
    (one) => one.state === "merged" && one.scope === undefined && isAbout(one, outcome.ring.name, baseline),
  );
  const record = outcome.levels.find(
    (one) => one.baseline === baseline && merged !== undefined && one.digest.startsWith(merged.digest),
  );
  // Not in the fetched branch yet, or so long ago that nobody remembers.
  if (merged === undefined || record === undefined) return undefined;
  const current = outcome.progress.get(baseline)?.status.digest === record.digest;
  const left = current
    ? input.plan.rows.filter((row) => row.ring === outcome.ring.name && row.baseline === baseline && !isDone(row))
    : [];
  const stage = stageOf(record, current);
  const time = merged.people?.merged?.time;
  const scene: Scene = {
    ...input,
    outcome,
    record,
    number: merged.number,
    mergedTime: time === undefined ? undefined : Date.parse(time),
    left,
    stage,
  };
  return {
    number: merged.number,
    marker: progressMarker(baseline),
    key: createHash("sha256")
      .update(JSON.stringify(factsOf(scene)))
      .digest("hex")
      .slice(0, 16),
    get body() {
      return writeBody(scene);
    },
  };
}

function isFinal(stage: Stage): boolean {
  return stage === "Done" || stage === "Withdrawn" || stage === "Overtaken";
}

function stageOf(record: RingLevelStatus, current: boolean): Stage {
  if (record.withdrawnTime !== undefined) return "Withdrawn";
  if (!current) return "Overtaken";
  // Who joins later, or could not be done, is named and opens no result again: successors went on from here.
  if (record.soakedTime !== undefined) return "Done";
  if (record.completedTime !== undefined) return "Soaking";
  return record.startedTime === undefined ? "Waiting" : "InProgress";
}

function factsOf({ record, left, stage }: Scene): unknown {
  const { done = 0, targets = 0, failed = 0 } = record;
  return [
    stage,
    targets === 0 ? 0 : Math.floor((10 * done) / targets),
    failed,
    record.soakedTime ?? null,
    left.flatMap((row) =>
      row.phase === "Blocked" || row.state === "Failed" ? [[nameOf(row), row.blockedBy[0]?.reason ?? row.state]] : [],
    ),
  ];
}

// ------------------------------------------------------------------------------------------------------- writing

const HEADS: Readonly<Record<Stage, string>> = {
  Waiting: "🕒 Merged, and not begun",
  InProgress: "⏳ Under way",
  Soaking: "🌤️ Complete, and soaking",
  Done: "✅ Done",
  Withdrawn: "↩️ Withdrawn",
  Overtaken: "⏭️ Overtaken by another level",
};

/** Targets that are named. */
const MOST_NAMED = 50;

function writeBody(scene: Scene): string {
  const { record, outcome, stage, left, escape, plan } = scene;
  const { done = 0, targets = 0, failed = 0, inFlight = 0 } = record;
  const list = atMost(left, MOST_NAMED, "targets");
  return [
    progressMarker(record.baseline),
    `### ${HEADS[stage]}: ${done} of ${targets} targets of ring ${escape.code(outcome.ring.name)} at ${escape.code(record.level, 300)}`,
    "",
    ...table(
      ["Done", "In change", "Failed", "Not done", "Began", "Complete", "Soaked"],
      [
        [
          `${done} of ${targets}`,
          String(inFlight),
          String(failed),
          String(Math.max(0, left.length - inFlight)),
          ...[record.startedTime, record.completedTime, record.soakedTime].map((time) =>
            time === undefined ? "–" : showTime(Date.parse(time)),
          ),
        ],
      ],
    ),
    "",
    ...describeTimes(scene),
    ...(list.shown.length === 0
      ? []
      : [
          "",
          ...table(
            ["Target", "State", "Why"],
            list.shown.map((row) => [escape.code(nameOf(row)), row.state, whyOf(scene, row)]),
          ),
          ...list.rest,
        ]),
    "",
    // The result says nothing of the time of day: another process writes the same bytes.
    isFinal(stage)
      ? "*This is the result.*"
      : `*As of ${showTime(plan.at)}. This comment is edited as the rollout goes on.*`,
    "",
  ].join("\n");
}

/** What was forecast, what is expected now or what really happened. */
function describeTimes(scene: Scene): readonly string[] {
  const { record, stage, mergedTime, markerOf, number } = scene;
  const began = Date.parse(record.startedTime ?? "");
  const ended = Date.parse(record.completedTime ?? "");
  const forecast = Date.parse(String(markerOf(number)?.forecast ?? ""));
  const lines: string[] = [];
  if (stage === "Withdrawn")
    lines.push(`- The approval was taken back on ${showTime(Date.parse(record.withdrawnTime ?? ""))}.`);
  if (mergedTime !== undefined && Number.isFinite(began))
    lines.push(`- The first target began ${spell(began - mergedTime)} the merge.`);
  if (Number.isFinite(forecast)) {
    const really = Number.isFinite(ended) ? `; really ${showTime(ended)}, ${spell(ended - forecast)} that` : "";
    lines.push(`- Forecast when this was merged: complete about ${showTime(forecast)}${really}.`);
  }
  if (Number.isFinite(began) && Number.isFinite(ended) && (record.done ?? 0) > 0)
    lines.push(
      `- It took ${formatDuration(minutes(ended - began))}, ${formatDuration(minutes((ended - began) / (record.done ?? 1)))} a target.`,
    );
  if (stage === "Waiting" || stage === "InProgress") lines.push(...describeExpected(scene));
  return lines;
}

function describeExpected({ estimates, outcome, record, escape }: Scene): readonly string[] {
  const estimate = estimates().find((one) => one.ring === outcome.ring.name && one.baseline === record.baseline);
  if (estimate === undefined || estimate.level !== record.level) return [];
  if (estimate.never !== undefined)
    return [`- ⚠ Does not end as things stand: \`${estimate.never.reason}\`: ${escape.text(estimate.never.message)}.`];
  return estimate.endsAt === undefined ? [] : [`- Expected now: complete about ${showTime(estimate.endsAt)}.`];
}

function minutes(ms: number): number {
  return Math.round(ms / 60_000) * 60_000;
}

/** `25m after`, `5m before`, `at the time of`. */
function spell(ms: number): string {
  const span = minutes(Math.abs(ms));
  return span === 0 ? "at the time of" : `${formatDuration(span)} ${ms < 0 ? "before" : "after"}`;
}
