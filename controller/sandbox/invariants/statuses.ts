// What Ringward says in statuses: not ahead of what it read, and true (S1), as kstatus reads it (S2), and bounded (S3).
import type { LevelEntry } from "../../api/rollout-ring.ts";
import type { Invariant, Report } from "./invariant.ts";
import { nodesBelow } from "./progress.ts";
import { at, listAt, textAt } from "./readings.ts";
import { isSettled, type Step, type World } from "./world.ts";

/** Kinds with a status of ours. */
const OURS = [
  "disruptionledgers",
  "nodepatchstates",
  "workloadpatchstates",
  "rolloutrings",
  "policyrepositories",
  "patchbaselines",
].map((plural) => `${plural}.ringward.dev`);

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: number;
  readonly observedGeneration: number | undefined;
  readonly message: string;
}

function conditionsOf(object: unknown): readonly Condition[] {
  return listAt(object, "status", "conditions").map((one) => {
    const generation = at(one, "observedGeneration");
    return {
      type: textAt(one, "type") ?? "",
      status: textAt(one, "status") ?? "",
      lastTransitionTime: Date.parse(textAt(one, "lastTransitionTime") ?? ""),
      observedGeneration: typeof generation === "number" ? generation : undefined,
      message: textAt(one, "message") ?? "",
    };
  });
}

// ------------------------------------------------------------------------------------------------------------ S1

const checkTrue: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { version, byController } = step;
  if (!byController || version.type === "DELETED") return;
  const { object, key } = version;
  const generation = object.metadata.generation;
  const observed = at(object.status, "observedGeneration");
  if (typeof observed === "number" && generation !== undefined) {
    report.met();
    if (observed > generation)
      report.violated(key, `observedGeneration is ${observed}, and the object is at ${generation}`);
  }
  if (version.resource !== "rolloutrings.ringward.dev") return;
  const commit = textAt(object.status, "observedCommit");
  if (commit !== undefined && world.repository !== undefined && !world.observedCommits.has(commit))
    report.violated(key, `observedCommit is ${commit.slice(0, 12)}, which was never in force`);
  if (isTrue(object, "Ready") && !isTrue(version.previous, "Ready")) checkReady(step, world, report);
};

function isTrue(object: unknown, type: string): boolean {
  return conditionsOf(object).some((one) => one.type === type && one.status === "True");
}

/** A ring that says Ready has nothing in flight and no node below its levels. */
function checkReady({ version }: Step, world: World, report: Report): void {
  const { name } = version.object.metadata;
  const spec = world.rings.get(name)?.spec;
  if (spec === undefined) return;
  const bad: string[] = [];
  for (const claim of world.held.values())
    if (claim.ring === name && isSettled(world, Date.parse(claim.since))) bad.push(`${claim.name} is claimed`);
  const named = (spec.levels ?? []).filter(
    (entry): entry is LevelEntry & { level: string } => entry.level !== undefined,
  );
  if (world.exceptions.size === 0)
    for (const entry of named)
      bad.push(...nodesBelow(world, spec, entry).map((node) => `${node} is below ${entry.level}`));
  for (const why of bad) report.violated(version.key, `Ready, and ${why}`);
}

// ------------------------------------------------------------------------------------------------------------ S2

/** As kstatus computes it: what an object's conditions come to. */
type Outcome = "Current" | "InProgress" | "Failed" | "Contradiction";

function kstatus(conditions: readonly Condition[]): Outcome {
  const is = (type: string, status: string): boolean =>
    conditions.some((one) => one.type === type && one.status === status);
  if (is("Stalled", "True")) return is("Reconciling", "True") || is("Ready", "True") ? "Contradiction" : "Failed";
  if (is("Reconciling", "True")) return is("Ready", "True") ? "Contradiction" : "InProgress";
  if (is("Ready", "True")) return "Current";
  // Not ready, and nobody says whether it will be: kstatus would call that in progress for ever.
  return "Contradiction";
}

const checkConditions: NonNullable<Invariant["check"]> = ({ version, byController, now }, world, report) => {
  if (!byController || version.type === "DELETED") return;
  const conditions = conditionsOf(version.object);
  if (conditions.length === 0) return;
  report.met();
  const { key } = version;
  if (new Set(conditions.map(({ type }) => type)).size < conditions.length)
    report.violated(key, "a condition stands twice");
  if (kstatus(conditions) === "Contradiction")
    report.violated(key, `conditions are ${conditions.map(({ type, status }) => `${type}=${status}`).join(", ")}`);
  const generation = version.object.metadata.generation;
  // A state that speaks of another target of that name now begins anew.
  const same = textAt(version.previous?.status, "targetUID") === textAt(version.object.status, "targetUID");
  const before = new Map((same ? conditionsOf(version.previous) : []).map((one) => [one.type, one]));
  for (const { type, status, lastTransitionTime: time, observedGeneration } of conditions) {
    const known = before.get(type);
    if (known?.status === status && known.lastTransitionTime !== time)
      report.violated(key, `${type} is ${status} as before, and its lastTransitionTime moved`);
    if (known !== undefined && known.status !== status && !(time >= known.lastTransitionTime))
      report.violated(key, `${type} flipped, and its lastTransitionTime did not`);
    if (!(time <= now + Math.max(SECOND, world.settleMs)))
      report.violated(key, `${type} has a lastTransitionTime in the future`);
    if (observedGeneration !== undefined && generation !== undefined && observedGeneration > generation)
      report.violated(key, `${type} speaks of generation ${observedGeneration}, and the object is at ${generation}`);
  }
};

const SECOND = 1000;

// ------------------------------------------------------------------------------------------------------------ S3

/** Most bytes of a status, as JSON. The ledger holds a claim for each of 500 targets, and a ring a record for each level it ever had. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  "disruptionledgers.ringward.dev": 512 * 1024,
  "rolloutrings.ringward.dev": 256 * 1024,
};
const MOST = 64 * 1024;
const MOST_MESSAGE = 1024;
const MOST_BLOCKS = 16;

const checkSizes: NonNullable<Invariant["check"]> = ({ version, byController }, _world, report) => {
  const { object, key, resource } = version;
  if (!byController || version.type === "DELETED" || object.status === undefined) return;
  report.met();
  const bytes = JSON.stringify(object.status).length;
  const most = MOST_BYTES[resource] ?? MOST;
  if (bytes > most) report.violated(key, `its status has ${bytes} bytes, ${most} allowed`);
  const blocks = listAt(object.status, "blockedBy");
  if (blocks.length > MOST_BLOCKS) report.violated(key, `${blocks.length} entries in blockedBy`);
  const long = [
    ...conditionsOf(object).map(({ message }) => message),
    ...blocks.map((one) => textAt(one, "message") ?? ""),
  ];
  if (long.some((message) => message.length > MOST_MESSAGE)) report.violated(key, "a message is too long");
};

export const statuses: readonly Invariant[] = [
  {
    id: "S1",
    says: "a status is not ahead of what was read, and a ring that says Ready is",
    on: OURS,
    check: checkTrue,
  },
  {
    id: "S2",
    says: "conditions are what kstatus expects, and lastTransitionTime moves only on flips",
    on: OURS,
    check: checkConditions,
  },
  { id: "S3", says: "statuses and messages are bounded", on: OURS, check: checkSizes },
];
