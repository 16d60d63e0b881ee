// The pinned cluster that a rehearsal runs on, and what it assumes of it. Pure.
import { askOf, gateDigest } from "../gates/asks.ts";
import { HEARD_WITHIN_MS, staleAfterMs } from "../compliance/freshness.ts";
import type { BaselineInForce, Inventory, PolicyInForce, RingInForce, StoredStates } from "../model.ts";
import type { PlanInput } from "../rollout/plan-input.ts";

/** What two policies are held against: everything that a plan is made from, but for the policy. */
export type PinnedCluster = Pick<PlanInput, "now" | "inventory" | "stored" | "ledger">;

/**
 * The cluster as it is now, for as long as the rehearsal lasts: what nodes say of themselves is as fresh at its end as now, and the ledger
 * enforces, for otherwise there would be nothing to see.
 */
export function pin(
  { now, inventory, stored, ledger }: PinnedCluster,
  until: number,
  baselines: readonly BaselineInForce[],
): PinnedCluster {
  const time = new Date(until).toISOString();
  const staleAfter = baselines.reduce((least, { spec }) => Math.min(least, staleAfterMs(spec)), Infinity);
  const nodes = inventory.nodes.map((node) =>
    node.heardAt === undefined || now - node.heardAt > HEARD_WITHIN_MS ? node : { ...node, heardAt: until },
  );
  const states = [...stored.nodes].map(([uid, state]) => {
    if (state.inventory === undefined || Number.isNaN(Date.parse(state.inventory.time))) return [uid, state] as const;
    const age = now - Date.parse(state.inventory.time);
    // What was stale stays as stale as it is.
    const pinned = age <= staleAfter ? time : state.inventory.time;
    return [uid, { ...state, inventory: { ...state.inventory, time: pinned } }] as const;
  });
  return {
    now,
    inventory: { ...inventory, nodes } satisfies Inventory,
    stored: { ...stored, nodes: new Map(states) } satisfies StoredStates,
    ledger: { ...ledger, spec: { ...ledger.spec, mode: "Enforce" }, rebuilding: false },
  };
}

/** Gates that ask somebody else and were never answered: a rehearsal takes them to hold, and says so. */
export function openGates(policy: PolicyInForce): {
  readonly policy: PolicyInForce;
  readonly assumed: readonly string[];
} {
  const assumed: string[] = [];
  const rings = policy.rings.map((ring): RingInForce => {
    const known = ring.status?.gates ?? [];
    const silent = (ring.spec.gates ?? []).filter(
      (gate) =>
        askOf(gate) !== undefined &&
        !known.some(({ name, digest, state }) => name === gate.name && digest === gateDigest(gate) && state === "Shut"),
    );
    if (silent.length === 0) return ring;
    assumed.push(...silent.map(({ name }) => `${ring.name}/${name}`));
    const open = silent.map((gate) => ({ name: gate.name, digest: gateDigest(gate), state: "Open" as const }));
    const others = known.filter(({ name }) => !open.some((gate) => gate.name === name));
    return { ...ring, status: { ...ring.status, gates: [...others, ...open] } };
  });
  return { policy: { ...policy, rings }, assumed };
}
