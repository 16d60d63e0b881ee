// Plays a rollout with one controller until nothing moves any more, and says what each pass has reached.
import type { PassResult } from "../../controller/reconcile/pass.ts";
import { at, listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { beBorn, createFate } from "../sweep/life.ts";
import { isIdle } from "../sweep/run.ts";
import { TARGETS } from "./scenario.ts";
import { type MemoryStage, portsOf } from "../sweep/stage.ts";

/** A run that has not ended after so many passes never will. */
const MOST_PASSES = 200;

/**
 * Plays on until every target is where it is meant to be: at its level, or rolled back from the image that never gets ready. Answers the
 * passes that it took. Throws Error where it never ends or where a pass fails.
 */
export async function playOn(stage: MemoryStage, user: string, look: () => void = () => undefined): Promise<number> {
  const fate = createFate(0);
  const life = beBorn(stage, user, portsOf(stage, user), fate);
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const before = fate.count;
    const result = await life.pass();
    if (life.errors.length > 0) throw new Error(`pass ${pass} failed`, { cause: life.errors[0] });
    look();
    if (result !== undefined && (await isOver(stage, result))) return pass + 1;
    await stage.turn(isIdle(result, fate.count - before));
  }
  throw new Error(`it did not end in ${MOST_PASSES} passes`);
}

async function isOver(stage: MemoryStage, { plan, busy }: PassResult): Promise<boolean> {
  const settled = plan.rows.every(
    ({ state, blockedBy }) => state === "Installed" || blockedBy[0]?.reason === "ProgressDeadlineExceeded",
  );
  return (
    !busy &&
    settled &&
    plan.rows.length === TARGETS &&
    plan.steering.length === 0 &&
    (await stage.host.pulls()).every(({ state }) => state !== "open")
  );
}

/** What stands in the store now: steps of operations with their jobs, phases of rings, claims, pull requests. */
export function labelsOf(stage: MemoryStage): readonly string[] {
  const { tables } = stage.cluster.server.store.snapshot();
  const all = (table: string): readonly unknown[] => [...(tables.get(table)?.objects.values() ?? [])];
  const jobs = new Map(all("jobs.batch").map((job) => [textAt(job, "metadata", "uid"), job]));
  const labels = new Set<string>();
  for (const [kind, table] of [
    ["Node", "nodepatchstates.ringward.dev"],
    ["Workload", "workloadpatchstates.ringward.dev"],
  ] as const)
    for (const state of all(table)) {
      const operation = at(state, "status", "operation");
      const step = textAt(operation, "step");
      if (step === undefined) continue;
      const job = jobs.get(textAt(operation, "jobUID") ?? "");
      const ended = at(job, "status", "succeeded") === 1 ? "ended" : "runs";
      const stands = job === undefined ? "" : ` (its job ${at(job, "spec", "suspend") === true ? "waits" : ended})`;
      labels.add(`${kind} ${step}${stands}`);
    }
  for (const ring of all("rolloutrings.ringward.dev"))
    for (const level of listAt(ring, "status", "levels")) labels.add(`Ring ${textAt(level, "phase") ?? ""}`);
  labels.add(`Ledger ${listAt(all("disruptionledgers.ringward.dev")[0], "status", "claims").length} claims`);
  for (const { state } of stage.forge.people.pulls()) labels.add(`Pull request ${state}`);
  return [...labels].sort();
}
