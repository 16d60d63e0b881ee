// Evictions of a node's pods: first a dry run of all of them, then the real ones. What the API server refuses is told apart and asked
// again when it said, never in a storm (K6): a budget that is used up, a pod with two budgets (the server's 500), a server that is
// overloaded (priority and fairness, also a 429). Decides nothing: what is evicted, and when, core says.
import type { Instant } from "../clock.ts";
import type { Block, PodAsset } from "../core/model.ts";
import {
  budgetsOf,
  type Budgets,
  describeRefusals,
  type EvictionRefusal,
  foreseeEviction,
} from "../core/operations/budgets.ts";
import type { Trial } from "../core/operations/node-steps.ts";
import { isNotFound, isPdbRefusal, isTooManyRequests } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import { ApiError } from "../kube/port.ts";
import type { RefusalClass } from "./metrics.ts";

/** What a pod's eviction was last refused for, and until when it is not asked for again. */
export interface EvictionPause {
  readonly until: Instant;
  readonly refusal: EvictionRefusal | "ServerBusy";
}

/** By pod UID. Losing it only asks sooner. */
export type EvictionPauses = Map<string, EvictionPause>;

export interface Evictor {
  readonly client: Pick<Client, "evict">;
  readonly now: Instant;
  readonly budgets: Budgets;
  readonly pauses: EvictionPauses;
  /** Hears of each request that the server refused; left out: nobody counts. */
  readonly onRefusal?: ((reason: RefusalClass) => void) | undefined;
  /** Whether the node is there, cordoned and marked by the claim now: a person may have given it back to workloads a moment ago (B4). */
  readonly isHeld: () => Promise<boolean>;
}

/** How long a refused pod is left alone where the server does not say. */
const PAUSE_MS = 5_000;
/** Two budgets on one pod do not pass by themselves. */
const CONFLICT_PAUSE_MS = 60_000;

/** A dry run of evictions, one after the other until one is refused. Each is asked by itself: together they may be more than a budget has. */
export async function tryEvictions(evictor: Evictor, pods: readonly PodAsset[]): Promise<Trial> {
  for (const pod of pods) {
    const refusal = await tryOne(evictor, pod, true);
    if (typeof refusal === "object" || refusal === "ServerBusy")
      return { kind: "Refused", block: describe([refusal]) ?? BUSY };
  }
  return { kind: "Granted" };
}

export interface Evicted {
  readonly granted: number;
  /** Why the others were not; undefined: all were. */
  readonly block: Block | undefined;
}

/**
 * Asks for each pod's eviction once, and for none more when the node is not held any longer. What is wrong with one pod keeps no other from
 * leaving (V4); an error of the API is thrown last.
 */
export async function evictPods(evictor: Evictor, pods: readonly PodAsset[]): Promise<Evicted> {
  const refusals: (EvictionRefusal | "ServerBusy")[] = [];
  let granted = 0;
  let failed: Error | undefined;
  for (const pod of pods) {
    try {
      if (!isPaused(evictor, pod) && !(await evictor.isHeld())) break;
      const refusal = await tryOne(evictor, pod, false);
      if (refusal === "Granted") granted += 1;
      else if (refusal !== "Gone") refusals.push(refusal);
      // An overloaded server is not asked for the next one.
      if (refusal === "ServerBusy") break;
    } catch (error) {
      failed ??= error as Error;
    }
  }
  if (failed !== undefined) throw failed;
  return { granted, block: describe(refusals) };
}

function isPaused({ now, pauses }: Evictor, { uid }: PodAsset): boolean {
  return (pauses.get(uid)?.until ?? -Infinity) > now;
}

type Answer = "Granted" | "Gone" | "ServerBusy" | EvictionRefusal;

async function tryOne(evictor: Evictor, pod: PodAsset, dryRun: boolean): Promise<Answer> {
  const { client, now, budgets, pauses, onRefusal } = evictor;
  const paused = pauses.get(pod.uid);
  if (paused !== undefined && paused.until > now) return paused.refusal;
  pauses.delete(pod.uid);
  try {
    await client.evict({ namespace: pod.namespace, name: pod.name }, { uid: pod.uid, ...(dryRun ? { dryRun } : {}) });
    return "Granted";
  } catch (error) {
    const refusal = isNotFound(error) ? "Gone" : readRefusal(error, pod, budgets);
    // What was not answered was not refused, as far as anybody knows.
    if (error instanceof ApiError) onRefusal?.(typeof refusal === "object" ? refusal.reason : (refusal ?? "Other"));
    if (refusal === "Gone") return refusal;
    if (refusal === undefined) throw error;
    const conflict = refusal !== "ServerBusy" && refusal.reason === "PDBConflict";
    const pause = conflict ? CONFLICT_PAUSE_MS : ((error as ApiError).retryAfterMs ?? PAUSE_MS);
    pauses.set(pod.uid, { until: now + pause, refusal });
    return refusal;
  }
}

/** The server evicts no pod that two budgets select, and says so with a 500 that only its words tell from others. */
const TWO_BUDGETS = /more than one PodDisruptionBudget/;

function readRefusal(error: unknown, pod: PodAsset, budgets: Budgets): EvictionRefusal | "ServerBusy" | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const { code, status } = error;
  if (code === 500 && (TWO_BUDGETS.test(status.message ?? "") || budgetsOf(pod, budgets).length > 1))
    return orBlocked(foreseeEviction(pod, budgets), "PDBConflict", pod, "more than one PodDisruptionBudget selects it");
  if (isPdbRefusal(error)) return orBlocked(foreseeEviction(pod, budgets), "PDBBlocked", pod, sayBudget(pod, budgets));
  return isTooManyRequests(error) ? "ServerBusy" : undefined;
}

/** What the server said counts; what was foreseen says it better, where it is the same. */
function orBlocked(
  foreseen: EvictionRefusal | undefined,
  reason: EvictionRefusal["reason"],
  pod: PodAsset,
  why: string,
): EvictionRefusal {
  const fits = foreseen !== undefined && (foreseen.reason === "PDBConflict") === (reason === "PDBConflict");
  return fits ? foreseen : { pod, reason, why };
}

function sayBudget(pod: PodAsset, budgets: Budgets): string {
  const budget = budgetsOf(pod, budgets)[0]?.name;
  return `${budget === undefined ? "a PodDisruptionBudget" : `PodDisruptionBudget ${budget}`} allows no disruption`;
}

const BUSY: Block = {
  reason: "ServerBusy",
  message: "the API server is overloaded and asked to come back later; evictions are asked for again then",
};

function describe(refusals: readonly (EvictionRefusal | "ServerBusy")[]): Block | undefined {
  const budgets = refusals.filter((one) => one !== "ServerBusy");
  return describeRefusals(budgets) ?? (refusals.length > 0 ? BUSY : undefined);
}
