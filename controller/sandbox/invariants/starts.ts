// Acts that start something on a target, as several checks ask for them: what may still be left undone until the update begins.
import type { Act, World } from "./world.ts";

/** Acts, and recipe steps of jobs, that start something. */
const STARTS: ReadonlySet<string> = new Set(["Cordon", "Evict", "update", "rollback", "Images"]);

/** Steps of a workload in which images go back, not forward. */
const BACK: ReadonlySet<string> = new Set(["RollingBack", "RolledBack"]);

/** Whether an act starts something: not the reboot that an update left to do, and not the way back. */
export function isStart(act: Act, world: World): boolean {
  if (!STARTS.has(act.kind === "Job" ? (act.step ?? "") : act.kind)) return false;
  const operation = world.operations.get(act.uid);
  if (operation === undefined) return true;
  if (act.kind === "Images") return !BACK.has(operation.step);
  return !("rebootPending" in operation && operation.rebootPending === true);
}

/** When it was decided on: a workload's images are set after the intent was written down, whatever comes in between. */
export function decidedAt(act: Act, world: World): Pick<World, "now" | "settleMs"> {
  const { now, settleMs } = world;
  const operation = act.kind === "Images" ? world.operations.get(act.uid) : undefined;
  return { now: operation === undefined ? now : Date.parse(operation.stepTime), settleMs };
}

/** As it is told of. */
export function describeAct({ kind, step, target }: Act): string {
  const what = kind === "Job" ? `job ${step ?? ""}` : kind;
  return `${what} on ${target}`;
}

/** Where it is told of: `nodes/NAME` or `workloads/NAMESPACE/NAME`. */
export function objectOf({ kind, target }: Act): string {
  return `${kind === "Images" || kind === "WorkloadMark" ? "workloads" : "nodes"}/${target}`;
}
