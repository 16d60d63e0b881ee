// A freeze begins in the middle of the rollout: what has not begun its update backs out, nothing starts, an expedited entry passes, and
// the rest goes on after the thaw.
import type { NodePatchStateStatus } from "../../../api/patch-state.ts";
import { NODE_RING_LABEL, OS_LABEL } from "../../fleet/quickstart.ts";
import type { Fault } from "../fault.ts";
import { type Facts, isFinished } from "../facts.ts";
import type { FaultStage } from "../stage.ts";

const LENGTH_MINUTES = 40;
/** The mirror is slow before the freeze: operations are still before their update when the controller reads of it. */
const SLOW_STAGE_MINUTES = 12;
const EXPEDITE_AFTER_MINUTES = 12;
/** The freeze waits so long for a second target before its update: a budget or a disruption budget may let them go one by one only. */
const SECOND_WITHIN_MINUTES = 3;

/** Nodes of ring early that wait for their slow stage step. */
function countStaging(facts: Facts): number {
  const steps = new Map(
    facts.objects.nodeStates.map((state) => [
      state.metadata.name,
      (state.status as NodePatchStateStatus | undefined)?.operation?.step,
    ]),
  );
  return facts.claims.filter(
    (claim) => claim.ring === "early" && claim.kind === "Node" && steps.get(claim.name) === "Staging",
  ).length;
}

/** Machines of ring early whose recipe stages. */
function stagingMachines({ machines }: FaultStage): readonly string[] {
  return machines
    .specs()
    .filter(({ labels }) => labels[NODE_RING_LABEL] === "early" && labels[OS_LABEL] === "ubuntu")
    .map(({ name }) => name);
}

export function freeze(): Fault {
  let stagingSince: number | undefined;
  let frozenAt: number | undefined;
  let endsAt = Number.POSITIVE_INFINITY;
  let seenAt: number | undefined;
  let expedited: string | undefined;
  let held = new Set<string>();
  let wrongStarts = 0;
  let expeditedStarts = 0;
  let backOuts = 0;
  const iso = (at: number): string => new Date(at).toISOString();

  async function begin(stage: FaultStage, facts: Facts): Promise<string> {
    frozenAt = facts.at;
    endsAt = facts.at + LENGTH_MINUTES * stage.minute;
    const text = `    - name: incident\n      startTime: ${iso(facts.at)}\n      endTime: ${iso(endsAt)}\n      override: Expedite\n      reason: incident under investigation\n`;
    await stage.edit(
      "calendars/weekdays.yaml",
      (before) => before.replace("  freezes:\n", `  freezes:\n${text}`),
      "Freeze: incident under investigation",
    );
    return `a freeze begins, with ${facts.claims.length} targets in flight`;
  }

  /** The entry of ring early under which a target waits that nobody has claimed: only such a one can begin in the freeze. */
  function findWaiting({ plan, claims }: Facts): string | undefined {
    const held = new Set(claims.map((claim) => claim.uid));
    const ring = plan.rings.find((outcome) => outcome.ring.name === "early");
    const waiting = new Set(
      plan.rows
        .filter((row) => row.ring === "early" && row.approved && row.state === "Missing" && !held.has(row.asset.uid))
        .map((row) => row.baseline),
    );
    return [...(ring?.entries.approvals.values() ?? [])].find(({ baseline }) => waiting.has(baseline))?.baseline;
  }

  async function expedite(stage: FaultStage, baseline: string): Promise<string> {
    expedited = baseline;
    for (const name of stagingMachines(stage)) stage.machines.repair(name);
    const lines = `      expedite:\n        reason: exploited in the wild\n        until: ${iso(endsAt)}\n        skip: [Freezes]\n`;
    await stage.edit(
      "rings/early.yaml",
      (before) => before.replace(`    - baseline: ${baseline}\n`, `    - baseline: ${baseline}\n${lines}`),
      `Expedite ${baseline} on early: exploited in the wild`,
    );
    return `${baseline} on ring early is expedited through the freeze`;
  }

  function watch(facts: Facts, minute: number): void {
    const inForce = facts.objects.calendars.some((calendar) => JSON.stringify(calendar.spec).includes("incident"));
    if (inForce) seenAt ??= facts.at;
    const claims = new Set(facts.claims.map((claim) => claim.id));
    if (seenAt !== undefined && facts.at < endsAt)
      for (const claim of facts.claims) {
        if (held.has(claim.id) || Date.parse(claim.since) < seenAt + minute) continue;
        if (claim.baseline === expedited && claim.ring === "early") expeditedStarts += 1;
        else wrongStarts += 1;
      }
    held = claims;
    backOuts =
      facts.objects.nodeStates.filter((state) =>
        (state.status as NodePatchStateStatus | undefined)?.attempted?.some((attempt) => attempt.reason === "Frozen"),
      ).length || backOuts;
  }

  return {
    name: "freeze",
    promise:
      "targets before Updated back out, nothing starts; an expedited entry with a reason goes through, the rest after the thaw",
    async prepare(stage) {
      for (const name of stagingMachines(stage)) stage.machines.slowStage(name, SLOW_STAGE_MINUTES * stage.minute);
    },
    async step(stage, facts) {
      if (frozenAt === undefined) {
        const staging = countStaging(facts);
        stagingSince = staging === 0 ? undefined : (stagingSince ?? facts.at);
        const isLongEnough =
          stagingSince !== undefined && facts.at - stagingSince >= SECOND_WITHIN_MINUTES * stage.minute;
        return staging >= 2 || isLongEnough ? begin(stage, facts) : undefined;
      }
      watch(facts, stage.minute);
      if (expedited !== undefined || seenAt === undefined) return undefined;
      if (facts.at - seenAt < EXPEDITE_AFTER_MINUTES * stage.minute) return undefined;
      const waiting = findWaiting(facts);
      return waiting === undefined ? undefined : expedite(stage, waiting);
    },
    result(facts) {
      const ok =
        seenAt !== undefined &&
        wrongStarts === 0 &&
        backOuts > 0 &&
        expeditedStarts > 0 &&
        facts !== undefined &&
        isFinished(facts);
      return {
        ok,
        observed: `${frozenAt === undefined ? "no freeze yet; " : ""}backed out: ${backOuts}, starts in the freeze: ${wrongStarts}, of the expedited entry (${expedited ?? "none"}): ${expeditedStarts}`,
      };
    },
  };
}
