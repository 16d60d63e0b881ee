// The inventory cycle: one read-only job and one status write per node and interval, jittered, only for nodes whose level or baseline
// needs more than nodeInfo (B3 and K7 except it). Nodes under a claim are looked at by their operation; one whose operation failed and
// rests is looked at here, because somebody may have mended it by hand, and then it recovers (B14).
import { createHash } from "node:crypto";
import type { RecipeStep } from "../api/update-recipe.ts";
import type { NodePatchStateStatus } from "../api/patch-state.ts";
import type { Instant } from "../clock.ts";
import { parseDuration } from "../core/duration.ts";
import type { NodeAsset, PolicyInForce } from "../core/model.ts";
import type { Plan } from "../core/rollout/plan.ts";
import { parseReport } from "../inventory/report.ts";
import { storeInventory } from "../inventory/store-inventory.ts";
import type { Client } from "../kube/client.ts";
import { createState, readState, writeState } from "../kube/patch-states.ts";
import { JOBS } from "../kube/resources.ts";
import { createJob, JOB_NAMESPACE, readJobLog, viewJob } from "../nodes/recipe-job.ts";
import { keepFor } from "./claims.ts";
import { isHeld } from "./statuses.ts";

export interface CycleInput {
  readonly client: Client;
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly plan: Plan;
  readonly stored: ReadonlyMap<string, NodePatchStateStatus>;
  /** UIDs under a claim. */
  readonly claimed: ReadonlySet<string>;
  /** Most inventory jobs at once. */
  readonly limit: number;
  readonly onError: (error: unknown, node: string) => void;
}

interface Due {
  readonly node: NodeAsset;
  readonly recipe: RecipeStep;
  readonly job: string;
  /** The failure that the node rests in; undefined: there is no operation. */
  readonly failure: string | undefined;
  /** When it was last looked at. */
  readonly age: Instant;
}

/** After so many in one pass it is the server that cannot, not the nodes. */
const MOST_FAILURES = 100;

/** Starts what is due and reads what has finished; true while jobs run. */
export async function runInventoryCycle(input: CycleInput): Promise<boolean> {
  const due = findDue(input);
  let running = 0;
  let failed = 0;
  // A node that cannot be looked at takes no other node's place (V4); when none can, the next pass tries again.
  for (const one of due) {
    if (running >= input.limit || failed >= MOST_FAILURES) break;
    try {
      await look(input, one);
      running += 1;
    } catch (error) {
      failed += 1;
      input.onError(error, `Node ${one.node.name}`);
    }
  }
  // What fails is tried again with the next change or after the idle time, not as fast as passes can be (K6).
  return running > 0;
}

/** Nodes whose inventory is missing, older than the interval, or lacks a component that policy names now; oldest first. */
function findDue(input: CycleInput): readonly Due[] {
  const keep = keepFor(input.policy, undefined);
  const due: Due[] = [];
  for (const target of input.plan.targets) {
    const { node, baseline } = target;
    if (node === undefined || target.conflict !== undefined || !node.ready) continue;
    const state = input.stored.get(node.uid);
    const failure = restingFailure(state?.operation);
    if (input.claimed.has(node.uid) && failure === undefined) continue;
    const spec = baseline.spec.node;
    const recipe = input.policy.recipes.find((other) => other.name === spec?.recipeRef.name)?.spec.steps?.inventory;
    if (recipe === undefined || spec === undefined) continue;
    const inventory = state?.inventory;
    const interval = parseDuration(spec.inventory?.interval ?? "6h") ?? 6 * 3_600_000;
    const looked = lookedAt(state);
    const names = new Set(inventory?.packages.map((item) => item.name));
    const lacking = inventory !== undefined && [...keep.packages].some((name) => !names.has(name));
    const next = looked + interval * (0.9 + 0.2 * fraction(node.uid));
    // Something that is lacking is looked for soon, but not at once again: the node may not be able to say. So is a failed node, which
    // holds its ring up until it is seen to be well.
    const soon = Math.max(looked, timeOf(state?.operation?.failure?.time)) + interval / 10;
    if (input.now < (lacking || failure !== undefined ? Math.min(next, soon) : next)) continue;
    due.push({ node, recipe, job: cycleJob(node, looked, failure), failure, age: looked });
  }
  return due.sort((a, b) => a.age - b.age || (a.node.name < b.node.name ? -1 : 1));
}

/** Names the failure of an operation that nothing happens to until its node recovers or a person decides; undefined: it goes on, or is none. */
function restingFailure(operation: NodePatchStateStatus["operation"]): string | undefined {
  const failure = operation?.failure;
  if (operation === undefined || failure === undefined || operation.release !== undefined) return undefined;
  if (timeOf(operation.retryTime) > Date.parse(failure.time)) return undefined;
  return `${operation.claimId}/${operation.attempt}/${failure.time}`;
}

function lookedAt(state: NodePatchStateStatus | undefined): Instant {
  return Math.max(timeOf(state?.inventory?.time), timeOf(state?.inventoryProblem?.time));
}

function timeOf(text: string | undefined): Instant {
  return text === undefined ? 0 : Date.parse(text);
}

/** A stable number in [0, 1) that spreads nodes over the interval. */
function fraction(uid: string): number {
  return createHash("sha256").update(`inventory/${uid}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** One name for each look: a repeated create finds the first. A look at a failed node is one of that very failure. */
function cycleJob(node: NodeAsset, looked: Instant, failure: string | undefined): string {
  const key = [node.uid, looked, ...(failure === undefined ? [] : [failure])].join("/");
  return `rw-inventory-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

async function look(input: CycleInput, { node, recipe, job, failure, age }: Due): Promise<void> {
  const { client, now } = input;
  const view = await viewJob(client, job, now);
  if (view.phase === "Running" || view.phase === "Prepared") return;
  const target = { kind: "Node", name: node.name, uid: node.uid };
  const stored = await readState<NodePatchStateStatus>(client, target);
  if (view.phase === "Absent") {
    // The caches may lag, after an outage by much: this look may have been made, and its job be gone (K2, K4).
    if (lookedAt(stored?.status) !== age) return;
    const refusal = await createJob(client, {
      name: job,
      step: "inventory",
      suspended: false,
      recipe,
      node,
      claimId: undefined,
      attempt: undefined,
      level: undefined,
    });
    if (refusal === undefined) return;
    // Said where people look, and asked again when the next look is due.
    if (stored === undefined) return createState(client, target);
    await writeState(client, stored, target, {
      ...stored.status,
      inventoryProblem: { reason: "JobRefused", message: refusal, time: new Date(now).toISOString() },
    });
    return;
  }
  if (stored === undefined) return createState(client, target);
  // An operation began meanwhile, or went on: what this job saw may be older than what the operation did.
  const operation = stored.status?.operation;
  const same =
    operation === undefined ? failure === undefined : failure !== undefined && restingFailure(operation) === failure;
  if (!same || isHeld(stored.object, node.uid, input.claimed)) return;
  const log = view.phase === "Succeeded" ? await readJobLog(client, job) : undefined;
  const parsed = parseReport(log ?? "");
  const time = new Date(now).toISOString();
  if (parsed.ok) {
    const { inventoryProblem: _, ...rest } = stored.status ?? {};
    await writeState(client, stored, target, {
      ...rest,
      inventory: storeInventory(parsed.report, { ...keepFor(input.policy, undefined), now }),
    });
  } else {
    const message = view.phase === "Failed" ? `the inventory step failed: ${view.message}` : parsed.message;
    await writeState(client, stored, target, {
      ...stored.status,
      inventoryProblem: { reason: parsed.reason, message: message.slice(0, 512), time },
    });
  }
  const done = await client.get(JOBS, { namespace: JOB_NAMESPACE, name: job });
  if (done?.metadata.uid !== undefined)
    await client.delete(
      JOBS,
      { namespace: JOB_NAMESPACE, name: job },
      { uid: done.metadata.uid, propagationPolicy: "Background" },
    );
}
