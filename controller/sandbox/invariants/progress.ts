// Completion (D7) and soak (D8) of a ring's level: what the ring's status newly says, against what the cluster and the ledger show then.
import type { RingLevelStatus, RolloutRingSpec } from "../../api/rollout-ring.ts";
import { isProduct, parseProduct } from "../../core/compliance/index.ts";
import { parseDuration } from "../../core/duration.ts";
import { matches } from "../../core/selectors.ts";
import type { Invariant, Report } from "./invariant.ts";
import { selectsNode } from "./membership.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import { listAt, textAt } from "./readings.ts";
import { isSettled, type Step, type World } from "./world.ts";

const RINGS = "rolloutrings.ringward.dev";

function recordsBefore({ version }: Step): readonly RingLevelStatus[] {
  return listAt(version.previous?.status, "levels") as readonly RingLevelStatus[];
}

const isSame = (a: RingLevelStatus, b: RingLevelStatus): boolean => a.baseline === b.baseline && a.digest === b.digest;

/** Nodes of a ring that a baseline's level is about and that have reported less than it for long enough to be known. */
export function nodesBelow(
  world: World,
  spec: RolloutRingSpec,
  entry: { readonly baseline: string; readonly level: string },
): readonly string[] {
  const level = world.levels.get(entry.level)?.spec;
  const baseline = world.baselines.get(entry.baseline);
  // Whom it selects since a moment ago may not have been seen by whoever judged.
  if (baseline !== undefined && !isSettled(world, baseline.since)) return [];
  const nodes = spec.members.nodes;
  if (level?.node === undefined || nodes === undefined || nodes.percent !== undefined) return [];
  const { product: wanted, rebootPolicy } = level.node;
  return [...world.nodes.values()].flatMap((node) => {
    const product = parseProduct(textAt(node.info, "osImage") ?? "");
    if (product === undefined || !isProduct(product, wanted) || !selectsNode(nodes.selector, node)) return [];
    if (baseline?.nodeSelector !== undefined && !matches(baseline.nodeSelector, node.labels)) return [];
    if (!isSettled(world, node.infoSince) || !isSettled(world, node.labelsSince)) return [];
    const kernelCounts = rebootPolicy !== "Never" && coversKernel(node.info, level);
    return findBelow(node.info, level, kernelCounts, false) === undefined ? [] : [node.name];
  });
}

const checkComplete: NonNullable<Invariant["check"]> = (step, world, report) => {
  if (!step.byController || step.version.type === "DELETED") return;
  const { name } = step.version.object.metadata;
  const ring = world.rings.get(name);
  const before = recordsBefore(step);
  for (const record of ring?.status?.levels ?? []) {
    if (ring === undefined || record.completedTime === undefined) continue;
    if (before.some((one) => isSame(one, record) && one.completedTime !== undefined)) continue;
    report.met();
    for (const why of findIncomplete(world, name, ring.spec, record))
      report.violated(`rolloutrings/${name}`, `${record.level} counts as complete ${why}`);
  }
};

function findIncomplete(world: World, name: string, spec: RolloutRingSpec, record: RingLevelStatus): readonly string[] {
  const { targets = 0, done = 0, failed = 0 } = record;
  const problems: string[] = [];
  const least = spec.completion?.minPercent ?? 100;
  if (targets > 0 && done * 100 < targets * least) problems.push(`with ${done} of ${targets} done, ${least} % wanted`);
  if (failed > (spec.budget?.maxFailures ?? 0)) problems.push(`with ${failed} failures`);
  for (const claim of world.held.values()) {
    if (claim.ring !== name || claim.baseline !== record.baseline || claim.digest !== record.digest) continue;
    if (world.operations.get(claim.uid)?.failure !== undefined || !isSettled(world, Date.parse(claim.since))) continue;
    problems.push(`while ${claim.kind} ${claim.name} is in flight`);
  }
  // An exception takes its targets out of scope.
  const below = world.exceptions.size > 0 ? [] : nodesBelow(world, spec, record);
  if (below.length > Math.max(0, targets - done))
    problems.push(`with ${done} of ${targets} done, and below it are ${below.join(", ")}`);
  return problems;
}

/** How long a record was seen complete, ms, and what it says to this moment. */
interface Watched {
  readonly healthyMs: number;
  readonly at: number;
  readonly complete: boolean;
}

const checkSoak: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { version, byController, now } = step;
  if (version.type === "DELETED") return;
  const { name } = version.object.metadata;
  const ring = world.rings.get(name);
  const wanted = parseDuration(ring?.spec.soak ?? "24h");
  const before = recordsBefore(step);
  for (const record of ring?.status?.levels ?? []) {
    const soakedMs = (record.soakedSeconds ?? 0) * 1000;
    const earlier = before.find((one) => isSame(one, record));
    const healthyMs = watch(report, `${name}/${record.baseline}/${record.digest}`, record, { now, byController });
    if (!byController) continue;
    if (soakedMs > (earlier?.soakedSeconds ?? 0) * 1000) {
      report.met();
      // A second for rounding; a look that was made some time ago may be written now.
      if (soakedMs > healthyMs + 1000 + world.settleMs)
        report.violated(
          `rolloutrings/${name}`,
          `${record.level} soaked ${soakedMs / 1000} s, and was complete for ${Math.floor(healthyMs / 1000)} s`,
        );
    }
    const newly = record.soakedTime !== undefined && earlier?.soakedTime === undefined;
    if (newly && wanted !== undefined && soakedMs < Math.floor(wanted / 1000) * 1000)
      report.violated(
        `rolloutrings/${name}`,
        `${record.level} counts as soaked after ${soakedMs / 1000} s, and the ring wants ${ring?.spec.soak ?? "24h"}`,
      );
  }
};

function watch(
  { memo }: Report,
  key: string,
  record: RingLevelStatus,
  { now, byController }: { readonly now: number; readonly byController: boolean },
): number {
  const known = memo.get(key) as Watched | undefined;
  const complete = record.completedTime !== undefined;
  const told = (record.soakedSeconds ?? 0) * 1000;
  // A story that begins in the middle, a status that somebody else put back, and a clock that was, are taken at their word.
  const healthyMs =
    known === undefined || !byController || now < known.at
      ? Math.max(told, known?.healthyMs ?? 0)
      : known.healthyMs + (known.complete ? now - known.at : 0);
  memo.set(key, { healthyMs, at: now, complete } satisfies Watched);
  return healthyMs;
}

export const progress: readonly Invariant[] = [
  {
    id: "D7",
    says: "a level counts as complete only with enough targets there, none in flight and few enough failures",
    on: [RINGS],
    check: checkComplete,
  },
  {
    id: "D8",
    says: "soak is no more than the time that the level was seen complete, and is served in full before it counts",
    on: [RINGS],
    check: checkSoak,
  },
];
