// The arithmetic of a Deployment's rollout: which ReplicaSet gets how many replicas next. Pure.
// Restates pkg/controller/deployment/rolling.go and recreate.go: grow the new one first, inside replicas + maxSurge; then
// shrink the old ones, unhealthy pods first, never below replicas - maxUnavailable available pods.
import type { Deployment, ReplicaSet } from "./objects.ts";
import { scaled } from "./template.ts";

export type Scaling = readonly (readonly [set: ReplicaSet, replicas: number])[];

export interface StrategyBounds {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** maxSurge rounds up, maxUnavailable down; if both come out as 0 one pod may be unavailable, or nothing would ever move. */
export function strategyBounds(deployment: Deployment): StrategyBounds {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === "Recreate") return { replicas, maxSurge: 0, maxUnavailable: replicas };
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = scaled(rolling?.maxSurge, replicas, "up", "25%");
  const maxUnavailable = scaled(rolling?.maxUnavailable, replicas, "down", "25%");
  const floor = maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable;
  return { replicas, maxSurge, maxUnavailable: Math.min(floor, replicas) };
}

export function planRollingUpdate(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Scaling {
  const bounds = strategyBounds(deployment);
  const wanted = sizeOf(current);
  if (wanted > bounds.replicas) return [[current, bounds.replicas]];
  if (wanted < bounds.replicas) {
    const room = bounds.replicas + bounds.maxSurge - total([current, ...old]);
    const next = wanted + Math.min(Math.max(0, room), bounds.replicas - wanted);
    if (next > wanted) return [[current, next]];
  }
  return planShrink(bounds, current, old);
}

function planShrink(bounds: StrategyBounds, current: ReplicaSet, old: readonly ReplicaSet[]): Scaling {
  if (total(old) === 0) return [];
  const minAvailable = bounds.replicas - bounds.maxUnavailable;
  const newUnavailable = sizeOf(current) - available(current);
  const removable = total([current, ...old]) - minAvailable - newUnavailable;
  if (removable <= 0) return [];
  const sizes = new Map(old.map((set) => [set, sizeOf(set)]));
  const oldestFirst = [...old].sort((a, b) => compareCreation(a, b));
  // Pods that serve nobody cost no availability.
  let left = removable;
  for (const set of oldestFirst) left -= take(sizes, set, Math.min(left, sizeOf(set) - available(set)));
  let spare = available(current) + old.reduce((sum, set) => sum + available(set), 0) - minAvailable;
  for (const set of oldestFirst) {
    const healthy = Math.min(sizes.get(set) ?? 0, available(set));
    spare -= take(sizes, set, Math.min(Math.max(0, spare), healthy));
  }
  return [...sizes].filter(([set, size]) => size !== sizeOf(set));
}

function take(sizes: Map<ReplicaSet, number>, set: ReplicaSet, wanted: number): number {
  const count = Math.max(0, wanted);
  sizes.set(set, (sizes.get(set) ?? 0) - count);
  return count;
}

/** All old pods must be gone before the first new one starts. */
export function planRecreate(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
  oldPodsRun: boolean,
): Scaling {
  const shrinking = old.filter((set) => sizeOf(set) > 0).map((set) => [set, 0] as const);
  if (shrinking.length > 0) return shrinking;
  const replicas = deployment.spec.replicas ?? 1;
  return oldPodsRun || sizeOf(current) === replicas ? [] : [[current, replicas]];
}

function sizeOf(set: ReplicaSet): number {
  return set.spec.replicas ?? 1;
}

/** What the status counts, but never more than is asked for: a set that was just shrunk still counts the pods that go. */
function available(set: ReplicaSet): number {
  return Math.min(set.status?.availableReplicas ?? 0, sizeOf(set));
}

function total(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + sizeOf(set), 0);
}

function compareCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ""} ${metadata.name}`);
  return (left ?? "") < (right ?? "") ? -1 : 1;
}
