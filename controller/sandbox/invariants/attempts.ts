// How often things are done: one job for each step and attempt, one reboot for each attempt, no object made twice (B10, B11, K2).
import type { Claim } from "../../core/model.ts";
import type { Invariant } from "./invariant.ts";
import { STEP_LABEL, textAt } from "./readings.ts";
import type { Act, Step, World } from "./world.ts";

/** A claim that a closed one of the same level on the same target did not succeed with may do it again. */
function attemptKey(act: Act, world: World): string {
  const operation = world.operations.get(act.uid);
  const digest = world.claims.get(act.claimId ?? "")?.digest ?? "";
  const attempt = operation?.claimId === act.claimId ? operation?.attempt : 0;
  const look = act.step === "inventory" ? (operation?.step ?? "") : "";
  return [act.uid, digest, act.step, attempt, look].join("/");
}

/** Under a new claim, where the old one did not succeed or the target fell back since. */
function mayRepeat(world: World, earlier: string, act: Act): boolean {
  const result = world.closed.get(earlier);
  if (earlier === act.claimId || result === undefined) return false;
  if (result !== "Succeeded") return true;
  const claim = world.claims.get(act.claimId ?? "");
  return world.fallenBack.has(`${act.uid}/${claim?.digest ?? ""}`) || wasElsewhere(world, earlier, claim);
}

/** Under the same baseline another level was brought to the target since: it does not run this one any more. */
function wasElsewhere(world: World, earlier: string, claim: Claim | undefined): boolean {
  const closed = [...world.closed];
  return closed.slice(closed.findIndex(([id]) => id === earlier) + 1).some(([id, result]) => {
    const other = world.claims.get(id);
    return (
      result === "Succeeded" &&
      other?.uid === claim?.uid &&
      other?.baseline === claim?.baseline &&
      other?.digest !== claim?.digest
    );
  });
}

/** The UID of the target whose record a person deleted. */
function deletedRecordOf({ version, byController }: Step): string | undefined {
  if (byController || version.type !== "DELETED" || !version.resource.endsWith("patchstates.ringward.dev")) return;
  return textAt(version.object.status, "targetUID");
}

/** What people deleted of a target's record is known to nobody: its attempts are counted anew. */
function forgetDeleted(step: Step, memo: Map<string, unknown>): void {
  const uid = deletedRecordOf(step);
  if (uid === undefined) return;
  for (const key of memo.keys()) if (key.startsWith(`${uid}/`)) memo.delete(key);
}

/** A job that a person deleted is made again, for every step can be repeated (docs/recipes.md); but for a reboot, which is not asked for twice. */
function isMadeAgain({ version, byController }: Step): boolean {
  return (
    !byController &&
    version.type === "DELETED" &&
    version.resource === "jobs.batch" &&
    version.object.metadata.labels?.[STEP_LABEL] !== "reboot"
  );
}

const checkJobs: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { acts, version } = step;
  forgetDeleted(step, report.memo);
  if (isMadeAgain(step)) report.memo.delete(String(report.memo.get(`job/${version.key}`)));
  for (const act of acts) {
    if (act.kind === "KillJob" && act.claimId !== undefined)
      report.violated(version.key, `the job of step ${act.step ?? ""} on node ${act.target} was deleted while it ran`);
    if (act.kind !== "Job" || act.claimId === undefined) continue;
    report.met();
    const key = attemptKey(act, world);
    const earlier = report.memo.get(key) as string | undefined;
    if (earlier !== undefined && !mayRepeat(world, earlier, act))
      report.violated(version.key, `a second job of step ${act.step ?? ""} on node ${act.target} in the same attempt`);
    report.memo.set(key, act.claimId);
    report.memo.set(`job/${version.key}`, key);
  }
};

/** Reboots are counted twice: as jobs, and as boot ids that the node reported while it was claimed. */
const checkReboots: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { acts, version, nodeBefore } = step;
  const { memo } = report;
  forgetDeleted(step, memo);
  for (const act of acts) {
    if (act.kind !== "Job" || act.step !== "reboot" || act.claimId === undefined) continue;
    report.met();
    const key = attemptKey(act, world);
    const earlier = memo.get(key) as string | undefined;
    if (earlier !== undefined && !mayRepeat(world, earlier, act))
      report.violated(`nodes/${act.target}`, "asked to reboot twice in one attempt");
    memo.set(key, act.claimId);
    memo.set(`asked/${act.claimId}`, ((memo.get(`asked/${act.claimId}`) as number | undefined) ?? 0) + 1);
  }
  if (version.resource !== "nodes" || nodeBefore === undefined) return;
  const after = world.nodes.get(nodeBefore.name);
  if (
    after === undefined ||
    after.uid !== nodeBefore.uid ||
    nodeBefore.bootId === "" ||
    after.bootId === nodeBefore.bootId
  )
    return;
  const claim = world.held.get(after.uid);
  if (claim === undefined) return;
  const booted = ((memo.get(`booted/${claim.id}`) as number | undefined) ?? 0) + 1;
  memo.set(`booted/${claim.id}`, booted);
  const asked = (memo.get(`asked/${claim.id}`) as number | undefined) ?? 0;
  if (booted > asked && asked > 0)
    report.violated(`nodes/${after.name}`, `booted ${booted} times under claim ${claim.id}, asked ${asked} times`);
};

/**
 * A write whose answer was lost finds what it did: under one name a job is let run once. One that is only made touches nothing. A look of
 * the inventory cycle that ended and was swept away before anybody had read it (its hour is seconds in a demo) is looked again: no server
 * takes two of one name, and it changes nothing.
 */
const checkNames: NonNullable<Invariant["check"]> = (step, _world, report) => {
  const { acts, version, byController } = step;
  const [act] = acts;
  if (isMadeAgain(step)) report.memo.delete(version.key);
  // Of a target whose record a person deleted nobody knows what was let run.
  const forgotten = deletedRecordOf(step);
  if (forgotten !== undefined) for (const [key, uid] of report.memo) if (uid === forgotten) report.memo.delete(key);
  if (!byController || (act?.kind !== "Job" && act?.kind !== "PrepareJob")) return;
  report.met();
  if (act.kind === "PrepareJob" || (act.claimId === undefined && act.step === "inventory")) return;
  if (report.memo.has(version.key)) report.violated(version.key, "this job was let run twice");
  report.memo.set(version.key, act.uid);
};

export const attempts: readonly Invariant[] = [
  { id: "B10", says: "one reboot for each target, level and attempt", check: checkReboots },
  { id: "B11", says: "one job for each target, level, step and attempt", check: checkJobs },
  { id: "K2", says: "repeating a write makes nothing twice", check: checkNames },
];
