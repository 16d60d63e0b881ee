// The newest level of every baseline: what rings that are not approved for anything are compared with and will be offered.
import type { Instant } from "../../clock.ts";
import { mergeOffered, type OfferedVersions, packageSchemeOf, resolveLevel } from "../levels/index.ts";
import type { BaselineInForce, Block, LevelInForce, PolicyInForce, StoredStates } from "../model.ts";

export interface Candidates {
  readonly levels: ReadonlyMap<string, LevelInForce>;
  /** Why a baseline has none. */
  readonly problems: ReadonlyMap<string, Block>;
  /** Versions on offer with their first-seen times, to be kept, by baseline. */
  readonly offered: ReadonlyMap<string, OfferedVersions>;
}

/** Resolves all baselines. */
export function resolveCandidates(policy: PolicyInForce, stored: StoredStates, now: Instant): Candidates {
  const levels = new Map<string, LevelInForce>();
  const problems = new Map<string, Block>();
  const offers = new Map<string, OfferedVersions>();
  for (const baseline of [...policy.baselines].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const offered = offeredFor(baseline, stored, now);
    if (offered !== undefined) offers.set(baseline.name, offered);
    const resolved = resolveLevel({
      baseline,
      recipes: policy.recipes,
      levels: policy.levels,
      ...(offered === undefined ? {} : { offered }),
      now,
    });
    if (resolved.kind === "Level") levels.set(baseline.name, resolved.level);
    else problems.set(baseline.name, resolved.block);
  }
  return { levels, problems, offered: offers };
}

function offeredFor({ spec, status }: BaselineInForce, stored: StoredStates, now: Instant) {
  const { node } = spec;
  const scheme = node === undefined ? undefined : packageSchemeOf(node.product);
  if (node?.follow !== "Offered" || scheme === undefined) return status?.offered;
  const inventories = [...stored.nodes.values()].flatMap(({ inventory }) =>
    inventory?.osId === node.product.id ? [inventory] : [],
  );
  return mergeOffered(status, inventories, now, scheme).offered;
}
