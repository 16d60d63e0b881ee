// How an operation may end: given back only when the node itself says that it is there (B12), and budget given back only for what is
// closed or gone (B14); where nothing had begun there is nothing to close.
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { NodeOperation } from "../../api/patch-state.ts";
import type { Invariant } from "./invariant.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import { listAt, textAt } from "./readings.ts";
import { isSettled, type Step, type World } from "./world.ts";

/** Steps after which the node was changed. */
const CHANGED = new Set(["Updating", "Updated", "Rebooting", "Rebooted", "Verified", "Uncordoned"]);

const checkVerified: NonNullable<Invariant["check"]> = ({ acts, nodeBefore }, world, report) => {
  for (const act of acts) {
    if (act.kind !== "Unmark" && act.kind !== "Uncordon") continue;
    const operation = world.operations.get(act.uid) as NodeOperation | undefined;
    if (operation === undefined || operation.claimId !== act.claimId || !CHANGED.has(operation.step)) continue;
    if (operation.release !== undefined || operation.backOut !== undefined) continue;
    // A person uncordoned a failed node and asked for another attempt, which begins with a mark of its own.
    if (operation.retryTime !== undefined && nodeBefore?.unschedulable === false) continue;
    const node = world.nodes.get(act.target);
    const level = world.levels.get(operation.level)?.spec;
    if (node === undefined || level === undefined) continue;
    report.met();
    if (!node.ready) report.violated(`nodes/${node.name}`, "given back although it is not Ready");
    // An image that a person kept from being booted does not show, nor what it brings.
    if (operation.noReboot === true && node.bootId === operation.bootId && isImageBehind(node.info, level, operation))
      continue;
    const kernelCounts =
      operation.noReboot !== true &&
      operation.rebootPending !== true &&
      level.node?.rebootPolicy !== "Never" &&
      coversKernel(node.info, level);
    const below = findBelow(node.info, level, kernelCounts, operation.rollback === true);
    if (below !== undefined)
      report.violated(
        `nodes/${node.name}`,
        `given back after the update although it reports ${below}, which is not ${operation.level}`,
      );
  }
};

function isImageBehind(info: unknown, { node, ...rest }: PatchLevelSpec, { rollback }: NodeOperation): boolean {
  if (node === undefined) return false;
  const components = node.components.filter(({ name }) => name === "osImage");
  return findBelow(info, { ...rest, node: { ...node, components } }, false, rollback === true) !== undefined;
}

/** Notes which claims have begun: what is written down of them, or their mark. Only then is there something that closing has to end. */
function noteBegun({ version: { resource, object } }: Step, world: World, memo: Map<string, unknown>): void {
  const id = resource.endsWith("patchstates.ringward.dev")
    ? world.operations.get(textAt(object.status, "targetUID") ?? "")?.claimId
    : resource === "nodes"
      ? world.nodes.get(object.metadata.name)?.claimId
      : world.workloads.get(object.metadata.uid ?? "")?.claimId;
  if (id !== undefined) memo.set(id, true);
}

const RELEASED = "released/";

/** Notes at which levels a person gave a target up, as its record says now. */
function noteReleased({ version: { resource, object, type } }: Step, memo: Map<string, unknown>): void {
  const uid = textAt(object.status, "targetUID");
  if (!resource.endsWith("patchstates.ringward.dev") || uid === undefined) return;
  const digests = listAt(type === "DELETED" ? undefined : object.status, "attempted").flatMap((one) =>
    textAt(one, "result") === "Released" ? [`${textAt(one, "baseline")}/${textAt(one, "digest")}`] : [],
  );
  if (digests.length === 0) memo.delete(RELEASED + uid);
  else memo.set(RELEASED + uid, digests);
}

const checkFreed: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { ledger, version, byController } = step;
  const { memo } = report;
  noteBegun(step, world, memo);
  noteReleased(step, memo);
  if (
    version.resource.endsWith("patchstates.ringward.dev") &&
    world.operations.get(textAt(version.object.status, "targetUID") ?? "")?.failure !== undefined
  )
    report.met();
  // Who deletes the ledger, or puts an old one back, frees nothing: the marks bring it back.
  if (!byController) return;
  for (const claim of ledger?.freed ?? []) {
    const begun = memo.delete(claim.id);
    const there = claim.kind === "Node" ? world.nodeNames.has(claim.uid) : world.workloads.has(claim.uid);
    if (!begun || !there || world.closed.has(claim.id)) continue;
    const operation = world.operations.get(claim.uid);
    const failed = operation?.claimId === claim.id && operation.failure !== undefined;
    report.violated(
      `${claim.kind}/${claim.name}`,
      `claim ${claim.id} was freed while its target ${failed ? "had failed" : "was in change"}`,
    );
  }
  for (const claim of ledger?.fresh ?? []) {
    const digests = memo.get(RELEASED + claim.uid) as readonly string[] | undefined;
    if (digests?.includes(`${claim.baseline}/${claim.digest}`) !== true || isJustTouched(world)) continue;
    report.violated(
      `${claim.kind}/${claim.name}`,
      `claim ${claim.id} was made although a person released the target, and nobody has asked for another attempt`,
    );
  }
};

/** A person who replaces the ledger may do so between its reading and the look at the record. */
function isJustTouched({ ledgerTouchedAt, now, settleMs }: World): boolean {
  return ledgerTouchedAt !== undefined && !isSettled({ now, settleMs }, ledgerTouchedAt);
}

export const outcome: readonly Invariant[] = [
  {
    id: "B12",
    says: "after an update a node is given back only at its level, Ready, or by a person",
    check: checkVerified,
  },
  {
    id: "B14",
    says: "a claim that has begun is freed only for a target that is closed or gone; failed ones keep theirs, and whom a person released is not claimed again",
    check: checkFreed,
  },
];
