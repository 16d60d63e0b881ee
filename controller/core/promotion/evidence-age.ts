// Evidence: how long each version is known, and from where. Pure. A level says when its newest input was made; a component of it may be older.
import type { Instant } from "../../clock.ts";
import { formatDuration } from "../duration.ts";
import { diffLevels } from "../levels/index.ts";
import type { LevelInForce } from "../model.ts";
import { type EvidenceInput, showTime } from "./evidence-form.ts";

/** When a version was known, at the latest. */
interface Known {
  readonly at: Instant;
  /** `Offered`: a node's package source had it. `Named`: a level of the baseline names it. */
  readonly source: "Offered" | "Named";
}

const SOURCES: Readonly<Record<Known["source"], string>> = { Offered: "offered to nodes", Named: "named in policy" };

/** Under a table with ages. */
export const AGE_LEGEND =
  "Known since: when a node was first offered it, or else the earliest level of this baseline that names it.";

/** Answers for each component and version of the proposed level; written as a cell. */
export function createAges(
  input: Pick<EvidenceInput, "policy" | "plan" | "proposal">,
): (component: string, version: string | undefined) => string {
  const { policy, plan, proposal } = input;
  const { status } = policy.baselines.find(({ name }) => name === proposal.baseline) ?? {};
  const known = new Map<string, Known>();
  const levels = policy.levels.filter(
    (level) => level.spec.baseline === proposal.baseline && level.mismatch === undefined,
  );
  for (const level of [...levels, proposal.level])
    for (const key of versionsOf(level)) {
      const before = known.get(key);
      if (before === undefined || level.inputTime < before.at) known.set(key, { at: level.inputTime, source: "Named" });
    }
  // What nodes were offered is older than what follows from it; nothing else is known of when it came out.
  for (const { name, version, firstSeenTime } of status?.offered ?? []) {
    const at = Date.parse(firstSeenTime);
    if (!Number.isNaN(at)) known.set(keyOf(`package:${name}`, version), { at, source: "Offered" });
  }
  return (component, version) => {
    const found = version === undefined ? undefined : known.get(keyOf(component, version));
    return found === undefined
      ? "–"
      : `${showTime(found.at)}, ${showAge(found.at, plan.at)} (${SOURCES[found.source]})`;
  };
}

function versionsOf({ spec }: LevelInForce): readonly string[] {
  return diffLevels(undefined, spec).flatMap(({ kind, name, to }) =>
    kind === "Component" && to !== undefined ? [keyOf(name, to)] : [],
  );
}

function keyOf(component: string, version: string): string {
  return `${component}\u0000${version}`;
}

/** `3h ago`; from two days on in whole days. A page is not written anew for minutes. */
export function showAge(at: Instant, now: Instant): string {
  const age = Math.max(0, now - at);
  if (age < HOUR_MS) return "less than an hour ago";
  const unit = age >= 2 * DAY_MS ? DAY_MS : HOUR_MS;
  return `${formatDuration(Math.floor(age / unit) * unit)} ago`;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Of a source that is named after its time, such as a snapshot `20241212T000000Z`: ` (4d ago)`. */
export function ageOfSource(value: string, now: Instant): string {
  const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(value) ?? [];
  if (date === undefined || time === undefined) return "";
  const split = (text: string, by: string): string => (text.match(/../g) ?? []).join(by);
  const at = Date.parse(`${date.slice(0, 4)}-${split(date.slice(4), "-")}T${split(time, ":")}Z`);
  return Number.isNaN(at) ? "" : ` (${showAge(at, now)})`;
}
