// What the demo knows of the cluster at one moment: the same plan that the controller makes, made again from the API server by somebody
// else. The demo's verdict rests on this and on the store's history, never on what the controller says of itself.
import type { DisruptionLedger } from "../../api/disruption-ledger.ts";
import type { PolicyRepository } from "../../api/policy-repository.ts";
import type { Instant } from "../../clock.ts";
import { isCompliant } from "../../core/compliance/index.ts";
import type { AssetRow, Block, Claim } from "../../core/model.ts";
import { makePlan, type Plan } from "../../core/rollout/plan.ts";
import type { ClusterObjects } from "../../reconcile/cluster-kinds.ts";
import { fromCluster } from "../../reconcile/policy-view.ts";
import { takeSnapshot } from "../../reconcile/snapshot.ts";

export interface Facts {
  readonly at: Instant;
  readonly objects: ClusterObjects;
  readonly plan: Plan;
  readonly claims: readonly Claim[];
  readonly nodes: Tally;
  readonly workloads: Tally;
  readonly repository: PolicyRepository | undefined;
}

export interface Tally {
  readonly total: number;
  /** At their approved level. */
  readonly compliant: number;
  readonly exempt: number;
  readonly blocked: readonly { readonly name: string; readonly reason: string }[];
}

/** Looks at the cluster's objects. Policy is what the controller put there from Git (mode Apply). */
export function readFacts(objects: ClusterObjects, now: Instant, apiServerVersion: string): Facts {
  const { inventory, stored } = takeSnapshot(objects, { version: apiServerVersion, ready: true });
  const policy = fromCluster(objects, []);
  const ledger = objects.ledgers[0] as unknown as DisruptionLedger | undefined;
  const claims = ledger?.status?.claims ?? [];
  const levels = new Map(policy.levels.map((level) => [level.name, level]));
  const candidates = new Map(
    policy.baselines.flatMap((baseline) => {
      const level = levels.get(baseline.status?.candidate?.level ?? "");
      return level === undefined ? [] : [[baseline.name, level] as const];
    }),
  );
  const plan = makePlan({
    now,
    policy,
    inventory,
    stored,
    ledger: { spec: { ...ledger?.spec, mode: "Enforce" }, claims, rebuilding: false },
    candidates,
    observedMs: 0,
  });
  const names = new Map<string, Block>();
  for (const states of [objects.nodeStates, objects.workloadStates])
    for (const { metadata, status } of states) {
      const block = (status as { readonly blockedBy?: readonly Block[] } | undefined)?.blockedBy?.[0];
      if (block !== undefined) names.set(`${metadata.namespace ?? ""}/${metadata.name}`, block);
    }
  return {
    at: now,
    objects,
    plan,
    claims,
    nodes: tally(
      plan.rows.filter((row) => row.asset.kind === "Node"),
      claims,
    ),
    workloads: tally(
      plan.rows.filter((row) => row.asset.kind !== "Node"),
      claims,
    ),
    repository: objects.repositories[0] as unknown as PolicyRepository | undefined,
  };
}

function tally(rows: readonly AssetRow[], claims: readonly Claim[]): Tally {
  const claimed = new Set(claims.map((claim) => claim.uid));
  const assets = Map.groupBy(rows, (row) => row.asset.uid);
  let compliant = 0;
  let exempt = 0;
  const blocked: { name: string; reason: string }[] = [];
  for (const [uid, mine] of assets) {
    const [first] = mine;
    if (first === undefined) continue;
    const name =
      first.asset.namespace === undefined ? first.asset.name : `${first.asset.namespace}/${first.asset.name}`;
    if (mine.some((row) => row.state === "Exempt")) exempt += 1;
    const there =
      mine.every((row) => row.approved && isCompliant(row.state) && row.state !== "Exempt") && !claimed.has(uid);
    if (there) compliant += 1;
    else
      blocked.push({
        name,
        reason:
          mine.flatMap((row) => row.blockedBy)[0]?.reason ??
          (claimed.has(uid) ? "InProgress" : (mine.find((row) => !isCompliant(row.state))?.state ?? "Available")),
      });
  }
  return { total: assets.size, compliant, exempt, blocked };
}

/** Every target runs its approved level and nothing is under way. */
export function isFinished({ nodes, workloads, claims }: Facts): boolean {
  return (
    claims.length === 0 && nodes.total > 0 && nodes.compliant === nodes.total && workloads.compliant === workloads.total
  );
}

/** Reasons that a PodDisruptionBudget gives. */
const BUDGET_REASONS = ["PDBBlocked", "PDBNeverAllows", "PDBConflict"] as const;

/** Whom budgets hold up now, and what they say. */
export function findBudgetBlocks(
  objects: ClusterObjects,
): readonly (ReturnType<typeof findBlocks>[number] & { readonly reason: string })[] {
  return BUDGET_REASONS.flatMap((reason) => findBlocks(objects, reason).map((block) => ({ ...block, reason })));
}

/** Blocks that stand on targets, for people and for the script. */
export function findBlocks(
  objects: ClusterObjects,
  reason: string,
): readonly { readonly name: string; readonly message: string; readonly since: string | undefined }[] {
  return [...objects.nodeStates, ...objects.workloadStates].flatMap(({ metadata, status }) => {
    const block = (
      status as { readonly blockedBy?: readonly { reason: string; message: string; since?: string }[] } | undefined
    )?.blockedBy?.find((other) => other.reason === reason);
    return block === undefined ? [] : [{ name: metadata.name, message: block.message, since: block.since }];
  });
}
