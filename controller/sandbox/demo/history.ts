// What the store's history says of a run: the most that each ring had in flight, and when it began and ended.
import type { DisruptionLedgerStatus } from "../../api/disruption-ledger.ts";
import type { RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import { limitOf } from "../../core/rollout/limits.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import type { Facts } from "./facts.ts";

export interface RingSummary {
  readonly name: string;
  readonly levels: readonly string[];
  readonly phase: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly maxInFlight: { readonly nodes: number; readonly workloads: number };
  readonly budget: { readonly nodes: number; readonly workloads: number };
}

/** One summary for each ring, in the plan's order. */
export function summariseRings(history: readonly StoredVersion[], facts: Facts): readonly RingSummary[] {
  const ledgers = history.filter((version) => version.key.includes("disruptionledgers"));
  return facts.plan.rings.map(({ ring, phase, members, entries }) => {
    const status = facts.objects.rings.find((object) => object.metadata.name === ring.name)?.status as
      | RolloutRingStatus
      | undefined;
    const spec: RolloutRingSpec = ring.spec;
    const flight = maxInFlight(ledgers, ring.name);
    return {
      name: ring.name,
      levels: [...entries.approvals.values()].map((approval) => approval.level.name).sort(),
      phase: status?.phase ?? phase,
      startedAt: flight.first ?? null,
      finishedAt: flight.open ? null : (flight.last ?? null),
      maxInFlight: { nodes: flight.nodes, workloads: flight.workloads },
      budget: {
        nodes: limitOf(spec.budget?.nodes, members.nodes, 1),
        workloads: limitOf(spec.budget?.workloads, members.workloads, 1),
      },
    };
  });
}

function maxInFlight(
  ledgers: readonly StoredVersion[],
  ring: string,
): {
  readonly nodes: number;
  readonly workloads: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly open: boolean;
} {
  let nodes = 0;
  let workloads = 0;
  let first: string | undefined;
  let last: string | undefined;
  let held = 0;
  for (const { object, time } of ledgers) {
    const claims = ((object as { readonly status?: DisruptionLedgerStatus }).status?.claims ?? []).filter(
      (claim) => claim.ring === ring,
    );
    const here = claims.filter((claim) => claim.kind === "Node").length;
    nodes = Math.max(nodes, here);
    workloads = Math.max(workloads, claims.length - here);
    if (claims.length !== held) last = new Date(time).toISOString();
    if (claims.length > 0) first ??= new Date(time).toISOString();
    held = claims.length;
  }
  return { nodes, workloads, first, last, open: held > 0 };
}
