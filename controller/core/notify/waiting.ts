// Approvals that people are asked for: a pull request of ours that is open, or, where there is no forge, a branch that waits to be merged.
import type { FleetLook, OpenApproval } from "../metrics/index.ts";
import { isWrittenUnasked } from "../rollout/entries.ts";
import { branchPart } from "../promotion/known.ts";
import { type Notification, notify } from "./notification.ts";

export function findWaiting({ input, plan, approvals = [] }: FleetLook): readonly Notification[] {
  const { policy, candidates } = input;
  // Of several clusters on one repository one asks, and one tells.
  if (!policy.proposer) return [];
  const rings = new Map(plan.rings.map((outcome) => [branchPart(outcome.ring.name), outcome]));
  const known = [...policy.levels, ...candidates.values()];
  return [...Map.groupBy(approvals, keyOf).values()].flatMap((asked) => {
    const [first] = asked;
    const outcome = first && rings.get(first.ring);
    if (first === undefined || outcome === undefined) return [];
    const baselines = policy.baselines.filter(({ name }) => asked.some((one) => one.baseline === branchPart(name)));
    // What Ringward writes itself waits for nobody.
    if (baselines.some(({ name }) => isWrittenUnasked(outcome.ring, outcome.entries, name))) return [];
    const { name: ring } = outcome.ring;
    const levels = [
      ...new Set(asked.map(({ digest }) => known.find((one) => one.digest.startsWith(digest))?.name ?? digest)),
    ];
    const what = levels.length === 1 ? (levels[0] ?? "") : `${levels.length} levels`;
    const { number, branch, url, head, openedAt, scope } = first;
    const baseline = policy.baselines.find(({ name }) => branchPart(name) === first.baseline)?.name;
    return [
      notify(number > 0 ? ["pull", String(number)] : ["branch", branch], {
        cluster: policy.clusterName,
        ring,
        ...(levels.length === 1 ? { level: what, ...(baseline === undefined ? {} : { baseline }) } : {}),
        event: "WaitingForApproval",
        // A branch does not say since when it is there.
        at: openedAt ?? plan.at,
        title: `Ring ${ring} waits for approval: ${what}`,
        text: [
          ...(scope === undefined ? [] : [`The approval is to cover ${scope} targets.`]),
          ...(levels.length === 1 ? [] : [`${levels.join(", ")}.`]),
          number > 0 ? `Merging pull request #${number} approves it.` : `Merging branch ${branch} approves it.`,
        ].join(" "),
        reason: "WaitingForApproval",
        ...(number > 0 ? { pull: { number, url, head } } : {}),
      }),
    ];
  });
}

function keyOf({ ring, number, branch }: OpenApproval): string {
  return number > 0 ? `${ring} ${number}` : `${ring} ${branch}`;
}
