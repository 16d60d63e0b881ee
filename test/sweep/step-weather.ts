// What may happen at a step to requests, caches and clocks: refusals and lost answers, crashes in pairs, notifications that come late or never,
// and a wall clock that jumps.
import { CLUSTER_KEYS, type ClusterKey } from "../../controller/reconcile/cluster-kinds.ts";
import type { Fortune } from "../simulate/in-flight.ts";
import { behindReader } from "../simulate/stale-reader.ts";
import type { Blow } from "./step.ts";

// -------------------------------------------------------------------------------------------------------- answers

const FORTUNES: readonly (readonly [string, Fortune])[] = [
  ...[409, 410, 422, 429, 500, 503, 504].map((status): readonly [string, Fortune] => [`${status}`, { status }]),
  ["an answer that is lost", "lost"],
  ["a request that never gets there", "neverSent"],
];

/** At every 29th call, reads too, from the step on. */
export const ANSWERS: readonly Blow[] = FORTUNES.map(([name, fortune]) => ({
  name: `${name}, at one call of 29`,
  fortune,
  calls: true,
  every: 29,
  stays: 2,
}));

// --------------------------------------------------------------------------------------------------------- caches

/** Readings that a cache is behind: no more than the time that the judges allow. */
const BEHIND = 3;

/** Each notification of those kinds comes so many readings later. */
const late = (name: string, keys: readonly ClusterKey[]): Blow =>
  cached(
    `notifications of ${name} come ${BEHIND} passes late`,
    keys,
    (ends) => ends[Math.max(0, ends.length - 1 - BEHIND)],
  );

/** Those kinds are seen at each third reading only: what came and went in between is hidden, and the rest comes at once. */
const coalesced = (name: string, keys: readonly ClusterKey[]): Blow =>
  cached(`notifications of ${name} come together, at every ${BEHIND}rd pass`, keys, (ends) =>
    ends.length % BEHIND === 0 ? ends.at(-1) : 0,
  );

/** `to` is told the lengths of the history at the readings so far. */
function cached(name: string, keys: readonly ClusterKey[], to: (ends: readonly number[]) => number | undefined): Blow {
  const behind = new Set(keys);
  return {
    name,
    whole: true,
    stays: 2,
    strike: () => name,
    caches(stage, soul, hasStruck) {
      const ends: number[] = [];
      return behindReader(stage, soul, () => {
        ends.push(stage.cluster.server.store.history().length);
        return (key, low, high) =>
          hasStruck() && behind.has(key) ? Math.max(low, Math.min(high, to(ends) ?? 0)) : high;
      });
    },
  };
}

const KINDS: readonly (readonly [string, readonly ClusterKey[]])[] = [
  ["nodes", ["nodes"]],
  ["pods", ["pods"]],
  ["jobs", ["jobs"]],
  ["patch states", ["nodeStates", "workloadStates"]],
  ["rings", ["rings"]],
  ["levels and baselines", ["levels", "baselines"]],
  ["workloads", ["deployments", "statefulsets", "daemonsets", "replicasets"]],
  ["budgets, Leases and the repository", ["pdbs", "leases", "repositories", "ledgers"]],
  ["all but nodes", CLUSTER_KEYS.filter((key) => key !== "nodes")],
  ["all but patch states", CLUSTER_KEYS.filter((key) => key !== "nodeStates" && key !== "workloadStates")],
  ["everything", CLUSTER_KEYS],
];

export const CACHES: readonly Blow[] = KINDS.flatMap(([name, keys]) => [late(name, keys), coalesced(name, keys)]);

// --------------------------------------------------------------------------------------------------------- clocks

const HOUR = 3_600_000;
/** Whole weeks: the write that waits was meant for an open window. */
const YEAR = 364 * 24 * HOUR;

/** The wall clock alone moves, and stays where it is; where it was put back by more than an hour, until trouble ends: all wait for what they dated. */
const jumps = (name: string, by: (now: number) => number): Blow => ({
  name: `the clock jumps ${name}`,
  stays: 5,
  strike({ stage: { clock, cluster }, trouble }) {
    const ms = by(clock.now());
    const { machines } = cluster;
    // The sandbox's machines boot by that clock, too: one that is down when it is put back stays so for as long.
    if (ms < 0 && machines.specs().some((spec) => machines.get(spec.name)?.power.state !== "up")) return undefined;
    trouble.jumped = true;
    clock.jump(ms);
    if (ms < -HOUR) trouble.undo.push(() => clock.jump(-ms));
    return `by ${ms} ms`;
  },
});

const to = (time: string) => (now: number) => Date.parse(time) - now;

export const CLOCKS: readonly Blow[] = [
  jumps("an hour forward", () => HOUR),
  jumps("an hour back", () => -HOUR),
  jumps("a year forward", () => YEAR),
  jumps("a year back", () => -YEAR),
  // Berlin: at 01:00 UTC the hour after two is left out, and comes twice.
  jumps("to just before summer time begins", to("2025-03-30T00:59:40Z")),
  jumps("to just before summer time ends", to("2024-10-27T00:59:40Z")),
];

// ---------------------------------------------------------------------------------------------------------- pairs

/** Two crashes, the second so many writes after the first: of the one that took over. */
export function pairs(gaps: readonly number[]): readonly Blow[] {
  const ends: readonly Fortune[] = ["diedBefore", "diedAfter"];
  return gaps.flatMap((gap) =>
    ends.map((fortune) => ({
      name: `two crashes ${gap} writes apart, ${fortune === "diedAfter" ? "after" : "before"} the write`,
      fortune,
      every: gap,
      most: 2,
      stays: 4,
    })),
  );
}
