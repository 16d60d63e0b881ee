// Rings in which a level's way ends: without a target of its baseline in scope they never complete, and what comes after them waits for ever
// (RingEmpty), unless completion.onEmpty says Pass. Told while there is still time: in the proposals of the rings before. Pure.
import type { LevelInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { isInScope } from "../rollout/progress.ts";
import { successorsOf } from "../rollout/ring-order.ts";

export interface DeadEnd {
  readonly ring: string;
  /** Rings after it, sorted, that have targets of the baseline and would wait for ever. */
  readonly behind: readonly string[];
}

/** Where the way of a level ends from a ring on, the ring itself among them; sorted by name. */
export function findDeadEnds(
  plan: Pick<Plan, "rings" | "targets">,
  from: string,
  baseline: string,
  level: Pick<LevelInForce, "digest">,
): readonly DeadEnd[] {
  const rings = plan.rings.map(({ ring }) => ring);
  const inhabited = new Set(
    plan.targets.flatMap((target) =>
      target.baseline.name === baseline && target.ring !== undefined && isInScope(target) ? [target.ring] : [],
    ),
  );
  const onTheWay = new Set([from, ...successorsOf(from, rings)]);
  const open = plan.rings.filter((outcome) => onTheWay.has(outcome.ring.name) && !hasSoaked(outcome, baseline, level));
  return open
    .filter(({ ring }) => !inhabited.has(ring.name) && ring.spec.completion?.onEmpty !== "Pass")
    .map(({ ring: { name } }) => {
      const after = successorsOf(name, rings);
      const behind = open.map(({ ring }) => ring.name).filter((other) => after.has(other) && inhabited.has(other));
      return { ring: name, behind: behind.sort() };
    })
    .filter(({ behind }) => behind.length > 0)
    .sort((a, b) => (a.ring < b.ring ? -1 : 1));
}

function hasSoaked({ levels }: RingOutcome, baseline: string, { digest }: Pick<LevelInForce, "digest">): boolean {
  return levels.some(
    (one) =>
      one.baseline === baseline &&
      one.digest === digest &&
      one.soakedTime !== undefined &&
      one.withdrawnTime === undefined,
  );
}
