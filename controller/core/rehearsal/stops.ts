// Where a rehearsal stands still at its end, by ring, baseline and reason, and what it cannot tell.
import type { Reason } from "../../api/reasons.ts";
import { nameAsset } from "../asset-name.ts";
import type { AssetRow } from "../model.ts";
import { planPromotions } from "../promotion/promotions.ts";
import type { Plan } from "../rollout/plan.ts";
import type { Stop, World } from "./world.ts";

const MOST_NAMES = 20;

/** What is left of the work, by ring, baseline and reason. */
export function stopsOf(world: World, plan: Plan): readonly Stop[] {
  const stops: Stop[] = [];
  for (const outcome of plan.rings) {
    const { ring, blockedBy, progress, entries } = outcome;
    const unsoaked = new Set([...progress].flatMap(([baseline, { soaked }]) => (soaked ? [] : [baseline])));
    const rows = plan.rows.filter(
      (row) => row.ring === ring.name && row.blockedBy.length > 0 && (unsoaked.has(row.baseline) || isStuck(row)),
    );
    const groups = Map.groupBy(rows, (row) => JSON.stringify([row.baseline, row.blockedBy[0]?.reason]));
    const mine = [...groups.values()].map((list): Stop => {
      const [row] = list as [AssetRow];
      const { reason, message } = row.blockedBy[0] as NonNullable<(typeof row.blockedBy)[0]>;
      const names = list.map((one) => nameAsset(one.asset)).sort();
      return {
        ring: ring.name,
        baseline: row.baseline,
        reason,
        message,
        targets: list.length,
        names: names.slice(0, MOST_NAMES),
      };
    });
    stops.push(...mine);
    const told = new Set(mine.map(({ reason }) => reason));
    if (unsoaked.size > 0 || entries.problems.size > 0)
      for (const { reason, message } of blockedBy)
        if (!told.has(reason))
          stops.push({ ring: ring.name, baseline: undefined, reason, message, targets: 0, names: [] });
  }
  return [...stops, ...unreached(world, plan)];
}

/** Levels that are held back from a ring. */
function unreached({ policy, candidates, now }: World, plan: Plan): readonly Stop[] {
  const { decisions } = planPromotions(plan, { policy, candidates, proposals: [], now });
  return decisions.flatMap(({ action, ring, level, reason, message }) =>
    action === "wait" && ring !== undefined
      ? [
          {
            ring,
            baseline: undefined,
            reason: reason as Reason,
            message: level === undefined ? message : `${level}: ${message}`,
            targets: 0,
            names: [],
          },
        ]
      : [],
  );
}

/** Updated in the rehearsal, and still not seen at the level: what it cannot tell. */
export function unclearIn({ tried }: World, { rows }: Plan): readonly string[] {
  return rows
    .filter((row) => row.digest !== undefined && row.state === "Missing" && tried.has(`${row.asset.uid}/${row.digest}`))
    .map(({ asset }) => nameAsset(asset));
}

/** Work is wanted here, and does not come. */
function isStuck({ approved, state, phase }: AssetRow): boolean {
  return approved && (state === "Missing" || state === "Failed" || state === "Unknown" || phase === "Blocked");
}
