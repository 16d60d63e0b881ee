// Claims that stand still: each has a name or a fate (V2), and none is passed over while others come and go (V3).
import type { Claim } from "../../core/model.ts";
import type { Invariant, Report } from "./invariant.ts";
import { textAt } from "./readings.ts";
import type { Step, World } from "./world.ts";

/** How long a claim may stand at one step without anything saying why; machines take minutes, and a busy one is not looked at at once. */
const NAMELESS_MS = 90 * 60_000;
/** How long a claim may outlive its target. */
const GHOST_MS = 60 * 60_000;

function limit(most: number, { settleMs }: World): number {
  return Math.max(most, 30 * settleMs);
}

/** Something says why the target of a claim does not move, or something is at work on it. */
function isExplained(world: World, { uid, id }: Claim): boolean {
  const operation = world.operations.get(uid);
  if (operation?.claimId !== id) return world.named.get(uid) === true;
  return (
    operation.failure !== undefined ||
    ("backOut" in operation && operation.backOut !== undefined) ||
    world.named.get(uid) === true ||
    [...world.jobs.values()].some((job) => job.claimId === id)
  );
}

const checkStuck: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { memo } = report;
  if (step.version.resource.endsWith("patchstates.ringward.dev")) noteMove(step, world, memo);
  for (const claim of step.ledger?.fresh ?? []) memo.set(claim.id, world.now);
  judge(world, report);
};

/** The step as it stood, by claim: its time tells whether it moved. */
function noteMove({ version }: Step, world: World, memo: Map<string, unknown>): void {
  const uid = textAt(version.object.status, "targetUID");
  const operation = uid === undefined ? undefined : world.operations.get(uid);
  if (operation === undefined) return;
  memo.set(operation.claimId, world.now);
}

/** Looked at once a minute of the history's time: it is about hours. */
function judge(world: World, report: Report): void {
  const { memo } = report;
  if (world.now - ((memo.get("looked") as number | undefined) ?? 0) < 60_000) return;
  memo.set("looked", world.now);
  for (const claim of world.held.values()) look(claim, world, report);
}

function look(claim: Claim, world: World, report: Report): void {
  const { memo } = report;
  const gone = world.gone.get(claim.uid);
  const there = world.nodeNames.has(claim.uid) || world.workloads.has(claim.uid);
  const object = `${claim.kind}/${claim.name}`;
  const since = (memo.get(claim.id) as number | undefined) ?? world.now;
  if (!memo.has(claim.id)) memo.set(claim.id, since);
  if (!there && gone !== undefined) {
    report.met();
    if (world.now - gone > limit(GHOST_MS, world) && !memo.has(`told/${claim.id}`)) {
      memo.set(`told/${claim.id}`, true);
      report.violated(object, `claim ${claim.id} is held although its target has been gone since ${iso(gone)}`);
    }
    return;
  }
  const explained = isExplained(world, claim);
  if (explained) report.met();
  if (explained || world.now - since <= limit(NAMELESS_MS, world) || memo.has(`told/${claim.id}`)) return;
  memo.set(`told/${claim.id}`, true);
  const step = world.operations.get(claim.uid)?.step ?? "Claimed";
  report.violated(object, `claim ${claim.id} stands at step ${step} since ${iso(since)}, and nothing says why`);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** Others of its kind that may come and go while a claim that could move does not. */
const MOST_PASSED_OVER = 3;

interface Waiting {
  /** Claims that were added since it moved last. */
  readonly added: readonly string[];
  /** How many of those are done with. */
  readonly done: number;
}

const checkServed: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { version, ledger } = step;
  const { memo } = report;
  if (version.resource.endsWith("patchstates.ringward.dev")) {
    const uid = textAt(version.object.status, "targetUID");
    const claim = uid === undefined ? undefined : world.held.get(uid);
    if (claim !== undefined) memo.delete(claim.id);
    return;
  }
  if (ledger === undefined) return;
  for (const claim of world.held.values()) {
    const fresh = ledger.fresh.filter((other) => other.kind === claim.kind && other.id !== claim.id);
    const waiting = (memo.get(claim.id) as Waiting | undefined) ?? { added: [], done: 0 };
    if (ledger.before?.claims.some((other) => other.id === claim.id) === true && fresh.length > 0) report.met();
    const freed = ledger.freed.filter((other) => waiting.added.includes(other.id)).length;
    const now: Waiting = {
      added: [...waiting.added, ...fresh.map((other) => other.id)],
      done: waiting.done + freed,
    };
    if (now.added.length > 0) memo.set(claim.id, now);
    if (freed === 0 || now.done <= MOST_PASSED_OVER || isExplained(world, claim) || isDown(world, claim)) continue;
    report.violated(
      `${claim.kind}/${claim.name}`,
      `${now.done} others were claimed and done with while claim ${claim.id} was not looked at`,
    );
  }
  for (const claim of ledger.freed) memo.delete(claim.id);
};

/** A node that boots is waited for, and so are the pods of a workload that was patched. */
function isDown(world: World, { uid, name }: Claim): boolean {
  const node = world.nodes.get(name);
  return world.operations.get(uid)?.step === "Patched" || (node?.uid === uid && !node.ready);
}

export const standstill: readonly Invariant[] = [
  { id: "V2", says: "a claim that stands still says why, and none outlives its target", check: checkStuck },
  {
    id: "V3",
    says: "no claim that could move is passed over while others come and go",
    on: ["disruptionledgers.ringward.dev", "nodepatchstates.ringward.dev", "workloadpatchstates.ringward.dev"],
    check: checkServed,
  },
];
