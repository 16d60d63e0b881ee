// What a ring could have next: a newer level than its own on its way, or one that only waits for somebody's approval. A ring that has done all
// that it is approved for says so, and would look finished without this. Pure: it retells what promotion would do.
import type { LevelInForce, PolicyInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import { planPromotions } from "./promotions.ts";

/** A newer level than the one that a ring's entry names, if it names one. */
export interface LaterLevel {
  readonly ring: string;
  readonly baseline: string;
  readonly level: string;
  /** `WaitingForApproval`, `Promoted` (it is written without asking), or why it is not on offer. */
  readonly reason: string;
  readonly message: string;
}

export interface LaterInput {
  readonly policy: PolicyInForce;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly now: number;
}

/** In ring order, by baseline. What a forge knows of a proposal is not in it, but for refusals that the ring's status remembers. */
export function findLaterLevels(plan: Plan, { policy, candidates, now }: LaterInput): readonly LaterLevel[] {
  const levels = new Map([...policy.levels, ...candidates.values()].map((level) => [level.name, level]));
  const { decisions } = planPromotions(plan, {
    // Whoever asks: it is told what waits, not whose controller asks for it.
    policy: { ...policy, proposer: true },
    candidates,
    proposals: [],
    now,
  });
  const rings = new Map(plan.rings.map((outcome) => [outcome.ring.name, outcome]));
  return decisions.flatMap(({ ring, level: name, reason, message }): readonly LaterLevel[] => {
    const level = levels.get(name ?? "");
    const outcome = rings.get(ring ?? "");
    if (level === undefined || outcome === undefined) return [];
    const { baseline } = level.spec;
    // More targets of the same level (ScopeGrew) are no other level, and what a baseline went back to (Superseded) is no newer.
    if (outcome.entries.approvals.get(baseline)?.level.digest === level.digest || reason === "Superseded") return [];
    return [{ ring: outcome.ring.name, baseline, level: level.name, reason, message }];
  });
}
